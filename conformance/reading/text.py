"""What the text of an answer shows by itself: how many tokens it has at least, and marks that no reader should see."""

from __future__ import annotations

import re
from math import ceil
from typing import Final

LONGEST_TOKEN: Final = 64
"""Characters of the longest token of the tokenizers in use, a run of one character counted once: the vocabularies have
words of up to about fifty letters, and longer tokens only of repeated spaces, dashes and the like."""

_RUN: Final = re.compile(r"(.)\1+", re.DOTALL)
_CONTROL_TOKENS: Final = re.compile(
    r"</s>|<\|(?:im_start|im_end|endoftext|eot_id|eom_id|end_of_text|begin_of_text|start_header_id|end_header_id|end"
    r"|eot|system|user|assistant|start|message|channel|return|endofprompt|python_tag)\|>"
    r"|<(?:start_of_turn|end_of_turn|eos|bos|pad|unk)>|\[/?INST\]|<<SYS>>"
    "|<\uff5c[A-Za-z\u2581]{3,30}\uff5c>"
)


def fewest_tokens(text: str) -> int:
    """How many tokens a text has at least, whatever the tokenizer is."""
    return ceil(len(_RUN.sub(r"\1", text)) / LONGEST_TOKEN)


def control_token(text: str) -> str | None:
    """The first token in a text that a chat template marks turns or ends with, and that is no part of what was said."""
    found = _CONTROL_TOKENS.search(text)
    return found[0] if found else None
