"""Quotes what a target or a document wrote: bounded, and with nothing in it that acts on who shows it.

`quoted`, `as_json` and `as_path` are for messages: ASCII, short. `visible` and `one_line` are for pages and terminals,
which show text of any script.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final

QUOTED: Final = 80
"""How many characters of a value a message quotes."""
MARKDOWN_QUOTED: Final = 300
"""How many characters of a text Markdown quotes."""

# What a terminal or a browser would obey instead of show: C0 (but tab and line feed), DEL, C1, line and paragraph
# separators, marks and overrides of direction, invisible spaces and tags, and halves of surrogate pairs. The joiners
# U+200C and U+200D stay: scripts and emoji need them.
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_$][\w$-]{0,79}", re.ASCII)
_BREAKS: Final = {"\t": "\\t", "\n": "\\n"}
_PUNCTUATION: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~&@$-])")


def quoted(value: Any, limit: int = QUOTED) -> str:
    """A value for a message, in ASCII: text and bytes in quotation marks, anything else as JSON.

    Of a longer one the first `limit` characters are given; of text and bytes also the size.
    """
    if not isinstance(value, (str, bytes)):
        return as_json(value, limit)
    text = value[: limit * 4].decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
    if len(text) <= limit and len(value) <= limit * 4:
        return ascii(text)
    unit = "bytes" if isinstance(value, bytes) else "characters"
    return f"{text[:limit]!a}… ({len(value)} {unit} in all)"


def as_json(value: Any, limit: int = QUOTED) -> str:
    """A value as JSON in ASCII with at most `limit` characters; what JSON does not know is written as Python does."""
    text = json.dumps(_beginning(value, limit), ensure_ascii=True, separators=(", ", ": "), default=repr)
    text = text.replace("\x7f", "\\u007f")
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def as_path(steps: Iterable[str | int]) -> str:
    """The path to a value as people write it: `choices[0].delta.role`; empty for the whole."""
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        elif _PLAIN_NAME.fullmatch(step):
            path += f".{step}" if path else step
        else:
            path += f"[{as_json(step)}]"
    return path


def visible(text: str) -> str:
    r"""The text with every character that would act instead of being seen written as an escape (`\x1b`, `\u202e`).

    Tabs and line feeds stay. The result can be encoded as UTF-8 and stands in XML 1.0 but for markup.
    """
    if text.isascii() and text.isprintable():  # as most texts of a page are, and soon told
        return text
    return _HIDDEN.sub(lambda match: _escape(match[0]), text)


def one_line(text: str, limit: int | None = None) -> str:
    r"""`visible` without line breaks, cut to `limit` characters with an ellipsis where it is longer."""
    line = visible(text)
    for character, escape in _BREAKS.items():
        line = line.replace(character, escape)
    if limit is not None and len(line) > limit:
        return line[: max(limit - 1, 0)] + "…"
    return line


def log_line(text: str) -> str:
    """`one_line` for a console or the log of a CI service, in which nothing begins a workflow command.

    GitHub Actions obeys `::` at the beginning of a line, and `##[` anywhere in it. All that comes from outside, in
    records, evidence and bundles, is printed by this.
    """
    return without_commands(one_line(text))


def without_commands(line: str) -> str:
    """A line in which nothing begins a workflow command."""
    line = line.replace("##[", "##\u200b[")
    indent = len(line) - len(line.lstrip())
    return f"{line[:indent]}:\u200b{line[indent + 1 :]}" if line.startswith("::", indent) else line


def code_span(text: str, limit: int = MARKDOWN_QUOTED) -> str:
    """A code span that the text cannot leave (CommonMark section 6.1)."""
    shown = one_line(text, limit)
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if not shown or shown[0] == "`" or shown[-1] == "`" or not shown.strip() else ""
    return f"{fence}{padding}{shown}{padding}{fence}"


def escape_markdown(text: str, limit: int = MARKDOWN_QUOTED) -> str:
    """A sentence in which every punctuation mark stands for itself."""
    shown = _PUNCTUATION.sub(r"\\\1", one_line(text, limit))
    # Without this a mention or a bare address would be linked.
    return shown.replace("\\@", "@\u200b").replace("://", ":\u200b//").replace("www.", "www\u200b.")


def _beginning(value: Any, longest: int, depth: int = 0) -> Any:
    """As much of a value as can be shown, so that a huge one costs nothing; what is cut is longer than is shown."""
    if isinstance(value, str):
        return value[: longest + 1]
    if isinstance(value, Mapping):
        first = list(islice(value.items(), longest))
        return {str(key)[: longest + 1]: _inner(inner, longest, depth) for key, inner in first}
    if isinstance(value, (list, tuple)):
        return [_inner(inner, longest, depth) for inner in islice(value, longest)]
    return value


def _inner(value: Any, longest: int, depth: int) -> Any:
    return _beginning(value, longest, depth + 1) if depth < longest else None


def _escape(character: str) -> str:
    code = ord(character)
    if character == "\r":
        return "\\r"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
