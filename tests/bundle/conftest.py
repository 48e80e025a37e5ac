"""Two bundles that nobody touched, and the key that one of them is signed with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from certification import Keys, command, make_keys
from challenged_bundles import Issued

from conformance.bundle.challenge_file import read_challenge
from conformance.bundle.checking import checked


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"), "ours")


@pytest.fixture(scope="session", autouse=True)
def _no_variables_of_ours() -> Iterator[None]:
    before = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("CONFORMANCE_")}
    yield
    os.environ.update(before)


@pytest.fixture(autouse=True)
def _not_confined(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check bundles in this process, which has all imports already; but for tests of the confinement itself."""
    if request.node.get_closest_marker("process") is None:
        monkeypatch.setattr("conformance.bundle.verification.confined", lambda _, asked, __: (checked(asked), 0.0))


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that nobody signed."""
    folder = tmp_path_factory.mktemp("plain")
    status, said = command(
        "run", "loop-health", "--tier", "smoke", "--out", folder / "out", "--bundle", folder / "run.zip"
    )
    assert status == 0, said
    assert "run.zip, not signed, of a run that is conformant: loop-health, smoke tier." in said
    return folder / "run.zip"


@pytest.fixture(scope="session")
def signed(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Path:
    """A bundle that is signed."""
    folder = tmp_path_factory.mktemp("signed")
    arguments = ("--out", folder / "out", "--bundle", folder / "run.zip", "--sign", keys.private)
    status, said = command("run", "loop-health", "--tier", "smoke", *arguments)
    assert status == 0, said
    return folder / "run.zip"


@pytest.fixture(scope="session")
def certifier(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("certifier"), "certifier")


@pytest.fixture(scope="session")
def issued(tmp_path_factory: pytest.TempPathFactory, certifier: Keys) -> Issued:
    """A challenge, and the bundle of a run that was made for it."""
    folder = tmp_path_factory.mktemp("issued")
    file = folder / "challenge.json"
    status, said = command("challenge", "--for", "Acme AI", "--sign", certifier.private, "--out", file)
    assert status == 0, said
    arguments = ("--tier", "smoke", "--out", folder / "out", "--bundle", folder / "run.zip")
    status, said = command("run", "loop-health", "--challenge", file, *arguments)
    assert status == 0, said
    return Issued(read_challenge(file), file, folder / "run.zip")
