"""Puts what clients understood into a compliance page that is there already, in the rooms that it keeps for that.

The page is made when the run ends, and clients are run later. All else on it stays as it is, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from conformance.report.html import html_environment

if TYPE_CHECKING:
    from conformance.report.client_results import ClientResults

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]*")
_ROOM: Final = re.compile(r"<!--clients:(?P<name>[^\n>]*?)-->.*?<!--/clients-->", re.DOTALL)


def room(name: str) -> object:
    """A place in the page for what is known later; nothing where the name is no plain one.

    Nobody else writes such a comment: whatever a target sent is escaped.
    """
    import markupsafe  # noqa: PLC0415 - costs time, and only the pages need it

    plain = name if _PLAIN.fullmatch(name) and "--" not in name else None
    return markupsafe.Markup(_filled(plain, "") if plain else "")  # noqa: S704 - checked above


def with_clients(page: str, results: ClientResults) -> str:
    """The page with what clients understood; what earlier ones understood is replaced."""
    made: dict[str, str] = {}

    def fill(found: re.Match[str]) -> str:
        name = found["name"]
        if name not in made:
            made[name] = _part(name, results)
        return _filled(name, made[name])

    return _ROOM.sub(fill, page)


def _filled(name: str | None, content: str) -> str:
    return f"<!--clients:{name}-->{content}<!--/clients-->"


def _part(name: str, results: ClientResults) -> str:
    from conformance.report.client_results import Understanding  # noqa: PLC0415 - a run without clients needs none

    shown: Mapping[str, Any] = {
        "part": name if name in ("headline", "contents", "section") else "requirement",
        "results": results,
        "broken_by": results.broken_by(name),
        "predicted": sorted({one.client for one in results.predicted if name in one.requirements}),
        "cells": [{one.scenario: one for one in client.results} for client in results.ran],
        "classes": {
            Understanding.BROKE: "failed",
            Understanding.OTHERWISE: "warning",
            Understanding.SAME: "passed",
            Understanding.UNSUPPORTED: "skipped",
            Understanding.NOT_RUN: "untested",
        },
        "Understanding": Understanding,
    }
    return html_environment().get_template("clients.html.j2").render(**shown).strip()
