"""Ids at the command line: whole numbers that a database can hold."""

import click

ID = click.IntRange(1, 2**63 - 1)
