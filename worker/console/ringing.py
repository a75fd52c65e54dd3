"""The bell in a terminal: it wakes the workers, and a broker that is away is a remark and no failure.

The campaign is in the database by then, where the workers' sweep finds it.
"""

from __future__ import annotations

import logging

import click

from campaigns.bells import Bell
from campaigns.reasons import retold
from worker.language import N_, _

AWAY = N_("the broker is away ({kind}): the sweep will wake {task}")
"""What `worker.ringing` warns of, as `reasons` finds it back."""


class Ringing(logging.Handler):
    """A ring (`campaigns.bells.Ring`) that remembers why the workers could not be told.

    Raises SettingsError where the settings of the broker are wrong: to be made before anything else is.
    """

    def __init__(self) -> None:
        from worker.broker import broker_settings

        super().__init__(logging.WARNING)
        broker_settings()
        self.trouble: str | None = None
        self.interrupted = False

    def __call__(self, bell: Bell, serial: int, after: float) -> None:
        """Send the bell's task."""
        from worker import ringing

        ringing.log.addHandler(self)
        try:
            ringing.ring(bell, serial, after)
        except KeyboardInterrupt:  # the campaign is made by now, and its id has to be told
            self.interrupted = True
            self.trouble = _("the workers could not be told at once: it was interrupted")
        finally:
            ringing.log.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """What the ring warns of: it does not raise, for the campaign is safe without it."""
        why = retold(record.getMessage())
        self.trouble = _("the workers could not be told at once: {why}").format(why=why)

    def tell_trouble(self) -> None:
        """On stderr, what went wrong, and that nothing is lost by it."""
        if self.trouble:
            lost = _("Nothing is lost: running workers look for it by themselves.")
            click.echo(f"{self.trouble}\n{lost}", err=True)

    def end_if_interrupted(self) -> None:
        """Raises the KeyboardInterrupt that was put off until the id is told."""
        if self.interrupted:
            raise KeyboardInterrupt
