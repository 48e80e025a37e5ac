"""Finds a key in files by decoding and joining all that can be; it shares no code with the redactor."""

from __future__ import annotations

import base64
import binascii
import contextlib
import gzip
import html
import json
import quopri
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

LONGEST = 8
"""Successive letters and digits of a key that nobody may see."""
_DEEPEST = 3
_OTHERS = bytes(byte for byte in range(256) if byte > 127 or not chr(byte).isalnum())


def pieces_shown(data: bytes, key: str, prefix: int = 3, depth: int = _DEEPEST) -> set[str]:
    """The runs of `LONGEST` letters and digits of a key behind its first ones that can be read in some bytes."""
    wanted, any_of_them = _wanted(key, prefix)
    found: set[str] = set()
    for text in readings(data, depth):
        flat = _alphanumeric(text)
        if len(flat) >= LONGEST and any_of_them.search(flat):
            found |= {one.decode() for one in wanted if one in flat}
    return found


@cache
def _wanted(key: str, prefix: int) -> tuple[frozenset[bytes], re.Pattern[bytes]]:
    """The runs that nobody may see, forwards and backwards, and what finds any of them."""
    compared = _alphanumeric(key[prefix:].encode())
    forwards = {compared[at : at + LONGEST] for at in range(len(compared) - LONGEST + 1)}
    wanted = frozenset(forwards | {one[::-1] for one in forwards})
    return wanted, re.compile(b"|".join(map(re.escape, wanted)))


def artifacts(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder, and every member of an archive."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        yield str(path.relative_to(folder)), data
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield f"{path.name}/{name}", archive.read(name)


def readings(data: bytes, depth: int = _DEEPEST) -> Iterator[bytes]:
    """The data, and everything that it may be decoded to."""
    level, seen = [data], {data}
    for left in range(depth, -1, -1):
        following: list[bytes] = []
        for one in level:
            yield one
            for decode in _DECODERS if left else ():
                for text in decode(one):
                    if len(text) >= LONGEST and text not in seen:
                        seen.add(text)
                        following.append(text)
        level = following


def _alphanumeric(data: bytes) -> bytes:
    return data.lower().translate(None, _OTHERS)


def _percent(data: bytes) -> Iterator[bytes]:
    if b"%" in data:
        yield unquote_to_bytes(data)


def _entities(data: bytes) -> Iterator[bytes]:
    if b"&" in data:
        yield html.unescape(data.decode("utf-8", "replace")).encode("utf-8", "replace")


def _backslashes(data: bytes) -> Iterator[bytes]:
    if b"\\" not in data:
        return
    text = re.sub(rb"\\[ux]\{0*([0-9a-fA-F]{2})\}", rb"\\x\1", data)
    yield re.sub(rb"\\+u00([0-9a-fA-F]{2})|\\+x([0-9a-fA-F]{2})", _from_hex, text)
    yield re.sub(rb"\\+([0-7]{3})", lambda match: bytes([int(match[1], 8) & 255]), text)
    yield re.sub(rb"\\0{0,4}([0-9a-fA-F]{2}) ?", _from_hex, text)
    yield re.sub(rb"\\+[nrt]", b"", text)


def _from_hex(match: re.Match[bytes]) -> bytes:
    return binascii.unhexlify(next(group for group in match.groups() if group))


def _quoted_printable(data: bytes) -> Iterator[bytes]:
    if b"=" in data:
        yield quopri.decodestring(data)


def _base64(data: bytes) -> Iterator[bytes]:
    squeezed = re.sub(rb"\s+|\\n|\\r", b"", data)
    for text in dict.fromkeys((data, squeezed)):
        for match in re.finditer(rb"[A-Za-z0-9+/_-]{11,}", text):
            run = match.group().translate(bytes.maketrans(b"-_", b"+/"))
            for offset in range(4):
                part = run[offset:]
                part = part[: len(part) - (len(part) % 4 == 1)]
                with contextlib.suppress(binascii.Error):
                    yield base64.b64decode(part + b"=" * (-len(part) % 4))


def _hexadecimal(data: bytes) -> Iterator[bytes]:
    bare = re.sub(rb"0[xX]|\\x|[:,\s%-]", b"", data)
    for match in re.finditer(rb"[0-9a-fA-F]{16,}", bare):
        for offset in range(2):
            digits = match.group()[offset:]
            yield binascii.unhexlify(digits[: len(digits) // 2 * 2])


def _numbers(data: bytes) -> Iterator[bytes]:
    values = [int(number) for number in re.findall(rb"\d{1,4}", data)]
    if len(values) >= LONGEST:
        yield bytes(value if value < 256 else 0 for value in values)
    bits = re.sub(rb"\s", b"", data)
    for match in re.finditer(rb"[01]{64,}", bits):
        yield bytes(int(match.group()[at : at + 8], 2) for at in range(0, len(match.group()) - 7, 8))


def _compressed(data: bytes) -> Iterator[bytes]:
    for at in [match.start() for match in re.finditer(rb"\x1f\x8b\x08", data)][:8]:
        with contextlib.suppress(OSError, EOFError, zlib.error):
            yield gzip.decompress(data[at:])
    with contextlib.suppress(zlib.error):
        yield zlib.decompress(data)


def _backwards(data: bytes) -> Iterator[bytes]:
    if len(data) < 20_000:
        yield data[::-1]


def _unicode(data: bytes) -> Iterator[bytes]:
    if b"\0" in data:
        yield data.replace(b"\0", b"")


def _strings(data: bytes) -> Iterator[bytes]:
    """All strings of JSON, of lines of JSON and of events, in order; and those of each name."""
    values = list(_documents(data))
    if not values:
        return
    named: dict[str, list[str]] = {}
    for value in values:
        _collect(value, "", named)
    for texts in named.values():
        yield "".join(texts).encode("utf-8", "replace")


def _documents(data: bytes) -> Iterator[Any]:
    for text in dict.fromkeys((data, *data.splitlines())):
        with contextlib.suppress(ValueError, RecursionError):
            yield json.loads(text.removeprefix(b"data:"))


def _collect(value: Any, name: str, named: dict[str, list[str]]) -> None:
    if isinstance(value, dict):
        for key, member in value.items():
            named.setdefault("names", []).append(key)
            _collect(member, key, named)
    elif isinstance(value, list):
        for element in value:
            _collect(element, name, named)
    elif isinstance(value, str) and len(value) < 4096:
        named.setdefault(f"of {name}", []).append(value)
        if name in {"content", "reasoning_content"}:
            named.setdefault("said or thought", []).append(value)
    elif isinstance(value, str):
        named.setdefault(f"long {len(named)}", []).append(value)
    elif isinstance(value, int) and 0 < value < 256:
        named.setdefault(f"bytes of {name}", []).append(chr(value))


_DECODERS: tuple[Callable[[bytes], Iterator[bytes]], ...] = (
    _percent,
    _entities,
    _backslashes,
    _quoted_printable,
    _base64,
    _hexadecimal,
    _numbers,
    _compressed,
    _unicode,
    _backwards,
    _strings,
)
