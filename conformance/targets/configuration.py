"""Reads conformance.toml: targets by name, with the settings of their runs and the variables that hold their keys."""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.contract import ContractError, Document, known_parameters, schema_of
from conformance.contract.documents import deeper_than
from conformance.contract.pointers import join
from conformance.contract.regular_files import LARGEST_CONFIGURATION, UnreadableError, read_regular_file
from conformance.quoting import one_line
from conformance.shipped import shipped_profiles
from conformance.targets import environment
from conformance.targets.configuration_problems import first_problem
from conformance.targets.errors import TargetError
from conformance.targets.reach import HOW_IT_IS_NAMED, OF_A_SECRET, VARIABLE, Reach, checked_reach, reach_from
from conformance.targets.toml_lines import toml_lines

FILE_NAME = "conformance.toml"
SCHEMA = "configuration.schema.json"
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")
_DEEPEST = 10
_FILES = ("waivers", "baseline", "out")
_SECRETS = {"api_key_env": environment.API_KEY, "other_api_key_env": environment.OTHER_API_KEY}
_REACH_FILES = ("ca_file", "client_cert", "client_key")
_REACH_SECRETS = ("client_key_password_env", "proxy_credentials_env")
_REACH_SECRET_TABLES = ("headers_env", "query_env")
_REACH_TABLES = ("headers", "query", *_REACH_SECRET_TABLES)
_REACH = (*_REACH_FILES, *_REACH_SECRETS, *_REACH_TABLES, "proxy")


@dataclass(frozen=True, slots=True)
class NamedTarget:
    """A target as conformance.toml has it.

    `settings` are the settings of its runs, by the schema's names; files are paths from the working directory. `values`
    and `secrets` are keyed by the environment variable that they replace: the values themselves, and the names of the
    variables that hold the secrets. `place` is the file and line, for messages; `places` are those of its settings.
    """

    name: str
    base_url: str
    profile: str | None
    place: str
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    values: Mapping[str, str] = field(default_factory=dict, hash=False)
    secrets: Mapping[str, str] = field(default_factory=dict, hash=False)
    reach: Reach = field(default_factory=Reach)
    places: Mapping[str, str] = field(default_factory=dict, hash=False)

    def place_of(self, key: str) -> str:
        """File and line of a setting, or of the target where the setting has none."""
        return self.places.get(key, self.place)

    def in_the_file(self, message: str) -> str:
        """A message about a variable of the environment, as one about the setting that gave its value if one did."""
        variable = message.partition(" ")[0]
        key = {"model": environment.MODEL, **parameter_keys()}
        name = next((name for name, one in key.items() if one == variable and one in self.values), None)
        return message if name is None else f"{self.place_of(name)}: {name}{message.removeprefix(variable)}"

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment of this target: what the file says for it overrides what is set for every target.

        Raises:
            TargetError: a variable that holds one of its keys is not set.
        """
        for replaced, variable in self.secrets.items():
            if not environ.get(variable, "").strip():
                key = next(key for key, one in _SECRETS.items() if one == replaced)
                place = self.place_of(key)
                raise TargetError(f"{place}: target {self.name} has its key in {variable}, which is not set.")
        keys = {name: environ[variable] for name, variable in self.secrets.items()}
        return {**environ, **self.values, **keys}


def read_target(name: str, file: Path | None = None) -> NamedTarget:
    """The target of this name in a file, or in the conformance.toml of the working directory.

    Raises:
        TargetError: there is no such file, or no such target in it.
        ContractError: the file is not TOML or violates its schema; the message has the file and the line.
    """
    document = read_configuration(file)
    targets = document.data["targets"]
    if name not in targets:
        raise TargetError(f"{document.path} has no target {name!r}; it has {', '.join(sorted(targets))}.")
    return target_of(document, name)


def read_configuration(file: Path | None = None) -> Document:
    """A file of targets, or the conformance.toml of the working directory, which keeps its schema.

    Raises:
        TargetError: there is no such file.
        ContractError: the file is not TOML or violates its schema; the message has the file and the line.
    """
    document = _read(file or Path(FILE_NAME))
    _refuse_keys(document)
    problem = first_problem(document, SCHEMA, _with_parameters)
    if problem is not None:
        raise problem
    return document


def target_names(file: Path | None = None) -> tuple[str, ...]:
    """The names of the targets in a file, or in the conformance.toml of the working directory; it is not checked.

    Raises:
        TargetError, ContractError: there is no such file, or it is not TOML.
    """
    targets = _read(file or Path(FILE_NAME)).data.get("targets")
    return tuple(targets) if isinstance(targets, dict) else ()


def editor_schema() -> dict[str, Any]:
    """The schema of conformance.toml for an editor, with the keys of every installed profile.

    It says the same as the published one in words of draft 7, since few editors know the newer ones.
    """
    schema = schema_of(SCHEMA, _with_parameters)
    settings = schema["$defs"].pop("settings")["properties"]
    tables = schema["properties"]
    target = tables["targets"]["additionalProperties"]
    closed = {"type": "object", "additionalProperties": False}
    described = tables["defaults"]["description"]
    tables["defaults"] = {"description": described, **closed, "properties": settings}
    named = {"required": target["required"], "properties": {**target["properties"], **settings}}
    tables["targets"]["additionalProperties"] = {**closed, **named}
    return {**schema, "$schema": "http://json-schema.org/draft-07/schema#"}


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
        content = read_regular_file(path, LARGEST_CONFIGURATION)
        text = content.decode("utf-8")
    except FileNotFoundError as error:
        raise TargetError(
            f"{path} does not exist; `chat-conformance init` writes one, --config names another."
        ) from error
    except (UnreadableError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error
        raise TargetError(f"{path}: the configuration cannot be read because {reason}.") from error
    try:
        data = tomllib.loads(text)
        too_deep = deeper_than(data, _DEEPEST)
    except RecursionError:
        too_deep = True
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        line = int(found[1]) if found and found[1] else text.count("\n") + 1
        problem = _AT_LINE.sub("", str(error)).strip()
        raise ContractError(f"this is not TOML: {problem[:1].lower()}{problem[1:]}.", path=path, line=line) from error
    except ValueError as error:  # Python converts no number of so many digits.
        raise ContractError("a number is too large; no setting takes it.", path=path) from error
    if too_deep:
        raise ContractError(f"tables are nested more than {_DEEPEST} deep; targets need four levels.", path=path)
    return Document(path, data, toml_lines(text), hashlib.sha256(content).hexdigest())


def _refuse_keys(document: Document) -> None:
    """Refuse a secret in place of the name of its variable; the schema's own message would repeat it."""
    targets = document.data.get("targets")
    tables = {"/defaults": document.data.get("defaults")}
    tables |= {join("/targets", name): table for name, table in targets.items()} if isinstance(targets, dict) else {}
    for pointer, table in tables.items():
        for path, value in _named_variables(table if isinstance(table, dict) else {}):
            if isinstance(value, str) and not (VARIABLE.fullmatch(value) and OF_A_SECRET.search(value)):
                raise document.error(
                    f"{' for '.join(path)} must be {HOW_IT_IS_NAMED}, never the key itself.", join(pointer, *path)
                )


def _named_variables(table: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What should be the name of a variable, and where in a target's table it stands."""
    yield from (((key,), table.get(key)) for key in (*_SECRETS, *_REACH_SECRETS))
    for key in _REACH_SECRET_TABLES:
        names = table.get(key)
        yield from (((key, name), value) for name, value in (names if isinstance(names, dict) else {}).items())


def target_of(document: Document, name: str) -> NamedTarget:
    """One of the targets in a file that was read.

    Raises:
        ContractError: what it says cannot be used; the message has the file and the line.
    """
    defaults, own = document.data.get("defaults", {}), document.data["targets"][name]
    pointer, folder = join("/targets", name), document.path.parent
    reach = _reach(own, pointer, document).over(_reach(defaults, "/defaults", document))
    try:
        checked_reach(reach)
    except TargetError as error:
        raise document.error(str(error), pointer) from None
    written = {key: value for key, value in {**defaults, **own}.items() if key not in _REACH}
    try:
        base_url = environment.checked_base_url(written.pop("base_url"))
    except TargetError as error:
        message = str(error).replace("--base-url", "base_url")
        raise document.error(message, join(pointer, "base_url")) from None
    values = {"model": environment.MODEL, **parameter_keys()}
    places = {key: join(pointer if key in own else "/defaults", key) for key in written}
    profile = written.pop("profile", None)
    if profile is not None and ("/" in profile or "." in profile):
        profile = str(folder / profile)
    elif profile is not None and profile not in shipped_profiles():
        raise document.error(_no_profile(profile), places["profile"])
    return NamedTarget(
        name=name,
        base_url=base_url,
        profile=profile,
        place=f"{document.path}:{document.line(pointer)}",
        values={variable: written.pop(key) for key, variable in values.items() if key in written},
        secrets={variable: written.pop(key) for key, variable in _SECRETS.items() if key in written},
        settings={key: folder / value if key in _FILES else value for key, value in written.items()},
        reach=reach,
        places={key: f"{document.path}:{document.line(place)}" for key, place in places.items()},
    )


def _no_profile(name: str) -> str:
    near = difflib.get_close_matches(name, shipped_profiles(), n=1)
    hint = f"did you mean {near[0]}?" if near else f"it is {', '.join(shipped_profiles())}, or the path of a document."
    return f"profile {one_line(name, 60)!r} is not known; {hint}"


def _reach(table: Mapping[str, Any], pointer: str, document: Document) -> Reach:
    """What a table says of the way to the deployment; files are paths from the working directory."""
    for path, alone in _each_of(table):
        try:
            checked_reach(alone)
        except TargetError as error:
            raise document.error(str(error), join(pointer, *path)) from None
    files = {key: str(document.path.parent / table[key]) for key in _REACH_FILES if key in table}
    return reach_from({key: table[key] for key in _REACH if key in table} | files)


def _each_of(table: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Reach]]:
    """What can be checked by itself, so that a mistake is reported in its own line."""
    for key in _REACH_TABLES:
        yield from (((key, name), reach_from({key: {name: value}})) for name, value in table.get(key, {}).items())
    if "proxy" in table:
        yield ("proxy",), Reach(proxy=table["proxy"])
