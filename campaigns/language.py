"""The language that this process speaks to a person, as far as the domain needs it: the one door to `worker.language`.

That room stands below all others and knows none of them. It is beside the command line because help must come at once
(to import `campaigns` takes a while), and because the sandbox, which knows nothing of `campaigns`, speaks it too.
"""

from worker.language import ENGLISH, N_, NARROW_SPACE, WEEKDAYS, _, catalogue, figure, speak, spoken

__all__ = [
    "ENGLISH",
    "NARROW_SPACE",
    "N_",
    "WEEKDAYS",
    "_",
    "catalogue",
    "figure",
    "speak",
    "spoken",
]
