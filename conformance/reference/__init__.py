"""The reference deployment: keeps every shipped contract to the letter, as its real platform would.

Names are imported on first use, because serving needs libraries that judging does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.reference.app import create_app
    from conformance.reference.server import EmbeddedReference, serve

from conformance.reference.errors import DeploymentError
from conformance.reference.settings import Settings, Tenant

__all__ = ["DeploymentError", "EmbeddedReference", "Settings", "Tenant", "create_app", "serve"]

_LAZY = {
    "EmbeddedReference": "conformance.reference.server",
    "create_app": "conformance.reference.app",
    "serve": "conformance.reference.server",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415 - needed here only

    return getattr(importlib.import_module(_LAZY[name]), name)
