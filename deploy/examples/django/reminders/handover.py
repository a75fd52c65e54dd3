"""A reminder → a campaign. It may be tried as often as one likes: the key is the same each time."""

import logging

import campaigns
from reminders.models import Client, Reminder
from worker.ringing import ring

log = logging.getLogger(__name__)


def hand_over(pk: int) -> None:
    """Have a reminder sent, after the transaction that made it; one that was handed over or refused stays as it is.

    Where the campaigns' database is away it stays unsent, and so it does where this process dies between the commit
    and here: `manage.py remind` takes up what is left.
    """
    reminder = Reminder.objects.get(pk=pk)
    if reminder.campaign_id or reminder.refused:
        return
    key = f"reminder-{pk}"
    asked = {"name": f"Reminder {pk}", "template": reminder.template, "key": key, "number_column": "phone"}
    clients = Client.objects.filter(wants_texts=True).order_by("pk").values("phone", "name")
    try:
        reminder.campaign_id = campaigns.submit(asked, clients.iterator(), ring=ring).id
    except (campaigns.KeyBusy, campaigns.DatabaseAway) as error:
        log.warning("reminder %d is to be handed over later: %s", pk, type(error).__name__)
        return
    except campaigns.KeyConflict:
        # Handed over before, by a process that died before it could note that; clients have changed since.
        reminder.campaign_id = campaigns.find(key).id
    except campaigns.SpecError as error:
        reminder.refused = "\n".join(error.faults)
    except campaigns.AudienceError as error:
        reminder.refused = str(error)
    reminder.save(update_fields=["campaign_id", "refused"])
