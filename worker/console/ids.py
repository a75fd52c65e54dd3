"""Ids at the command line: whole numbers that a database can hold."""

from typing import Any

import click

from worker.language import _


class _Id(click.IntRange):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(_("{value!r} is no id: ids are whole numbers from 1 on.").format(value=value), param, ctx)


ID = _Id(1, 2**63 - 1)
