"""The suite under a user's own pytest: its options, its other plugins, its ini file, and its exit status."""

from __future__ import annotations

import html
import json
import re
import subprocess
import threading
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from command_line import PYTEST, call, judge
from deployments import Answer, empty_object, http_deployment, silent_deployment

from conformance.contract.model import Tier
from conformance.reference import EmbeddedReference

pytestmark = [pytest.mark.network, pytest.mark.process]

SUITE = ("--pyargs", "conformance.suite")
SMOKE = (*SUITE, "--profile", "openai", "--tier", "smoke")
ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
Done = subprocess.CompletedProcess[str]


def run_pytest(folder: Path, *arguments: str, **environ: str) -> Done:
    """Run pytest with our plugin, and without the others that happen to be installed: they cost seconds."""
    return call((*PYTEST, *arguments), folder, **ALONE, **environ)


def said(done: Done) -> str:
    return done.stdout + done.stderr


def test_the_reference_passes_and_the_verdict_is_reported(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, *SMOKE, "--junitxml", "junit.xml", "--conformance-out", "out")
    assert done.returncode == 0, said(done)
    assert "verdict: conformant" in done.stdout
    assert json.loads((tmp_path / "out" / "results.json").read_text())["verdict"] == "conformant"
    cases = list(ET.parse(tmp_path / "junit.xml").iter("testcase"))
    named = {one.get("value") for case in cases for one in case.iter("property") if one.get("name") == "requirement"}
    assert {"completion.served", "stream.done-once"} <= named


def test_a_waiver_that_nothing_needs_fails_the_session(tmp_path: Path) -> None:
    (tmp_path / "waivers.yaml").write_text(
        "- {requirement: completion.served, reason: old, owner: us, expires: 2999-12-31}\n"
    )
    done = run_pytest(tmp_path, *SMOKE, "-k", "completion.served", "--conformance-waivers", "waivers.yaml")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, said(done)
    assert "The waiver of completion.served (us) no longer matches any violation; remove it." in done.stdout


def test_without_a_profile_the_suite_refuses_in_a_sentence(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, *SUITE)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--profile openai" in done.stderr
    assert "Traceback" not in said(done)


def test_without_the_plugin_the_suite_says_what_is_missing(tmp_path: Path) -> None:
    done = call((*PYTEST[:-2], *SUITE, "--strict-markers"), tmp_path, **ALONE)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "-p conformance.plugin" in done.stderr


def test_an_unusable_target_is_one_sentence(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, *SUITE, "--profile", "openai", "--base-url", "https://gateway.example.com/v1")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "CONFORMANCE_API_KEY" in done.stderr
    assert "Traceback" not in said(done)


def test_k_selects_by_name_and_by_requirement(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, *SMOKE, "-k", "stream.done-once or test_the_media_type_is_json", "-v")
    assert done.returncode == 0, said(done)
    assert "2 passed" in done.stdout
    assert "verdict: inconclusive" in done.stdout  # of the whole contract, only these were judged


def test_a_selection_of_nothing_is_no_success(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, *SMOKE, "-k", "nothing_of_this_name")
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED


def test_collect_only_sends_nothing(tmp_path: Path) -> None:
    sent = Requests()
    with http_deployment(sent) as url:
        done = run_pytest(tmp_path, *SUITE, "--profile", "openai", "--base-url", url, "--collect-only", "-q")
    assert done.returncode == 0, said(done)
    assert "test_the_media_type_is_json" in done.stdout
    assert sent.count.total() == 0


class Requests:
    """Answers everything with `200 {}` and counts the requests by what they ask."""

    def __init__(self) -> None:
        self.count: Counter[tuple[str, ...]] = Counter()
        self._lock = threading.Lock()

    def __call__(self, headers: dict[str, str], body: bytes) -> Answer:
        with self._lock:
            self.count[(body.decode("utf-8", "replace"), *sorted(headers))] += 1
        return empty_object(headers, body)


def test_a_broken_must_fails_and_last_failed_repeats_only_that(tmp_path: Path) -> None:
    with http_deployment(empty_object) as url:
        arguments = (*SMOKE, "--base-url", url, "-q")
        first = run_pytest(tmp_path, *arguments)
        again = run_pytest(tmp_path, *arguments, "--lf")
    assert (first.returncode, again.returncode) == (1, 1), said(first) + said(again)
    assert tally(first)["passed"] > 0
    assert tally(first)["failed"] == tally(again)["failed"] > 0
    assert tally(again)["passed"] == 0
    assert "verdict: nonconformant" in again.stdout


def test_a_log_of_pytest_html_has_readable_rows(tmp_path: Path) -> None:
    plugins = ("-p", "pytest_metadata.plugin", "-p", "pytest_html.plugin")
    with http_deployment(empty_object) as url:
        run_pytest(tmp_path, *SMOKE, "--base-url", url, *plugins, "--html", "log.html", "--self-contained-html")
    page = (tmp_path / "log.html").read_text(encoding="utf-8")
    blob = re.search(r'data-jsonblob="([^"]*)"', page)
    assert blob is not None
    tests = [test for some in json.loads(html.unescape(blob[1]))["tests"].values() for test in some]
    assert tests
    assert not [test["log"] for test in tests if test["log"].startswith("(")]
    (served,) = [test for test in tests if test["requirement"] == "completion.served"]
    assert served["outcome"] == "failed"
    assert served["statement"]
    shown = "".join(extra["content"] for extra in served["extras"])
    assert "curl " in shown
    assert "evidence/exchanges.jsonl" in shown


def tally(done: Done) -> Counter[str]:
    """The counts of pytest's last line."""
    return Counter({word: int(count) for count, word in re.findall(r"(\d+) (\w+)", done.stdout.splitlines()[-1])})


def test_a_should_that_is_broken_does_not_fail_pytest(tmp_path: Path) -> None:
    row: dict[str, object] = {
        "id": "error.teapot",
        "section": "error",
        "statement": "Every request is refused as a teapot.",
        "tier": "smoke",
    }
    row |= {"level": "SHOULD", "case": {"expect": {"status": 418}}}
    own_document(tmp_path, row)
    with EmbeddedReference("openai") as reference:
        environ = {"CONFORMANCE_API_KEY": reference.api_key, "CONFORMANCE_MODEL": reference.model}
        url = reference.base_url
        done = run_pytest(
            tmp_path, *SUITE, "--profile", "own.yaml", "--base-url", url, "-k", "error.teapot", "-v", **environ
        )
    assert done.returncode == 0, said(done)
    assert "WARNING" in done.stdout
    assert tally(done)["warning"] == 1


def own_document(folder: Path, *rows: dict[str, object]) -> None:
    completion = {"type": "object", "required": ["choices"], "properties": {"choices": {"type": "array"}}}
    messages = {"type": "array", "items": {"type": "object"}}
    request: dict[str, object] = {"type": "object", "required": ["model", "messages"]}
    request |= {"properties": {"model": {"type": "string"}, "messages": messages}}
    operation = {
        "requestBody": {"content": {"application/json": {"schema": request}}},
        "responses": {"200": {"description": "Served.", "content": {"application/json": {"schema": completion}}}},
    }
    bearer = {"type": "http", "scheme": "bearer"}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Own", "version": "1"},
        "paths": {"/chat/completions": {"post": operation}},
        "components": {"securitySchemes": {"key": bearer}},
        "security": [{"key": []}],
        "x-conformance": {"requirements": "rows.yaml"},
    }
    (folder / "own.yaml").write_text(json.dumps(document), encoding="utf-8")
    (folder / "rows.yaml").write_text(json.dumps(rows), encoding="utf-8")


def test_a_must_that_nobody_can_decide_is_no_success(tmp_path: Path) -> None:
    with silent_deployment() as url:
        done = run_pytest(tmp_path, *SMOKE, "--base-url", url)
    assert done.returncode == 3, said(done)
    assert "verdict: inconclusive" in done.stdout


def test_waived_violations_do_not_fail_pytest(tmp_path: Path) -> None:
    (tmp_path / "waivers.yaml").write_text(
        "- {requirement: '*', reason: known, owner: platform, expires: 2999-01-01}\n", encoding="utf-8"
    )
    with http_deployment(empty_object) as url:
        done = run_pytest(tmp_path, *SMOKE, "--base-url", url, "--conformance-waivers", "waivers.yaml")
    assert tally(done)["waived"] > 0, said(done)
    assert done.returncode == 0, said(done)


def test_workers_share_one_observation(tmp_path: Path) -> None:
    alone, together = Requests(), Requests()
    with http_deployment(alone) as url:
        judge(tmp_path / "alone", base_url=url, tier=Tier.SMOKE)
    with http_deployment(together) as url:
        done = run_pytest(
            tmp_path, *SMOKE, "--base-url", url, "-q", "--conformance-out", "out", "-p", "xdist", "-n", "2"
        )
    assert done.returncode == 1, said(done)
    assert alone.count.total() > 5
    assert together.count == alone.count
    one, other = (json.loads((tmp_path / name / "results.json").read_text()) for name in ("alone", "out"))
    outcomes = [{row["id"]: row["outcome"] for row in document["requirements"]} for document in (one, other)]
    assert outcomes[0] == outcomes[1]
    assert one["exchanges"]["count"] == other["exchanges"]["count"] > 0


def test_a_directory_with_evidence_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    evidence = tmp_path / "out" / "evidence"
    evidence.mkdir(parents=True)
    (evidence / "exchanges.jsonl").write_text("{}\n")
    sent = Requests()
    with http_deployment(sent) as url:
        done = run_pytest(tmp_path, *SMOKE, "--base-url", url, "--conformance-out", "out", "-p", "xdist", "-n", "2")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, said(done)
    assert "an earlier run" in done.stderr
    assert sent.count.total() == 0


INI = """
[pytest]
python_files = check_*.py
python_functions = check_*
addopts = --strict-markers --strict-config --import-mode=importlib --doctest-modules -p no:randomly
filterwarnings = error
xfail_strict = true
"""
CONFTEST = """
import pytest

def pytest_addoption(parser):
    parser.addoption("--base-url", default="http://selenium.example", help="of the user's own tests")
    parser.addoption("--tier", default="gold")

@pytest.fixture
def contract():
    return "of the user"

@pytest.fixture(autouse=True)
def everywhere():
    yield
"""
OWN_TEST = """
def check_ours(contract, request):
    assert contract == "of the user"
    assert request.config.getoption("--tier") == "gold"
"""


def test_a_users_own_project_does_not_break_the_suite_nor_the_suite_it(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text(INI)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "check_ours.py").write_text(OWN_TEST)
    with EmbeddedReference("openai") as reference:
        environ = {"CONFORMANCE_API_KEY": reference.api_key, "CONFORMANCE_MODEL": reference.model}
        options = ("--conformance-tier", "smoke", "--base-url", reference.base_url)
        done = call((*PYTEST, ".", *SUITE, "--profile", "openai", *options), tmp_path, **environ)
    assert done.returncode == 0, said(done)
    assert "verdict: conformant" in done.stdout
    assert "check_ours.py" in done.stdout


OTHER_PLUGIN = """
def pytest_addoption(parser):
    parser.addoption("--base-url", metavar="url", help="base url of the application under test")
    parser.addoption("--profile", action="store_true", help="another plugin's")
    parser.addoption("--replay", help="another plugin's")
"""


@pytest.mark.parametrize("order", [("conformance.plugin", "other_plugin"), ("other_plugin", "conformance.plugin")])
def test_another_plugin_may_have_our_short_options(order: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "other_plugin.py").write_text(OTHER_PLUGIN)
    (tmp_path / "test_own.py").write_text("def test_own(request):\n    assert request.config.getoption('--profile')\n")
    both = ("-p", order[0], "-p", order[1])
    done = call((*PYTEST[:-2], *both, "--profile", "--base-url", "http://localhost", "test_own.py"), tmp_path, **ALONE)
    assert done.returncode == 0, said(done)
    assert tally(done)["passed"] == 1
    named = ("--conformance-profile", "openai", "--conformance-tier", "smoke")
    done = call((*PYTEST[:-2], *both, *SUITE, *named, "--collect-only", "-q"), tmp_path, **ALONE)
    assert done.returncode == 0, said(done)


def test_an_inactive_plugin_imports_nothing_of_the_suite(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(
        "import sys\n\ndef test_own():\n"
        "    ours = sorted(name for name in sys.modules if name.startswith('conformance'))\n"
        "    assert ours == ['conformance', 'conformance.plugin']\n"
    )
    done = run_pytest(tmp_path, "test_own.py")
    assert done.returncode == 0, said(done)


def test_importing_the_plugin_costs_next_to_nothing(tmp_path: Path) -> None:
    code = (
        "import pytest, time\n"
        "def cost():\n    began = time.process_time()\n    import conformance.plugin\n"
        "    return time.process_time() - began\n"
        "print(cost())"
    )
    costs = [float(call((PYTEST[0], "-c", code), tmp_path).stdout) for _ in range(3)]
    assert min(costs) < 0.03
