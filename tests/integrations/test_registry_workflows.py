"""The workflows of a registry: what judges can take and write nothing, and what writes runs nothing."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "integrations" / "registry"
CHECK, COMMENT, PUBLISH = (
    yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8")) for name in ("check", "comment", "publish")
)
PINNED = re.compile(r"[a-z-]+/[a-z-]+@[0-9a-f]{40}")


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("workflow", [CHECK, COMMENT, PUBLISH], ids=["check", "comment", "publish"])
def test_actions_are_pinned_and_no_expression_is_part_of_a_script(workflow: dict[str, Any]) -> None:
    for step in steps(workflow):
        assert "run" in step or PINNED.fullmatch(step["uses"]), step
        assert "${{" not in step.get("run", "")


def test_what_judges_a_pull_request_has_no_secret_and_may_write_nothing() -> None:
    text = (FOLDER / "check.yml").read_text(encoding="utf-8")
    assert CHECK[True] == {"pull_request": None}  # YAML 1.1 reads `on` as true
    assert CHECK["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in CHECK["jobs"].values())
    assert "secrets." not in text
    assert "github.token" not in text
    assert steps(CHECK)[0]["with"]["persist-credentials"] is False


def test_what_comments_takes_nothing_of_the_pull_request_but_text() -> None:
    assert list(COMMENT[True]) == ["workflow_run"]
    assert COMMENT[True]["workflow_run"]["workflows"] == [CHECK["name"]]
    assert COMMENT["permissions"] == {}
    assert COMMENT["jobs"]["comment"]["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert not any(step.get("uses", "").startswith("actions/checkout@") for step in steps(COMMENT))
    assert "chat-conformance " not in "".join(step.get("run", "") for step in steps(COMMENT))


@pytest.mark.process
def test_what_is_new_is_judged_by_the_keys_that_were_there(tmp_path: Path) -> None:
    root = tmp_path / "registry"
    put = {"Acme AI/vendor.pem": "old key", "issuers/p.pem": "issuer", "Acme AI/1/a.zip": "old"}
    commit(root, put)
    commit(root, {"Acme AI/vendor.pem": "other key", "Acme AI/2/b.zip": "new", "New $(id)/1/c.zip": "newer"})
    script = next(step["run"] for step in steps(CHECK) if step.get("name", "").startswith("Take what is new"))
    bash(script, root)
    taken = {path.relative_to(tmp_path / "new").as_posix(): path.read_text() for path in files(tmp_path / "new")}
    assert taken == {
        "Acme AI/vendor.pem": "old key",
        "issuers/p.pem": "issuer",
        "Acme AI/2/b.zip": "new",
        "New $(id)/1/c.zip": "newer",
    }
    assert (tmp_path / "keys").read_text() == "Acme AI/vendor.pem\n"


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def commit(root: Path, content: dict[str, str]) -> None:
    for name, text in content.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git = "git -c user.name=a -c user.email=a@example.com -c init.defaultBranch=main"
    bash(f"git -c init.defaultBranch=main init -q . && git add -A && {git} commit -qm x", root)


def bash(script: str, folder: Path) -> None:
    variables = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    subprocess.run(words, cwd=folder, env=variables, check=True, capture_output=True, timeout=60)
