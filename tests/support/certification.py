"""Runs, bundles and verifies by the command line, and makes keys."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from conformance.cli.main import commands
from conformance.reference import EmbeddedReference

Said = tuple[int, str]


def command(*arguments: object) -> Said:
    """Exit status and everything that was printed."""
    done = CliRunner().invoke(commands, [str(argument) for argument in arguments], standalone_mode=False)
    status = done.return_value if done.exception is None else 70
    return status, done.output + (repr(done.exception) if done.exception else "")


def verify(bundle: Path, *options: object) -> Said:
    return command("verify", bundle, *options)


@dataclass(frozen=True)
class Keys:
    private: Path
    public: Path


def make_keys(folder: Path, name: str) -> Keys:
    private, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    key = Ed25519PrivateKey.generate()
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return Keys(private, public)


def make_keys_with_openssl(folder: Path) -> Keys:
    keys = Keys(folder / "openssl.pem", folder / "openssl.pub.pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(keys.private)], check=True)
    subprocess.run(["openssl", "pkey", "-in", str(keys.private), "-pubout", "-out", str(keys.public)], check=True)
    return keys


def refused(said: Said) -> str:
    """The problem that `verify` named."""
    assert said[0] == 1, said[1]
    assert said[1].count("\n") == 1
    _, _, problem = said[1].partition(" is not valid: ")
    return problem.strip()


def at(deployment: EmbeddedReference, *arguments: object) -> Said:
    """A run against a deployment, by the command line."""
    with deployment as reference:
        return beside(reference, *arguments)


def beside(reference: EmbeddedReference, *arguments: object) -> Said:
    """A run against a deployment that is running, by the command line."""
    environment = {"CONFORMANCE_API_KEY": reference.api_key or ""}
    words = ["run", *map(str, arguments), "--base-url", reference.base_url]
    done = CliRunner(env=environment).invoke(commands, words, standalone_mode=False)
    assert done.exception is None, done.output
    return done.return_value, done.output
