"""A tree of Jinja2 that `campaigns.grammar` has allowed → a function that makes the texts of many recipients."""

from collections.abc import Callable, Sequence

import jinja2
from jinja2 import nodes

from campaigns.filters import FILTERS, put_out

Program = Callable[[Sequence[tuple[str, ...]]], list[str]]
"""Values of the fields, in their order, of each of some recipients → their texts."""

ENVIRONMENT = jinja2.Environment(autoescape=False, finalize=put_out)  # noqa: S701 (an SMS is no HTML)
ENVIRONMENT.globals.clear()
ENVIRONMENT.tests.clear()
ENVIRONMENT.filters = dict(FILTERS)

_END = "\0"
"""Behind each text; neither values nor templates hold one, for both are cleaned."""


def variable(index: int) -> str:
    """The name of a field inside a program; `self` or `loop` as a column's name would mean something to Jinja2."""
    return f"f{index}"


def program(tree: nodes.Template, fields: int) -> Program:
    """One loop over all recipients: to start Jinja2 anew for each of them takes five times as long as their texts.

    Args:
        tree: an allowed one; its names are `variable(0)`, `variable(1)` …
        fields: how many of them there are.

    Raises what Python raises for a program that is too large: RecursionError, MemoryError, SyntaxError.
    """
    names: list[nodes.Expr] = [nodes.Name(variable(index), "store") for index in range(fields)]
    body = [*tree.body, nodes.Output([nodes.TemplateData(_END)])]
    loop = nodes.For(nodes.Tuple(names, "store"), nodes.Name("recipients", "load"), body, [], None, False)
    whole = nodes.Template([loop])
    whole.set_environment(ENVIRONMENT)
    compiled = jinja2.Template.from_code(ENVIRONMENT, ENVIRONMENT.compile(whole), {})

    def run(recipients: Sequence[tuple[str, ...]]) -> list[str]:
        context = compiled.new_context({"recipients": recipients}, shared=True)
        texts = "".join(compiled.root_render_func(context)).split(_END)[:-1]
        if len(texts) != len(recipients):  # or somebody would get his neighbour's
            raise AssertionError("a text has an end within it")
        return texts

    return run
