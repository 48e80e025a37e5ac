"""Ten days of the reference by the command line: on the sixth it has a fault, which is told that day, and no other."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from certification import Said, command
from command_line import CANARY

from conformance.contract import load_contract
from conformance.reference import EmbeddedReference, Tenant
from conformance.reference.faults import composed

pytestmark = [pytest.mark.network, pytest.mark.slow]

FAULT = "stream-end.done-missing"
PAGE = Path(__file__).parents[2] / "docs" / "watch.md"


@dataclass
class Days:
    folder: Path
    said: list[Said] = field(default_factory=list)

    @property
    def history(self) -> Path:
        return self.folder / "watch" / "acme" / "openai"

    @property
    def issue(self) -> str:
        (path,) = self.history.glob("drift-*.md")
        return path.read_text(encoding="utf-8")

    def configure(self, reference: EmbeddedReference, watch: str = "") -> None:
        (self.folder / "watch.toml").write_text(
            f"{watch}[targets.acme]\n"
            f'base_url = "{reference.base_url}"\nmodel = "{reference.model}"\nprofile = "openai"\n'
            'api_key_env = "ACME_API_KEY"\ntier = "smoke"\n'
        )

    def run(self, day: int) -> Said:
        out = self.folder / "watch"
        return command("watch", "run", self.folder / "watch.toml", "--out", out, "--date", f"2026-11-{day:02}")


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Days]:
    days, contract = Days(tmp_path_factory.mktemp("days")), load_contract("openai")
    tenants = Tenant("first", CANARY), Tenant("second", "sk-another-0123456789")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACME_API_KEY", CANARY)
        with EmbeddedReference("openai", contract=contract, tenants=tenants) as reference:
            days.configure(reference)
            days.said += [days.run(day) for day in range(1, 6)]
        hooks = composed(contract, [FAULT])
        with EmbeddedReference("openai", contract=contract, tenants=tenants, hooks=hooks) as reference:
            days.configure(reference, "[watch]\nmax_requests = 40\nmax_tokens = 4000\n")
            days.said += [days.run(day) for day in range(6, 11)]
            yield days


def test_the_day_of_the_fault_says_drift_and_all_others_say_that_nothing_has_changed(days: Days) -> None:
    assert [status for status, _ in days.said] == [0] * 5 + [1] + [0] * 4, days.said
    assert (
        "DRIFT requirement: stream.done-once (smoke tier) was kept and is broken, since 2026-11-06" in days.said[5][1]
    )
    assert "DRIFT verdict: the verdict (smoke tier) was conformant and is nonconformant" in days.said[5][1]


def test_the_history_has_a_line_for_each_day_within_its_budget_and_its_run_beside_it(days: Days) -> None:
    lines = [json.loads(line) for line in (days.history / "history.jsonl").read_text().splitlines()]
    assert [line["day"] for line in lines] == [f"2026-11-{day:02}" for day in range(1, 11)]
    assert [bool(line["told"]) for line in lines] == [False] * 5 + [True] + [False] * 4
    for line in lines:
        assert line["cost"]["requests"] <= 40
        assert json.loads((days.history / line["run"] / "results.json").read_text())["verdict"] == line["verdict"]
        assert zipfile.is_zipfile(days.history / line["run"] / "bundle.zip")


def test_the_issue_tells_what_changed_why_it_is_no_chance_and_how_to_see_it(days: Days) -> None:
    for told in ("## What has changed", "## Why this is not chance", "## Broken:", "### How to see it", "curl"):
        assert told in days.issue
    assert "| `requirement` | `stream.done-once (smoke tier)` | `kept` | `broken` | `2026-11-06` |" in days.issue


def test_the_documentation_shows_the_issue_that_this_sequence_gives(days: Days) -> None:
    sample = PAGE.read_text(encoding="utf-8").partition("````markdown\n")[2].partition("\n````\n")[0]
    assert _outline(sample) == _outline(days.issue)


def _outline(issue: str) -> list[str]:
    """The headings and the table of an issue, without its figures."""
    return [re.sub(r"\d+", "0", line) for line in issue.splitlines() if line.startswith(("#", "| `"))]


def test_no_key_is_in_any_file_or_line(days: Days) -> None:
    texts = {str(path): path.read_bytes() for path in days.folder.rglob("*") if path.is_file()}
    assert [name for name, text in texts.items() if CANARY.encode() in text] == []
    assert not any(CANARY in printed for _, printed in days.said)


def test_a_day_that_was_judged_is_not_judged_again_and_an_earlier_one_is_refused(days: Days) -> None:
    before = (days.history / "history.jsonl").read_bytes()
    status, printed = days.run(10)
    assert (status, "judged on 2026-11-10 already" in printed) == (0, True)
    status, printed = days.run(9)
    assert (status, "a history only goes forward" in printed) == (2, True)
    assert (days.history / "history.jsonl").read_bytes() == before


def test_a_run_that_was_made_before_a_crash_is_added_and_not_made_again(days: Days) -> None:
    path = days.history / "history.jsonl"
    before = path.read_bytes()
    path.write_bytes(before[: before.rindex(b"\n", 0, -1) + 1])
    run = days.history / "runs" / "2026-11-10-smoke" / "results.json"
    written = run.stat().st_mtime_ns
    assert days.run(10)[0] == 0
    assert path.read_bytes() == before
    assert run.stat().st_mtime_ns == written


def test_the_report_tells_every_change_and_ends_with_the_status_of_the_last_run(days: Days) -> None:
    status, printed = command("watch", "report", "--out", days.folder / "watch")
    assert status == 0
    assert "acme, openai: 2026-11-06: requirement: stream.done-once" in printed
    assert printed.endswith("acme, openai: nothing has changed.\n")
