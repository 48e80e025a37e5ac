"""Installs clients, each in an environment of its own below the user's cache folder, and says what that takes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from conformance.clients.catalogue import Client
from conformance.quoting import one_line
from conformance.strict_json import load

CACHE_VARIABLE: Final = "CONFORMANCE_CLIENTS_CACHE"
"""Where the environments are, in place of the user's cache folder."""
_DONE: Final = "installed.json"
_HOW: Final = "run: chat-conformance clients --install"
_LONGEST_INSTALL: Final = 1200
_LONGEST_REASON: Final = 400


class InstallError(Exception):
    """A client cannot be installed; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment of a client: where it is, and the command that starts its driver."""

    folder: Path
    command: tuple[str, ...]
    extra: tuple[tuple[str, str], ...] = ()
    """Variables that its driver needs."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What an installation took."""

    seconds: float
    mib: int


def cache_folder() -> Path:
    """The folder of all environments, where the system keeps what can be made again."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "chat-conformance" / "clients"
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return (Path(base) if base else Path.home() / "AppData" / "Local") / "chat-conformance" / "clients"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "chat-conformance" / "clients"


def environment_of(client: Client) -> Environment | str:
    """The environment of a client, or in a sentence why it cannot be run."""
    missing = next((name for name in client.needs if _program(name) is None), None)
    if missing is not None:
        return f"the command {missing} is not there"
    if client.language == "program":
        return Environment(client.driver.parent, (sys.executable, str(client.driver)))
    folder = _folder(client)
    node = _node(client) if client.on_node else None
    if not (folder / _DONE).is_file() or (client.on_node and node is None):
        return f"it is not installed; {_HOW} --client {client.name}"
    chromium = _program("chromium") if client.language == "browser" else None
    extra = () if chromium is None else (("CHROMIUM", chromium),)
    if client.on_node:
        heap = f"--max-old-space-size={client.memory_mib}"
        return Environment(folder, (str(node), heap, str(folder / client.driver.name)), extra)
    return Environment(folder, (str(_python(folder)), str(client.driver)), extra)


def _program(name: str) -> str | None:
    """The path of a program of this machine; a browser may be named by the environment."""
    given = os.environ.get(name.upper())
    return given if given and Path(given).is_file() else shutil.which(name)


def _node(client: Client) -> str | None:
    """A Node that is as new as the list wants it: that of this machine, or the one that was installed."""
    wanted = _major((client.node or "").rpartition("@")[2])
    there = shutil.which("node")
    if there is not None and _version_of(there) >= wanted:
        return there
    installed = _node_folder(client) / "node_modules" / "node" / "bin" / "node"
    return str(installed) if installed.is_file() else None


@cache
def _version_of(node: str) -> int:
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return _major(said.stdout.strip().removeprefix("v"))


def _major(version: str) -> int:
    first = version.partition(".")[0]
    return int(first) if first.isdigit() else 0


def _node_folder(client: Client) -> Path:
    return cache_folder() / (client.node or "node").replace("@", "-")


def install(client: Client, say: Callable[[str], None] = lambda _: None) -> Installed:
    """Install a client where it is not installed yet; returns what that took, the first time.

    Raises:
        InstallError: a package cannot be installed, or a program is missing.
        OSError: the folder cannot be written.
    """
    folder = _folder(client)
    done = folder / _DONE
    missing = next((name for name in client.needs if _program(name) is None), None)
    if missing is not None:
        raise InstallError(f"{client.title} needs {missing}, which is not on this machine; install that first.")
    if client.on_node and _node(client) is None:
        _install_itself(client, say)
    if client.language == "program" or done.is_file():
        return _told(done)
    began = time.monotonic()
    say(f"{client.title}: installing {', '.join(client.packages)}")
    shutil.rmtree(folder, ignore_errors=True)  # what an installation left that was stopped
    folder.mkdir(parents=True)
    if client.on_node:
        _install_node(client, folder)
    else:
        _install_python(client, folder)
    taken = Installed(round(time.monotonic() - began, 1), _mib(folder))
    done.write_text(json.dumps({"packages": client.packages, "seconds": taken.seconds, "mib": taken.mib}))
    return taken


def _told(done: Path) -> Installed:
    if not done.is_file():
        return Installed(0.0, 0)
    said = load(done.read_bytes())
    return Installed(said["seconds"], said["mib"])


def _folder(client: Client) -> Path:
    """The folder of a client: another one where its packages, its Python or its way of installing change."""
    made_of = [*client.packages, "node" if client.on_node else sys.version.split()[0]]
    digest = hashlib.sha256("\n".join(made_of).encode()).hexdigest()[:10]
    return cache_folder() / f"{client.name}-{digest}"


def _install_python(client: Client, folder: Path) -> None:
    uv = shutil.which("uv")
    python = _python(folder)
    if uv:
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder / "venv")], client)
        _run([uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *client.packages], client)
    else:
        _run([sys.executable, "-m", "venv", str(folder / "venv")], client)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        _run([*pip, *client.packages], client)


def _install_node(client: Client, folder: Path) -> None:
    # Scripts of packages are not run: none of the clients needs one.
    _npm(client, folder, client.packages, "--ignore-scripts")


def _install_itself(client: Client, say: Callable[[str], None]) -> None:
    """Install Node, whose package fetches the program for this machine by a script of its own."""
    if client.node is None:
        raise InstallError(f"{client.title} needs Node, which is not there; install it.")
    say(f"Node: installing {client.node}")
    folder = _node_folder(client)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _npm(client, folder, (client.node,))


def _npm(client: Client, folder: Path, packages: Sequence[str], *options: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise InstallError(f"{client.title} needs npm, which is not there; install Node with npm.")
    pins = dict(package.rsplit("@", 1) for package in packages)
    manifest = {"name": f"chat-conformance-{client.name}", "private": True, "type": "module", "dependencies": pins}
    (folder / "package.json").write_text(json.dumps(manifest, indent=2))
    _run([npm, "install", "--no-audit", "--no-fund", "--loglevel=error", *options, "--prefix", str(folder)], client)


def place_driver(client: Client, environment: Environment) -> None:
    """Put a Node driver beside its packages, where Node looks for them, with the files that it shares with others."""
    if not client.on_node:
        return
    for source in client.driver.parent.glob("*.mjs"):
        target = environment.folder / source.name
        content = source.read_bytes()
        if not target.is_file() or target.read_bytes() != content:
            target.write_bytes(content)


def _python(folder: Path) -> Path:
    return folder / "venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _run(command: Sequence[str], client: Client) -> None:
    try:
        ended = subprocess.run(  # noqa: S603 - the commands are ours, the packages those of the shipped list
            command,
            capture_output=True,
            text=True,
            timeout=_LONGEST_INSTALL,
            check=False,
            env=_without_secrets(),
        )
    except subprocess.TimeoutExpired as error:
        raise InstallError(f"{client.title} was not installed within {_LONGEST_INSTALL} s.") from error
    if ended.returncode != 0:
        said = (ended.stderr or ended.stdout).strip().splitlines()
        reason = one_line(" ".join(said[-3:]), _LONGEST_REASON)
        raise InstallError(f"{client.title} cannot be installed: {reason or f'exit status {ended.returncode}'}.")


def _without_secrets() -> dict[str, str]:
    """The environment without our own variables: the keys of deployments are no business of packages."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CONFORMANCE_")}


def _mib(folder: Path) -> int:
    size = sum(one.lstat().st_size for one in folder.rglob("*") if not one.is_symlink() and one.is_file())
    return round(size / 2**20)


def state_of(client: Client) -> str:
    """Whether a client can be run, in a few words."""
    found = environment_of(client)
    if client.language == "program":
        return found if isinstance(found, str) else "there"
    if isinstance(found, str):
        return "not installed" if _HOW in found else found
    taken = _told(_folder(client) / _DONE)
    return f"installed, {taken.mib} MiB in {taken.seconds:g} s"
