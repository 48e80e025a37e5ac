"""`explain`: what is said of a requirement on the console, and the page that explains them all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command_line import CLI, call

from conformance.contract import load_contract
from conformance.report.explained import explained
from conformance.report.requirements_page import requirements_page

pytestmark = pytest.mark.process


def printed(folder: Path, *arguments: str) -> str:
    done = call((*CLI, "explain", *arguments), folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_requirement_is_reported_with_source_reason_faults_remedy_and_test(tmp_path: Path) -> None:
    text = printed(tmp_path, "stream.done-once")
    assert text.startswith("stream.done-once  (MUST, smoke tier)\n")
    for part in (
        "Source   ",
        "Why      ",
        "Fix      ",
        "Faults in the catalogue that break it",
        "stream-end.done-missing",
        "Tested by ",
    ):
        assert part in text


def test_a_requirement_that_follows_from_a_keyword_is_reported_as_well(tmp_path: Path) -> None:
    text = " ".join(printed(tmp_path, "request.temperature.maximum", "kodexa").split())
    assert "The upper bound is part of the interface" in text
    assert "ignores:request.temperature.maximum" in text


def test_what_cannot_be_observed_is_reported_with_the_reason(tmp_path: Path) -> None:
    assert "Excluded " in printed(tmp_path, "completion.quality")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("stream.done-onc",), "openai has no requirement 'stream.done-onc'; did you mean stream.done-once or"),
        (
            ("access.organization-foreign",),
            "'access.organization-foreign'; it belongs to kodexa.",
        ),
        (("zzz",), "chat-conformance requirements lists them."),
        ((), "explain needs the id of a requirement, or --page FILE."),
        (("stream.done-once", "no-such-profile"), "no-such-profile"),
    ],
)
def test_what_cannot_be_explained_is_reported_in_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    done = call((*CLI, "explain", *arguments), tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_page_has_an_anchor_and_a_reason_for_each_requirement(tmp_path: Path) -> None:
    printed(tmp_path, "kodexa", "--page", "requirements.html")
    html = (tmp_path / "requirements.html").read_text(encoding="utf-8")
    contract = load_contract("kodexa")
    ids = re.findall(r'<article class="explained row" id="([^"]+)"', html)
    assert ids == [row.id for row in (*contract.requirements, *contract.excluded)]
    assert html.count("<dt>How to fix it</dt>") == len(ids)
    assert "default-src 'none'" in html
    assert not re.search(r"<(?:img|link|iframe|object)\b|\bsrc=", html)


def test_a_users_own_contract_is_explained_as_far_as_that_goes(tmp_path: Path) -> None:
    own = tmp_path / "own.openapi.yaml"
    shipped = (Path(__file__).parents[2] / "specs/profiles/loop-health/openapi.yaml").read_text(encoding="utf-8")
    own.write_text(shipped.replace("profile: loop-health", "profile: our-own"), encoding="utf-8")
    contract = load_contract(str(own))
    assert requirements_page(contract).count('class="explained row"') >= len(contract.requirements)
    assert explained(contract.requirements[0], contract).why
