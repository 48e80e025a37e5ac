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


def threads(seen: Iterable[str]) -> str:
    """Public threads (`owner/repository#number`) as links; anything else as it stands."""
    shown = []
    for one in seen:
        thread = _THREAD.fullmatch(one)
        shown.append(
            f"[{prose(one)}](https://github.com/{thread['repository']}/issues/{thread['number']})"
            if thread
            else prose(one)
        )
    return ", ".join(shown)


def entries(rows: Iterable[tuple[str, str, str]]) -> str:
    """A list whose entries have a name, a text and small print; all three are Markdown already."""
    lines = [f"<li markdown>{name}<br>{text}<br><small markdown>{small}</small></li>" for name, text, small in rows]
    return "\n".join(['<ul class="entries" markdown>', *lines, "</ul>"])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
