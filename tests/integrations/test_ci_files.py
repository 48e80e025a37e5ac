"""The action, the workflow, the GitLab template and the container file are well-formed, and their scripts run."""

from __future__ import annotations

import hashlib
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

from conformance.cli.main import commands as cli

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / "integrations" / "github-workflow.yml").read_text(encoding="utf-8"))
GITLAB: dict[str, Any] = yaml.safe_load((ROOT / "integrations" / "gitlab-ci.yml").read_text(encoding="utf-8"))
EXPRESSION = re.compile(r"\$\{\{.*?\}\}")


PYTHON = """#!/bin/sh
# Like python, but its pip installs nothing and says so, and its venv is this file once more.
case "$1 $2" in
  "-m pip") echo "$@" >> "$LOG"; exit 0 ;;
  "-m venv") for last; do :; done; echo "$@" >> "$LOG"; mkdir -p "$last/bin"; cp "$0" "$last/bin/python"
    printf '#!/bin/sh\\necho chat-conformance "$@" >> "$LOG"\\n' > "$last/bin/chat-conformance"
    chmod +x "$last/bin/chat-conformance"; exit 0 ;;
esac
exec "{python}" "$@"
"""


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A folder for PATH with a `python` whose pip installs nothing and says so, and without `chat-conformance`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    path = folder / "python"
    path.write_text(PYTHON.replace("{python}", sys.executable))
    path.chmod(0o755)
    return folder


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """What that pip was called with."""
    path = tmp_path / "log.txt"
    path.touch()
    return path


def run_script(script: str, folder: Path, commands: Path, shell: tuple[str, ...], **environ: str) -> Any:
    variables = environment(LOG=str(folder / "log.txt"), **environ)
    variables["PATH"] = f"{commands}{os.pathsep}{variables['PATH']}"
    return subprocess.run(
        [*shell, script], cwd=folder, env=variables, capture_output=True, text=True, timeout=120, check=False
    )


def step(name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in ACTION["runs"]["steps"] if one.get("name") == name)
    return found


BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")
"""As GitHub runs a step with `shell: bash`."""


def filled_in(text: str, contexts: dict[str, str]) -> str:
    """A value of `env` or `with`, as GitHub would fill it in."""
    return re.sub(r"\$\{\{ (.+?) \}\}", lambda found: contexts[found[1]], text)


def run_action(folder: Path, commands: Path, **given: str) -> Any:
    """Run the steps of the action that are scripts, one after the other as GitHub would, up to one that fails."""
    contexts = {f"inputs.{name}": one.get("default", "") for name, one in ACTION["inputs"].items()}
    contexts |= {f"inputs.{name}": value for name, value in given.items()}
    contexts |= {"github.action_path": str(ROOT), "steps.python.outputs.python-path": str(commands / "python")}
    (folder / "temp").mkdir()
    for one in ACTION["runs"]["steps"]:
        if "run" not in one:
            continue
        output = folder / f"output-{one.get('id', 'none')}"
        variables = {name: filled_in(text, contexts) for name, text in one["env"].items()}
        github = {
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            "GITHUB_ACTIONS": "true",
        }
        done = run_script(one["run"], folder, commands, BASH, RUNNER_TEMP=str(folder / "temp"), **github, **variables)
        if done.returncode:
            return done
        for line in output.read_text().splitlines() if output.exists() else ():
            name, _, value = line.partition("=")
            contexts[f"steps.{one['id']}.outputs.{name}"] = value
    return done


def test_the_action_is_a_composite_one_and_uses_the_inputs_that_it_has() -> None:
    assert ACTION["runs"]["using"] == "composite"
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    used = set(re.findall(r"inputs\.([a-z-]+)", text))
    assert used == set(ACTION["inputs"])
    assert {"strict", "only", "release", "bundle", "max-requests", "retry-findings"} <= used
    assert all({"description"} <= one.keys() for one in ACTION["inputs"].values())
    for one in ACTION["runs"]["steps"]:
        assert ("run" in one) != ("uses" in one)
        assert "run" not in one or one["shell"] == "bash"


def test_every_input_that_is_an_option_of_run_is_one() -> None:
    options = {option for parameter in cli.commands["run"].params for option in parameter.opts}
    others = {"profile", "python-version", "upload", "artifact-name"}
    assert {f"--{name}" for name in ACTION["inputs"].keys() - others} <= options


def test_no_input_is_part_of_a_script_and_no_key_is_an_input() -> None:
    scripts = [one["run"] for one in ACTION["runs"]["steps"] if "run" in one]
    assert len(scripts) == 3
    assert not any(EXPRESSION.search(script) for script in scripts)
    assert not [name for name in ACTION["inputs"] if "key" in name or "token" in name]


def test_the_action_leaves_the_jobs_python_alone_and_keeps_downloads_by_the_lock() -> None:
    python, _, cache, *_ = ACTION["runs"]["steps"]
    assert python["with"]["update-environment"] is False
    assert cache["uses"].startswith("actions/cache@")
    assert "steps.environment.outputs.lock" in cache["with"]["key"]
    assert "steps.python.outputs.python-version" in cache["with"]["key"]


def test_the_actions_scripts_judge_and_hand_the_verdict_on(tmp_path: Path, commands: Path, log: Path) -> None:
    done = run_action(tmp_path, commands, profile="loop-health", tier="smoke", out="my reports")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "output-run").read_text() == "verdict=conformant\ngate=passed\n"
    assert (tmp_path / "summary").read_text(encoding="utf-8").startswith("### ✅ Conformant: loop\\-health, smoke tier")
    assert json.loads((tmp_path / "my reports" / "results.json").read_text())["profile"]["name"] == "loop-health"


def test_the_action_installs_what_the_lock_says_into_an_environment_of_its_own(
    tmp_path: Path, commands: Path, log: Path
) -> None:
    run_action(tmp_path, commands, profile="loop-health", tier="nonsense")
    made, installed = log.read_text().splitlines()
    venv = tmp_path / "temp" / "chat-conformance" / "venv"
    assert made == f"-m venv --clear {venv}"
    words = installed.split()
    assert {"--require-hashes", "--no-deps"} <= set(words)
    assert words[-2:] == ["--requirement", str(ROOT / "requirements" / "run.txt")]
    (lock,) = re.findall("^lock=([0-9a-f]{64})$", (tmp_path / "output-environment").read_text(), re.MULTILINE)
    assert lock == hashlib.sha256((ROOT / "requirements" / "run.txt").read_bytes()).hexdigest()


def test_the_actions_inputs_are_options_of_the_run(tmp_path: Path, commands: Path, log: Path) -> None:
    (tmp_path / "stream.here").touch()
    done = run_action(
        tmp_path,
        commands,
        **{
            "profile": "loop-health",
            "tier": "smoke",
            "only": "stream.*\n  error.envelope",
            "strict": "true",
            "release": "2026.11.0",
            "max-requests": "40",
            "retry-findings": "1",
            "bundle": "run.zip",
        },
    )
    document = json.loads((tmp_path / "reports" / "conformance" / "results.json").read_text())
    assert document["selection"] == "stream.* error.envelope", done.stderr
    assert document["strict"] is True
    assert document["release"]["version"] == "2026.11.0"
    assert (tmp_path / "run.zip").exists()


def test_a_word_for_strict_that_means_nothing_is_refused(tmp_path: Path, commands: Path, log: Path) -> None:
    done = run_action(tmp_path, commands, profile="loop-health", strict="maybe")
    assert done.returncode == 2
    assert done.stderr == "chat-conformance: the input strict is true or false, not 'maybe'.\n"


def test_the_action_fails_as_the_run_does_and_runs_nothing_of_an_input(
    tmp_path: Path, commands: Path, log: Path
) -> None:
    hostile = {
        "base-url": "http://127.0.0.1:9/v1",
        "profile": "$(touch owned)",
        "tier": "smoke",
        "only": "`touch owned`",
    }
    done = run_action(tmp_path, commands, **hostile)
    assert done.returncode == 2
    assert not (tmp_path / "owned").exists()
    assert "$(touch owned)" in done.stderr


def test_a_folder_of_the_job_with_our_name_is_not_taken_for_ours(tmp_path: Path, commands: Path, log: Path) -> None:
    (tmp_path / "conformance").mkdir()
    (tmp_path / "conformance" / "__init__.py").write_text("raise SystemExit(77)\n")
    done = run_action(tmp_path, commands, profile="loop-health", tier="smoke")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_gives_the_action_inputs_that_it_has_and_little_leave() -> None:
    (job,) = WORKFLOW["jobs"].values()
    (use,) = [one for one in job["steps"] if "chat-conformance" in one.get("uses", "")]
    assert set(use["with"]) <= set(ACTION["inputs"])
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert EXPRESSION.fullmatch(job["env"]["CONFORMANCE_API_KEY"])


def run_template(folder: Path, commands: Path, **variables: str) -> Any:
    job = GITLAB[".chat-conformance"]
    assert all(isinstance(line, str) for line in job["script"])
    usual: dict[str, str] = job["variables"]
    return run_script("\n".join(job["script"]), folder, commands, ("sh", "-ec"), **{**usual, **variables})


@pytest.fixture
def published(tmp_path: Path) -> tuple[str, str]:
    """A repository that holds the program, and the commit of it."""
    source = tmp_path / "published"
    for name in ("conformance", "specs", "requirements"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    git = (
        "git",
        "-C",
        str(source),
        "-c",
        "user.name=we",
        "-c",
        "user.email=we@example.com",
        "-c",
        "commit.gpgsign=false",
    )
    for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "all")):
        subprocess.run((*git, *words), check=True, capture_output=True)
    commit = subprocess.run((*git, "rev-parse", "HEAD"), check=True, capture_output=True, text=True).stdout.strip()
    return str(source), commit


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "status"),
    [
        ({"CONFORMANCE_PROFILE": "loop-health", "CONFORMANCE_TIER": "smoke"}, 0),
        ({"CONFORMANCE_TARGET": "nowhere"}, 2),
    ],
)
def test_the_gitlab_template_runs_the_commit_that_is_named(
    tmp_path: Path, commands: Path, log: Path, published: tuple[str, str], variables: dict[str, str], status: int
) -> None:
    source, commit = published
    named = {"CONFORMANCE_SOURCE": source, "CONFORMANCE_REVISION": commit}
    done = run_template(tmp_path, commands, **named, **variables)
    assert done.returncode == status, done.stdout + done.stderr
    job = GITLAB[".chat-conformance"]
    out = job["variables"]["CONFORMANCE_OUT"]
    assert job["artifacts"]["reports"]["junit"] == "$CONFORMANCE_OUT/junit.xml"
    assert (tmp_path / out / "junit.xml").exists() is (status == 0)
    (installed,) = [line for line in log.read_text().splitlines() if " install " in line]
    assert "--require-hashes" in installed
    assert installed.endswith("/source/requirements/run.txt")


def test_the_gitlab_template_installs_nothing_that_nobody_named(tmp_path: Path, commands: Path, log: Path) -> None:
    done = run_template(tmp_path, commands)
    assert done.returncode == 2
    assert done.stderr == (
        "chat-conformance: set CONFORMANCE_SOURCE and CONFORMANCE_REVISION to where it comes from.\n"
    )
    assert log.read_text() == ""


def test_the_gitlab_template_installs_a_package_that_the_user_names(tmp_path: Path, commands: Path, log: Path) -> None:
    done = run_template(tmp_path, commands, CONFORMANCE_PACKAGE="ours==1", CONFORMANCE_TARGET="staging")
    assert done.returncode == 0, done.stderr
    _, installed, ran = log.read_text().splitlines()
    assert installed.endswith(" ours==1")
    assert ran == "chat-conformance run --tier standard --out reports/conformance --target staging"


@pytest.mark.parametrize(
    "text", [(ROOT / "action.yml").read_text(), (ROOT / "integrations" / "gitlab-ci.yml").read_text()]
)
def test_nothing_of_an_index_is_installed_by_a_name_of_ours(text: str) -> None:
    installs = re.findall(r"-m pip install((?:[^\n]|\\\n)*)", text.replace("\\\n", " "))
    assert installs
    for words in installs:
        named = [word for word in words.split() if not word.startswith("-") and word != ":all:"]
        assert all("$" in word for word in named), named


def test_the_container_file_takes_in_what_the_program_is_made_of(tmp_path: Path) -> None:
    lines = (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
    known = ("FROM", "WORKDIR", "COPY", "RUN", "USER", "ENTRYPOINT", "CMD", "#")
    assert all(line.startswith(known) for line in lines if line)
    assert lines.index("USER judge") < lines.index('ENTRYPOINT ["chat-conformance"]')
    (installs,) = [line for line in lines if "pip install" in line]
    assert "--require-hashes --requirement /tmp/image.txt" in installs
    copied = [line.split()[1] for line in lines if line.startswith("COPY")]
    ignore = (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines()
    assert ignore[0] == "*"
    assert {line.removeprefix("!") for line in ignore[1:]} == set(copied)
    for name in ("conformance", "specs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "conformance.cli", "requirements", "--json"],
        cwd=tmp_path,
        env={**environment(), "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
