"""Reads registry.yaml: what a registry is called, and where it is published."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.contract import enforce, read_document

FILE: Final = "registry.yaml"
SCHEMA: Final = "registry-settings.schema.json"
_TITLE: Final = "Conformance registry"


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """What the page that is sent around says of itself. Addresses end with a slash."""

    title: str = _TITLE
    about: str | None = None
    url: str | None = None
    """Where the site is published; None as long as it is not."""
    bundles: str | None = None
    """Where the folder of bundles can be downloaded from."""


def read_settings(folder: Path) -> RegistrySettings:
    """The settings in a registry's folder; the usual ones where there is no file.

    Raises:
        ContractError: it cannot be used; the message has the file and the line.
    """
    path = folder / FILE
    if not path.exists():
        return RegistrySettings()
    document = read_document(path)
    enforce(document, SCHEMA)
    data = document.data
    return RegistrySettings(
        title=data.get("title", _TITLE),
        about=data.get("about"),
        url=_folder(data.get("url")),
        bundles=_folder(data.get("bundles")),
    )


def _folder(url: str | None) -> str | None:
    return url if url is None or url.endswith("/") else f"{url}/"
