"""The tasks of this repository. `nox --list` names them, `nox` runs the quick one; CI runs the same steps (.ci/run).

Each session has a virtual environment with what requirements/test.txt locks; uv makes it where it is there. With
`--no-venv`, a session runs in the environment that nox runs in, and installs nothing.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["quick"]

ROOT = Path(__file__).parent
UNIT = "not (browser or clients or curl or dask or lab or network or node or openssl or process or slow)"


@nox.session
def quick(session: nox.Session) -> None:
    """Format, lint, import contracts, types, and the unit tests: those that start nothing and take no time."""
    install(session)
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("lint-imports")
    session.run("mypy")
    session.run("pytest", "-q", "-n", "auto", "-m", UNIT, *session.posargs)


@nox.session
def test(session: nox.Session) -> None:
    """All tests but those whose program is missing; arguments go to pytest."""
    install(session)
    session.run("pytest", "-q", *(session.posargs or ["-n", "auto"]))


@nox.session
def lab(session: nox.Session) -> None:
    """The fault lab over all profiles; arguments go to `chat-conformance lab`."""
    install(session)
    session.run("chat-conformance", "lab", *(session.posargs or ["--out", "reports/lab"]))


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, built into site/; whatever it warns of is an error."""
    install(session)
    session.run("mkdocs", "build", "--strict", *session.posargs)


@nox.session
def release(session: nox.Session) -> None:
    """A wheel and a source distribution in dist/, and what goes into them as a CycloneDX document.

    The wheel holds every file of the product, and no other. Everything is built by what requirements/release.txt locks.
    """
    if session.venv_backend != "none":
        session.install("--require-hashes", "--requirement", "requirements/release.txt")
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    session.run("python", "-m", "build", "--no-isolation", "--outdir", str(dist), *session.posargs)
    (wheel,) = dist.glob("*.whl")
    listed = session.run("git", "ls-files", "conformance", "specs", external=True, silent=True, log=False)
    differences = wheel_differences(wheel, str(listed).splitlines())
    if differences:
        session.error("\n".join(differences))
    bill = ("cyclonedx-py", "requirements", "requirements/image.txt", "--pyproject", "pyproject.toml")
    session.run(*bill, "--output-reproducible", "--output-file", str(dist / "chat-conformance.cdx.json"))
    session.log(f"{wheel.name} holds what it should; it is in dist/")


@nox.session
def update(session: nox.Session) -> None:
    """What is recorded of this checkout: reviews, field runs and, with `-- --lab DIR`, the README's scores."""
    install(session)
    session.run("python", "benchmarks/update_records.py", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """requirements/*.txt anew from pyproject.toml; `-- --upgrade` takes the newest versions that it allows."""
    if session.venv_backend != "none":
        session.install("uv")
    compile_ = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    compile_ += ["--generate-hashes", "--no-emit-index-url", "--no-annotate"]
    compile_ += ["--custom-compile-command", "nox -s lock", *session.posargs]
    session.run(*compile_, "pyproject.toml", "--all-extras", "--output-file", "requirements/test.txt")
    of_the_same = (*compile_, "--constraint", "requirements/test.txt")
    session.run(*of_the_same, "pyproject.toml", "--output-file", "requirements/run.txt")
    session.run(*of_the_same, "pyproject.toml", "--extra", "signing", "--output-file", "requirements/image.txt")
    session.run(*of_the_same, "pyproject.toml", "--extra", "fleet", "--output-file", "requirements/fleet.txt")
    session.run(*of_the_same, "pyproject.toml", "--extra", "soak", "--output-file", "requirements/soak.txt")
    session.run(*of_the_same, "pyproject.toml", "--extra", "registry", "--output-file", "requirements/registry.txt")
    session.run(*of_the_same, "--group", "release", "--output-file", "requirements/release.txt")


def install(session: nox.Session) -> None:
    """Install what is locked, and this checkout."""
    if session.venv_backend == "none":
        return
    session.install("--require-hashes", "--requirement", "requirements/test.txt")
    # By the locked build backend, not by one that is fetched for it.
    session.install("--no-deps", "--no-build-isolation", "--editable", ".")


def wheel_differences(wheel: Path, files: Iterable[str]) -> list[str]:
    """The files of the product that a wheel lacks, and its files that are none of the product's."""
    wanted = {f"conformance/{name}" if name.startswith("specs/") else name for name in files}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    lacking = [f"the wheel lacks {name}" for name in sorted(wanted - held)]
    return lacking + [f"the wheel has {name}, which is not in the repository" for name in sorted(held - wanted)]
