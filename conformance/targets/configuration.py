"""Reads conformance.toml: targets by name, with the settings of their runs and the variables that hold their keys."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.contract import ContractError, Document, enforce, known_parameters
from conformance.contract.pointers import join
from conformance.targets import environment
from conformance.targets.model import TargetError
from conformance.targets.toml_lines import toml_lines

FILE_NAME = "conformance.toml"
SCHEMA = "configuration.schema.json"
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")
_VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_OF_A_SECRET = re.compile("KEY|TOKEN|SECRET|PASS|CREDENTIAL", re.IGNORECASE)
_FILES = ("waivers", "baseline", "out")
_SECRETS = {"api_key_env": environment.API_KEY, "other_api_key_env": environment.OTHER_API_KEY}


@dataclass(frozen=True, slots=True)
class NamedTarget:
    """A target as conformance.toml has it.

    `settings` are the settings of its runs, by the schema's names; files are paths from the working directory. `values`
    and `secrets` are keyed by the environment variable that they replace: the values themselves, and the names of the
    variables that hold the secrets. `place` is the file and line, for messages.
    """

    name: str
    base_url: str
    profile: str | None
    place: str
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    values: Mapping[str, str] = field(default_factory=dict, hash=False)
    secrets: Mapping[str, str] = field(default_factory=dict, hash=False)

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment of this target: what the file says for it overrides what is set for every target.

        Raises:
            TargetError: a variable that holds one of its keys is not set.
        """
        for variable in self.secrets.values():
            if not environ.get(variable, "").strip():
                raise TargetError(f"{self.place}: target {self.name} has its key in {variable}, which is not set.")
        keys = {name: environ[variable] for name, variable in self.secrets.items()}
        return {**environ, **self.values, **keys}


def read_target(name: str, file: Path | None = None) -> NamedTarget:
    """The target of this name in a file, or in the conformance.toml of the working directory.

    Raises:
        TargetError: there is no such file, or no such target in it.
        ContractError: the file is not TOML or violates its schema; the message has the file and the line.
    """
    path = file or Path(FILE_NAME)
    document = _read(path)
    _refuse_keys(document)
    enforce(document, SCHEMA, completed=_with_parameters)
    targets = document.data["targets"]
    if name not in targets:
        raise TargetError(f"{path} has no target {name!r}; it has {', '.join(sorted(targets))}.")
    return _target(name, document)


def parameter_keys() -> dict[str, str]:
    """The environment variable of each parameter that a shipped dialect declares, by its key in conformance.toml."""
    values = (value for one in known_parameters() for value in (one, one.second) if value is not None)
    return {value.key: value.variable for value in values}


def _with_parameters(schema: dict[str, Any]) -> None:
    """Allow a target the keys of every shipped dialect, including one that the published schema does not list."""
    properties = schema["$defs"]["settings"]["properties"]
    for key in parameter_keys():
        properties.setdefault(key, {"$ref": "#/$defs/text"})


def _read(path: Path) -> Document:
    try:
        content = path.read_bytes()
        text = content.decode("utf-8")
    except FileNotFoundError as error:
        raise TargetError(
            f"{path} does not exist; `chat-conformance init` writes one, --config names another."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise TargetError(f"{path}: the configuration cannot be read ({reason}).") from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        line = int(found[1]) if found and found[1] else text.count("\n") + 1
        problem = _AT_LINE.sub("", str(error)).strip()
        raise ContractError(f"this is not TOML: {problem[:1].lower()}{problem[1:]}.", path=path, line=line) from error
    return Document(path, data, toml_lines(text), hashlib.sha256(content).hexdigest())


def _refuse_keys(document: Document) -> None:
    """Refuse a key in place of the name of its variable; the schema's own message would repeat the key."""
    targets = document.data.get("targets")
    tables = {"/defaults": document.data.get("defaults")}
    tables |= {join("/targets", name): table for name, table in targets.items()} if isinstance(targets, dict) else {}
    for pointer, table in tables.items():
        for key in _SECRETS:
            value = table.get(key) if isinstance(table, dict) else None
            if isinstance(value, str) and not (_VARIABLE.fullmatch(value) and _OF_A_SECRET.search(value)):
                raise document.error(
                    f"{key} must be the name of an environment variable that holds the key, with KEY, TOKEN, SECRET,"
                    " PASS or CREDENTIAL in it; never the key itself.",
                    join(pointer, key),
                )


def _target(name: str, document: Document) -> NamedTarget:
    written = {**document.data.get("defaults", {}), **document.data["targets"][name]}
    pointer = join("/targets", name)
    try:
        base_url = environment.checked_base_url(written.pop("base_url"))
    except TargetError as error:
        message = str(error).replace("--base-url", "base_url")
        raise document.error(message, join(pointer, "base_url")) from None
    folder = document.path.parent
    values = {"model": environment.MODEL, **parameter_keys()}
    profile = written.pop("profile", None)
    if profile is not None and ("/" in profile or "." in profile):
        profile = str(folder / profile)
    return NamedTarget(
        name=name,
        base_url=base_url,
        profile=profile,
        place=f"{document.path}:{document.line(pointer)}",
        values={variable: written.pop(key) for key, variable in values.items() if key in written},
        secrets={variable: written.pop(key) for key, variable in _SECRETS.items() if key in written},
        settings={key: folder / value if key in _FILES else value for key, value in written.items()},
    )
