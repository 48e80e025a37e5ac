"""Bundles that are small and want to take much: memory, time, or lines of the console. Each by a name."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from forging import Lines, forged
from repacked_bundles import EVIDENCE, careful, contents, in_json, packed

Bomb = Callable[[Path, Path], Path]
"""Makes of a whole bundle one that is a bomb, at a path."""


def with_member(name: str, content: bytes) -> Bomb:
    """Any member, with a manifest that fits."""
    return lambda bundle, path: careful(bundle, path, {name: lambda _: content})


def with_record(change: Callable[[Any], None]) -> Bomb:
    return lambda bundle, path: careful(bundle, path, {"results.json": in_json(change)})


def with_lines(change: Callable[[Lines], object]) -> Bomb:
    return lambda bundle, path: forged(bundle, path, change, judging=False)


def unlisted(name: str, size: int) -> Bomb:
    """A member that the archive unpacks to so many zeros."""

    def make(bundle: Path, path: Path) -> Path:
        files = contents(bundle)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for one, content in files.items():
                if one != name:
                    archive.writestr(one, content)
            with archive.open(name, "w", force_zip64=False) as member:
                for _ in range(size // 1_048_576):
                    member.write(bytes(1_048_576))
        return path

    return make


def lying(bundle: Path, path: Path) -> Path:
    """A member that says to be small."""
    made = unlisted("statement.json", 256 * 1_048_576)(bundle, path)
    size = struct.pack("<L", 256 * 1_048_576)
    made.write_bytes(made.read_bytes().replace(size, struct.pack("<L", 100)))
    return made


def many_members(bundle: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(60_000):
            archive.writestr(f"n{number}", b"")
    return path


def answers(body: str) -> Callable[[Lines], None]:
    """Every answer has this body, in one read."""

    def change(lines: Lines) -> None:
        for line in lines:
            if line.get("answer"):
                line["answer"].pop("body_base64", None)
                line["answer"] |= {"body": body, "reads": [[line["answer"]["headers_at"], len(body.encode())]]}

    return change


def first_answer(count: int, piece: str) -> Callable[[Lines], None]:
    """The first streamed answer is so many reads of this text."""

    def change(lines: Lines) -> None:
        line = next(line for line in lines if line.get("probe") == "stream/plain")
        at = line["answer"]["headers_at"]
        line["answer"] |= {"body": piece * count, "reads": [[at, len(piece)]] * count}

    return change


def many_exchanges(lines: Lines) -> None:
    again = next(line for line in lines if line.get("probe") == "completion/plain")
    lines[-1:-1] = [{**again, "id": f"x#{number}", "round": number} for number in range(1, 15_000)]


def many_waivers(record: dict[str, Any]) -> None:
    waiver = {"requirement": "*" * 20 + "z", "probe": None, "reason": "x", "owner": "y", "expires": "2999-01-01"}
    record["waivers"] = [waiver] * 60_000


def rows(name: str, row: list[Any], count: int) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        for line in lines:
            if line.get("answer"):
                line["answer"][name] = [row] * count

    return change


EVENT = 'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[]}\n\n'
BOMBS: dict[str, Bomb] = {
    "a statement of 1 GiB": unlisted("statement.json", 1024 * 1_048_576),
    "evidence of 1 GiB": unlisted(EVIDENCE, 1024 * 1_048_576),
    "a page of 64 MiB": with_member("compliance.html", b" " * (64 * 1_048_576)),
    "a member that says to be small": lying,
    "60,000 members": many_members,
    "a line of 30 MiB": with_member(EVIDENCE, b" " * (30 * 1_048_576)),
    "30 million braces in a line": with_member(EVIDENCE, b"[" * 30_000_000),
    "lists in a record": with_member("results.json", b"[" + b"[]," * 5_000_000 + b"[]]"),
    "lists within the bounds in a record": with_member("results.json", b"[" + b"[]," * 390_000 + b"[]]"),
    "objects in a record": with_record(lambda one: one.update(reasons=[{"": 0}] * 200_000)),
    "digits in a record": with_member("results.json", b"9" * 15_000_000),
    "a manifest that is nested": with_member("contract/requirements.json", b'{"a":' * 600_000 + b"1" + b"}" * 600_000),
    "lists in a line": with_lines(lambda lines: lines[0].update(x=[[]] * 290_000)),
    "lists in many lines": with_member(EVIDENCE, (b'{"a":[' + b"[]," * 280_000 + b"[]]}\n") * 30),
    "header fields": with_lines(rows("headers", ["", ""], 1000)),
    "header fields beyond the bound": with_lines(rows("headers", ["", ""], 2000)),
    "reads": with_lines(first_answer(95_000, ":\n")),
    "reads beyond the bound": with_lines(first_answer(120_000, ":\n")),
    "events": with_lines(first_answer(40_000, EVENT)),
    "large answers of lists": with_lines(answers("[" + "[]," * 100_000 + "[]]")),
    "large answers of objects": with_lines(answers('{"choices":[' + '{"message":{}},' * 20_000 + "{}]}")),
    "large answers that are nested": with_lines(answers("[" * 150_000 + "]" * 150_000)),
    "large answers of one word": with_lines(answers("error" * 60_000)),
    "15,000 rounds": with_lines(many_exchanges),
    "60,000 waivers": with_record(many_waivers),
}


def bare(path: Path) -> Path:
    """An archive with nothing in it."""
    return packed({}, path)


def as_lines(*values: Any) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)
