"""An archive is written the same for the same files, and read as what an enemy may have made."""

from __future__ import annotations

import io
import stat
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.bundle import BundleError, archive, read_archive, write_archive

FILES: dict[str, Path | bytes] = {"results.json": b"{}", "evidence/exchanges.jsonl": b"x" * 5000}


def test_the_same_files_make_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "on-disk").write_bytes(b"{}")
    write_archive(tmp_path / "one.zip", FILES)
    write_archive(tmp_path / "two.zip", dict(reversed({**FILES, "results.json": tmp_path / "on-disk"}.items())))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_archive(tmp_path / "one.zip", FILES)
    names = read_archive(tmp_path / "one.zip", tmp_path / "out")
    assert {name: (tmp_path / "out" / name).read_bytes() for name in names} == FILES


def test_nothing_is_left_of_an_archive_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        write_archive(tmp_path / "one.zip", {"results.json": tmp_path / "missing"})
    assert list(tmp_path.iterdir()) == []


def made(change: Callable[[zipfile.ZipFile], None]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made_:
        change(made_)
    return stream.getvalue()


def named(*names: str) -> bytes:
    def add(made_: zipfile.ZipFile) -> None:
        for name in names:
            made_.writestr(zipfile.ZipInfo(name), b"x")

    return made(add)


def link(made_: zipfile.ZipFile) -> None:
    member = zipfile.ZipInfo("results.json")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    made_.writestr(member, "/etc/passwd")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (named("../evil"), "'../evil' has a name that is not allowed in a bundle"),
        (named("/etc/evil"), "'/etc/evil' has a name"),
        (named("a/../../evil"), "'a/../../evil' has a name"),
        (named("C:\\evil"), "has a name"),
        (named("a\\..\\evil"), "has a name"),
        (named(".hidden"), "has a name"),
        (named("folder/"), "has a name"),
        (named("a" * 300), "has a name"),
        (named("na\u00efve"), "has a name"),
        (named("line\nfeed"), "has a name"),
        (named("A.json", "a.json"), "'a.json' is there twice"),
        (named("a", "a/b"), "'a' is both a file and a folder"),
        (named(*(f"n{number}" for number in range(70))), "it has 70 members"),
        (named(*(f"n{number}" for number in range(2000))), "a bundle has at most 64 members"),
        (named("a") + b"x", "does not end as a bundle does"),
        (named("a").replace(b"PK\x05\x06", b"PK\x06\x07" + bytes(16) + b"PK\x05\x06"), "its list of members is"),
        (made(link), "'results.json' is not a regular file"),
        (
            made(lambda one: one.writestr("a", b"x" * 5000, zipfile.ZIP_BZIP2)),
            "compression that is not allowed",
        ),
        (b"", "broken, or is not a zip archive"),
        (b"PK\x03\x04" + b"\x00" * 100, "broken, or is not a zip archive"),
    ],
)
def test_what_no_bundle_has_is_refused_and_nothing_is_unpacked(content: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_bytes(content)
    with pytest.raises(BundleError) as refused:
        read_archive(tmp_path / "b.zip", tmp_path / "out")
    assert problem in str(refused.value)
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["b.zip"]


def test_a_bomb_is_stopped_by_what_it_unpacks_to_not_by_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "LARGEST_OTHER", 3_000_000)
    bomb = made(lambda one: one.writestr("a", b"\0" * 20_000_000, zipfile.ZIP_DEFLATED))
    honest = tmp_path / "honest.zip"
    honest.write_bytes(bomb)
    with pytest.raises(BundleError, match="20000000 bytes long, which is too large"):
        read_archive(honest, tmp_path / "out")
    lying = tmp_path / "lying.zip"
    lying.write_bytes(bomb.replace((20_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    with pytest.raises(BundleError):
        read_archive(lying, tmp_path / "out")
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*")) <= 3_000_000


def test_many_members_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LARGEST_ARCHIVE", 2_500_000)

    def add(made_: zipfile.ZipFile) -> None:
        for number in range(5):
            made_.writestr(f"n{number}", b"\0" * 1_000_000, zipfile.ZIP_DEFLATED)

    (tmp_path / "b.zip").write_bytes(made(add))
    with pytest.raises(BundleError, match="'n2' unpacks to more than a bundle may contain"):
        read_archive(tmp_path / "b.zip", tmp_path / "out")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_broken_archive_is_read_or_refused_and_never_more(position: int, byte: int, tmp_path: Path) -> None:
    content = bytearray(made(lambda one: one.writestr("results.json", b"abc" * 100, zipfile.ZIP_DEFLATED)))
    content[position % len(content)] = byte
    (tmp_path / "b.zip").write_bytes(bytes(content))
    with tempfile.TemporaryDirectory(dir=tmp_path) as out:
        try:
            names = read_archive(tmp_path / "b.zip", Path(out))
        except BundleError:
            return
    assert len(names) <= 1
