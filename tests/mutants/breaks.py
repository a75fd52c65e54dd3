"""The ways to break a line that a test should notice: those of cosmic-ray, and some for conditions and values of SQL.

Not broken, for it says nothing: annotations, docstrings and texts, what decorates a class, row locks (races are tried
in `tests/chaos/test_races.py`, wherever one may be), and replacements that fail wherever they are run (`<<` for `+`,
`is` for `==`).
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Spot = tuple[ast.AST, str, int | None]
"""Where a node stands: its parent, the field there, and the place in it, if it is a list."""

Ways = Iterator[tuple[str, ast.AST]]
"""What a node may be replaced by, and what kind of break that is."""

_COMPARISONS: dict[type[ast.cmpop], list[type[ast.cmpop]]] = {
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Lt: [ast.LtE, ast.GtE],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
}
_OPERATIONS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_CONDITIONS = {"where", "filter", "and_", "or_"}
_LINKS = {"where", "order_by", "group_by", "desc", "on_conflict_do_nothing"}
_SAYS_NOTHING_IN = {"with_for_update": {"keywords"}, "limit": {"args"}, "literal": {"args"}}
"""Fields of calls: row locks are none of ours (see above), and what is asked for by `first` needs no limit."""


@dataclass(frozen=True)
class Mutant:
    """One break: in which function (or constant) of a module, at which line, and what became of what."""

    module: str
    name: str
    line: int
    kind: str
    before: str
    after: str
    top: ast.stmt
    """The function, or the assignment of a constant, as it is broken."""

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.name}: {self.kind}: {self.before} → {self.after}"


def mutants(path: Path) -> list[list[Mutant]]:
    """All of a module, by the spot that they break."""
    made = []
    for name, top in _tops(ast.parse(path.read_text())):
        for number, (parent, field, place) in enumerate(_spots(top)):
            found = []
            for kind, node in _broken(_at(parent, field, place), field):
                broken = copy.deepcopy(top)
                _put(list(_spots(broken))[number], node)
                before = _at(parent, field, place)
                line = getattr(before, "lineno", 0)
                after = "nothing" if node is None else ast.unparse(node)
                ast.fix_missing_locations(broken)
                found.append(Mutant(path.stem, name, line, kind, ast.unparse(before), after, broken))
            if found:
                made.append(found)
    return made


def _tops(module: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    for statement in module.body:
        if isinstance(statement, ast.FunctionDef):
            yield statement.name, statement
        elif isinstance(statement, ast.ClassDef):
            yield from (
                (f"{statement.name}.{each.name}", each)
                for each in statement.body
                if isinstance(each, ast.FunctionDef) and each.name != "__repr__" and not _is_protocol(statement)
            )
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            yield statement.targets[0].id, statement


def _is_protocol(statement: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in statement.bases)


def _spots(node: ast.AST) -> Iterator[Spot]:
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "decorator_list", "type_params"}:
            continue
        if field in _SAYS_NOTHING_IN.get(_named(node), ()):
            continue
        children = value if isinstance(value, list) else [value]
        for place, child in enumerate(children):
            if not isinstance(child, ast.AST) or _says_nothing(child):
                continue
            yield node, field, place if isinstance(value, list) else None
            yield from _spots(child)
    if isinstance(node, ast.FunctionDef):
        yield from ((node, "decorator_list", place) for place, _ in enumerate(node.decorator_list))


def _says_nothing(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.keyword) and node.arg == "strict")


def _named(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _at(parent: ast.AST, field: str, place: int | None) -> ast.AST:
    value = getattr(parent, field)
    return value if place is None else value[place]


def _put(spot: Spot, node: ast.AST | None) -> None:
    parent, field, place = spot
    if place is None:
        setattr(parent, field, node)
    elif node is None:
        del getattr(parent, field)[place]
    else:
        getattr(parent, field)[place] = node


def _broken(node: ast.AST, field: str) -> Iterator[tuple[str, ast.AST | None]]:
    """What a node may be replaced by; None: it is left out."""
    if field == "decorator_list":
        yield "decorator", None
        return
    yield from _WAYS.get(type(node), _none)(node)
    if field == "test" and not isinstance(node, (ast.Compare, ast.UnaryOp)):
        yield "not", ast.UnaryOp(ast.Not(), node)
    if field == "ifs":
        yield "condition", None
    if field == "iter":
        yield "no round", ast.List([], ast.Load())


def _none(_node: Any) -> Ways:
    return iter(())


def _comparisons(node: ast.Compare) -> Ways:
    if len(node.ops) == 1:
        for other in _COMPARISONS[type(node.ops[0])]:
            yield "comparison", ast.Compare(node.left, [other()], node.comparators)


def _operations(node: ast.BinOp) -> Ways:
    if type(node.op) in _OPERATIONS:
        yield "operator", ast.BinOp(node.left, _OPERATIONS[type(node.op)](), node.right)


def _either(node: ast.BoolOp) -> Ways:
    yield "and/or", ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    for left in range(len(node.values)):
        rest = [value for place, value in enumerate(node.values) if place != left]
        yield "condition", rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


def _statements(node: ast.Expr) -> Ways:
    if isinstance(node.value, ast.Call):
        yield "statement", ast.Pass()


def _constants(node: ast.Constant) -> Ways:
    if isinstance(node.value, bool):
        yield "constant", ast.Constant(not node.value)
    elif isinstance(node.value, (int, float)):
        yield "constant", ast.Constant(node.value + 1)
        yield "constant", ast.Constant(node.value - 1)


def _calls(node: ast.Call) -> Ways:
    name = _named(node)
    if name in _CONDITIONS and len(node.args) > 1:
        for left in range(len(node.args)):
            yield "condition", ast.Call(node.func, [*node.args[:left], *node.args[left + 1 :]], node.keywords)
        if name in {"and_", "or_"}:
            other = ast.Name("or_" if name == "and_" else "and_", ast.Load())
            yield "and/or", ast.Call(other, node.args, node.keywords)
    elif name in _LINKS and isinstance(node.func, ast.Attribute):
        yield "condition" if name == "where" else "left out", node.func.value
    if name == "values" and len(node.keywords) > 1:
        for left in range(len(node.keywords)):
            if node.keywords[left].arg is not None:
                rest = [*node.keywords[:left], *node.keywords[left + 1 :]]
                yield "value", ast.Call(node.func, node.args, rest)
    if name in {"min", "max"} and isinstance(node.func, ast.Name):
        yield "min/max", ast.Call(ast.Name("max" if name == "min" else "min", ast.Load()), node.args, node.keywords)


def _elements(node: ast.List | ast.Tuple | ast.Set) -> Ways:
    states = [each.value if isinstance(each, ast.Starred) else each for each in node.elts]
    if len(node.elts) > 1 and all(
        ast.unparse(each).replace(".", "").replace("_", "").isalpha() and ast.unparse(each).split(".")[-1].isupper()
        for each in states
    ):
        for left in range(len(node.elts)):
            shorter = copy.copy(node)
            shorter.elts = [*node.elts[:left], *node.elts[left + 1 :]]
            yield "element", shorter


_WAYS: dict[type[ast.AST], Callable[[Any], Ways]] = {
    ast.Compare: _comparisons,
    ast.BinOp: _operations,
    ast.BoolOp: _either,
    ast.UnaryOp: lambda node: iter([("sign", node.operand)]),
    ast.Constant: _constants,
    ast.Call: _calls,
    ast.List: _elements,
    ast.Tuple: _elements,
    ast.Set: _elements,
    ast.Continue: lambda _: iter([("loop", ast.Break())]),
    ast.Break: lambda _: iter([("loop", ast.Continue())]),
    ast.Raise: lambda _: iter([("statement", ast.Pass())]),
    ast.Expr: _statements,
}
