"""Results of a fleet are kept in a folder that one fleet writes to, or behind a URL."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conformance.fleet.storage import storage_at
from conformance.fleet.workers import FleetError
from conformance.targets import TargetError


def test_a_folder_keeps_what_is_written_and_belongs_to_one_fleet(tmp_path: Path) -> None:
    with storage_at(str(tmp_path / "results")) as storage:
        storage.write("1/openai/acme/run.json", b"{}")
        assert storage.read(["1/openai/acme/run.json", "missing"]) == {"1/openai/acme/run.json": b"{}"}
        with pytest.raises(TargetError, match="another run is writing"), storage_at(str(tmp_path / "results")):
            pass


@pytest.mark.dask
def test_a_url_of_fsspec_keeps_the_same(tmp_path: Path) -> None:
    with storage_at(f"file://{tmp_path}/results") as storage:
        assert storage.read(["a/one.json"]) == {}
        storage.write("a/one.json", b"1")
        storage.write("a/two.json", b"2")
        names = ["a/one.json", "a/two.json", "a/three.json"]
        assert storage.read(names) == {"a/one.json": b"1", "a/two.json": b"2"}
    assert (tmp_path / "results" / "a" / "one.json").read_bytes() == b"1"


@pytest.mark.dask
def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with (
        pytest.raises(FleetError, match="must not contain a password") as caught,
        storage_at("sftp://user:hunter2hunter2@host/folder"),
    ):
        pass
    assert "hunter2" not in str(caught.value)


@pytest.mark.dask
def test_a_url_of_no_known_kind_is_told_in_one_sentence() -> None:
    with pytest.raises(FleetError, match=r"^--out odd://x cannot be used: ") as caught, storage_at("odd://x"):
        pass
    assert "\n" not in str(caught.value)


def test_without_the_extra_a_url_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(FleetError, match=r"needs fsspec; install it: pip install 'chat-conformance\[fleet\]'"):
        storage_at("s3://bucket/folder").__enter__()
