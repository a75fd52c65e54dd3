"""Commands of `campaigns` as pages print them, held against click: which subcommands and options there are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click

from worker.cli import main


def faults(script: str) -> list[str]:
    """What is wrong with the commands of `campaigns` in a script that is to be run as it stands."""
    return [fault for words in _called(script) for fault in _faults_of(words)]


def mentions(span: str) -> list[str]:
    """The same of a mention in prose, which may leave things out: `campaigns show ID [--watch]`, `optout add|list`."""
    return [fault for part in span.split(" | ") for fault in _faults_of_mention(part.split())]


def _called(script: str) -> Iterator[list[str]]:
    for line in script.replace("\\\n", " ").splitlines():
        words: list[str] = []
        for word in [*_words(line), ";"]:
            if word and set(word) <= set(";&|()<>"):
                yield from _ours(words)
                words = []
            else:
                words.append(word)


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|()<>")
    lexer.whitespace_split = True
    try:
        return list(lexer)
    except ValueError:  # a quotation over several lines: what is before it is looked at all the same
        return line.split()


def _ours(words: list[str]) -> Iterator[list[str]]:
    """From the word `campaigns` on, where it is what is run, be it by sudo or in a container."""
    for place, word in enumerate(words):
        if re.fullmatch(r"(?:\S*/bin/)?campaigns", word) and (place == 0 or not words[place - 1].startswith("-")):
            yield words[place + 1 :]
            return


def _faults_of(words: list[str]) -> list[str]:
    command: click.Command = main
    context = click.Context(main, info_name="campaigns")
    while True:
        try:
            _, rest, _ = command.make_parser(context).parse_args(list(words))
        except click.UsageError as error:
            return [f"{context.command_path}: {error.format_message()}"]
        if not isinstance(command, click.Group) or not rest:
            return []
        found = command.get_command(context, rest[0])
        if found is None:
            return [f"{context.command_path} has no command {rest[0]}"]
        command, words = found, rest[1:]
        context = click.Context(command, info_name=command.name, parent=context)


def _faults_of_mention(words: list[str]) -> list[str]:
    if words[:1] != ["campaigns"]:
        return []
    command: click.Command = main
    context = click.Context(main, info_name="campaigns")
    for word in words[1:]:
        if not isinstance(command, click.Group) or not re.fullmatch(r"[a-z-]+(\|[a-z-]+)*", word) or word[0] == "-":
            break
        if missing := [name for name in word.split("|") if command.get_command(context, name) is None]:
            return [f"{context.command_path} has no command {name}" for name in missing]
        command = command.get_command(context, word.split("|")[0]) or command
        context = click.Context(command, info_name=command.name, parent=context)
    known = {name for each in command.get_params(context) for name in (*each.opts, *each.secondary_opts)}
    options = re.findall(r"(?:^|[\s\[|])(--?[a-z][a-z-]*)", " ".join(words))
    return [f"{context.command_path} has no option {name}" for name in options if name not in known]
