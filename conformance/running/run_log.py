"""The log of the tests: pytest-html collects it, and a template of ours shows it.

pytest-html's own page has no language, no labels on its filters, no dark scheme and a fixed width. Its class takes
another template, so the log looks as the other pages do. `LogRows` says what is in a row, also in a log that a user
asks pytest-html for (`--html`).
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from markupsafe import Markup, escape

from conformance.contract import Contract
from conformance.quoting import one_line, visible
from conformance.report import Curl
from conformance.report.curl import curl_for
from conformance.report.exchange_view import shown_command
from conformance.report.files import write_atomically
from conformance.report.html import GLYPHS, MEANINGS, assembled, html_environment, prose, scripts, styles
from conformance.running.run import Run
from conformance.suite.expect import Judgement
from conformance.suite.outcome import BROKEN_OR_WAIVED, Outcome
from conformance.wire import Exchange

_TEMPLATES: Final = Path(__file__).parent / "templates"
_PAGE: Final = "compliance.html"
"""The page beside the log."""
_LONGEST_COMMAND: Final = 8 * 1024
_NAME: Final = "conformance-log"
_FOLDED: Final = (Outcome.UNTESTED, Outcome.SKIPPED, Outcome.PASSED)
_COLUMNS: Final = ("outcome", "requirement", "level", "statement")


class LogRows:
    """What pytest-html shows of each test of the suite: a plugin of hooks that nobody calls without pytest-html."""

    def __init__(self, contract: Contract) -> None:
        self._statements = {row.id: row.statement for row in contract.requirements}

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        """Give the log its title."""
        report.title = "chat-conformance: log of the tests"

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        """Add the columns that a requirement has."""
        cells[1:1] = [f'<th class="sortable" data-column-type="{name}">{name.capitalize()}</th>' for name in _COLUMNS]

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: Any, cells: list[str]) -> None:
        """Say which requirement a test judged, and how; pytest-html escapes none of it."""
        if report.when in ("setup", "teardown") and report.passed and not report.sections:
            cells.clear()  # pytest-html shows no row of it, and makes none then
            return
        told = {name: str(value) for name, value in getattr(report, "user_properties", ())}
        told["statement"] = self._statements.get(told.get("requirement", ""), "")
        texts = [prose(one_line(told.get(name, ""))) for name in _COLUMNS]
        cells[1:1] = [f'<td class="col-{name}">{text}</td>' for name, text in zip(_COLUMNS, texts, strict=True)]
        if told.get("requirement"):
            place = 1 + len(_COLUMNS)
            cells[place] = f'<td class="col-testId">{escape(one_line(_short(report.nodeid)))}</td>'

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_html(self, report: Any, data: list[str]) -> None:
        """Show what a judgement says, in place of pytest's words for it."""
        explained = getattr(report, "explained", None)
        if explained is not None:
            data[:] = [str(escape(visible(explained)))]


def is_logged(config: pytest.Config) -> bool:
    """Whether somebody collects what is below a test."""
    return bool(config.getoption("htmlpath", default=None)) or config.pluginmanager.hasplugin(_NAME)


def extras_of(judgement: Judgement, exchanges: Sequence[Exchange], run: Run) -> list[dict[str, Any]]:
    """What pytest-html shows below a test that found something: the command to see it again, and the evidence."""
    if judgement.outcome not in BROKEN_OR_WAIVED:
        return []
    names = {finding.exchange for finding in judgement.findings}
    exchange = next((one for one in exchanges if one.id in names), None)
    if exchange is None:
        return []
    command = shown_command(exchange, command_for(run), _LONGEST_COMMAND)
    shown = Markup('<pre tabindex="0" role="group" aria-label="Command">{}</pre>').format(command) if command else ""
    evidence = Markup("<p>Evidence: <code>{}</code> in evidence/exchanges.jsonl</p>").format(one_line(exchange.id))
    empty = dict.fromkeys(("name", "mime_type", "extension"))
    return [{**empty, "format_type": "html", "content": f"{shown}{evidence}"}]


def command_for(run: Run, names: Mapping[str, str] | None = None) -> Curl:
    """Gives the curl command for an exchange of a run: with its contract's credential, and the way to its target.

    `names` are the variables that stand in the place of the usual ones.
    """
    credential = run.contract.operation.credential
    curl = partial(curl_for, reach=run.target.reach, names=names)
    return partial(curl, credential_header=credential.header) if credential else curl


class RunLog:
    """Makes the log of a run: a plugin for the pytest session that judges it."""

    def __init__(self, run: Run) -> None:
        self._template = _Template(run)

    def write(self, path: Path) -> None:
        """Write the log to a path, whole or not at all; nothing where the session did not come to its end.

        Raises:
            OSError: it cannot be written.
        """
        if self._template.page is not None:
            write_atomically(path, self._template.page)

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Let pytest-html collect, and fill our template."""
        from pytest_html.report_data import ReportData
        from pytest_html.selfcontained_report import SelfContainedReport

        # It writes through symbolic links, and in place: so it writes nowhere.
        report = SelfContainedReport(os.devnull, config, ReportData(config), self._template, "")
        config.pluginmanager.register(report, _NAME)


@dataclass(frozen=True, slots=True)
class _LoggedTest:
    """One test as the log shows it; all texts but `test` and `duration` are HTML already."""

    outcome: Outcome | None
    requirement: str
    level: str
    statement: str
    test: str
    duration: str
    text: str
    extras: Sequence[str]


class _Template:
    """What pytest-html takes for its template; it keeps the page."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.page: str | None = None

    def render(self, *, test_data: str, title: str, **_: object) -> str:
        """The whole page, from what pytest-html collected."""
        boundary = uuid.uuid4().hex
        tests = [_logged(nodeid, told) for nodeid, some in json.loads(test_data)["tests"].items() for told in some]
        groups = [(outcome, [one for one in tests if one.outcome is outcome]) for outcome in (None, *Outcome)]
        groups = [(outcome, some) for outcome, some in groups if some]
        html = (
            html_environment(_TEMPLATES)
            .get_template("run-log.html.j2")
            .render(
                title=title,
                profile=self._run.contract.profile,
                base_url=self._run.target.base_url,
                tier=self._run.tier.value,
                groups=groups,
                outcomes=[outcome for outcome, _ in groups if outcome is not None],
                totals={outcome: len(some) for outcome, some in groups},
                level_options=[(name, name) for name in dict.fromkeys(one.level for one in tests) if name],
                folded=_FOLDED,
                glyphs=GLYPHS,
                meanings=MEANINGS,
                page=_PAGE,
                boundary=boundary,
            )
        )
        parts = self._run.redactor.text(html).split(boundary)
        self.page = assembled(parts, styles("run-log.css", own=_TEMPLATES), scripts())
        return self.page


def _logged(nodeid: str, told: Mapping[str, Any]) -> _LoggedTest:
    """A test from what pytest-html keeps of it: the cells of its row, and what is below it."""
    outcome = told.get("outcome")
    return _LoggedTest(
        outcome=Outcome(outcome) if outcome else None,
        requirement=_html(told.get("requirement", "")),
        level=_html(told.get("level", "")),
        statement=_html(told.get("statement", "")),
        test=_short(nodeid),
        duration=str(told.get("duration", "")),
        text=_html(told.get("log", "")) if outcome != Outcome.PASSED else "",
        extras=[_html(extra["content"]) for extra in told["extras"] if extra["format_type"] == "html"],
    )


def _html(text: str) -> Markup:
    """What `LogRows` and pytest-html have escaped."""
    return Markup(text)  # noqa: S704 - see above


def _short(nodeid: str) -> str:
    """The module and the function of a test: the row says the rest."""
    return nodeid.partition("[")[0].rpartition("/")[2]
