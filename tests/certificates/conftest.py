"""Three agreeing runs of the reference deployment, made once, and what bundles show, found out once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from certification import beside, command, make_keys
from certifying import VENDOR, Certifying

from conformance.bundle import fingerprint, public_key, verification
from conformance.bundle.checking import checked
from conformance.bundle.facts import Facts
from conformance.bundle.manifest import file_digest
from conformance.bundle.verification import Asked
from conformance.certificates import Application, Issuer, ShownRun, load_policy, load_subject
from conformance.probes import Challenge
from conformance.reference import EmbeddedReference


@pytest.fixture(scope="session", autouse=True)
def _no_variables_of_ours() -> Iterator[None]:
    before = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("CONFORMANCE_")}
    yield
    os.environ.update(before)


@pytest.fixture(scope="session")
def certifying(tmp_path_factory: pytest.TempPathFactory) -> Certifying:
    folder = tmp_path_factory.mktemp("certifying")
    issuer, vendor = make_keys(folder, "issuer"), make_keys(folder, "vendor")
    challenge = folder / "challenge.json"
    status, said = command("challenge", "--for", VENDOR, "--sign", issuer.private, "--out", challenge)
    assert status == 0, said
    bundles = []
    with EmbeddedReference("openai") as reference:
        for number in range(3):
            bundle = folder / f"run-{number}.zip"
            words = ("--tier", "smoke", "--release", "2026.11.1", "--challenge", challenge, "--require-all")
            out = ("--out", folder / f"out-{number}", "--bundle", bundle, "--sign", vendor.private)
            status, said = beside(reference, "openai", *words, *out)
            assert status == 0, said
            bundles.append(bundle)
        return Certifying(tuple(bundles), challenge, issuer, vendor, reference.base_url, folder)


_known: dict[tuple[Any, ...], Facts] = {}


def known_facts(path: Path, asked: Asked) -> Facts:
    """What a bundle shows, found out once for each way of asking."""
    held = None if asked.challenge is None else asked.challenge.challenge
    of = (file_digest(path), None if asked.key_file is None else asked.key_file.read_bytes(), held)
    if of not in _known:
        _known[of] = verification.shown_by(path, asked)
    return _known[of]


@pytest.fixture(autouse=True)
def _found_out_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check bundles in this process, which has all imports already, and each no more than once in the same way."""
    if request.node.get_closest_marker("process") is None:
        monkeypatch.setattr(verification, "confined", lambda _, asked, __: (checked(asked), 0.0))
        monkeypatch.setattr("conformance.certificates.issuing.shown_by", known_facts)


@pytest.fixture
def application(certifying: Certifying) -> Application:
    """What is asked for, where nothing speaks against it."""
    runs = [known_facts(path, Asked(key_file=certifying.vendor.public)) for path in certifying.bundles]
    now = datetime.now(UTC)
    return Application(
        policy=load_policy(str(certifying.policy())),
        subject=load_subject(certifying.subject()),
        issuer=Issuer("The programme", fingerprint(public_key(certifying.issuer.public))),
        ran_by="vendor",
        runs=tuple(ShownRun(f"run-{n}.zip", f"{n:064x}", facts) for n, facts in enumerate(runs)),
        challenge=Challenge("Acme AI", "5d" * 32, now.isoformat(), (now + timedelta(hours=1)).isoformat()),
        now=now,
    )
