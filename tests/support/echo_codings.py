"""The ways in which software, and spite, may write a key in a text."""

from __future__ import annotations

import base64
import binascii
import codecs
import gzip
import html
import json
import quopri
import zlib
from collections.abc import Callable
from urllib.parse import quote, quote_plus

Coding = Callable[[str], str]


def pieces(key: str, size: int) -> list[str]:
    return [key[at : at + size] for at in range(0, len(key), size)]


def halves(key: str) -> tuple[str, str]:
    return key[: len(key) // 2], key[len(key) // 2 :]


# Codings of a text, as any part of an answer may have them

CODINGS: dict[str, Coding] = {
    "plain": lambda key: key,
    "upper case": str.upper,
    "lower case": str.lower,
    "swapped case": str.swapcase,
    "reversed": lambda key: key[::-1],
    "percent": lambda key: "".join(f"%{ord(c):02X}" for c in key),
    "percent, lower case": lambda key: "".join(f"%{ord(c):02x}" for c in key),
    "percent, every third character": lambda key: "".join(
        c if at % 3 else f"%{ord(c):02X}" for at, c in enumerate(key)
    ),
    "percent of what must be": lambda key: quote(key, safe=""),
    "form encoding": quote_plus,
    "percent, twice": lambda key: quote("".join(f"%{ord(c):02X}" for c in key), safe=""),
    "percent-u": lambda key: "".join(f"%u{ord(c):04x}" for c in key),
    "JSON \\u": lambda key: "".join(f"\\u{ord(c):04x}" for c in key),
    "JSON \\u, upper case": lambda key: "".join(f"\\u{ord(c):04X}" for c in key),
    "JSON \\u with two backslashes": lambda key: "".join(f"\\\\u{ord(c):04x}" for c in key),
    "JSON \\u, every other character": lambda key: "".join(
        c if at % 2 else f"\\u{ord(c):04x}" for at, c in enumerate(key)
    ),
    "braces \\u{73}": lambda key: "".join(f"\\u{{{ord(c):x}}}" for c in key),
    "braces \\u{000073}": lambda key: "".join(f"\\u{{{ord(c):06x}}}" for c in key),
    "braces \\x{73}": lambda key: "".join(f"\\x{{{ord(c):x}}}" for c in key),
    "long \\U00000073": lambda key: "".join(f"\\U{ord(c):08x}" for c in key),
    "hexadecimal \\x73": lambda key: "".join(f"\\x{ord(c):02x}" for c in key),
    "octal \\163": lambda key: "".join(f"\\{ord(c):03o}" for c in key),
    "octal \\o{163}": lambda key: "".join(f"\\o{{{ord(c):o}}}" for c in key),
    "octal \\0163": lambda key: "".join(f"\\0{ord(c):03o}" for c in key),
    "CSS \\73 ": lambda key: "".join(f"\\{ord(c):x} " for c in key),
    "CSS \\000073": lambda key: "".join(f"\\{ord(c):06x}" for c in key),
    "U+0073": lambda key: " ".join(f"U+{ord(c):04X}" for c in key),
    "HTML &#115;": lambda key: "".join(f"&#{ord(c)};" for c in key),
    "HTML &#x73;": lambda key: "".join(f"&#x{ord(c):x};" for c in key),
    "HTML &#0000115;": lambda key: "".join(f"&#{ord(c):07};" for c in key),
    "HTML &#115 without semicolon": lambda key: "".join(f"&#{ord(c)}" for c in key),
    "HTML, twice": lambda key: html.escape("".join(f"&#{ord(c)};" for c in key)),
    "HTML names": lambda key: key.replace("-", "&hyphen;").replace("_", "&lowbar;").replace("+", "&plus;"),
    "quoted-printable": lambda key: "".join(f"={ord(c):02X}" for c in key),
    "quoted-printable with soft breaks": lambda key: quopri.encodestring(("x" * 60 + key).encode()).decode(),
    "quoted-printable, all, with soft breaks": lambda key: "=\r\n".join(
        pieces("".join(f"={ord(c):02X}" for c in key), 18)
    ),
    "encoded word, Q": lambda key: "=?utf-8?Q?" + "".join(f"={ord(c):02X}" for c in key) + "?=",
    "encoded word, B": lambda key: "=?utf-8?B?" + base64.b64encode(key.encode()).decode() + "?=",
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 without padding": lambda key: base64.b64encode(key.encode()).decode().rstrip("="),
    "base64, twice": lambda key: _repeated(key, 2),
    "base64, three times": lambda key: _repeated(key, 3),
    "base64url": lambda key: base64.urlsafe_b64encode(b"?>" + key.encode()).decode(),
    "base64 after one byte": lambda key: base64.b64encode(b"x" + key.encode()).decode(),
    "base64 after two bytes": lambda key: base64.b64encode(b"xy" + key.encode() + b"tail").decode(),
    "base64 within a word": lambda key: "abc" + base64.b64encode(b"Bearer " + key.encode()).decode() + "xyz",
    "base64 of JSON": lambda key: base64.b64encode(json.dumps({"key": key}).encode()).decode(),
    "base64 with MIME line breaks": lambda key: base64.encodebytes(b"x" * 40 + key.encode()).decode(),
    "base64 with line breaks at 16": lambda key: "\r\n".join(pieces(base64.b64encode(key.encode()).decode(), 16)),
    "base64 with spaces": lambda key: " ".join(pieces(base64.b64encode(key.encode()).decode(), 4)),
    "base64 with written line breaks": lambda key: "\\n".join(pieces(base64.b64encode(key.encode()).decode(), 20)),
    "data URL": lambda key: "data:text/plain;base64," + base64.b64encode(key.encode()).decode(),
    "basic credentials": lambda key: "Basic " + base64.b64encode(b"user:" + key.encode()).decode(),
    "hexadecimal": lambda key: key.encode().hex(),
    "hexadecimal, upper case": lambda key: key.encode().hex().upper(),
    "hexadecimal with colons": lambda key: key.encode().hex(":"),
    "hexadecimal with spaces": lambda key: key.encode().hex(" "),
    "hexadecimal with hyphens": lambda key: key.encode().hex("-"),
    "hexadecimal in fours": lambda key: key.encode().hex(" ", 2),
    "hexadecimal with line breaks": lambda key: "\n".join(pieces(key.encode().hex(), 16)),
    "hexadecimal 0x73, ": lambda key: ", ".join(f"0x{ord(c):02x}" for c in key),
    "hexadecimal 0X73 ": lambda key: " ".join(f"0X{ord(c):02X}" for c in key),
    "hexadecimal 0x at the front": lambda key: "0x" + key.encode().hex(),
    "hexadecimal 73h": lambda key: " ".join(f"{ord(c):02x}h" for c in key),
    "hexadecimal of SQL": lambda key: "X'" + key.encode().hex() + "'",
    "hexadecimal dump": lambda key: "\n".join(
        f"{at * 16:08x}: {piece.encode().hex(' ', 2):<39}  {piece}" for at, piece in enumerate(pieces(key, 16))
    ),
    "decimal bytes": lambda key: ", ".join(str(ord(c)) for c in key),
    "decimal bytes without spaces": lambda key: ",".join(str(ord(c)) for c in key),
    "decimal bytes with spaces": lambda key: " ".join(str(ord(c)) for c in key),
    "decimal bytes of three digits": lambda key: " ".join(f"{ord(c):03}" for c in key),
    "decimal bytes by chr()": lambda key: " & ".join(f"chr({ord(c)})" for c in key),
    "decimal bytes by CHAR()": lambda key: "CHAR(" + ",".join(str(ord(c)) for c in key) + ")",
    "octal bytes": lambda key: " ".join(f"{ord(c):03o}" for c in key),
    "binary digits": lambda key: " ".join(f"{ord(c):08b}" for c in key),
    "binary digits without spaces": lambda key: "".join(f"{ord(c):08b}" for c in key),
    "spaces between characters": " ".join,
    "line breaks between characters": "\n".join,
    "commas between characters": ", ".join,
    "quotation marks around characters": lambda key: ", ".join(f"'{c}'" for c in key),
    "pluses between strings": lambda key: " + ".join(f'"{piece}"' for piece in pieces(key, 3)),
    "zero-width spaces between characters": "\u200b".join,
    "soft hyphens between characters": "\u00ad".join,
    "punctuation left out": lambda key: "".join(c for c in key if c.isalnum()),
    "UTF-7": lambda key: "+" + base64.b64encode(key.encode("utf-16-be")).decode().rstrip("=") + "-",
    "gzip in base64": lambda key: base64.b64encode(gzip.compress(key.encode(), mtime=0)).decode(),
    "deflate in base64": lambda key: base64.b64encode(zlib.compress(key.encode())).decode(),
    "gzip in hexadecimal": lambda key: gzip.compress(key.encode(), mtime=0).hex(),
    "UTF-16 in base64": lambda key: base64.b64encode(key.encode("utf-16-le")).decode(),
    "UTF-16 in hexadecimal": lambda key: key.encode("utf-16-be").hex(),
}

PARTS: dict[str, tuple[Coding, int]] = {
    "without its last three characters": (lambda key: key[:-3], 0),
    "without its first five characters": (lambda key: key[5:], 0),
    "cut in the middle of a sentence": (lambda key: key[:-3] + " is not known", 0),
    "one character masked": (lambda key: key[:20] + "*" + key[21:], 0),
    "one character replaced": (lambda key: key[:20] + "?" + key[21:], 0),
    "one character left out": (lambda key: key[:20] + key[21:], 0),
    "one character too many": (lambda key: key[:20] + "#" + key[20:], 0),
    "its first twelve": (lambda key: key[:12] + "...", 0),
    "its first six and last six, masked between": (lambda key: key[:6] + "****" + key[-6:], 0),
    "its middle": (lambda key: "****" + key[10:30] + "****", 0),
    "its last twelve": (lambda key: "..." + key[-12:], 0),
    "every eighth character masked": (
        lambda key: "".join("*" if at % 9 == 8 else c for at, c in enumerate(key)),
        0,
    ),
    "its two halves in two sentences": (lambda key: "First {}. Then {}.".format(*halves(key)), 0),
    "its second half before its first": (lambda key: "{1} {0}".format(*halves(key)), 0),
    "its first half in base64": (lambda key: base64.b64encode(halves(key)[0].encode()).decode(), 0),
    "its last half in hexadecimal": (lambda key: halves(key)[1].encode().hex(), 0),
    "its last four": (lambda key: "sk-...-" + key[-4:], 4),
}

SPITE: dict[str, Coding] = {
    "ROT13": lambda key: codecs.encode(key, "rot13"),
    "every letter moved by one": lambda key: "".join(chr(ord(c) + 1) for c in key),
    "XOR in hexadecimal": lambda key: bytes(ord(c) ^ 0x2A for c in key).hex(),
    "UUencode": lambda key: "".join(binascii.b2a_uu(piece.encode()).decode() for piece in pieces(key, 45)),
    "base32": lambda key: base64.b32encode(key.encode()).decode(),
    "base85": lambda key: base64.b85encode(key.encode()).decode(),
    "Ascii85": lambda key: base64.a85encode(key.encode()).decode(),
    "Morse-like words": lambda key: " ".join({"-": "dash", "_": "line"}.get(c, f"letter {c}") for c in key),
    "every other character, then the rest": lambda key: key[::2] + " and " + key[1::2],
    "base64, five times": lambda key: _repeated(key, 5),
    "letters between characters": "x".join,
    "pieces of five with words between": lambda key: " and then ".join(pieces(key, 5)),
}


def _repeated(key: str, times: int) -> str:
    data = key.encode()
    for _ in range(times):
        data = base64.b64encode(data)
    return data.decode()


STACKED = (
    "percent",
    "JSON \\u",
    "braces \\u{73}",
    "hexadecimal \\x73",
    "octal \\163",
    "CSS \\73 ",
    "HTML &#115;",
    "HTML &#x73;",
    "quoted-printable",
    "base64",
    "base64 after one byte",
    "base64 with MIME line breaks",
    "hexadecimal",
    "hexadecimal with colons",
    "hexadecimal 0x73, ",
    "decimal bytes",
    "binary digits",
    "reversed",
    "gzip in base64",
    "UTF-16 in base64",
)
"""Codings of which any two may lie over one another."""
