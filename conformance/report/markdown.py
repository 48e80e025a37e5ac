"""Text in Markdown (GitHub's), so that nothing that a target wrote acts: no markup, no mention, no link."""

from __future__ import annotations

import re

from conformance.quoting import one_line

_LONGEST = 300
_PUNCTUATION = re.compile(r"([\\`*_{}\[\]<>()#+!|~&@$-])")


def code_span(text: str, limit: int = _LONGEST) -> str:
    """A code span that the text cannot leave (CommonMark section 6.1)."""
    shown = one_line(text, limit)
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if not shown or shown[0] == "`" or shown[-1] == "`" or not shown.strip() else ""
    return f"{fence}{padding}{shown}{padding}{fence}"


def escaped(text: str, limit: int = _LONGEST) -> str:
    """A sentence in which every punctuation mark stands for itself."""
    shown = _PUNCTUATION.sub(r"\\\1", one_line(text, limit))
    # Without this a mention or a bare address would be linked.
    return shown.replace("\\@", "@\u200b").replace("://", ":\u200b//").replace("www.", "www\u200b.")
