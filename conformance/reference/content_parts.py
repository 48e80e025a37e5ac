"""What the messages of a prompt cost beside their text: pictures, sounds, files, and the calls of tools."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

from conformance.reference.errors import Refusal
from conformance.reference.tokens import count_tokens

_OF_PICTURE: Final = 85
"""Tokens of a picture, whatever its size."""
_BYTES_OF_TOKEN: Final = 64
"""Bytes of a sound or a file that count as one token."""


def cost_beside_text(message: Mapping[str, Any], where: str) -> int:
    """What a message costs in tokens beside its text.

    Raises:
        Refusal: 400 where the data of a part cannot be read, or lies elsewhere.
    """
    content, calls = message.get("content"), message.get("tool_calls")
    cost = count_tokens(json.dumps(calls, ensure_ascii=False)) if calls else 0
    for number, part in enumerate(content if isinstance(content, list) else ()):
        if isinstance(part, Mapping):
            cost += _cost(part, f"{where}.content[{number}]")
    return cost


def _cost(part: Mapping[str, Any], where: str) -> int:
    kind = part.get("type")
    held = part.get(kind) if isinstance(kind, str) else None
    if not isinstance(held, Mapping):
        return 0
    if kind == "image_url":
        _check_picture(str(held.get("url")), f"{where}.image_url.url")
        return _OF_PICTURE
    if kind == "input_audio":
        return _size(held.get("data"), f"{where}.input_audio.data")
    if kind == "file":
        if "file_data" not in held:
            raise Refusal(400, "unsupported_parameter", "No files are kept here.", param=f"{where}.file.file_id")
        return _size(held["file_data"], f"{where}.file.file_data")
    return 0


def _check_picture(url: str, where: str) -> None:
    if url.startswith("data:"):
        _size(url, where)


def _size(data: Any, where: str) -> int:
    """What base64, bare or in a data URL, counts as in tokens."""
    text = str(data)
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        size = len(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise Refusal(400, "invalid_value", f"'{where}' is not base64.", param=where) from error
    if not size:
        raise Refusal(400, "invalid_value", f"'{where}' is empty.", param=where)
    return 1 + size // _BYTES_OF_TOKEN
