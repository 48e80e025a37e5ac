"""What waivers make of a judgement: broken, and accepted by somebody until a day."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import replace

from conformance.suite.expect import Judgement
from conformance.suite.outcome import Outcome
from conformance.target import Waiver

BROKEN = (Outcome.FAILED, Outcome.WARNING)


def as_waived(judgement: Judgement, waivers: Iterable[Waiver], today: datetime.date) -> Judgement:
    """A judgement as the waivers in force let it stand.

    It is waived when one of them accepts it as a whole, or when each finding is accepted by one of them. What has no
    finding (its prerequisites were broken) is accepted only as a whole.
    """
    if judgement.outcome not in BROKEN:
        return judgement
    about = [one for one in waivers if one.names(judgement.requirement.id) and not one.expired(today)]
    whole = [one for one in about if one.probe is None]
    exchanges = [finding.exchange for finding in judgement.findings]
    if not whole and exchanges and all(any(one.fits(exchange) for one in about) for exchange in exchanges):
        whole = [one for one in about if any(one.fits(exchange) for exchange in exchanges)]
    return replace(judgement, outcome=Outcome.WAIVED, waiver=whole[0]) if whole else judgement
