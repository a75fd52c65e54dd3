"""Sentences of others that a person reads with ours: what libraries say of a fault, and what the gateway's client says.

They are here to be translated, as `reasons` finds them back; nobody imports this. A library says something else in its
next release: then that is shown as it is, and a test says so.
"""

from __future__ import annotations

from campaigns.language import N_

OF_PYDANTIC = (
    N_("Field required"),
    N_("Input should be a valid string"),
    N_("Input should be a valid integer"),
    N_("Input should be a valid integer, unable to parse string as an integer"),
    N_("Input should be a valid integer, got a number with a fractional part"),
    N_("Input should be a valid number"),
    N_("Input should be a valid number, unable to parse string as a number"),
    N_("Input should be a finite number"),
    N_("Input should be a valid decimal"),
    N_("Input should be a valid boolean"),
    N_("Input should be a valid boolean, unable to interpret input"),
    N_("Input should be a valid dictionary"),
    N_("Input should be a valid dictionary or instance of {kind}"),
    N_("Input should be a valid datetime"),
    N_("Input should be a valid datetime or date, {why}"),
    N_("Input should be a valid datetime, {why}"),
    N_("input is too short"),
    N_("invalid character in year"),
    N_("month value is outside expected range of 1-12"),
    N_("day value is outside expected range"),
    N_("hour value is outside expected range of 0-23"),
    N_("minute value is outside expected range of 0-59"),
    N_("unexpected extra characters at the end of the input"),
    N_("Input is not a valid path for {kind}"),
    N_("Input should be {one!r} or {other!r}"),
    N_("Input should be {first!r}, {second!r} or {third!r}"),
    N_("Input should be greater than {least}"),
    N_("Input should be greater than or equal to {least}"),
    N_("Input should be less than {most}"),
    N_("Input should be less than or equal to {most}"),
    N_("String should have at least {least} character"),
    N_("String should have at least {least} characters"),
    N_("String should have at most {most} characters"),
    N_("Dictionary should have at most {most} items after validation, not {count}"),
    N_("Dictionary should have at most {most} items after validation, not more"),
    N_("Extra inputs are not permitted"),
)
"""Of a campaign's options and of settings that have a wrong value."""

OF_JINJA = (
    N_("unexpected end of template, expected {what}"),
    N_("expected token {what}, got {found}"),
    N_("unexpected {found}"),
    N_("unexpected {found}, expected {what}"),
    N_("unexpected char {letter} at {place}"),
    N_("Expected an expression, got {found}"),
    N_("end of template"),
    N_("'end of template'"),
    N_("'end of statement block'"),
    N_("'end of print statement'"),
    N_("tag name expected"),
    N_("Missing end of comment tag"),
    N_("Missing end of raw directive"),
    N_("Encountered unknown tag {tag}"),
    N_(
        "Unexpected end of template. Jinja was looking for the following tags: {tags}. The innermost block that needs "
        "to be closed is {block}"
    ),
    N_(
        "Encountered unknown tag {tag}. Jinja was looking for the following tags: {tags}. The innermost block that "
        "needs to be closed is {block}"
    ),
    N_("'elif' or 'else' or 'endif'"),
    N_("Invalid character in identifier"),
    N_("You cannot chain multiple tests with is"),
)
"""Of a template that is no Jinja at all."""

OF_CRONSIM = (
    N_("minute"),
    N_("hour"),
    N_("day-of-month"),
    N_("month"),
    N_("day-of-week"),
)
"""The field of a cron expression that is wrong."""

OF_THE_SYSTEM = (
    N_("No such file or directory"),
    N_("Permission denied"),
    N_("Is a directory"),
    N_("Not a directory"),
    N_("File name too long"),
    N_("No space left on device"),
    N_("Read-only file system"),
    N_("Input/output error"),
    N_("File exists"),
    N_("Too many open files"),
    N_("Connection refused"),
    N_("Address already in use"),
)
"""Of a file that cannot be read or written, and of an address that cannot be had."""

OF_THE_CLIENT = (
    N_("not sent: {why}"),
    N_("refused: -{code:d} {text}"),
    N_("in doubt: {why}"),
    N_("no answer: {why}"),
    N_("not the gateway's answer: {why}"),
    N_("no connection"),
    N_("name not found"),
    N_("timed out"),
    N_("TLS failed"),
    N_("connection refused"),
    N_("connection reset"),
    N_("closed without a reply"),
    N_("network failure"),
    N_("reply too long"),
    N_("wrongly encoded"),
    N_("no HTTP"),
    N_("too late to begin"),
    N_("an empty body"),
    N_("an unknown document"),
    N_("SOAP fault"),
    N_("a document type"),
    N_("a long attribute"),
    N_("broken JSON"),
    N_("broken XML"),
    N_("too many elements"),
    N_("too long"),
    N_("no credits"),
    N_("no msgfid"),
    N_("no senders"),
    N_("no statut"),
)
"""Of a request whose outcome is bad (`worker.smseco.errors`, which knows nothing of ours)."""

REFUSALS = (
    N_("invalid document"),
    N_("login missing"),
    N_("password missing"),
    N_("authentication failed"),
    N_("no message"),
    N_("not enough credits"),
    N_("no recipient"),
    N_("sender not registered"),
    N_("no valid recipient"),
    N_("msgid too long"),
    N_("sending not allowed"),
    N_("account not active"),
    N_("bad datesend"),
    N_("unknown command"),
)
"""What its codes of refusal are called (`worker.smseco.codes`)."""

REFUSED_BY_THE_CLIENT = (
    N_("the base URL must begin with https:// and name a host, and perhaps a port"),
    N_("the base URL may hold a path, but no login, query or fragment"),
    N_("plain http would show the password to the network: use https, or set allow_plain_http"),
    N_("login holds a character that the gateway cannot be given"),
    N_("password holds a character that the gateway cannot be given"),
    N_("text holds a character that the gateway cannot be given"),
    N_("{name} holds a character that the gateway cannot be given"),
    N_("a sending with fields is a mail merge: use merge()"),
    N_("a mail merge needs fields: use send()"),
    N_("the URL would be {length} octets long, and at most {most} are safe: choose xml"),
    N_("html is an output for eyes, which no program can rely on: choose get, whose replies are XML"),
    N_("there is no form {name}: choose one of {forms}"),
    N_("get has no mail merge: choose xml, json or soap"),
    N_("text holds braces that are no field's, which soap would fill by position: choose xml or json"),
    N_("soap carries at most {most} fields, and text has {count}: choose xml or json"),
    N_("msgid must be 1 to 30 letters, digits or hyphens"),
    N_("numbers is a single text, and has to be a list: each of its digits would be taken for a number"),
    N_("numbers is empty"),
    N_("numbers[{place}] is not made of digits"),
    N_("datesend is not a datetime"),
    N_("datesend has no time zone"),
    N_("datesend is beyond what a calendar holds"),
    N_("values without fields"),
    N_("fields must be distinct names of letters, digits and underscores"),
    N_("values must have one row for each number"),
    N_("values[{place}] must have one value for each field"),
)
"""Of a request that cannot be written."""
