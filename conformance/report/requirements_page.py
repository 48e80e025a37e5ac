"""Makes requirements.html: every requirement of a profile explained, at an anchor of its own."""

from __future__ import annotations

import uuid
from itertools import groupby

from conformance.contract import Contract, Level
from conformance.report.explained import explained
from conformance.report.html import BASES, TEMPLATES, assembled, html_environment


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
            levels=[level for level in Level if level in levels],
            bases=BASES,
            boundary=boundary,
        )
    )
    style = "".join(
        path.read_text(encoding="utf-8") for path in (TEMPLATES / "compliance.css", TEMPLATES / "requirements.css")
    )
    return assembled(html.split(boundary), style, (TEMPLATES / "filter.js").read_text(encoding="utf-8"))
