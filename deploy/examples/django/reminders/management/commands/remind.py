"""`python manage.py remind`: for cron, and for whatever a process that died has left."""

from functools import partial
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from reminders.handover import hand_over
from reminders.models import Reminder


class Command(BaseCommand):
    """Makes a reminder where a text is given, and hands over whatever is left."""

    help = "Have all clients texted, once for each --once; then hand over every reminder that was not handed over yet."

    def add_arguments(self, parser: CommandParser) -> None:
        """The text, and what makes a second run the same as the first."""
        parser.add_argument("template", nargs="?", help="the text, such as 'Bonjour {{ name }}'")
        parser.add_argument("--once", help="whatever is run again under the same name does nothing: 'lundi-2026-11-30'")

    def handle(self, *, template: str | None, once: str | None, **_options: Any) -> None:
        """One line for each reminder that it had to do with."""
        if template:
            token = uuid5(NAMESPACE_URL, once) if once else uuid4()
            with transaction.atomic():
                reminder, _ = Reminder.objects.get_or_create(token=token, defaults={"template": template})
                transaction.on_commit(partial(hand_over, reminder.pk))
            self.say(reminder)
        for reminder in Reminder.objects.filter(campaign_id=None, refused="").order_by("pk"):
            hand_over(reminder.pk)
            self.say(reminder)

    def say(self, reminder: Reminder) -> None:
        """One line of what became of it."""
        reminder.refresh_from_db()
        became = f"campaign {reminder.campaign_id}" if reminder.campaign_id else "to be handed over later"
        self.stdout.write(f"reminder {reminder.pk}: {reminder.refused or became}")
