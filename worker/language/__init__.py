"""The language that this process speaks to a person: English, or French where the command `campaigns` is told so.

It stands below all rooms and imports none of them, so that help comes at once and the sandbox can speak, too.

Code says `_("read {count} rows").format(count=figure(count))`: the sentence is looked up whole, and filled in after
that, so an f-string inside of `_` is never found. Catalogues are in `locale/`; `make messages` collects what the code
says, and compiles them. Workers and web applications never call `speak`: their logs, and what they store, stay English.
Whatever a program reads (JSON, CSV, metrics) is not translated, and its figures are not written as these are.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # late: who speaks English needs none of it
    from gettext import NullTranslations

DOMAIN = "campaigns"
LOCALES = Path(__file__).with_name("locale")
ENGLISH, FRENCH = "en", "fr"

NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
_AS_THE_FRENCH_DO = str.maketrans({",": NARROW_SPACE, ".": ","})

_translations: NullTranslations | None = None
_before: dict[str, str] = {}
"""What LANGUAGE was, while it says what was chosen against the environment."""


def speak(locale: str | None = None) -> str:
    """Choose the language of this process, and return it: `en` or `fr`; whatever is neither is English.

    Args:
        locale: as in `fr_FR.UTF-8`; None for that of the environment (`language_of`).

    click looks its own texts up in the process's default domain, so that domain becomes ours.
    """
    global _translations
    os.environ.update(_before)
    _before.clear()
    chosen = language_of(os.environ) if locale is None else _language(locale) or ENGLISH
    if chosen == ENGLISH and _translations is None:
        return ENGLISH
    import gettext

    found = None if chosen == ENGLISH else gettext.find(DOMAIN, LOCALES, [chosen])
    if found is None:
        _translations = None
        gettext.textdomain("messages")
        return ENGLISH
    _translations = gettext.translation(DOMAIN, LOCALES, [chosen])
    gettext.bindtextdomain(DOMAIN, str(LOCALES))
    gettext.textdomain(DOMAIN)
    if gettext.find(DOMAIN, LOCALES) != found:
        _before["LANGUAGE"] = os.environ.get("LANGUAGE", "")
        os.environ["LANGUAGE"] = chosen  # the default domain goes by the environment, and by nothing else
    return chosen


def spoken() -> str:
    """The language that this process speaks: `en` or `fr`."""
    return ENGLISH if _translations is None else FRENCH


def language_of(environment: Mapping[str, str]) -> str:
    """The language that an environment asks for, by the rules of GNU gettext.

    The first of LC_ALL, LC_MESSAGES and LANG that is set names it; the list in LANGUAGE precedes them, unless they say
    `C`: whoever writes `LC_ALL=C` before a command wants to read it by program.
    """
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    listed = environment.get("LANGUAGE", "")
    wanted = listed.split(":") if listed and locale not in ("C", "POSIX") else [locale]
    return next((known for each in wanted if (known := _language(each))), ENGLISH)


def _language(locale: str) -> str | None:
    """`fr_CI.UTF-8` → `fr`; None if it is a language that we do not speak."""
    language = re.split(r"[_.@-]", locale)[0].lower()
    return language if language in (ENGLISH, FRENCH) else None


def _(message: str) -> str:
    """The message in the language now spoken; as it is, where nobody has translated it."""
    return message if _translations is None or not message else _translations.gettext(message)


def ngettext(one: str, many: str, count: int) -> str:
    """The form of a message that goes with a count, in the language now spoken."""
    if _translations is None:
        return one if count == 1 else many
    return _translations.ngettext(one, many, count)


def N_(message: str) -> str:  # noqa: N802  the name that extractors of messages know
    """The message as it is: to be collected here, and translated where it is shown."""
    return message


def nN_(one: str, many: str) -> tuple[str, str]:  # noqa: N802  likewise
    """The two forms of a message that counts: to be collected here, and given to `ngettext` where they are shown."""
    return one, many


def catalogue() -> Mapping[str, str]:
    """Every message and what it is in the language now spoken; none in English."""
    found: Mapping[str | tuple[str, int], str] = getattr(_translations, "_catalog", {})
    return {message: said for message, said in found.items() if isinstance(message, str) and message}


def figure(value: int | float | Decimal, decimals: int | None = None) -> str:
    """A figure for a person: `1,234,567.5`, in French `1\u202f234\u202f567,5`; with all its decimals, or so many."""
    return _written(f"{value:,}" if decimals is None else f"{value:,.{decimals}f}")


def share(value: float, decimals: int = 1) -> str:
    """A share (1 is all) for a person: `12.5%`, in French `12,5\u202f%`."""
    text = _written(f"{100 * value:,.{decimals}f}")
    return f"{text}%" if _translations is None else f"{text}{NARROW_SPACE}%"


def _written(text: str) -> str:
    return text if _translations is None else text.translate(_AS_THE_FRENCH_DO)


WEEKDAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))


def weekday(moment: datetime) -> str:
    """`Mon`, in French `lun.`; dates are written as ISO 8601 says in either language, for so commands read them."""
    return _(WEEKDAYS[moment.weekday()])
