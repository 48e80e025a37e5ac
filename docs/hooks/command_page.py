"""Makes the page on the command line from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator

import click
import markdown_text as md

from conformance.cli.main import commands
from conformance.commands.init import configuration_text

PATH = "command-line.md"


def command_page() -> str:
    """The page as Markdown: each command with its usage, what it is for, and its options."""
    return "\n\n".join(_parts()) + "\n"


def _parts() -> Iterator[str]:
    yield "# Command line"
    yield "Made from the commands themselves; `chat-conformance COMMAND --help` prints the same."
    context = click.Context(commands, info_name="chat-conformance")
    yield _help(commands)
    for name, command in commands.commands.items():
        yield from _command(name, command, context)


def _command(name: str, command: click.Command, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    yield f"## {context.command_path.partition(' ')[2]}"
    yield f"```text\n{context.command_path} {' '.join(command.collect_usage_pieces(context))}\n```"
    yield _help(command)
    records = [record for one in command.params if (record := one.get_help_record(context)) is not None]
    rows = [(md.code(option), md.prose(text)) for option, text in records if text]
    if rows:
        yield md.table(("option", "meaning"), rows)
    if isinstance(command, click.Group):
        for inner, one in command.commands.items():
            yield from _command(inner, one, context)
    if name == "init":
        yield f'It writes this file:\n\n```toml title="conformance.toml"\n{configuration_text()}```'


def _help(command: click.Command) -> str:
    return "\n\n".join(md.prose(paragraph) for paragraph in (command.help or "").strip().split("\n\n"))
