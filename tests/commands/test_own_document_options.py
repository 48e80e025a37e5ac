"""The options for a document of one's own: its operation, its parameters, what it may cost, and a share of its lab."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from own_documents import own_document, stored, the_post
from published_documents import PUBLISHED, request

from conformance.cli.main import commands
from conformance.commands.lab import part_of
from conformance.lab.targets import targets_of

ENVIRON = {"CONFORMANCE_API_KEY": "sk-of-nobody", "CONFORMANCE_MODEL": "a-model"}
ELSEWHERE = "http://198.51.100.7"  # of a network that nobody has (RFC 5737)


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    status: int
    said: str


def call(folder: Path, *words: str, **environ: str) -> Ended:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = CliRunner().invoke(commands, words, env={**ENVIRON, **environ}, standalone_mode=False)
    assert result.exception is None
    return Ended(result.return_value, " ".join(result.stderr.split()))


def plan_of(folder: Path, name: str, *words: str, **environ: str) -> Ended:
    path = stored(folder, PUBLISHED[name])
    return call(folder, "run", path, "--base-url", ELSEWHERE, "--plan", *words, **environ)


def test_what_a_plan_lacks_is_named_with_the_option_that_gives_it(tmp_path: Path) -> None:
    result = plan_of(tmp_path, "parameters of every kind")
    assert result.status == 2
    assert (
        "CONFORMANCE_PARAM_DEPLOYMENT_ID and CONFORMANCE_PARAM_REGION must be set in the environment (or given as"
        " --param deployment-id=VALUE --param region=VALUE)"
    ) in result.said


def test_options_files_and_variables_give_parameters(tmp_path: Path) -> None:
    path = stored(tmp_path, PUBLISHED["parameters of every kind"])
    given = ("--param", "deployment-id=gpt-4o", "--param", "region=7")
    assert call(tmp_path, "run", path, "--base-url", ELSEWHERE, "--plan", *given).status == 0
    (tmp_path / "conformance.toml").write_text(
        f'[targets.here]\nbase_url = "{ELSEWHERE}"\nprofile = "./gateway.yaml"\n'
        'params = {deployment-id = "gpt-4o", region = "7"}\n',
        "utf-8",
    )
    assert call(tmp_path, "run", "--target", "here", "--plan").status == 0
    variables = {"CONFORMANCE_PARAM_DEPLOYMENT_ID": "gpt-4o", "CONFORMANCE_PARAM_REGION": "7"}
    assert plan_of(tmp_path, "parameters of every kind", **variables).status == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("tenant=a", "--param tenant: gateway has no parameter of this name; its parameters are deployment-id,"),
        ("region", "--param 'region' needs NAME=VALUE"),
        ("=7", "--param '' needs NAME=VALUE"),
    ],
)
def test_a_parameter_that_is_none_is_refused_in_one_sentence(tmp_path: Path, given: str, words: str) -> None:
    result = plan_of(tmp_path, "parameters of every kind", "--param", given)
    assert result.status == 2
    assert words in result.said


def test_a_further_key_has_a_variable_of_its_own(tmp_path: Path) -> None:
    result = plan_of(tmp_path, "two keys")
    assert result.status == 2
    assert "CONFORMANCE_API_KEY_QUERY_KEY must be set" in result.said
    assert plan_of(tmp_path, "two keys", CONFORMANCE_API_KEY_QUERY_KEY="sk-of-nobody-else").status == 0


def test_without_an_address_the_documents_servers_are_named(tmp_path: Path) -> None:
    servers = [{"url": "https://{region}.example.com/v1", "variables": {"region": {"default": "eu"}}}]
    path = stored(tmp_path, own_document(request(), servers=servers))
    result = call(tmp_path, "run", path)
    assert result.status == 2
    assert "--base-url is missing" in result.said
    assert "The document names https://eu.example.com/v1." in result.said
    assert f"chat-conformance serve {path}" in result.said


def several() -> dict[str, Any]:
    document = own_document(request())
    document["paths"]["/v2/chat/completions"] = {"post": {**the_post(document), "operationId": "second"}}
    return document


def test_an_operation_is_chosen_on_the_command_line_and_in_the_file(tmp_path: Path) -> None:
    path = stored(tmp_path, several())
    assert "name the one to judge with --operation" in call(tmp_path, "requirements", path).said
    assert call(tmp_path, "requirements", path, "--operation", "second").status == 0
    (tmp_path / "conformance.toml").write_text(
        f'[targets.here]\nbase_url = "{ELSEWHERE}"\nprofile = "./gateway.yaml"\noperation = "second"\n', "utf-8"
    )
    result = call(tmp_path, "run", "--target", "here", "--plan")
    assert result.status == 0, result.said


def test_a_dear_plan_has_to_be_agreed_to(tmp_path: Path) -> None:
    path = stored(tmp_path, PUBLISHED["a huge limit"])
    words = ("run", path, "--base-url", ELSEWHERE, "--tier", "exhaustive", "--generated", "0", "--out", "out")
    result = call(tmp_path, *words)
    assert result.status == 2
    assert "completion tokens at worst; give --yes to agree to that" in result.said
    assert "--max-completion-tokens" in result.said


@pytest.mark.parametrize("part", ["0/3", "4/3", "1", "a/b", "-1/3"])
def test_a_share_of_the_lab_that_is_none_is_refused(tmp_path: Path, part: str) -> None:
    result = call(tmp_path, "lab", "loop-health", "--part", part)
    assert result.status == 2
    assert "is not a share" in result.said


def test_the_shares_of_the_lab_are_all_of_it() -> None:
    every = targets_of("loop-health")
    shares = [part_of(every, f"{number}/3") for number in (1, 2, 3)]
    faults = [target.id for share in shares for target in share if target.fault is not None]
    assert sorted(faults) == sorted(target.id for target in every if target.fault is not None)
    assert all(sum(target.fault is None for target in share) == 3 for share in shares)
