"""What the text of an answer shows by itself: its least number of tokens, marks of a template, a server's internals."""

from __future__ import annotations

import re
from math import ceil
from typing import Final
from urllib.parse import urlsplit

LONGEST_TOKEN: Final = 64
"""Characters of the longest token of the tokenizers in use, a run of one character counted once: the vocabularies have
words of up to about fifty letters, and longer tokens only of repeated characters such as spaces and dashes."""

_RUN: Final = re.compile(r"(.)\1+", re.DOTALL)
_CONTROL_TOKENS: Final = re.compile(
    r"</s>|<\|(?:im_start|im_end|endoftext|eot_id|eom_id|end_of_text|begin_of_text|start_header_id|end_header_id|end"
    r"|eot|system|user|assistant|start|message|channel|return|endofprompt|python_tag)\|>"
    r"|<(?:start_of_turn|end_of_turn|eos|bos|pad|unk)>|\[/?INST\]|<<SYS>>"
    "|<\uff5c[A-Za-z\u2581]{3,30}\uff5c>"
)
_LEAKED: Final = re.compile(
    r"</?think(?:ing)?>|</?seed:think>|<\|?/?reasoning\|?>|<\u25c1/?think\u25b7>|\u25c1/?think\u25b7"
    r"|<\|channel\|>|<\|channel>|<channel\|>|\[/?THINK\]"
)
"""Tags and tokens by which models mark their reasoning."""
_CALL_TAGS: Final = re.compile(
    r"</?tool_calls?>|<\|tool_calls?(?:_section)?(?:_begin|_end|_sep)?\|?>|<\|python_tag\|>|\[/?TOOL_CALLS\]|\[TOOL_CALL\]"
    r"|<function=[\w.-]{1,64}>|</function>|</?function_calls?>|<\uff5ctool\u2581[\w\u2581]{1,30}\uff5c>|<invoke name="
    r"|<\|action_start\|>|<\|call\|>|<\|tool\u2581|to=functions\.|<minimax:tool_call>"
)
"""Tags and tokens by which models mark a call."""
_INTERNALS: Final = re.compile(
    rb"Traceback \(most recent call last\)"
    rb"|\bFile \\?\"[^\"]{1,300}\", line \d+"
    rb"|\bat [\w.$<>]+\([\w.]+\.(?:java|kt|scala):\d+\)"
    rb"|\n\s+at .{1,200}\(?(?:/|[A-Za-z]:\\).{1,200}:\d+:\d+\)?"
    rb"|goroutine \d+ \[running\]"
    rb"|(?:/home/|/usr/(?:lib|local|src)/|/var/(?:lib|www|task)/|/opt/|/root/|site-packages/|node_modules/)\S"
    rb"|(?<![\w.:/-])/(?:app|srv|mnt|workspace|build|code|data)/[\w./-]{1,200}\.(?:py|[jt]s|go|rs|rb|java|cc|cpp|php)\b"
    rb"|[A-Za-z]:\\\\?(?:Users|Program Files|inetpub)\\"
)
"""A stack trace, or a path of a server's file system."""
_INNER_HOSTS: Final = re.compile(
    rb"\b(?:10\.\d{1,3}|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}\b"
    rb"|\b(?:[\w-]{1,63}\.){1,6}cluster\.local\b"
    rb"|(?<=//)(?:[\w-]{1,63}\.){1,6}(?:internal|local|lan|corp)\b"
    rb"|\b(?:[\w-]{1,63}\.){1,6}(?:internal|local|lan|corp):\d{2,5}\b"
    rb"|\bhttps?:\\?/\\?/(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]|[\w-]{1,63}:\d{2,5})(?![\w.-])"
    rb"|\b(?:localhost|127\.0\.0\.1|0\.0\.0\.0):\d{2,5}\b"
)
"""An address of a private network (RFC 1918, RFC 3927), a name that only such a network knows, or a URL with one."""
_PORT: Final = re.compile(rb":(\d{2,5})")
_READ: Final = 64 * 1024
"""Bytes of a body that are searched: an error is short."""


def fewest_tokens(text: str) -> int:
    """The least number of tokens that a text can have, whatever the tokenizer."""
    return ceil(len(_RUN.sub(r"\1", text)) / LONGEST_TOKEN)


def control_token(text: str) -> str | None:
    """The first token in a text by which a chat template marks turns or their end, and which belongs to no reply."""
    found = _CONTROL_TOKENS.search(text)
    return found[0] if found else None


def leaked_reasoning(text: str) -> str | None:
    """The first tag or token in a text that marks reasoning, None where there is none."""
    found = _LEAKED.search(text)
    return found[0] if found else None


def leaked_call(text: str) -> str | None:
    """The first tag or token in a text that marks a call, None where there is none."""
    found = _CALL_TAGS.search(text)
    return found[0] if found else None


def server_internals(body: bytes, url: str) -> re.Match[bytes] | None:
    """The first part of a body that shows a stack trace, a path or an inner host of the server.

    The host of `url` is not an inner one: the caller knows it.
    """
    beginning = body[:_READ]
    parts = urlsplit(url)
    host, port = (parts.hostname or "").encode(), str(parts.port or "").encode()

    def is_known(found: re.Match[bytes]) -> bool:
        given = _PORT.search(found[0]) or _PORT.match(beginning, found.end())
        return host != b"" and host in found[0] and (given is None or given[1] == port)

    hosts = (one for one in _INNER_HOSTS.finditer(beginning) if not is_known(one))
    return _INTERNALS.search(beginning) or next(hosts, None)
