"""The recorded runs against real deployments: judged again they come out the same, and they give nothing away."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

FIELD = Path(__file__).parents[2] / "benchmarks" / "field"


def _loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"field_{name}", FIELD / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


recorded_runs = _loaded("recorded_runs")
RUNS = {run.name: run for run in recorded_runs.RUNS}
SECRET = re.compile(r"sk-[A-Za-z0-9-]{8,}|demo-key-of|/(?:tmp|home|root|Users|work)/")
ADDRESS = re.compile(r"https?://[^/\"\\ ]+")
KNOWN_ADDRESSES = re.compile(
    r"https?://(?:127\.0\.0\.1(?::\d+)?|api\.openai\.com|docs\.kodexa\.ai|platform\.openai\.com|docs\.litellm\.ai"
    r"|chat-conformance\.example|example\.invalid"
    r"|(?:html|fetch)\.spec\.whatwg\.org|www\.rfc-editor\.org)"
)


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_the_evidence_judged_again_gives_the_record(name: str) -> None:
    run = RUNS[name]
    recorded, again = (recorded_runs.without_times(results) for results in (run.results(), run.judged_again()))

    rows = [{row["id"]: row for row in results.pop("requirements")} for results in (recorded, again)]
    differing = sorted(key for key in rows[0].keys() | rows[1].keys() if rows[0].get(key) != rows[1].get(key))
    hint = "if the change is meant, run: python benchmarks/update_records.py, and read what it changes"
    assert not differing, f"{name} is judged otherwise than recorded in {differing}; {hint}"
    assert again == recorded


@pytest.mark.parametrize("name", RUNS)
def test_a_record_gives_no_secret_and_no_place_away(name: str) -> None:
    directory = RUNS[name].directory
    for path in (directory / "results.json", directory / "evidence" / "exchanges.jsonl"):
        text = path.read_text(encoding="utf-8")
        assert SECRET.findall(text) == []
        assert [found for found in set(ADDRESS.findall(text)) if not KNOWN_ADDRESSES.fullmatch(found)] == []


def test_the_gateways_before_a_real_server_break_nothing() -> None:
    """A suite that asks for more than it did when a run was recorded leaves that untested."""
    failed = {name: run.results()["counts"]["total"].get("failed", 0) > 0 for name, run in RUNS.items()}

    assert failed == {
        "llama.cpp": True,
        "llama.cpp-tools": True,
        "transformers": True,
        "litellm": True,
        "litellm-before-llama.cpp": True,
        "kodexa-before-llama.cpp": False,
        "loop-health-before-llama.cpp": False,
    }


@pytest.mark.process
def test_the_page_of_findings_is_what_the_command_prints() -> None:
    command = [sys.executable, str(FIELD / "findings.py")]
    printed = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout.decode()

    hint = "run: python benchmarks/update_records.py"
    assert printed == (FIELD / "FINDINGS.md").read_text(encoding="utf-8"), hint
