"""What a template may hold: an allow-list over the syntax tree of Jinja2, and the program that is left.

The sandbox of Jinja2 guards attributes, not size: `{{ 'a' * 999999999 }}` runs in it. Here nothing can loop, call or
multiply, so a text grows no faster than its source. What may be done to a value is `campaigns.filters`; how what was
allowed is run is `campaigns.programs`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NoReturn

import jinja2
from jinja2 import nodes

from campaigns.filters import OPTIONS
from campaigns.programs import ENVIRONMENT, Program, program, variable
from campaigns.text import clean

MAX_SOURCE = 10_000
MAX_NESTING = 20

ALLOWED = (
    "A template may hold text, {{ field }}, {% if field %} {% elif %} {% else %} {% endif %}, 'words', and, or, not, "
    "==, !=, in, and the filters capitalize, default('word'), lower, title, trim, truncate(20), upper"
)


class TemplateError(ValueError):
    """The template, or its match with the columns, is wrong; the message is for whoever wrote it."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """A template that was read: `parts` if it holds only text and bare names, else a `program` to run."""

    fields: tuple[str, ...]  # as written, in order of first appearance
    parts: tuple[str | int, ...] | None = field(repr=False)  # text, or the index of a field
    program: Program | None = field(repr=False)
    fixed: str = field(repr=False)  # the text that every recipient gets


@lru_cache(maxsize=64)
def read(source: str) -> Script:
    """Reads a template. Raises `TemplateError`, with the line and what is allowed.

    A program takes 2 ms to compile, and a campaign is read in several places: so the last ones are kept.
    """
    if not source.strip():
        raise TemplateError("the template is empty")
    if len(source) > MAX_SOURCE:
        raise TemplateError(f"the template is {len(source)} characters long; the most is {MAX_SOURCE}")
    tree = _parse(source)
    reader = _Reader()
    reader.body(tree.body, depth=0)
    if not reader.speaks:
        raise TemplateError("the template is empty: nothing in it puts out any text")
    parts = _bare_parts(tree)
    return Script(
        fields=tuple(reader.fields),
        parts=parts,
        program=None if parts is not None else _compile(tree, len(reader.fields)),
        fixed="".join(node.data for node in _outputs(tree) if isinstance(node, nodes.TemplateData)),
    )


# --- The allow-list -------------------------------------------------------------------------------------------------

_NAMES_OF_THE_REFUSED: dict[type[nodes.Node], str] = {
    nodes.For: "a loop",
    nodes.Call: "a call",
    nodes.Getattr: "a dot",
    nodes.Getitem: "a subscript",
    nodes.Concat: "~",
    nodes.BinExpr: "arithmetic",
    nodes.UnaryExpr: "arithmetic",
    nodes.Scope: "autoescape",
    nodes.Test: "a test with `is` (write {% if field %})",
    nodes.Tuple: "a list",
    nodes.List: "a list",
    nodes.Compare: "a comparison put out as text",
    nodes.Not: "`not` put out as text",
}


def _refuse(node: nodes.Node, problem: str) -> NoReturn:
    where = f"line {node.lineno}: " if node.lineno else ""  # Jinja2 gives none to what it makes up itself
    raise TemplateError(f"{where}{problem}. {ALLOWED}")


def _refuse_kind(node: nodes.Node) -> NoReturn:
    named = next((_NAMES_OF_THE_REFUSED[kind] for kind in type(node).__mro__ if kind in _NAMES_OF_THE_REFUSED), None)
    _refuse(node, f"{named or f'`{type(node).__name__.lower()}`'} is not allowed")


_NAMES_OF_KINDS = {int: "a number above 0", bool: "true or false"}


def _is_constant(node: nodes.Node, kind: type) -> bool:
    return isinstance(node, nodes.Const) and type(node.value) is kind and (kind is bool or bool(node.value))


class _Reader:
    """Walks a tree in the order of its source: refuses, collects the fields, gives them and the text a safe form."""

    def __init__(self) -> None:
        self.fields: dict[str, int] = {}
        self.speaks = False

    def body(self, body: Sequence[nodes.Node], *, depth: int) -> None:
        for node in body:
            if isinstance(node, nodes.Output):
                self.output(node, depth=depth)
            elif isinstance(node, nodes.If):
                self.condition(node, depth=depth + 1)
            else:
                _refuse_kind(node)

    def output(self, output: nodes.Output, *, depth: int) -> None:
        for node in output.nodes:
            if isinstance(node, nodes.TemplateData):
                node.data = clean(node.data)
                self.speaks = self.speaks or bool(node.data.strip())
            else:
                self.text(node, depth=depth)
                self.speaks = True

    def condition(self, node: nodes.If, *, depth: int) -> None:
        self.test(node.test, depth=depth)
        self.body(node.body, depth=depth)
        for other in node.elif_:
            self.condition(other, depth=depth)
        self.body(node.else_, depth=depth)

    def test(self, node: nodes.Node, *, depth: int) -> None:
        self.not_too_deep(node, depth)
        match node:
            case nodes.Not():
                self.test(node.node, depth=depth + 1)
            case nodes.And() | nodes.Or():
                self.test(node.left, depth=depth + 1)
                self.test(node.right, depth=depth + 1)
            case nodes.Compare():
                self.comparison(node, depth=depth + 1)
            case _:
                self.text(node, depth=depth)

    def comparison(self, node: nodes.Compare, *, depth: int) -> None:
        self.text(node.expr, depth=depth)
        for operand in node.ops:
            if operand.op not in ("eq", "ne", "in", "notin"):
                _refuse(node, "values are text, in which '9' is more than '10': they can be equal (==, !=), no more")
            self.text(operand.expr, depth=depth)

    def text(self, node: nodes.Node, *, depth: int) -> None:
        self.not_too_deep(node, depth)
        match node:
            case nodes.Name():
                index = self.fields.setdefault(node.name, len(self.fields))
                node.name = variable(index)
            case nodes.Const(value=str()):
                node.value = clean(node.value)
            case nodes.Const():
                _refuse(node, "only words may stand here, between quotes: values are text, so write '5', not 5")
            case nodes.Filter():
                self.filter(node, depth=depth + 1)
            case nodes.And() | nodes.Or():
                self.text(node.left, depth=depth + 1)
                self.text(node.right, depth=depth + 1)
            case nodes.CondExpr():
                self.choice(node, depth=depth + 1)
            case _:
                _refuse_kind(node)

    def choice(self, node: nodes.CondExpr, *, depth: int) -> None:
        if node.expr2 is None:
            _refuse(node, "an `if` inside {{ }} needs its `else`")
        self.text(node.expr1, depth=depth)
        self.test(node.test, depth=depth)
        self.text(node.expr2, depth=depth)

    def filter(self, node: nodes.Filter, *, depth: int) -> None:
        options = OPTIONS.get(node.name)
        if options is None or node.node is None:
            _refuse(node, f"the filter `{node.name}` is not known")
        self.text(node.node, depth=depth)
        given = node.args
        if node.kwargs or node.dyn_args or node.dyn_kwargs or not min(len(options), 1) <= len(given) <= len(options):
            _refuse(node, f"the filter `{node.name}` is used with other options than it takes")
        for option, kind in zip(given, options, strict=False):
            if kind is str:
                self.text(option, depth=depth)
            elif not _is_constant(option, kind):
                _refuse(node, f"the filter `{node.name}` takes {_NAMES_OF_KINDS[kind]} here")

    def not_too_deep(self, node: nodes.Node, depth: int) -> None:
        if depth > MAX_NESTING:
            _refuse(node, f"things are nested more than {MAX_NESTING} deep")


# --- Jinja2 at the edge ---------------------------------------------------------------------------------------------


def _parse(source: str) -> nodes.Template:
    try:
        return ENVIRONMENT.parse(source)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(f"line {error.lineno}: {str(error.message).rstrip('.')}. {ALLOWED}") from None
    except RecursionError:
        raise TemplateError("things are nested too deep") from None
    except ValueError:  # a number of thousands of digits
        raise TemplateError(f"a number is too long. {ALLOWED}") from None


def _compile(tree: nodes.Template, fields: int) -> Program:
    try:
        return program(tree, fields)
    except (RecursionError, MemoryError, SyntaxError):
        raise TemplateError("the template has too many conditions") from None


def _outputs(tree: nodes.Template) -> list[nodes.Expr]:
    return [node for output in tree.body if isinstance(output, nodes.Output) for node in output.nodes]


def _bare_parts(tree: nodes.Template) -> tuple[str | int, ...] | None:
    """Text and indices of fields, no two texts in a row; None if there is anything else."""
    if not all(isinstance(node, nodes.Output) for node in tree.body):
        return None
    parts: list[str | int] = []
    for node in _outputs(tree):
        if isinstance(node, nodes.TemplateData) and parts and isinstance(parts[-1], str):
            parts[-1] += node.data
        elif isinstance(node, nodes.TemplateData):
            parts.append(node.data)
        elif isinstance(node, nodes.Name):
            parts.append(int(node.name[1:]))
        else:
            return None
    return tuple(parts)
