"""Of evidence that somebody else wrote, no more is read than its bounds allow."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from exchange_samples import exchange

from conformance.evidence import EvidenceError, EvidenceWriter, Redactor, read_evidence
from conformance.evidence.bounds import FOREIGN, OWN, Bounds
from conformance.wire.exchange import Read


def write(directory: Path, count: int = 3) -> Path:
    with EvidenceWriter(directory, Redactor({}), {"started": "2026-01-01T00:00:00+00:00"}) as writer:
        for number in range(count):
            one = exchange(b"0123456789", name=f"p{number}", request_headers=(("a", "b"), ("c", "d")))
            assert one.answer is not None
            reads = tuple(Read(at=0.1 * place, data=b"01") for place in range(5))
            writer.append(replace(one, answer=replace(one.answer, reads=reads)))
        writer.finish()
    return writer.path


WIDE = Bounds(size=100_000, line=10_000, exchanges=3, values=1_000, reads=15, rows=10)


@pytest.mark.parametrize("bounds", [WIDE, FOREIGN, OWN])
def test_what_is_within_the_bounds_is_read(bounds: Bounds, tmp_path: Path) -> None:
    write(tmp_path)
    assert len(read_evidence(tmp_path, bounds).exchanges) == 3


@pytest.mark.parametrize(
    ("bounds", "problem"),
    [
        (replace(WIDE, size=1000), "the file is larger than"),
        (replace(WIDE, line=400), "the line is longer than"),
        (replace(WIDE, exchanges=2), "it has more than 2 exchanges"),
        (replace(WIDE, values=20), "it has more than 20 values"),
        (replace(WIDE, reads=14), "the exchanges have more than 14 reads together"),
        (replace(WIDE, rows=1), "the exchange has 2 request headers; at most 1 are read"),
    ],
)
def test_what_is_beyond_them_is_refused_in_a_sentence(bounds: Bounds, problem: str, tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(EvidenceError) as refused:
        read_evidence(tmp_path, bounds)
    assert problem in str(refused.value)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/full"])
def test_what_never_ends_is_not_read(device: str, tmp_path: Path) -> None:
    (tmp_path / "exchanges.jsonl").symlink_to(device)
    with pytest.raises(EvidenceError, match="it is not a regular file"):
        read_evidence(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "exchanges.jsonl")
    with pytest.raises(EvidenceError, match="it is not a regular file"):
        read_evidence(tmp_path)
