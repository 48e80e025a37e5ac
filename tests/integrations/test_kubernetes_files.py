"""The manifests for Kubernetes are well-formed, their commands exist, and only who judges gets a key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from conformance.cli.main import commands as cli
from conformance.fleet.planning import read_fleet
from conformance.watch.day_run import plan_turns
from conformance.watch.turns import Budget

FOLDER = Path(__file__).parents[2] / "integrations" / "kubernetes"
DOCUMENTS: dict[str, list[dict[str, Any]]] = {
    path.name: list(yaml.safe_load_all(path.read_text(encoding="utf-8"))) for path in sorted(FOLDER.glob("*.yaml"))
}


def pods(value: Any) -> Iterator[dict[str, Any]]:
    """Every pod in a manifest: what has containers."""
    if isinstance(value, dict):
        if "containers" in value:
            yield value
        for member in value.values():
            yield from pods(member)
    elif isinstance(value, list):
        for element in value:
            yield from pods(element)


def every_pod() -> list[tuple[str, dict[str, Any]]]:
    return [(name, pod) for name, documents in DOCUMENTS.items() for pod in pods(documents)]


def kinds(name: str) -> set[str]:
    return {one["kind"] for one in DOCUMENTS[name]}


def test_there_is_a_job_a_cronjob_and_a_fleet() -> None:
    assert "Job" in kinds("job.yaml")
    assert kinds("cronjob.yaml") == kinds("watch.yaml") == {"CronJob"}
    assert kinds("fleet.yaml") == {"DaskJob", "NetworkPolicy"}
    assert all({"apiVersion", "kind", "metadata"} <= one.keys() for found in DOCUMENTS.values() for one in found)


@pytest.mark.parametrize(("name", "pod"), every_pod())
def test_a_pod_runs_a_command_that_there_is_without_privileges(name: str, pod: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    words = [str(word) for word in container["args"]]
    if words[0] == "dask":
        assert words[1] in {"worker", "scheduler"}
        return
    words = words[1:] if words[0] == "chat-conformance" else words
    command = cli.commands[words[0]]
    command = command.commands[words[1]] if isinstance(command, click.Group) else command
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}


def test_a_key_is_never_a_variable_of_a_manifest_and_only_who_judges_has_the_secret() -> None:
    for name, pod in every_pod():
        (container,) = pod["containers"]
        variables = [one["name"] for one in container.get("env", ())]
        assert not [one for one in variables if re.search("KEY|TOKEN|SECRET|PASS", one)], name
        has_keys = any("secret" in volume for volume in pod.get("volumes", ()))
        assert has_keys is (container["name"] in {"judge", "worker"}), (name, container["name"])


def test_the_targets_of_the_job_are_read_and_their_key_is_a_file_of_the_secret(tmp_path: Path) -> None:
    (config,) = (one for one in DOCUMENTS["job.yaml"] if one["kind"] == "ConfigMap")
    (tmp_path / "FLEET.toml").write_text(config["data"]["FLEET.toml"])
    (task,) = read_fleet(tmp_path / "FLEET.toml").tasks
    (job,) = (pod for pod in pods(DOCUMENTS["job.yaml"]))
    (mount,) = (one for one in job["containers"][0]["volumeMounts"] if one["name"] == "keys")
    assert mount["mountPath"] == task.key_folder
    # All that a deployment elsewhere needs is in the file, or a file of the secret: no pod sets a variable for it.
    (tmp_path / "STAGING_API_KEY").write_text("key")
    plan_turns(replace(task, key_folder=str(tmp_path)), Budget(150, None), {})


def test_the_image_of_the_fleet_is_installed_by_its_lock() -> None:
    lines = (FOLDER / "Containerfile").read_text(encoding="utf-8").splitlines()
    (install,) = (line for line in lines if "pip install" in line)
    assert "--require-hashes --requirement /tmp/fleet.txt" in install
    assert lines.index("USER judge") > lines.index("USER root")
    assert (FOLDER.parents[1] / "requirements" / "fleet.txt").is_file()
