"""Reads the file of waivers, and applies waivers to judgements."""

from __future__ import annotations

import datetime
import fnmatch
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from conformance.contract import enforce, read_document
from conformance.contract.pointers import join
from conformance.suite.expect import Judgement
from conformance.suite.outcome import BROKEN, Outcome, Waiver

SCHEMA = "waivers.schema.json"
_MOST = 1000


def load_waivers(path: Path, known_ids: Iterable[str]) -> tuple[Waiver, ...]:
    """Read a waiver file, as specs/waivers.schema.json describes it.

    Raises:
        ContractError: the file cannot be read, violates its schema, or names no requirement of the profile; the
            message has the file and the line.
    """
    document = read_document(path)
    if isinstance(document.data, list) and len(document.data) > _MOST:
        raise document.error(f"there are more than {_MOST} waivers; one with `*` in its requirement accepts several")
    enforce(document, SCHEMA)
    ids = tuple(known_ids)
    waivers = []
    for number, row in enumerate(document.data or ()):
        if not fnmatch.filter(ids, row["requirement"]):
            problem = f"waiver {number + 1} names {row['requirement']!r}, which is not a requirement of this profile."
            raise document.error(problem, join("", number, "requirement"))
        waivers.append(Waiver(**{**row, "expires": datetime.date.fromisoformat(row["expires"])}))
    return tuple(waivers)


def as_waived(judgement: Judgement, waivers: Iterable[Waiver], today: datetime.date) -> Judgement:
    """A judgement with the waivers in force applied.

    It is waived if one of them accepts it as a whole, or if each finding is accepted by one of them. A judgement
    without findings, one that is blocked among them, is accepted only as a whole.
    """
    if judgement.outcome not in BROKEN | {Outcome.BLOCKED}:
        return judgement
    about = [one for one in waivers if one.names(judgement.requirement.id) and not one.expired(today)]
    whole = [one for one in about if one.probe is None]
    exchanges = [finding.exchange for finding in judgement.findings]
    if not whole and exchanges and all(any(one.fits(exchange) for one in about) for exchange in exchanges):
        whole = [one for one in about if any(one.fits(exchange) for exchange in exchanges)]
    return replace(judgement, outcome=Outcome.WAIVED, waiver=whole[0], blocked_by=None) if whole else judgement
