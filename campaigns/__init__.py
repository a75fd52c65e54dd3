"""The producer's API: submit a campaign and forget it; pause, resume, cancel it, and ask for its account.

    import campaigns

    made = campaigns.submit({"name": "Rappel", "template": "Bonjour {{ nom }}", "sender": "CLINIQUE"}, "clients.csv")
    print(campaigns.progress(made.id).by_status)

It needs a database (DATABASE_URL) and nothing else: no broker, no Celery, no gateway.
"""

from campaigns.audience import AudienceError
from campaigns.lifecycle import UnknownCampaignError
from campaigns.listing import Listed, listing
from campaigns.progress import Progress, find, progress
from campaigns.spec import KeyBusy, KeyConflict, Lookup, Spec, SpecError
from campaigns.steering import StateError, cancel, pause, resume
from campaigns.submission import StoredAudience, Submitted, store_audience, submit

__all__ = [
    "AudienceError",
    "KeyBusy",
    "KeyConflict",
    "Listed",
    "Lookup",
    "Progress",
    "Spec",
    "SpecError",
    "StateError",
    "StoredAudience",
    "Submitted",
    "UnknownCampaignError",
    "cancel",
    "find",
    "listing",
    "pause",
    "progress",
    "resume",
    "store_audience",
    "submit",
]
