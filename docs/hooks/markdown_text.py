"""Puts texts of the data into Markdown: what stands in backticks stays code, and nothing else becomes markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_CODE = re.compile(r"(`+)(?P<text>.+?)\1", re.DOTALL)
_MARKUP = str.maketrans(
    {**{mark: f"\\{mark}" for mark in "\\*_[]"}, "<": "&lt;", ">": "&gt;", "&": "&amp;", "|": "&#124;"}
)
_THREAD = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)#(?P<number>\d+)")


def prose(text: str) -> str:
    """A sentence of the data as Markdown on one line."""
    line = " ".join(text.split())
    parts: list[str] = []
    end = 0
    for code in _CODE.finditer(line):
        parts += [line[end : code.start()].translate(_MARKUP), code[0]]
        end = code.end()
    return "".join([*parts, line[end:].translate(_MARKUP)])


def code(text: str) -> str:
    """A text as code."""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def link(text: str, address: str | None) -> str:
    """A text that leads to an address, where there is one."""
    return f"[{prose(text)}]({address})" if address else prose(text)


def threads(seen: Iterable[str], shown: str | None = None) -> str:
    """Public threads (`owner/repository#number`) as links; anything else as it stands. `shown` is another text."""
    return ", ".join(link(shown or one, _address(one)) for one in seen)


def _address(thread: str) -> str | None:
    named = _THREAD.fullmatch(thread)
    return f"https://github.com/{named['repository']}/issues/{named['number']}" if named else None


def entries(rows: Iterable[tuple[str, str, str]]) -> str:
    """A list whose entries have a name, a text and small print; all three are Markdown already."""
    lines = [f"<li markdown>{name}<br>{text}<br><small markdown>{small}</small></li>" for name, text, small in rows]
    return "\n".join(['<ul class="entries" markdown>', *lines, "</ul>"])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def grouped_table(head: Sequence[str], groups: Iterable[tuple[Sequence[Sequence[str]], Sequence[str]]]) -> str:
    """A table whose rows come in groups: each has cells of its own, and those of a group share the cells after them."""
    lines = [_row("th", head)]
    for rows, shared in groups:
        spanning = "".join(f'<td rowspan="{len(rows)}" markdown="span">{cell}</td>' for cell in shared)
        lines += [_row("td", cells, spanning if number == 0 else "") for number, cells in enumerate(rows)]
    return "\n".join(
        ['<div class="grouped" markdown="block">', '<table markdown="block">', *lines, "</table>", "</div>"]
    )


def _row(element: str, cells: Iterable[str], further: str = "") -> str:
    own = "".join(f'<{element} markdown="span">{cell}</{element}>' for cell in cells)
    return f'<tr markdown="block">{own}{further}</tr>'
