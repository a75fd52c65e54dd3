"""The producer's API: submit a campaign and forget it; pause, resume, cancel it, ask for its account, decide doubts.

    import campaigns

    made = campaigns.submit({"name": "Rappel", "template": "Bonjour {{ nom }}", "sender": "CLINIQUE"}, "clients.csv")
    print(campaigns.progress(made.id).by_status)

It needs a database (DATABASE_URL) and nothing else: no broker, no Celery, no gateway.
"""

from campaigns.accounting import Entry, entries
from campaigns.afterwards import Report, report
from campaigns.audience import AudienceError
from campaigns.exporting import Exported, export
from campaigns.forgetting import Forgotten, forget
from campaigns.importing import Imported, import_opt_outs
from campaigns.lifecycle import UnknownCampaignError
from campaigns.listing import Listed, listing
from campaigns.optouts import NoNumberError, OptOut, opt_in, opt_out, opted_out
from campaigns.outages import DatabaseAway
from campaigns.people import Contact, find_person
from campaigns.preview import Preview, preview
from campaigns.progress import Progress, find, progress
from campaigns.resolving import Resolved, UndecidableError, UnknownAttemptError, resolve
from campaigns.retriable import NotRetriableError
from campaigns.retrying import retry
from campaigns.spec import KeyBusy, KeyConflict, Lookup, Spec, SpecError
from campaigns.steering import StateError, cancel, pause, resume
from campaigns.submission import StoredAudience, Submitted, store_audience, submit
from campaigns.tables import NotInstalledError
from campaigns.trying import Tried, try_out
from campaigns.undecided import Doubt, open_doubts

__all__ = [
    "AudienceError",
    "Contact",
    "DatabaseAway",
    "Doubt",
    "Entry",
    "Exported",
    "Forgotten",
    "Imported",
    "KeyBusy",
    "KeyConflict",
    "Listed",
    "Lookup",
    "NoNumberError",
    "NotInstalledError",
    "NotRetriableError",
    "OptOut",
    "Preview",
    "Progress",
    "Report",
    "Resolved",
    "Spec",
    "SpecError",
    "StateError",
    "StoredAudience",
    "Submitted",
    "Tried",
    "UndecidableError",
    "UnknownAttemptError",
    "UnknownCampaignError",
    "cancel",
    "entries",
    "export",
    "find",
    "find_person",
    "forget",
    "import_opt_outs",
    "listing",
    "open_doubts",
    "opt_in",
    "opt_out",
    "opted_out",
    "pause",
    "preview",
    "progress",
    "report",
    "resolve",
    "resume",
    "retry",
    "store_audience",
    "submit",
    "try_out",
]
