"""Who may be texted, and what was decided to be sent to them."""

import uuid

from django.db import models


class Client(models.Model):
    """Somebody who may be texted."""

    name = models.CharField(max_length=100)
    phone = models.CharField(max_length=30, unique=True)
    wants_texts = models.BooleanField(default=True)


class Reminder(models.Model):
    """One text to all clients: the row is the promise, and its id makes the campaign's key.

    Attributes:
        token: of the form that it came from: a second press of the button finds the first one's reminder.
        campaign_id: of what became of it; none as long as it was not handed over.
        refused: why it cannot be sent, a line each.
    """

    token = models.UUIDField(unique=True, default=uuid.uuid4)
    template = models.CharField(max_length=1000)
    campaign_id = models.BigIntegerField(null=True, editable=False)
    refused = models.TextField(blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
