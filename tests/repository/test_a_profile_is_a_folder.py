"""A further shipped profile is one folder of specs/profiles: nothing else changes, and everything knows it.

The tests copy the package and its specifications, add the folder `support/acme`, and call the command line of the copy.
"""

from __future__ import annotations

import json
import shutil
import signal
import tomllib
from pathlib import Path
from typing import Any

import pytest
from command_line import CLI, call, results, start

from conformance.contract.catalogue import Row, shipped_rows

ROOT = Path(__file__).parents[2]
ACME = ROOT / "tests" / "support" / "acme"

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a copy that ships one profile more."""
    copy = tmp_path_factory.mktemp("house")
    for folder in ("conformance", "specs"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ACME, copy / "specs" / "profiles" / "acme")
    return copy


def said(house: Path, folder: Path, *arguments: str, status: int = 0, **environ: str) -> str:
    """What the command line of the copy prints."""
    done = call((*CLI, *arguments), folder, PYTHONPATH=str(house), **environ)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def test_every_row_that_has_a_level_of_its_own_applies_at_that_level_or_below(house: Path, tmp_path: Path) -> None:
    listed = {row["id"]: row for row in json.loads(said(house, tmp_path, "requirements", "acme", "--json"))}
    rows = {row.id: row for row in shipped_rows() if "level" in row.written}
    assert len(rows) > 150
    assert rows.keys() <= listed.keys()
    levels = {row_id: listed[row_id]["level"] for row_id in rows}
    assert levels == {row_id: expected_level(row) for row_id, row in rows.items()}
    assert all(listed[row_id]["tests"] for row_id in rows if not listed[row_id]["excluded"])


def expected_level(row: Row) -> str:
    """The level of a row in the further profile, which does not lean on the OpenAI API and no published standard."""
    source: dict[str, Any] = row.written["source"]
    standards = ("whatwg-sse", "rfc9110", "rfc9112", "rfc8259")
    binding = source["basis"] in ("stated", "schema") or (
        source["basis"] == "reference" and source["document"] in standards
    )
    level: str = row.written["level"]
    return level if binding else "SHOULD"


def test_a_row_speaks_of_the_profile_s_own_document(house: Path, tmp_path: Path) -> None:
    text = said(house, tmp_path, "explain", "access.isolation", "acme")
    assert "Source   Acme chat, paths, the parameter that names a tenant (inferred)" in text
    assert "access.isolation  (SHOULD" in text


def test_the_embedded_reference_keeps_the_contract(house: Path, tmp_path: Path) -> None:
    said(house, tmp_path, "run", "acme", "--out", "run")
    record = results(tmp_path / "run")
    assert record["target"]["workspace"] == "ws-demo"
    assert record["target"]["org_id"] is None
    outcomes = {row["id"]: row["outcome"] for row in record["requirements"]}
    assert not {"failed", "warning", "inconclusive"} & set(outcomes.values())
    tenancy = ("access.isolation", "access.organization-unknown", "access.organization-foreign")
    assert [outcomes[row_id] for row_id in tenancy] == ["passed"] * 3


def test_a_deployment_of_it_is_served_and_judged_by_a_target_of_conformance_toml(house: Path, tmp_path: Path) -> None:
    variables = {"CONFORMANCE_API_KEY": "key-one", "CONFORMANCE_OTHER_API_KEY": "key-two"}
    serving = start(
        (*CLI, "serve", "acme", "--port", "0", "--fault", "access.foreign-organization"),
        tmp_path,
        PYTHONPATH=str(house),
        **variables,
        CONFORMANCE_WORKSPACE="ws-mine",
        CONFORMANCE_OTHER_WORKSPACE="ws-yours",
    )
    try:
        assert serving.stdout is not None
        base_url = serving.stdout.readline().split("--base-url ")[1].strip()
        assert base_url.endswith("/api")
        configured = f'base_url = "{base_url}"\nprofile = "acme"\nworkspace = "ws-mine"\nother_workspace = "ws-yours"\n'
        (tmp_path / "conformance.toml").write_text(f"[targets.staging]\n{configured}", encoding="utf-8")
        arguments = ("--only", "access.organization-foreign", "--only", "access.isolation", "--out", "run", "--strict")
        said(house, tmp_path, "run", "--target", "staging", *arguments, status=1, **variables)
    finally:
        serving.send_signal(signal.SIGINT)
        serving.communicate(timeout=20)
    outcomes = {row["id"]: row["outcome"] for row in results(tmp_path / "run")["requirements"]}
    seen = {row_id: outcome for row_id, outcome in outcomes.items() if outcome != "untested"}
    assert seen == {"access.organization-foreign": "warning", "access.isolation": "passed"}
    again = ("run", "acme", "--replay", "run", "--strict", "--out", "again")
    said(house, tmp_path, *again, status=1)
    assert results(tmp_path / "again")["requirements"] == results(tmp_path / "run")["requirements"]


def test_a_value_that_is_missing_is_asked_for_by_its_variable(house: Path, tmp_path: Path) -> None:
    done = call((*CLI, "run", "acme", "--base-url", "https://acme.example/api"), tmp_path, PYTHONPATH=str(house))
    assert (done.returncode, done.stdout) == (2, "")
    assert "CONFORMANCE_API_KEY and CONFORMANCE_WORKSPACE must be set" in done.stderr


def test_the_command_line_names_it_everywhere(house: Path, tmp_path: Path) -> None:
    assert "PROFILE is acme, kodexa, loop-health, openai" in said(house, tmp_path, "--help")
    said(house, tmp_path, "init")
    text = (tmp_path / "conformance.toml").read_text(encoding="utf-8")
    example = text.partition("# [targets.acme]")[2].partition("\n\n")[0].replace("\n# ", "\n")
    assert tomllib.loads(example)["workspace"] == "ws-demo"
    done = call((*CLI, "run", "nothing-such"), tmp_path, PYTHONPATH=str(house))
    assert "acme, kodexa, loop-health, openai" in done.stderr
