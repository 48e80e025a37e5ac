"""What was written is read back exactly, and what is broken is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import jsonschema
import pytest
from exchange_samples import EXCHANGES, KEY, SECRETS, exchange
from hypothesis import given
from hypothesis import strategies as st

from conformance.evidence import EvidenceError, EvidenceWriter, Redactor, read_evidence
from conformance.evidence.jsonl import LineError, exchange_from_json, exchange_to_json
from conformance.wire.exchange import Exchange

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "specs" / "evidence.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
NOTHING_SECRET = Redactor({})
HEADER = {
    "suite": {"name": "chat-conformance", "version": "0.1.0"},
    "profile": {"name": "openai", "version": "1", "sha256": "0" * 64},
    "target": {"base_url": "http://host/v1"},
    "tier": "standard",
    "started": "2026-01-01T00:00:00+00:00",
}


def write(directory: Path, *exchanges: Exchange, finish: bool = True) -> Path:
    with EvidenceWriter(directory, NOTHING_SECRET, HEADER) as writer:
        for one in exchanges:
            writer.append(one)
        if finish:
            writer.finish({"late": "the budget of 4 requests is spent"}, interrupted=True)
    return writer.path


def named(*names: str) -> list[Exchange]:
    return [exchange(b"{}", name=name, request_headers=()) for name in names]


@pytest.mark.slow
@given(st.lists(EXCHANGES, max_size=3, unique_by=lambda one: one.id))
def test_any_exchange_comes_back_exactly(exchanges: list[Exchange]) -> None:
    exchanges = [replace(one, request=replace(one.request, headers=())) for one in exchanges]
    with TemporaryDirectory() as directory:
        path = write(Path(directory), *exchanges)
        evidence = read_evidence(Path(directory))
        for line in path.read_text("ascii").splitlines():
            VALIDATOR.validate(json.loads(line))
    # Times take no part in the comparison of exchanges, so the values are compared one by one.
    assert [asdict(one) for one in evidence.exchanges] == [asdict(one) for one in exchanges]
    assert evidence.complete


def test_header_and_end_come_back(tmp_path: Path) -> None:
    write(tmp_path, *named("a", "b"))
    evidence = read_evidence(tmp_path)
    assert evidence.header == {"format": 1, **HEADER}
    assert [one.probe for one in evidence.exchanges] == ["a", "b"]
    assert evidence.complete
    assert evidence.interrupted
    assert evidence.unsent == {"late": "the budget of 4 requests is spent"}


def test_what_append_returns_is_what_is_read(tmp_path: Path) -> None:
    with EvidenceWriter(tmp_path, Redactor(SECRETS), {**HEADER, "note": f"key {KEY}"}) as writer:
        kept = writer.append(exchange(b'{"a":"%s"}' % KEY.encode()))
        writer.finish({"x": KEY})
    evidence = read_evidence(tmp_path)
    assert evidence.exchanges == (kept,)
    assert len(kept.redactions) == 2
    assert KEY.encode() not in writer.path.read_bytes()
    assert evidence.header["note"] == "key " + "*" * len(KEY)


def test_each_line_is_on_disk_at_once(tmp_path: Path) -> None:
    with EvidenceWriter(tmp_path, NOTHING_SECRET, HEADER) as writer:
        for count, one in enumerate(named("a", "b"), start=1):
            writer.append(one)
            assert len(read_evidence(tmp_path).exchanges) == count
    assert not read_evidence(tmp_path).complete


def test_lines_are_ascii_whatever_a_target_sends(tmp_path: Path) -> None:
    hostile = "\x1b[2J\u009b\u2028\u202e<script>é".encode()
    path = write(tmp_path, exchange(hostile, request_headers=()))
    assert path.read_bytes().isascii()
    assert b"\x1b" not in path.read_bytes()
    assert read_evidence(tmp_path).exchanges[0].answer.body == hostile  # type: ignore[union-attr]


@pytest.mark.parametrize("body", [b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xf8\x88\x80\x80\x80", b"ab\xe6\x97"])
def test_bytes_that_are_not_text_come_back(tmp_path: Path, body: bytes) -> None:
    path = write(tmp_path, exchange(body, b"\xa5", request_headers=()))
    answer = read_evidence(tmp_path).exchanges[0].answer
    assert answer is not None
    assert [read.data for read in answer.reads] == [body, b"\xa5"]
    assert ("body_base64" in json.loads(path.read_text().splitlines()[1])["answer"]) == (body != b"ab\xe6\x97")


@given(cut=st.integers(1, 5000))
def test_a_torn_last_line_loses_no_other(cut: int) -> None:
    with TemporaryDirectory() as directory:
        path = write(Path(directory), *named("a", "b", "c"), finish=False)
        content = path.read_bytes()
        header, first, *_ = content.splitlines(keepends=True)
        kept = max(len(content) - cut, len(header) + len(first))
        path.write_bytes(content[:kept])
        evidence = read_evidence(Path(directory))
    whole = content[:kept].count(b"\n") - 1
    # A line that lacks only its line feed is whole, too.
    assert len(evidence.exchanges) in {whole, whole + 1}
    assert not evidence.complete


@pytest.mark.process
def test_a_killed_process_leaves_its_evidence(tmp_path: Path) -> None:
    program = (
        "import sys, os\n"
        "from pathlib import Path\n"
        "from dataclasses import replace\n"
        "from exchange_samples import exchange\n"
        "from conformance.evidence import EvidenceWriter, Redactor\n"
        "writer = EvidenceWriter(Path(sys.argv[1]), Redactor({}), {})\n"
        "[writer.append(exchange(b'{}', name=str(number))) for number in range(5)]\n"
        "print('written', flush=True)\n"
        "sys.stdin.read()\n"
    )
    path = os.pathsep.join(filter(None, sys.path))
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    evidence = read_evidence(tmp_path)
    assert [one.probe for one in evidence.exchanges] == ["0", "1", "2", "3", "4"]
    assert not evidence.complete


def broken(path: Path, number: int, old: str, new: str) -> None:
    lines = path.read_text("ascii").split("\n")
    assert old in lines[number - 1]
    lines[number - 1] = lines[number - 1].replace(old, new, 1)
    path.write_text("\n".join(lines), "ascii")


@pytest.mark.parametrize(
    ("line", "old", "new", "message"),
    [
        (1, '"format":1', '"format":2', "format is 2"),
        (1, '{"format":1,', '{"format":1,,', "not JSON"),
        (2, '{"id"', '["id"', "not JSON"),
        (2, '"probe":"a"', '"prob":"a"', "no 'probe'"),
        (2, '"attempt":1', '"attempt":"1"', "'attempt' has the wrong type"),
        (2, '"attempt":1', '"attempt":true', "'attempt' has the wrong type"),
        (2, '"kind":"complete"', '"kind":"fine"', "'kind' cannot be read"),
        (2, '"reads":[[0.1,2]]', '"reads":[[0.1,3]]', "3 bytes long together, the body is 2"),
        (2, '"reads":[[0.1,2]]', '"reads":[[0.1,3],[0.1,-1]]', "negative"),
        (2, '"reads":[[0.1,2]]', '"reads":[[0.1]]', "2 columns"),
        (2, '"reads":[[0.1,2]]', '"reads":[["now",2]]', "wrong type"),
        (2, '"body":"{}"', '"body_base64":"!!"', "'body_base64' cannot be read"),
        (2, '"body":"{}"', '"body":"\\ud800"', "half of a surrogate pair"),
        (2, '"attempt":1', '"attempt":1,"attempt":1', "the name 'attempt' twice in one object"),
        (2, "[0.1,2]", "[Infinity,2]", "Infinity, which is not a JSON value"),
        (2, "[0.1,2]", "[NaN,2]", "NaN, which is not a JSON value"),
        (2, "[0.1,2]", "[1e999,2]", "which no double can hold"),
        (2, '"started":"2026-01-01T00:00:00.000+00:00"', '"started":"yesterday"', "'started' is not a date and time"),
        (2, '"redactions":[]', '"redactions":' + "[" * 200 + "]" * 200, "nested 201 deep"),
        (3, '"id":"b#1"', '"id":"a#1"', "there twice"),
        (4, '"count":2', '"count":3', "wrote 3 exchanges, but 2 are here"),
        (4, '"interrupted":true', '"interrupted":1', "last line is broken"),
        (4, '"unsent":{', '"unsent":{"x":1,', "last line is broken"),
        (3, '"id":"b#1"', '"end":true,"count":1,"unsent":{},"interrupted":false,"id":"b#1"', "follows the last one"),
    ],
)
def test_a_broken_line_is_refused_with_its_place(tmp_path: Path, line: int, old: str, new: str, message: str) -> None:
    path = write(tmp_path, *named("a", "b"))
    broken(path, line, old, new)
    with pytest.raises(EvidenceError) as caught:
        read_evidence(tmp_path)
    assert message in str(caught.value)
    expected_line = 4 if "follows" in message else line
    assert str(caught.value).startswith(f"{path}:{expected_line}: ")
    assert caught.value.line == expected_line


def test_an_exchange_that_was_taken_out_is_missed(tmp_path: Path) -> None:
    path = write(tmp_path, *named("a", "b"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], *lines[2:]]))
    with pytest.raises(EvidenceError, match="wrote 2 exchanges, but 1 are here"):
        read_evidence(tmp_path)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=5,
    ),
    st.sampled_from(sorted(exchange_to_json(exchange(b"{}")))),
)
def test_a_member_of_any_other_type_is_an_evidence_error(value: object, member: str) -> None:
    line = {**exchange_to_json(exchange(b"{}", request_headers=())), member: value}
    try:
        read = exchange_from_json(line)
    except LineError:
        return
    assert exchange_to_json(read) == line


def test_missing_evidence_is_reported_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="no evidence can be read here"):
        read_evidence(tmp_path)
    (tmp_path / "exchanges.jsonl").write_bytes(b"")
    with pytest.raises(EvidenceError, match="is empty"):
        read_evidence(tmp_path)


def test_evidence_is_not_written_over(tmp_path: Path) -> None:
    write(tmp_path, *named("a"))
    with pytest.raises(EvidenceError, match="choose another directory"):
        EvidenceWriter(tmp_path, NOTHING_SECRET, HEADER)


def test_a_directory_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceError, match="cannot be written"):
        EvidenceWriter(tmp_path / "file" / "below", NOTHING_SECRET, HEADER)


def test_an_id_is_written_once(tmp_path: Path) -> None:
    with EvidenceWriter(tmp_path, NOTHING_SECRET, HEADER) as writer:
        writer.append(named("a")[0])
        with pytest.raises(EvidenceError, match="written before"):
            writer.append(named("a")[0])


@pytest.mark.parametrize("rest", [b"", b'{"id": "to'])
@pytest.mark.parametrize("finish", [True, False])
def test_a_stopped_run_continues_in_its_file(tmp_path: Path, rest: bytes, finish: bool) -> None:
    path = write(tmp_path, *named("a", "b"), finish=finish)
    if not finish:
        path.write_bytes(path.read_bytes() + rest)
    writer, before = EvidenceWriter.resume(tmp_path, NOTHING_SECRET)
    with writer:
        assert [one.probe for one in before.exchanges] == ["a", "b"]
        with pytest.raises(EvidenceError, match="written before"):
            writer.append(named("a")[0])
        writer.append(named("c")[0])
        writer.finish()
    evidence = read_evidence(tmp_path)
    assert [one.probe for one in evidence.exchanges] == ["a", "b", "c"]
    assert evidence.complete
    assert not evidence.interrupted


@pytest.mark.parametrize(
    ("piece", "member"),
    [
        (b"\x01", "body_base64"),
        ("\u3042\x02\x03".encode(), "body_base64"),
        ("\u3042".encode(), "body"),
        (b'data: {"a": 1}\r\n\r\n', "body"),
        (b"\xff", "body_base64"),
    ],
)
def test_a_large_body_of_whatever_bytes_takes_no_more_than_twice_its_size(
    tmp_path: Path, piece: bytes, member: str
) -> None:
    one = exchange(piece * (200_000 // len(piece)), request_headers=())
    path = write(tmp_path, one)
    line = json.loads(path.read_bytes().splitlines()[1])
    assert member in line["answer"]
    assert path.stat().st_size < 2.1 * 200_000
    VALIDATOR.validate(line)
    assert read_evidence(tmp_path).exchanges == (one,)


def test_a_disk_that_is_full_leaves_no_half_line(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    first, large, last = named("first", "large", "last")
    with EvidenceWriter(tmp_path, NOTHING_SECRET, HEADER) as writer:
        writer.append(first)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (writer.path.stat().st_size + 40, limits[1]))
            with pytest.raises(EvidenceError, match="make room, then --resume the run"):
                writer.append(large)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        writer.append(last)
    assert [one.probe for one in read_evidence(tmp_path).exchanges] == ["first", "last"]


@pytest.mark.parametrize("name", ["evidence", "evidence/exchanges.jsonl"])
def test_evidence_is_not_written_through_a_link(tmp_path: Path, name: str) -> None:
    write(tmp_path / "elsewhere", *named("one"), finish=False)
    written = tmp_path / "elsewhere" / "exchanges.jsonl"
    before = written.read_bytes()
    link = tmp_path / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(tmp_path / "elsewhere" if name == "evidence" else written)
    with pytest.raises(EvidenceError, match="symbolic link"):
        EvidenceWriter(tmp_path / "evidence", NOTHING_SECRET, HEADER)
    with pytest.raises(EvidenceError, match="symbolic link"):
        EvidenceWriter.resume(tmp_path / "evidence", NOTHING_SECRET)
    assert written.read_bytes() == before
