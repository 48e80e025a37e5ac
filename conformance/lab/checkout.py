"""The git checkout that this program runs from: which files changed since a revision, and what they were."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import conformance


class CheckoutError(Exception):
    """There is no checkout, or no such revision in it; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """The folder of a checkout, and the revision that its files are compared with."""

    root: Path
    revision: str
    """As the user named it."""
    commit: str

    def changed_files(self) -> tuple[str, ...]:
        """The paths of all files that differ from the revision, or are new or gone, sorted and relative to the root.

        Raises:
            CheckoutError: git failed.
        """
        tracked = _output(self.root, "diff", "--name-only", "--no-renames", "--relative", "-z", self.commit, "--")
        untracked = _output(self.root, "ls-files", "--others", "--exclude-standard", "-z")
        return tuple(sorted({*tracked.split("\0"), *untracked.split("\0")} - {""}))

    def text_before(self, path: str) -> str | None:
        """The text of a file at the revision; None if it did not exist."""
        shown = _git(self.root, "show", f"{self.commit}:./{path}")
        return shown.stdout if shown.returncode == 0 else None

    def text_now(self, path: str) -> str | None:
        """The text of a file; None if it does not exist."""
        file = self.root / path
        return file.read_text(encoding="utf-8") if file.is_file() else None


def checkout_since(revision: str) -> Checkout:
    """The checkout around this package, to be compared with a commit, branch or tag.

    Raises:
        CheckoutError: git is not installed, the package is not in a checkout, or there is no such revision.
    """
    root = Path(conformance.__file__).resolve().parents[1]
    if shutil.which("git") is None:
        raise CheckoutError("--changed needs git, which is not installed.")
    if _git(root, "ls-files", "--error-unmatch", "--", "conformance/__init__.py").returncode:
        raise CheckoutError(f"--changed needs a git checkout of chat-conformance, which {root} is not.")
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found.returncode:
        raise CheckoutError(f"{revision!r} is not a revision of the checkout in {root}; name a commit, branch or tag.")
    return Checkout(root, revision, found.stdout.strip())


def _output(root: Path, *arguments: str) -> str:
    done = _git(root, *arguments)
    if done.returncode:
        raise CheckoutError(f"git {arguments[0]} failed in {root}: {done.stderr.strip()[:200]}")
    return done.stdout


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Variables such as GIT_DIR, which a hook sets, would lead to another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(  # noqa: S603 - arguments of our own; a revision is never taken for an option
        [shutil.which("git") or "git", "-C", str(root), *arguments],
        env=environment,
        capture_output=True,
        check=False,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
