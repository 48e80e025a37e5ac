"""`verify --challenge` refuses every bundle whose run was not made for the challenge, in its time, by its requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from certification import Keys, make_keys, refused, verify
from challenged_bundles import Issued, Unpacked, written
from repacked_bundles import EVIDENCE, careful, in_lines

from conformance.bundle import BundleError, read_archive
from conformance.bundle.challenge import Carried, GivenChallenge, challenge_sentences
from conformance.probes import Challenge

pytestmark = pytest.mark.network

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def unpacked(issued: Issued, tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    folder = tmp_path_factory.mktemp("unpacked")
    read_archive(issued.bundle, folder)
    return Unpacked(issued.challenge, folder)


def test_a_bundle_that_answers_the_challenge_holds(issued: Issued, certifier: Keys) -> None:
    status, said = verify(issued.bundle, "--challenge", issued.file, "--challenge-key", certifier.public)
    assert status == 0, said
    assert "Challenge: its run was made for that for Acme AI of" in said
    assert ", signed by the given key; 8 of its 8 requests carry it, so that nobody sent them before." in said
    status, said = verify(issued.bundle, "--challenge", issued.file)
    assert "whose signature was not checked (--challenge-key)" in said
    status, said = verify(issued.bundle)
    assert status == 0, said
    assert "Challenge" not in said


def test_a_bundle_without_a_challenge(plain: Path, issued: Issued) -> None:
    assert refused(verify(plain, "--challenge", issued.file)) == (
        "its run was not made for a challenge, so that its evidence may be older than this one."
    )


def test_a_bundle_for_another_nonce(issued: Issued, certifier: Keys, tmp_path: Path) -> None:
    other = written(replace(issued.challenge, nonce="5d" * 32), certifier, tmp_path / "other.json")
    said = refused(verify(issued.bundle, "--challenge", other))
    assert said == f"its run was made for another challenge, issued for Acme AI at {issued.challenge.issued}."


def test_a_bundle_for_another_name(issued: Issued, certifier: Keys, tmp_path: Path) -> None:
    other = written(replace(issued.challenge, issued_for="Acne AI"), certifier, tmp_path / "other.json")
    said = refused(verify(issued.bundle, "--challenge", other))
    assert said == "its run was made for Acme AI, and the challenge was issued for Acne AI."


def test_a_bundle_for_a_challenge_of_other_times(issued: Issued, certifier: Keys, tmp_path: Path) -> None:
    longer = replace(issued.challenge, expires=(issued.challenge.expires_at + HOUR).isoformat())
    other = written(longer, certifier, tmp_path / "other.json")
    said = refused(verify(issued.bundle, "--challenge", other))
    assert said == "the challenge in its evidence has other times than the one that was issued."


def claiming(issued: Issued, challenge: Challenge, path: Path) -> Path:
    """The bundle, whose evidence says that it was made for another challenge than it was."""
    change = in_lines(lambda lines: lines[0].update(challenge=challenge.data()))
    return careful(issued.bundle, path, {EVIDENCE: change})


@pytest.mark.parametrize(
    ("begins", "ends", "said"),
    [(HOUR, 2 * HOUR, "before the challenge was issued"), (-2 * HOUR, -HOUR, "after the challenge expired")],
    ids=["before", "after"],
)
def test_a_run_that_was_made_out_of_its_challenges_time(
    begins: timedelta, ends: timedelta, said: str, issued: Issued, certifier: Keys, tmp_path: Path
) -> None:
    now = issued.challenge.issued_at
    other = replace(issued.challenge, issued=(now + begins).isoformat(), expires=(now + ends).isoformat())
    file = written(other, certifier, tmp_path / "other.json")
    bundle = claiming(issued, other, tmp_path / "forged.zip")
    assert said in refused(verify(bundle, "--challenge", file))


def test_old_evidence_under_a_new_challenge(plain: Path, issued: Issued, tmp_path: Path) -> None:
    forged = claiming(replace(issued, bundle=plain), issued.challenge, tmp_path / "forged.zip")
    said = refused(verify(forged, "--challenge", issued.file))
    assert "began at" in said or "is not that of its probe" in said
    other = replace(issued.challenge, nonce="5d" * 32)
    forged = claiming(issued, other, tmp_path / "other.zip")
    said = refused(verify(forged, "--challenge", written(other, make_keys(tmp_path, "k"), tmp_path / "other.json")))
    assert "is not that of its probe" in said


def with_bodies(probe: str, change: Callable[[str], str], **more: Any) -> Callable[[list[dict[str, Any]]], object]:
    """A change to the request of a probe, and to further members of its line."""

    def changed(lines: list[dict[str, Any]]) -> None:
        for line in lines:
            if line.get("probe") == probe:
                line["request"]["body"] = change(line["request"]["body"])
                line.update(more)

    return changed


@pytest.mark.parametrize("probe", ["completion/plain", "stream/plain", "error/json-cut"])
@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.replace("[", "(", 2),
        lambda body: body.replace("Say", "say").replace("Count", "count"),
        lambda body: body.replace("chat-conformance-", "chat-conformance_"),
        lambda body: body + " ",
        lambda _: "{}",
    ],
    ids=["tag", "text", "caller", "space", "object"],
)
def test_a_request_that_says_something_else(
    probe: str, change: Callable[[str], str], unpacked: Unpacked, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match=f"the request of the exchange {probe}#1 is not that of its probe"):
        unpacked.check(with_bodies(probe, change), tmp_path / "copy")


def test_a_masked_tag_is_not_one(unpacked: Unpacked, tmp_path: Path) -> None:
    masked = with_bodies(
        "completion/plain",
        lambda body: body[: body.index("[") + 1] + "*" * 10 + body[body.index("]") :],
        redactions=[["api-key", "plain", "request"]],
    )
    with pytest.raises(BundleError):
        unpacked.check(masked, tmp_path / "copy")


def test_every_request_of_the_smoke_tier_carries_it(unpacked: Unpacked, tmp_path: Path) -> None:
    planned = unpacked.check(lambda _: None, tmp_path / "copy")
    assert planned.carried is not None
    assert planned.carried.requests == planned.carried.of == 8


@pytest.mark.parametrize(
    "broken", [None, {}, {"nonce": 1}, {"for": "a\x1b[31mb"}, {"issued": "2026-11-29\n10:00:00+00:00"}]
)
def test_a_broken_challenge_in_the_evidence(broken: Any, unpacked: Unpacked, tmp_path: Path) -> None:
    recorded = {**unpacked.challenge.data(), **broken} if broken else broken
    with pytest.raises(BundleError, match="the header is broken") as caught:
        unpacked.check(lambda lines: lines[0].update(challenge=recorded), tmp_path / "copy")
    assert str(caught.value).isprintable()


def test_an_expired_challenge_is_said_to_be() -> None:
    challenge = Challenge("Acme", "5d" * 32, "2026-11-29T10:00:00+00:00", "2026-12-01T10:00:00+00:00")
    given = GivenChallenge(challenge, is_signed=True)
    in_time = list(challenge_sentences(given, Carried(7, 8), challenge.expires_at))
    late = list(challenge_sentences(given, Carried(7, 8), challenge.expires_at + HOUR))
    assert len(in_time) == 1
    assert late[0] == in_time[0]
    assert late[1].startswith(f"Note: the challenge expired at {challenge.expires}; that the run was over by then")
