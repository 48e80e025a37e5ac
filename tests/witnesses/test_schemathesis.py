"""The command line of Schemathesis with the contracts' OpenAPI documents; how it sends and judges is its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from witnessed import Deployment

SPECS = Path(__file__).parents[2] / "specs"
EXAMPLES = 10
SETTINGS = "[cache]\nenabled = false\n"
Tree = dict[str, Any]


def as_this_deployment_is(deployment: Deployment) -> Tree:
    """The contract's document, with what this witness cannot read out of its prose."""
    document: Tree = yaml.safe_load((SPECS / f"{deployment.profile}.openapi.yaml").read_text(encoding="utf-8"))
    request = document["components"]["schemas"]["Request"]
    if deployment.profile == "openai":
        # Each of them is allowed beside another field only; the prose says so, and no keyword of the published schema.
        del request["properties"]["top_logprobs"], request["properties"]["stream_options"]
    if deployment.profile != "loop-health":
        request["properties"]["model"]["enum"] = [deployment.reference.model]
    if deployment.profile == "kodexa":
        (operation,) = document["paths"].values()
        operation["post"]["parameters"][0]["schema"]["enum"] = [deployment.reference.org_id]
    if deployment.profile == "loop-health":
        # The document names 400 and 500 only; 401, 405 and 415 are RFC 9110's, and nothing forbids them.
        (operation,) = document["paths"].values()
        operation["post"]["responses"]["default"] = operation["post"]["responses"]["400"]
    return document


def told_by(deployment: Deployment, folder: Path, change: Callable[[Tree], None] = lambda _: None) -> Tree:
    """Run the witness; its report. It works in a folder of its own, for it keeps files where it runs."""
    document = as_this_deployment_is(deployment)
    change(document)
    (folder / "contract.json").write_text(json.dumps(document), encoding="utf-8")
    (folder / "schemathesis.toml").write_text(SETTINGS, encoding="utf-8")
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", "contract.json", "--url"]
    command += [deployment.reference.base_url, "--max-examples", str(EXAMPLES), "--seed", "1"]
    command += ["--report", "json", "--report-json-path", "report.json", "--no-color"]
    for name, value in deployment.key.items():
        command += ["--header", f"{name}: {value}"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode in (0, 1), ended.stdout + ended.stderr
    report: Tree = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return report


def test_it_finds_nothing(deployment: Deployment, tmp_path: Path) -> None:
    report = told_by(deployment, tmp_path)

    assert report["failures"] == []
    assert report["errors"] == []
    assert {kind: found for kind, found in report["warnings"].items() if found} == {}
    assert report["test_cases"]["generated"] > 50


def test_it_would_find_events_that_are_no_chunks(deployments: dict[str, Deployment], tmp_path: Path) -> None:
    def another_object(document: Tree) -> None:
        document["components"]["schemas"]["Chunk"]["properties"]["object"] = {"const": "something.else"}

    report = told_by(deployments["openai"], tmp_path, another_object)

    assert [failure["code"] for failure in report["failures"]] == ["ST108"]
