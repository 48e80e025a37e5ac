"""Prints lines on a rich console as they are: no markup, no emoji codes, no highlighting, no cut lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from conformance.quoting import log_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

LABEL = 10
"""The width of the labels at the beginning of lines."""


class Printer:
    """A console for text that may come from a target; every line passes through `redact`."""

    def __init__(self, console: Console, redact: Callable[[str], str]) -> None:
        self._console = console
        self._redact = redact

    def line(self, text: str = "", style: str | None = None, *, indent: int = 0, label: str = "") -> None:
        """Print one paragraph, wrapped only by the terminal so that it can be copied, after a bold `label`."""
        from rich.text import Text  # noqa: PLC0415 - rich costs 50 ms

        shown = Text(" " * indent)
        if label:
            shown.append(f"{label:<{LABEL}}", style="bold")
        shown.append(self._redact(log_line(text)), style=style)
        self._console.print(shown, soft_wrap=True)

    def command(self, text: str) -> None:
        """Print a shell command on lines of its own, exactly as it has to be typed."""
        from rich.text import Text  # noqa: PLC0415 - rich costs 50 ms

        self._console.print(Text(self._redact(text)), soft_wrap=True)

    def table(self, table: Table) -> None:
        """Print a table of our own words and numbers."""
        self._console.print(table)
