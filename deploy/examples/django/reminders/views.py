"""A form that has all clients texted, and a page that shows what became of it. Put both behind your own login."""

import uuid
from functools import partial

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

import campaigns
from reminders.handover import hand_over
from reminders.models import Reminder


class ReminderForm(forms.Form):
    """The text, and what makes a second press of the button the same as the first."""

    template = forms.CharField(max_length=1000, widget=forms.Textarea)
    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The form; a reminder that is refused comes back with its faults."""
    form = ReminderForm(request.POST or None)
    if not form.is_valid():
        return render(request, "new.html", {"form": form}, status=400 if form.is_bound else 200)
    with transaction.atomic():
        template = form.cleaned_data["template"]
        reminder, _ = Reminder.objects.get_or_create(token=form.cleaned_data["token"], defaults={"template": template})
        # Were it submitted within the transaction, a rollback would leave a campaign that nobody knows of.
        transaction.on_commit(partial(hand_over, reminder.pk))
    reminder.refresh_from_db()
    if reminder.refused:
        for fault in reminder.refused.splitlines():
            form.add_error(None, fault)
        form.data = {**form.data.dict(), "token": uuid.uuid4()}  # what is mended is another reminder
        return render(request, "new.html", {"form": form}, status=400)
    return redirect("show", pk=reminder.pk)


@require_GET
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """What became of a reminder."""
    reminder = get_object_or_404(Reminder, pk=pk)
    progress = campaigns.progress(reminder.campaign_id) if reminder.campaign_id else None
    return render(request, "show.html", {"reminder": reminder, "progress": progress})
