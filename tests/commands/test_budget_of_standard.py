"""What a standard run costs: so many requests and completions for plain text, and none that others have decided."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cli.main import commands
from conformance.evidence import Evidence, read_evidence
from conformance.probes.delivery import DELIVERY, SAME_FIELDS, STOPPED
from conformance.probes.streams import STREAM_AGAIN

pytestmark = [pytest.mark.network, pytest.mark.slow]

REQUESTS, COMPLETIONS, TOKENS = 130, 45, 2_000
"""At most, for plain text. What is refused costs nothing, and is not counted."""


def _standard_run(profile: str, tmp_path: Path) -> tuple[Evidence, str]:
    arguments = ["run", profile, "--out", str(tmp_path / profile)]
    result = CliRunner().invoke(commands, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return read_evidence(tmp_path / profile / "evidence"), result.output


@pytest.mark.parametrize("profile", ["kodexa", "loop-health"])
def test_a_standard_run_keeps_to_its_budget(profile: str, tmp_path: Path) -> None:
    evidence, output = _standard_run(profile, tmp_path)
    # These are sent where this machine is too busy for the shorter streams to be quick.
    counted = [one for one in evidence.exchanges if not one.probe.startswith((DELIVERY, STREAM_AGAIN))]
    statuses = [one.answer.status if one.answer is not None else 0 for one in counted]
    assert sum(status == 200 for status in statuses) <= COMPLETIONS
    assert sum(not 400 <= status < 500 for status in statuses) <= REQUESTS
    spent = output.partition("requests, ")[2].partition(" completion tokens, ")[0].replace(",", "")
    assert int(spent) <= TOKENS


def test_what_other_answers_decide_is_not_asked_again(tmp_path: Path) -> None:
    evidence, _ = _standard_run("kodexa", tmp_path)
    unsent = evidence.unsent
    assert [unsent[name] for name in ("completion/stop", "stream/stop", "completion/stop-amid")] == [STOPPED] * 3
    assert unsent["request/usual-fields"] == SAME_FIELDS
    sent = {one.probe for one in evidence.exchanges}
    assert {"access/tenant-at-once-0", "access/tenant-at-once-3"} <= sent
    assert not {"robustness/at-once-0", "stream/at-once-0"} & sent, "two tenants are several at once"
    # Nothing but what is required has one request, which has no limit either.
    assert "completion/no-limit" in sent
    assert "request/at-the-edge/1" not in sent
