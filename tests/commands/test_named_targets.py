"""`run --target`: a target of conformance.toml is judged as the file says, and the command line comes before it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import CANARY, CLI, call, results
from deployments import http_deployment
from jsonschema import Draft7Validator

from conformance.reference import EmbeddedReference

pytestmark = [pytest.mark.network, pytest.mark.process]


@pytest.fixture(scope="module")
def reference() -> Iterator[EmbeddedReference]:
    with EmbeddedReference("loop-health") as running:
        yield running


def configured(folder: Path, reference: EmbeddedReference, *more: str) -> None:
    lines = [
        "[targets.here]",
        f'base_url = "{reference.base_url}"',
        'profile = "loop-health"',
        'api_key_env = "HERE_API_KEY"',
        'tier = "smoke"',
        'out = "kept"',
        *more,
    ]
    (folder / "conformance.toml").write_text("\n".join(lines) + "\n")


def test_a_target_is_judged_by_its_name(reference: EmbeddedReference, tmp_path: Path) -> None:
    configured(tmp_path, reference)
    done = call((*CLI, "run", "--target", "here"), tmp_path, HERE_API_KEY=reference.api_key)
    assert done.returncode == 0, done.stdout + done.stderr
    (kept,) = (tmp_path / "kept").iterdir()
    document = results(kept)
    assert document["target"]["name"] == "here"
    assert document["profile"]["name"] == "loop-health"
    assert document["tier"] == "smoke"
    assert reference.api_key not in (kept / "results.json").read_text()


def test_the_command_line_comes_before_the_file(reference: EmbeddedReference, tmp_path: Path) -> None:
    configured(tmp_path, reference, "max_requests = 1")
    (tmp_path / "other.toml").write_text((tmp_path / "conformance.toml").read_text())
    command = (*CLI, "run", "--target", "here", "--config", "other.toml", "--max-requests", "99", "--out", "mine")
    done = call((*command, "--tier", "standard", "--only", "transport.*"), tmp_path, HERE_API_KEY=reference.api_key)
    document = results(tmp_path / "mine")
    assert document["tier"] == "standard", done.stderr
    assert document["exchanges"]["count"] > 1


def test_a_limit_of_the_file_holds(reference: EmbeddedReference, tmp_path: Path) -> None:
    configured(tmp_path, reference, "max_requests = 1")
    done = call((*CLI, "run", "--target", "here", "--out", "o"), tmp_path, HERE_API_KEY=reference.api_key)
    assert done.returncode == 3
    assert results(tmp_path / "o")["exchanges"]["count"] == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--target", "there"), "conformance.toml has no target 'there'; it has here, less, odd."),
        (("--target", "here"), "target here has its key in HERE_API_KEY, which is not set."),
        (
            ("--target", "odd"),
            "conformance.toml:9: org_id is 'mine', which is not a UUID; set the organization's UUID.",
        ),
        (("--target", "less"), "conformance.toml:14: 'logprob' cannot be left out; what can be is streaming,"),
        (("--target", "less", "--without", "x"), "conformance.toml:14: 'logprob' cannot be left out"),
        (("--config", "conformance.toml"), "--config only has a meaning with --target NAME; give both."),
        (("--target", "here", "--config", "x.toml"), "x.toml does not exist"),
    ],
)
def test_what_cannot_be_judged_is_reported_in_one_sentence(
    reference: EmbeddedReference, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    odd = ("[targets.odd]", 'base_url = "http://127.0.0.1:9"', 'org_id = "mine"', 'profile = "kodexa"')
    less = ("[targets.less]", 'base_url = "http://127.0.0.1:9"', 'profile = "openai"', 'unsupported = ["logprob"]')
    configured(tmp_path, reference, *odd, *less)
    done = call((*CLI, "run", *arguments), tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_init_writes_a_file_that_works_and_never_overwrites(reference: EmbeddedReference, tmp_path: Path) -> None:
    assert call((*CLI, "init"), tmp_path).returncode == 0
    path = tmp_path / "conformance.toml"
    text = path.read_text()
    planned = call((*CLI, "run", "--target", "staging", "--plan"), tmp_path)
    assert planned.returncode == 0, planned.stderr
    assert "requests to http://127.0.0.1:8080/v1" in planned.stdout

    uncommented = text.replace("# [", "[").replace("# api_key", "api_key").replace("# waivers", "waivers")
    settings = ("rate", "max_", "strict", "retry", "out", "base_url", "profile")
    for name in (*settings, "org", "model", "other", "brand", "requested"):
        uncommented = uncommented.replace(f"# {name}", name)
    path.write_text(uncommented)
    keys = ("STAGING_API_KEY", "KODEXA_API_KEY", "LOOP_HEALTH_API_KEY", "OTHER_TENANT_API_KEY")
    path_of_waivers = tmp_path / "waivers.yaml"
    path_of_waivers.write_text("[]")
    for target in ("kodexa", "loop-health"):
        planned = call((*CLI, "run", "--target", target, "--plan"), tmp_path, **dict.fromkeys(keys, "k" * 20))
        assert planned.returncode == 0, planned.stderr

    again = call((*CLI, "init"), tmp_path)
    assert (again.returncode, again.stderr) == (
        2,
        "chat-conformance: conformance.toml exists already; init never overwrites it.\n",
    )
    assert path.read_text() == uncommented


def test_the_key_of_a_target_that_echoes_it_is_in_no_file_and_in_no_log(tmp_path: Path) -> None:
    def echo(headers: dict[str, str], _: bytes) -> tuple[int, dict[str, str], bytes]:
        return 401, {"Content-Type": "application/json"}, headers.get("Authorization", "").encode()

    with http_deployment(echo) as url:
        (tmp_path / "conformance.toml").write_text(
            f'[targets.x]\nbase_url = "{url}"\napi_key_env = "X_TOKEN"\nmodel = "m"\ntier = "smoke"\n'
        )
        github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "o" / "summary.md")}
        done = call((*CLI, "run", "--target", "x", "--out", "o"), tmp_path, X_TOKEN=CANARY, **github)
    assert done.returncode == 3  # a refused key leaves nothing to judge
    assert (tmp_path / "o" / "summary.md").exists()
    printed = [done.stdout, done.stderr, *(one.read_text() for one in (tmp_path / "o").rglob("*") if one.is_file())]
    plain = [text.replace("\\", "") for text in printed]  # Markdown's escapes are no disguise
    assert not [text for text in (*printed, *plain) if CANARY in text]


def test_init_fills_in_a_profile_and_an_address_and_names_the_schema_for_editors(tmp_path: Path) -> None:
    done = call((*CLI, "init", "--profile", "kodexa", "--base-url", "https://chat.example.com/"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Wrote conformance.toml, and conformance.schema.json for editors" in done.stdout
    text = (tmp_path / "conformance.toml").read_text()
    assert text.startswith("#:schema ./conformance.schema.json\n")
    schema = Draft7Validator(json.loads((tmp_path / "conformance.schema.json").read_text()))
    document = tomllib.loads(text)
    assert document["targets"] == {"staging": {"base_url": "https://chat.example.com", "profile": "kodexa"}}
    schema.validate(document)
    uncommented = re.sub(r"(?m)^# (headers|query|ca_file|client_cert|proxy|waivers)", r"\1", text)
    assert uncommented.count("#") < text.count("#") - 5
    schema.validate(tomllib.loads(uncommented))
    for wrong in ('tier = "tiny"', "timout = 3", 'headers = { "X-A" = 1 }', 'api_key_env = "sk-1"'):
        assert not schema.is_valid(tomllib.loads(f"{text}\n{wrong}\n")), wrong
    environ = {"CONFORMANCE_API_KEY": "k" * 20, "CONFORMANCE_MODEL": "m"}
    planned = call((*CLI, "run", "--target", "staging", "--plan"), tmp_path, **environ)
    assert planned.returncode == 2
    assert "CONFORMANCE_ORG_ID must be set in the environment" in planned.stderr
    environ["CONFORMANCE_ORG_ID"] = "6f1e3c52-9f0a-4c07-8a55-0d5b8f6a2b11"
    planned = call((*CLI, "run", "--target", "staging", "--plan"), tmp_path, **environ)
    assert planned.returncode == 0, planned.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--profile", "nowhere"), "unknown profile `nowhere`"),
        (("--base-url", "chat.example.com"), "--base-url 'chat.example.com' is not an http or https URL"),
    ],
)
def test_init_writes_nothing_of_what_cannot_be_used(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    done = call((*CLI, "init", *arguments), tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert sentence in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_init_without_a_schema_writes_one_file(tmp_path: Path) -> None:
    assert call((*CLI, "init", "--no-schema"), tmp_path).returncode == 0
    (written,) = tmp_path.iterdir()
    assert "#:schema" not in written.read_text()
