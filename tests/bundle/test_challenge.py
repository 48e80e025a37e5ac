"""A certifier's challenge is a signed file, and a run that is made for it sends what follows from it, in its time."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from certification import Keys, beside, command, verify
from challenged_bundles import Issued, written

from conformance.bundle import ChallengeError, public_key, signing_key
from conformance.bundle.challenge_file import PAYLOAD_TYPE, new_challenge, read_challenge
from conformance.bundle.signature import signed
from conformance.evidence import read_evidence
from conformance.probes import Challenge
from conformance.reference import EmbeddedReference
from conformance.shipped import specs_directory

pytestmark = pytest.mark.network

HOUR = timedelta(hours=1)


# --- the file --------------------------------------------------------------------------------------------------------


def test_a_challenge_is_signed_and_described_by_its_schema(issued: Issued, certifier: Keys) -> None:
    challenge = read_challenge(issued.file, public_key(certifier.public))
    schema = json.loads((specs_directory() / "challenge.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(challenge.data(), schema, format_checker=jsonschema.FormatChecker())
    assert challenge.issued_for == "Acme AI"
    assert challenge.expires_at - challenge.issued_at == 48 * HOUR


def test_no_two_challenges_have_one_nonce() -> None:
    now = datetime.now(UTC)
    assert len({new_challenge("Acme", HOUR, now).nonce for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("valid", "hours"), [("90m", 1.5), ("1h", 1), ("7d", 168), ("366d", 8784)], ids=["minutes", "hour", "days", "most"]
)
def test_it_holds_as_long_as_is_said(valid: str, hours: float, certifier: Keys, tmp_path: Path) -> None:
    out = tmp_path / "challenge.json"
    status, said = command("challenge", "--for", "A", "--valid", valid, "--sign", certifier.private, "--out", out)
    assert status == 0, said
    challenge = read_challenge(out)
    assert challenge.expires_at - challenge.issued_at == hours * HOUR
    assert f"It holds until {challenge.expires}." in said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"--for": " "}, "--for is not a name"),
        ({"--for": "a\nb"}, "--for is not a name"),
        ({"--for": "\x1b[31m"}, "--for is not a name"),
        ({"--for": "a" * 201}, "--for is not a name"),
        ({"--valid": "48"}, "--valid '48' is not a time; give a number with its unit, such as 90m, 48h or 7d."),
        ({"--valid": "0h"}, "--valid must be more than nothing and at most 366 days."),
        ({"--valid": "367d"}, "--valid must be more than nothing and at most 366 days."),
        ({"--valid": "999999d"}, "--valid must be more than nothing and at most 366 days."),
        ({"--sign": "missing.pem"}, "missing.pem: the key cannot be read"),
        ({"--out": "there.json"}, "there.json exists, and a challenge cannot be made again; choose another --out."),
        ({"--out": "no/folder.json"}, "no/folder.json cannot be written"),
    ],
)
def test_what_cannot_be_issued(
    changed: dict[str, str], said: str, certifier: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.json").touch()
    options = {"--for": "A", "--valid": "1h", "--sign": str(certifier.private), "--out": "new.json", **changed}
    status, printed = command("challenge", *(word for pair in options.items() for word in pair))
    assert status == 2
    assert said in printed
    assert printed.count("\n") == 1
    assert not Path("new.json").exists()
    assert not Path("there.json").read_bytes()


def envelope(payload: str, certifier: Keys, payload_type: str = PAYLOAD_TYPE) -> str:
    return signed(payload, signing_key(certifier.private), payload_type)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (lambda _: "", "is not a challenge; give the file"),
        (lambda _: "[]", "is not a challenge; give the file"),
        (lambda _: "[" * 50_000, "is not a challenge; give the file"),
        (lambda _: " " * 70_000, "is larger than any challenge can be."),
        (lambda keys: envelope("{}", keys), "is not a challenge (it does not have the members of a challenge)"),
        (lambda keys: envelope("{", keys), "is not a challenge ("),
        (
            lambda keys: envelope('{"format": 1, "format": 1}', keys),
            "is not a challenge (the name 'format' twice in one object)",
        ),
        (lambda keys: envelope("{}", keys, "application/vnd.in-toto+json"), "is not a challenge; give the file"),
    ],
    ids=["empty", "list", "deep", "large", "members", "json", "twice", "statement"],
)
def test_a_file_that_is_not_a_challenge(
    text: Callable[[Keys], str], said: str, certifier: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("it.json").write_text(text(certifier), encoding="utf-8")
    for words in (("run", "loop-health", "--out", "out"), ("verify", "it.json")):
        status, printed = command(*words, "--challenge", "it.json")
        assert status == 2, printed
        assert f"chat-conformance: it.json {said}" in printed
    assert not Path("out").exists()


def test_a_challenge_that_another_key_signed(issued: Issued, keys: Keys) -> None:
    with pytest.raises(ChallengeError, match="is not signed by the given key"):
        read_challenge(issued.file, public_key(keys.public))
    status, said = verify(issued.bundle, "--challenge", issued.file, "--challenge-key", keys.public)
    assert status == 2
    assert "is not signed by the given key: another key signed it, or it was changed afterwards." in said


def test_a_key_for_a_challenge_that_is_not_given(issued: Issued, keys: Keys) -> None:
    status, said = verify(issued.bundle, "--challenge-key", keys.public)
    assert status == 2
    assert "give --challenge FILE too." in said


# --- the run ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begins", "ends", "said"),
    [
        (-2 * HOUR, -HOUR, "the challenge for Acme expired at"),
        (HOUR, 2 * HOUR, "the challenge for Acme holds only from"),
    ],
    ids=["expired", "to come"],
)
def test_a_run_out_of_time_sends_nothing(
    begins: timedelta, ends: timedelta, said: str, certifier: Keys, tmp_path: Path
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    challenge = Challenge("Acme", "5d" * 32, (now + begins).isoformat(), (now + ends).isoformat())
    file = written(challenge, certifier, tmp_path / "challenge.json")
    status, printed = command("run", "loop-health", "--challenge", file, "--out", tmp_path / "out")
    assert status == 2
    assert said in printed
    assert printed.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_evidence_names_the_challenge_and_judging_again_keeps_it(issued: Issued, tmp_path: Path) -> None:
    evidence = issued.bundle.parent / "out"
    assert read_evidence(evidence / "evidence").header["challenge"] == issued.challenge.data()
    status, said = command("run", "loop-health", "--replay", evidence, "--out", tmp_path / "again")
    assert status == 0, said
    words = f"Made for the challenge for Acme AI, which holds until {issued.challenge.expires}"
    assert words in " ".join(said.split())


@pytest.mark.parametrize("option", ["--replay", "--resume"])
def test_a_run_that_was_made_has_its_challenge_already(option: str, issued: Issued) -> None:
    words = ("run", "loop-health", option, issued.bundle.parent / "out", "--challenge", issued.file)
    status, said = command(*words)
    assert status == 2
    assert "leave --challenge out." in said


def test_a_stopped_run_goes_on_with_its_challenge(certifier: Keys, tmp_path: Path) -> None:
    challenge = new_challenge("Acme", HOUR, datetime.now(UTC))
    file = written(challenge, certifier, tmp_path / "challenge.json")
    out, bundle = tmp_path / "out", tmp_path / "run.zip"
    with EmbeddedReference("loop-health") as reference:
        beside(reference, "loop-health", "--tier", "smoke", "--challenge", file, "--out", out)
        path = out / "evidence" / "exchanges.jsonl"
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:-4]))  # as a kill leaves it: three are missing
        status, said = beside(reference, "loop-health", "--resume", out, "--bundle", bundle)
        assert status == 0, said
        status, said = verify(bundle, "--challenge", file)
        assert status == 0, said
        path.write_bytes(with_header(lines[:-4], lambda header: header["challenge"].update(**past())))
        status, said = beside(reference, "loop-health", "--resume", out)
        assert status == 2
        assert "holds a run whose challenge expired at" in said


def past() -> dict[str, str]:
    return {"issued": "2026-01-01T00:00:00+00:00", "expires": "2026-01-02T00:00:00+00:00"}


def with_header(lines: list[bytes], change: Callable[[dict[str, Any]], object]) -> bytes:
    header = json.loads(lines[0])
    change(header)
    return json.dumps(header).encode() + b"\n" + b"".join(lines[1:])
