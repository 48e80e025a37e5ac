"""The action, the workflow, the GitLab template and the container file are well-formed, and their scripts run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import environment

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / "integrations" / "github-workflow.yml").read_text(encoding="utf-8"))
GITLAB: dict[str, Any] = yaml.safe_load((ROOT / "integrations" / "gitlab-ci.yml").read_text(encoding="utf-8"))
EXPRESSION = re.compile(r"\$\{\{.*?\}\}")


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A folder for PATH with `chat-conformance`, and with a `python` whose pip installs nothing and says so."""
    folder = tmp_path / "bin"
    folder.mkdir()
    scripts = {
        "chat-conformance": f'exec "{sys.executable}" -m conformance.cli "$@"',
        "python": f'if [ "$2" = pip ]; then echo "$@" >> pip.txt; else exec "{sys.executable}" "$@"; fi',
    }
    for name, line in scripts.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)
    return folder


def run_script(script: str, folder: Path, commands: Path, shell: tuple[str, ...], **environ: str) -> Any:
    variables = environment(**environ)
    variables["PATH"] = f"{commands}{os.pathsep}{variables['PATH']}"
    return subprocess.run(
        [*shell, script], cwd=folder, env=variables, capture_output=True, text=True, timeout=120, check=False
    )


def step(name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in ACTION["runs"]["steps"] if one.get("name") == name)
    return found


def inputs_as_variables(**given: str) -> dict[str, str]:
    """The variables of the judging step, as GitHub would fill them in."""
    known = {name: one.get("default", "") for name, one in ACTION["inputs"].items()} | given
    variables = step("Judge the deployment")["env"].items()
    return {
        name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: known[found[1]], text) for name, text in variables
    }


def test_the_action_is_a_composite_one_and_uses_the_inputs_that_it_has() -> None:
    assert ACTION["runs"]["using"] == "composite"
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    used = set(re.findall(r"inputs\.([a-z-]+)", text))
    assert used == set(ACTION["inputs"])
    assert all({"description"} <= one.keys() for one in ACTION["inputs"].values())
    for one in ACTION["runs"]["steps"]:
        assert ("run" in one) != ("uses" in one)
        assert "run" not in one or one["shell"] == "bash"


def test_no_input_is_part_of_a_script_and_no_key_is_an_input() -> None:
    scripts = [one["run"] for one in ACTION["runs"]["steps"] if "run" in one]
    assert len(scripts) == 2
    assert not any(EXPRESSION.search(script) for script in scripts)
    assert not [name for name in ACTION["inputs"] if "key" in name or "token" in name]


def test_the_actions_script_judges_and_hands_the_verdict_on(tmp_path: Path, commands: Path) -> None:
    script = step("Judge the deployment")["run"]
    output, summary = tmp_path / "output", tmp_path / "summary"
    variables = inputs_as_variables(profile="loop-health", tier="smoke", out="my reports")
    done = run_script(
        script,
        tmp_path,
        commands,
        ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"),
        GITHUB_OUTPUT=str(output),
        GITHUB_STEP_SUMMARY=str(summary),
        GITHUB_ACTIONS="true",
        **variables,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert output.read_text() == "verdict=conformant\ngate=passed\n"
    assert summary.read_text(encoding="utf-8").startswith("### ✅ chat-conformance: conformant")
    assert json.loads((tmp_path / "my reports" / "results.json").read_text())["profile"]["name"] == "loop-health"


def test_the_actions_script_fails_as_the_run_does_and_runs_nothing_of_an_input(tmp_path: Path, commands: Path) -> None:
    script = step("Judge the deployment")["run"]
    output = tmp_path / "output"
    variables = inputs_as_variables(
        **{"base-url": "http://127.0.0.1:9/v1", "profile": "$(touch owned)", "tier": "smoke"}
    )
    done = run_script(
        script, tmp_path, commands, ("bash", "-eo", "pipefail", "-c"), GITHUB_OUTPUT=str(output), **variables
    )
    assert done.returncode == 2
    assert not (tmp_path / "owned").exists()
    assert "$(touch owned)" in done.stderr


def test_the_install_step_takes_the_package_from_the_action(tmp_path: Path, commands: Path) -> None:
    done = run_script(
        step("Install chat-conformance")["run"], tmp_path, commands, ("bash", "-c"), GITHUB_ACTION_PATH="/the action"
    )
    assert done.returncode == 0
    assert (tmp_path / "pip.txt").read_text().strip().endswith("/the action")


def test_the_workflow_gives_the_action_inputs_that_it_has_and_little_leave() -> None:
    (job,) = WORKFLOW["jobs"].values()
    (use,) = [one for one in job["steps"] if "chat-conformance" in one.get("uses", "")]
    assert set(use["with"]) <= set(ACTION["inputs"])
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert EXPRESSION.fullmatch(job["env"]["CONFORMANCE_API_KEY"])


@pytest.mark.parametrize(
    ("variables", "status"),
    [
        ({"CONFORMANCE_PROFILE": "loop-health", "CONFORMANCE_TIER": "smoke"}, 0),
        ({"CONFORMANCE_TARGET": "nowhere"}, 2),
    ],
)
def test_the_scripts_of_the_gitlab_template_run(
    tmp_path: Path, commands: Path, variables: dict[str, str], status: int
) -> None:
    job = GITLAB[".chat-conformance"]
    assert all(isinstance(line, str) for line in job["script"])
    usual: dict[str, str] = job["variables"]
    done = run_script("\n".join(job["script"]), tmp_path, commands, ("sh", "-ec"), **{**usual, **variables})
    assert done.returncode == status, done.stdout + done.stderr
    assert job["artifacts"]["reports"]["junit"] == "$CONFORMANCE_OUT/junit.xml"
    assert (tmp_path / usual["CONFORMANCE_OUT"] / "junit.xml").exists() is (status == 0)


def test_the_container_file_takes_in_what_a_wheel_is_built_from(tmp_path: Path) -> None:
    lines = (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
    known = ("FROM", "WORKDIR", "COPY", "RUN", "USER", "ENTRYPOINT", "CMD", "#")
    assert all(line.startswith(known) for line in lines if line)
    assert lines.index("USER judge") < lines.index('ENTRYPOINT ["chat-conformance"]')
    kept = [
        line.removeprefix("!")
        for line in (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    ]
    for name in kept:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-c", "import conformance.cli; conformance.cli.main()", "requirements", "--json"],
        cwd=tmp_path,
        env={**environment(), "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
