"""The language that this process speaks to a person, for the domain and for whoever uses it: see `language`.

That is a room of its own, because help must come at once (to import `campaigns` takes a while), and because the sandbox
knows nothing of `campaigns`.
"""

from language import ENGLISH, FRENCH, N_, _, catalogue, figure, ngettext, nN_, share, speak, spoken, weekday

__all__ = [
    "ENGLISH",
    "FRENCH",
    "N_",
    "_",
    "catalogue",
    "figure",
    "nN_",
    "ngettext",
    "share",
    "speak",
    "spoken",
    "weekday",
]
