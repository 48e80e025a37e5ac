"""Makes requirements.html: every requirement of a profile explained, at an anchor of its own."""

from __future__ import annotations

import uuid
from itertools import groupby

from conformance.contract import Contract, Level
from conformance.report.explained import explained
from conformance.report.html import BASES, assembled, html_environment, scripts, styles


def requirements_page(contract: Contract) -> str:
    """The whole page as HTML text; it needs no network, and each requirement's id is an anchor in it.

    Raises:
        ContractError: the explanations, or the catalogue of faults, cannot be used.
    """
    boundary = uuid.uuid4().hex
    sections = [
        (section, [explained(row, contract) for row in rows])
        for section, rows in groupby(contract.requirements, key=lambda row: row.section)
    ]
    levels = {row.level for row in contract.requirements}
    html = (
        html_environment()
        .get_template("requirements.html.j2")
        .render(
            profile=contract.profile,
            sections=sections,
            excluded=[explained(row, contract) for row in contract.excluded],
            count=len(contract.requirements),
            level_options=[(level.value, level.value) for level in Level if level in levels],
            section_options=[(section.value, section.value) for section, _ in sections],
            bases=BASES,
            boundary=boundary,
        )
    )
    return assembled(html.split(boundary), styles("requirements.css"), scripts())
