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
from campaigns.language import N_, _
from campaigns.programs import ENVIRONMENT, Program, program, variable
from campaigns.reasons import retold
from campaigns.text import clean

MAX_SOURCE = 10_000
MAX_NESTING = 20

ALLOWED = N_(
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
        raise TemplateError(_("the template is empty"))
    if len(source) > MAX_SOURCE:
        raise TemplateError(
            _("the template is {size} characters long; the most is {most}").format(size=len(source), most=MAX_SOURCE)
        )
    tree = _parse(source)
    reader = _Reader()
    reader.body(tree.body, depth=0)
    if not reader.speaks:
        raise TemplateError(_("the template is empty: nothing in it puts out any text"))
    parts = _bare_parts(tree)
    return Script(
        fields=tuple(reader.fields),
        parts=parts,
        program=None if parts is not None else _compile(tree, len(reader.fields)),
        fixed="".join(node.data for node in _outputs(tree) if isinstance(node, nodes.TemplateData)),
    )


# --- The allow-list -------------------------------------------------------------------------------------------------

_NAMES_OF_THE_REFUSED: dict[type[nodes.Node], str] = {
    nodes.For: N_("a loop"),
    nodes.Call: N_("a call"),
    nodes.Getattr: N_("a dot"),
    nodes.Getitem: N_("a subscript"),
    nodes.Concat: "~",
    nodes.BinExpr: N_("arithmetic"),
    nodes.UnaryExpr: N_("arithmetic"),
    nodes.Scope: "autoescape",
    nodes.Test: N_("a test with `is` (write {% if field %})"),
    nodes.Tuple: N_("a list"),
    nodes.List: N_("a list"),
    nodes.Compare: N_("a comparison put out as text"),
    nodes.Not: N_("`not` put out as text"),
}


def _refuse(node: nodes.Node, problem: str) -> NoReturn:
    if not node.lineno:  # Jinja2 gives none to what it makes up itself
        raise TemplateError(f"{problem}. {_(ALLOWED)}")
    raise TemplateError(_at(node.lineno, problem))


def _at(line: int, problem: str) -> str:
    return _("line {line}: {problem}. {allowed}").format(line=line, problem=problem, allowed=_(ALLOWED))


def _refuse_kind(node: nodes.Node) -> NoReturn:
    named = next((_NAMES_OF_THE_REFUSED[kind] for kind in type(node).__mro__ if kind in _NAMES_OF_THE_REFUSED), None)
    what = f"`{type(node).__name__.lower()}`" if named is None else _(named)
    _refuse(node, _("{what} is not allowed").format(what=what))


_NAMES_OF_KINDS = {int: N_("a number above 0"), bool: N_("true or false")}


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
                _refuse(node, _("values are text, in which '9' is more than '10': they can be equal (==, !=), no more"))
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
                _refuse(node, _("only words may stand here, between quotes: values are text, so write '5', not 5"))
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
            _refuse(node, _("an `if` inside {{ }} needs its `else`"))
        self.text(node.expr1, depth=depth)
        self.test(node.test, depth=depth)
        self.text(node.expr2, depth=depth)

    def filter(self, node: nodes.Filter, *, depth: int) -> None:
        options = OPTIONS.get(node.name)
        if options is None or node.node is None:
            _refuse(node, _("the filter `{name}` is not known").format(name=node.name))
        self.text(node.node, depth=depth)
        given = node.args
        if node.kwargs or node.dyn_args or node.dyn_kwargs or not min(len(options), 1) <= len(given) <= len(options):
            _refuse(node, _("the filter `{name}` is used with other options than it takes").format(name=node.name))
        for option, kind in zip(given, options, strict=False):
            if kind is str:
                self.text(option, depth=depth)
            elif not _is_constant(option, kind):
                kinds = _(_NAMES_OF_KINDS[kind])
                _refuse(node, _("the filter `{name}` takes {kinds} here").format(name=node.name, kinds=kinds))

    def not_too_deep(self, node: nodes.Node, depth: int) -> None:
        if depth > MAX_NESTING:
            _refuse(node, _("things are nested more than {most} deep").format(most=MAX_NESTING))


# --- Jinja2 at the edge ---------------------------------------------------------------------------------------------


def _parse(source: str) -> nodes.Template:
    try:
        return ENVIRONMENT.parse(source)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(_at(error.lineno, retold(str(error.message).rstrip(".")))) from None
    except RecursionError:
        raise TemplateError(_("things are nested too deep")) from None
    except ValueError:  # a number of thousands of digits
        raise TemplateError(_("a number is too long. {allowed}").format(allowed=_(ALLOWED))) from None


def _compile(tree: nodes.Template, fields: int) -> Program:
    try:
        return program(tree, fields)
    except (RecursionError, MemoryError, SyntaxError):
        raise TemplateError(_("the template has too many conditions")) from None


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
