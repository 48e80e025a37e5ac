"""Folders of registries: runs of the reference with and without faults, laid out as vendors do."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path

from certificate_samples import sample_certificate
from certification import Keys, Said, beside, command

from conformance.bundle import fingerprint, public_key, signing_key
from conformance.bundle.manifest import file_digest
from conformance.certificates import Certificate, Issuer, write_certificate
from conformance.contract import load_contract
from conformance.reference import EmbeddedReference
from conformance.reference.faults import every_fault
from conformance.reference.hooks import Hooks
from conformance.reference.own_contract import reference_stages

OLD, NEW = "2026.11.0", "2026.11.1"


@dataclass(frozen=True)
class Bundles:
    """A run that conforms, one with a fault, and one that conforms by an older release only."""

    good: Path
    bad: Path
    outdated: Path


def make_bundles(folder: Path) -> Bundles:
    """Three runs, one after the other."""
    made = Bundles(folder / "good.zip", folder / "bad.zip", folder / "outdated.zip")
    _run(made.good, "openai", "smoke", NEW)
    _run(made.bad, "openai", "smoke", NEW, "access.open-to-all")
    # No requirement of the smoke tier became a MUST that a fault breaks alone.
    _run(made.outdated, "openai", "standard", OLD, "refusal.model-200")
    return made


def _run(bundle: Path, profile: str, tier: str, release: str, fault: str | None = None) -> None:
    contract = load_contract(profile)
    hooks = None
    if fault is not None:
        found = next(one for one in every_fault(contract) if one.id == fault)
        hooks = found.hooks_over(Hooks(reference_stages(contract)))
    with EmbeddedReference(profile, contract=contract, hooks=hooks) as reference:
        words = (profile, "--tier", tier, "--release", release)

        status, said = beside(reference, *words, "--out", bundle.with_suffix(""), "--bundle", bundle)
    assert status in (0, 1), said


@dataclass(frozen=True)
class Folder:
    """The folder of a registry, and where its site goes."""

    root: Path
    site: Path

    def put(self, bundle: Path, *names: str) -> Path:
        """Lay a copy of a bundle at a place in the folder."""
        path = self.root.joinpath(*names)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle, path)
        return path

    def certify(self, keys: Keys, bundle: Path, issued: datetime, days: int = 365) -> Certificate:
        """Lay a certificate that rests on a bundle into the folder, and the key of its issuer."""
        usual = sample_certificate(issued.replace(microsecond=0))
        made = replace(
            usual,
            issuer=Issuer("The programme", fingerprint(public_key(keys.public))),
            expires=(issued.replace(microsecond=0) + timedelta(days=days)).isoformat(),
            runs=tuple(replace(run, bundle=file_digest(bundle)) for run in usual.runs[:1]),
        )
        (self.root / "issuers").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(keys.public, self.root / "issuers" / "programme.pem")
        write_certificate(made, signing_key(keys.private), self.root / "certificates" / made.id / "certificate.json")
        return made

    def build(self, *options: object) -> Said:
        """Build the site by the command line."""
        return command("registry", "build", self.root, "--out", self.site, *options)

    def page(self, name: str = "index.html") -> str:
        """The text of a page, without its markup."""
        html = (self.site / name).read_text(encoding="utf-8")
        body = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())

    def pages(self) -> dict[str, str]:
        """Every page by its name."""
        return {
            path.relative_to(self.site).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted(self.site.rglob("*.html"))
        }
