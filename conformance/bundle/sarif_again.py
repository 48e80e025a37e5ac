"""Compares the results.sarif of a bundle with the one that results and evidence make here.

Two things in it are of the place where the run was made, and not of the run: the files of the maker's repository that
results stand at, and the address of the documentation site.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from conformance.report import Results
from conformance.report.help_page import help_path
from conformance.strict_json import load


def comparable_sarif(bundled: bytes, again: bytes, results: Results) -> tuple[bytes, bytes]:
    """Both files without what is of the maker's place.

    Raises:
        ValueError: one is not such a file.
    """
    pages = {row.id: help_path(row, results.profile.name) for row in results.requirements}
    documents: list[Any] = [load(bundled), load(again)]
    try:
        for one, other in zip(*(_rules(document) for document in documents), strict=True):
            if _leads_to(one, pages) or _leads_to(other, pages):
                one.pop("helpUri", None)
                other.pop("helpUri", None)
        for document in documents:
            for result in document["runs"][0]["results"]:
                for location in result["locations"]:
                    location.pop("physicalLocation", None)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError("it has another form") from error
    first, second = (json.dumps(document, indent=1).encode("ascii") for document in documents)
    return first, second


def _rules(document: Any) -> Any:
    return document["runs"][0]["tool"]["driver"]["rules"]


def _leads_to(rule: Mapping[str, Any], pages: Mapping[str, str | None]) -> bool:
    """Whether a rule leads to the page of its requirement, in whichever copy of the site."""
    address, page = rule.get("helpUri", ""), pages.get(rule["id"])
    return page is not None and address.startswith(("https://", "http://")) and address.endswith(f"/{page}")
