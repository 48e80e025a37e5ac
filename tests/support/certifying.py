"""Policies and subjects for certifying a smoke run of the reference deployment, and variations of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certification import Keys, Said, command

VENDOR = "Acme AI"

POLICY: Mapping[str, Any] = {
    "format": 1,
    "name": "lab",
    "title": "Smoke runs over loopback",
    "profiles": [{"name": "openai"}],
    "tier": "smoke",
    "require_all": True,
    "waivers": [],
    "runs": {"agreeing": 3, "apart": "0m", "within": "1d"},
    "challenge": True,
    "signed": True,
    "ran_by": "either",
    "tls": False,
    "subject": ["product", "model"],
    "validity": "365d",
}


@dataclass(frozen=True)
class Certifying:
    """Three bundles of agreeing runs that a vendor signed, and what it takes to certify them."""

    bundles: tuple[Path, ...]
    challenge: Path
    issuer: Keys
    vendor: Keys
    base_url: str
    folder: Path

    def policy(self, **changes: Any) -> Path:
        """A file of the policy with members changed; of `runs`, with members of it."""
        runs = {**POLICY["runs"], **changes.pop("runs", {})}
        return _written(self.folder, "policy", {**POLICY, "runs": runs, **changes})

    def subject(self, **changes: Any) -> Path:
        """A file of the subject with members changed; None leaves one out."""
        said = {"vendor": VENDOR, "product": "Chat", "target": self.base_url, "model": "reference-echo", **changes}
        return _written(self.folder, "subject", {name: value for name, value in said.items() if value is not None})

    def certify(self, out: Path, *bundles: Path, **given: object) -> Said:
        """Certify these bundles, or the three, by the command line; None leaves an option out."""
        options: dict[str, object] = {
            "policy": self.policy(),
            "subject": self.subject(),
            "issuer": "The programme",
            "key": self.issuer.private,
            "bundle-key": self.vendor.public,
            "challenge": self.challenge,
            "out": out,
            **{name.replace("_", "-"): value for name, value in given.items()},
        }
        words = [word for name, value in options.items() if value is not None for word in (f"--{name}", value)]
        return command("certify", *(bundles or self.bundles), *words)


def _written(folder: Path, kind: str, data: Mapping[str, Any]) -> Path:
    text = json.dumps(data, indent=1)
    path = folder / f"{kind}-{abs(hash(text)):x}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusals(said: Said) -> list[str]:
    """The names of the reasons for which nothing was certified."""
    assert said[0] == 1, said[1]
    return [line.removeprefix("Not certified: ").partition(":")[0] for line in said[1].splitlines()]
