"""Makes the folder of a registry: bundles of eight made-up vendors in three versions each, by runs of the reference."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conformance.cli.main import commands
from conformance.contract import Contract, load_contract
from conformance.reference import EmbeddedReference
from conformance.reference.faults import every_fault
from conformance.reference.hooks import Hooks
from conformance.reference.own_contract import reference_stages

VERSIONS = ("1.0", "1.1", "2.0")
OLD, NEW = "2026.11.0", "2026.11.1"


@dataclass(frozen=True)
class Vendor:
    """A vendor: its contract, the faults of each of its versions, and the release that its runs are scored by."""

    name: str
    profile: str = "openai"
    faults: tuple[str | None, str | None, str | None] = (None, None, None)
    release: str = NEW
    is_telling: bool = False
    """Whether its runs are of the larger tier."""


VENDORS = (
    Vendor("Alder Inference", is_telling=True),
    Vendor("Birch Models", faults=("stream-end.done-missing", None, None)),
    Vendor("Cedar Cloud", faults=(None, None, "access.open-to-wrong-keys")),
    # Conformant by the release that it was scored by, and not by the newest one.
    Vendor("Dogwood AI", faults=("refusal.model-200",) * 3, release=OLD, is_telling=True),
    Vendor("Elm & Daughters <AI>", faults=("access.open-to-all", "access.open-to-keyless", None)),
    Vendor("Fir Labs", faults=("access.key-in-error", "stream-end.done-missing", "stream-end.done-missing")),
    Vendor("Ginkgo Health", profile="loop-health"),
    Vendor("Hazel Systems", profile="kodexa"),
)


def make_bundles(folder: Path, first: int, last: int, tier: str) -> None:
    """Make the bundles with these numbers, one run for each; runs of the telling vendors are of this tier.

    A number decides whose the bundle is, and of which version: 24 are one for each version of each vendor.
    """
    for number in range(first, last):
        vendor = VENDORS[number % len(VENDORS)]
        version = number // len(VENDORS) % len(VERSIONS)
        path = folder / vendor.name / VERSIONS[version] / f"run-{number:03}.zip"
        path.parent.mkdir(parents=True, exist_ok=True)
        with _deployment(vendor, version) as reference:
            _run(reference, vendor, tier if vendor.is_telling else "smoke", path)


@contextlib.contextmanager
def _deployment(vendor: Vendor, version: int) -> Iterator[EmbeddedReference]:
    contract = load_contract(vendor.profile)
    hooks = _hooks(contract, vendor.faults[version])
    with EmbeddedReference(vendor.profile, contract=contract, hooks=hooks) as reference:
        os.environ["CONFORMANCE_API_KEY"] = reference.api_key or ""
        yield reference


def _hooks(contract: Contract, name: str | None) -> Hooks | None:
    if name is None:
        return None
    fault = next(one for one in every_fault(contract) if one.id == name)
    return fault.hooks_over(Hooks(reference_stages(contract)))


def _run(reference: EmbeddedReference, vendor: Vendor, tier: str, path: Path) -> None:
    with tempfile.TemporaryDirectory() as out:
        words = ["run", vendor.profile, "--base-url", reference.base_url, "--tier", tier, "--release", vendor.release]
        words += ["--out", str(Path(out) / "run"), "--bundle", str(path), "-q"]
        for name, value in reference.target.parameters.items():
            words += ["--param", f"{name}={value}"]
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            commands.main(words, standalone_mode=False)
        if not path.is_file():
            raise RuntimeError(f"no bundle of {vendor.name}: {said.getvalue()}")
