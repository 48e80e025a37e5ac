"""Loads the list of clients: what each is installed from, its driver, and the settings that may help it."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from conformance.contract.documents import enforce, read_document
from conformance.contract.pointers import join

DRIVERS: Final = Path(__file__).parent / "drivers"
_LIST: Final = DRIVERS / "clients.yaml"
_SCHEMA: Final = "clients.schema.json"
_MEMORY: Final = 3072


@dataclass(frozen=True, slots=True)
class Setting:
    """Settings of a client that may be tried where it does not understand, and what a user writes to get them."""

    name: str
    settings: Mapping[str, Any] = field(hash=False)
    snippet: str = ""


@dataclass(frozen=True, slots=True)
class Habit:
    """What a client makes of every answer, so that it says nothing about a deployment.

    A `member` is not compared; what it `raises` where a limit cut the answer says the same as the bytes.
    """

    why: str
    member: str | None = None
    raises: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("*",)

    def holds_for(self, kind: str) -> bool:
        """Whether it is one in scenarios of this kind."""
        return any(fnmatch.fnmatchcase(kind, one) for one in self.kinds)


@dataclass(frozen=True, slots=True)
class Client:
    """One client as the list has it; `driver` is the path of its driver."""

    name: str
    title: str
    language: str
    packages: tuple[str, ...]
    driver: Path
    scenarios: tuple[str, ...]
    settings: tuple[Setting, ...] = ()
    habits: tuple[Habit, ...] = ()
    needs: tuple[str, ...] = ()
    """Programs that must be on the machine."""
    node: str | None = None
    """The package that brings Node, where the machine has none that is as new."""
    memory_mib: int = _MEMORY
    quick: bool = False

    @property
    def on_node(self) -> bool:
        """Whether its driver is one for Node."""
        return self.driver.suffix == ".mjs"

    def supports(self, kind: str) -> bool:
        """Whether its driver does scenarios of this kind; an error of every status is one kind."""
        plain = kind.rpartition("error-")
        return (f"{plain[0]}error" if plain[1] else kind) in self.scenarios


@cache
def shipped_clients() -> tuple[Client, ...]:
    """The clients that are shipped with the suite.

    Raises:
        ContractError: as `read_clients`.
    """
    return read_clients(_LIST)


def read_clients(path: Path) -> tuple[Client, ...]:
    """The clients of a list; their drivers stand beside it.

    Raises:
        ContractError: the list cannot be read, breaks specs/clients.schema.json, names a client twice, or a driver
            that is not there.
    """
    document = read_document(path)
    enforce(document, _SCHEMA)
    clients: dict[str, Client] = {}
    for number, row in enumerate(document.data["clients"]):
        client = _client(row, document.data.get("node"), path.parent)
        place = join("", "clients", number)
        if client.name in clients:
            raise document.error(f"the client `{client.name}` stands twice; keep one", join(place, "name"))
        if not client.driver.is_file():
            raise document.error(
                f"the client `{client.name}` has no driver {row['driver']} beside this file", join(place, "driver")
            )
        clients[client.name] = client
    return tuple(clients.values())


def _client(row: Mapping[str, Any], node: str | None, folder: Path) -> Client:
    return Client(
        name=row["name"],
        title=row["title"],
        language=row["language"],
        packages=tuple(row["packages"]),
        driver=folder.resolve() / row["driver"],
        scenarios=tuple(row["scenarios"]),
        settings=tuple(Setting(one["name"], one["settings"], one["snippet"]) for one in row.get("settings", ())),
        habits=tuple(
            Habit(one["why"], one.get("member"), tuple(one.get("raises", ())), tuple(one.get("kinds", ("*",))))
            for one in row.get("habits", ())
        ),
        needs=tuple(row.get("needs", ())),
        node=node,
        memory_mib=row.get("memory_mib", _MEMORY),
        quick=row.get("quick", False),
    )
