"""Bad input, each: exit status 2, one sentence on stderr that says what is wrong, and no traceback."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from command_line import CANARY, CLI, call, judge
from own_documents import own_document, stored

from conformance import cli
from conformance.cli.main import commands
from conformance.contract.model import Tier

EVIDENCE = "exchanges.jsonl"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CONFORMANCE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a run of `openai`."""
    out = tmp_path_factory.mktemp("recorded")
    assert judge(out, tier=Tier.SMOKE).status == 0
    return out


def refusal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """What the command line says on stderr when it exits with 2."""
    monkeypatch.setattr("sys.argv", ["chat-conformance", *arguments])
    with pytest.raises(SystemExit) as exited:
        cli.main()
    printed = capsys.readouterr()
    assert exited.value.code == 2, printed.out + printed.err
    assert printed.out == ""
    assert printed.err.startswith("chat-conformance: ")
    assert printed.err.count("\n") == 1
    assert printed.err.rstrip().endswith((".", "?"))
    return printed.err


LOOPBACK = ("--base-url", "http://127.0.0.1:9/v1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "no-such-profile"), "kodexa, loop-health, openai"),
        (("run", "missing.openapi.yaml", *LOOPBACK), "missing.openapi.yaml: there is no such file"),
        (("run", "openai", "--only", "no.such-requirement"), "no.such-requirement"),
        (("run", "openai", "--only", "stream.done"), "stream.done-once"),
        (("run", "openai", "--waivers", "missing.yaml"), "missing.yaml"),
        (("run", "openai", "--replay", "nowhere"), "nowhere"),
        (("run", "openai", "--base-url", "ftp://example.com"), "ftp://example.com"),
        (("run", "openai", "--base-url", "http://[::1"), "http://[::1"),
        (("run", "openai", "--base-url", "http://me:secret@example.com/v1"), "CONFORMANCE_API_KEY"),
        (
            ("run", "openai", "--base-url", "https://staging.example.com/v1"),
            "CONFORMANCE_API_KEY and CONFORMANCE_MODEL",
        ),
        (("run", "kodexa", "--base-url", "https://staging.example.com"), "CONFORMANCE_ORG_ID"),
        (("run", "openai", "--tier", "huge"), "huge"),
        (("run", "openai", "--concurrency", "0"), "--concurrency"),
        (("run", "openai", "--no-such-option"), "--no-such-option"),
        (("no-such-command",), "no-such-command"),
        (("serve", "no-such-profile"), "no-such-profile"),
        (("serve", "openai", "--upstream", "ftp://example.com"), "--upstream"),
        (("requirements", "no-such-profile"), "no-such-profile"),
        (("requirements", "openai", "--sources", "x"), "--stale"),
    ],
)
def test_wrong_usage(
    arguments: tuple[str, ...],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    assert said in refusal(capsys, monkeypatch, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_no_header_can_carry_is_not_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFORMANCE_API_KEY", f"{CANARY}\nx")
    printed = refusal(capsys, monkeypatch, "run", "openai", *LOOPBACK)
    assert "CONFORMANCE_API_KEY" in printed
    assert CANARY not in printed


@pytest.mark.network
@pytest.mark.process
def test_a_key_of_one_letter_that_the_record_itself_needs(tmp_path: Path) -> None:
    arguments = ("run", "openai", *LOOPBACK, "--out", "out")
    done = call((*CLI, *arguments), tmp_path, CONFORMANCE_API_KEY="x", CONFORMANCE_MODEL="m")
    assert done.returncode == 2, done.stderr
    assert done.stderr.rstrip().endswith("use a key that is not such a word.")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("openapi: 3.1.0\npaths:\n  /x: [unclosed\n", "own.yaml:"),
        ("openapi: 3.1.0\npaths: {}\n", "own.yaml"),
        ("- 1\n", "own.yaml"),
        ("", "own.yaml"),
        ("\x00", "own.yaml"),
    ],
)
def test_a_document_that_is_none(
    document: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "own.yaml").write_text(document, encoding="utf-8")
    assert said in refusal(capsys, monkeypatch, "run", "own.yaml", *LOOPBACK)


def test_broken_yaml_is_named_with_its_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "own.yaml").write_text("openapi: 3.1.0\ninfo:\n  title: x\n bad: y\n", encoding="utf-8")
    assert "own.yaml:4:" in refusal(capsys, monkeypatch, "run", "own.yaml", *LOOPBACK)


def test_a_document_of_another_kind_of_operation(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stored(tmp_path, own_document(path="/v1/embeddings"))
    printed = refusal(capsys, monkeypatch, "run", "gateway.yaml", *LOOPBACK)
    assert "no POST path ends with /chat/completions (there is POST /v1/embeddings)" in printed
    assert "x-conformance.operation" in printed


@pytest.mark.parametrize(
    ("waivers", "said"),
    [
        ("- [", "waivers.yaml:"),
        ("requirement: x\n", "waivers.yaml:1: "),
        ("- {requirement: stream.done-once, reason: r, owner: o}\n", "expires"),
        ("- {requirement: no.such, reason: r, owner: o, expires: 2999-01-01}\n", "no.such"),
    ],
)
def test_waivers_that_cannot_be_used(
    waivers: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "waivers.yaml").write_text(waivers, encoding="utf-8")
    assert said in refusal(capsys, monkeypatch, "run", "openai", "--waivers", "waivers.yaml")


@pytest.mark.network
def test_evidence_of_another_profile(
    recorded: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = refusal(capsys, monkeypatch, "run", "kodexa", "--replay", str(recorded))
    assert "openai, not kodexa" in printed


@pytest.mark.network
@pytest.mark.parametrize("line", ["{broken", "[]", '{"id": "x"}'])
def test_evidence_with_a_broken_line(
    line: str, recorded: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = (recorded / "evidence" / EVIDENCE).read_text(encoding="utf-8").splitlines()
    lines[2] = line
    (tmp_path / EVIDENCE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert f"{EVIDENCE}:3:" in refusal(capsys, monkeypatch, "run", "openai", "--replay", ".")


@pytest.mark.network
@pytest.mark.parametrize(
    "change",
    [
        {"probes": [{"name": "x"}]},
        {"probes": None},
        {"profile": {}},
        {"profile": "openai"},
        {"target": {"no_such_field": 1}},
        {"tier": "huge"},
        {"only": None},
        {"started": None},
    ],
)
def test_evidence_with_a_broken_header(
    change: dict[str, Any],
    recorded: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    header, *rest = (recorded / "evidence" / EVIDENCE).read_text(encoding="utf-8").splitlines()
    changed = json.dumps({**json.loads(header), **change})
    (tmp_path / EVIDENCE).write_text("\n".join([changed, *rest]) + "\n", encoding="utf-8")
    assert EVIDENCE in refusal(capsys, monkeypatch, "run", "openai", "--replay", ".")


@pytest.mark.network
def test_a_directory_that_holds_the_evidence_of_another_run(
    recorded: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (recorded / "evidence" / EVIDENCE).read_bytes()
    printed = refusal(capsys, monkeypatch, "run", "openai", "--out", str(recorded))
    assert "an earlier run" in printed
    assert (recorded / "evidence" / EVIDENCE).read_bytes() == before


@pytest.mark.network
@pytest.mark.parametrize("out", ["a-file", "a-file/below", "/proc/no-such-folder"])
def test_a_directory_that_cannot_be_written(
    out: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a-file").touch()
    printed = refusal(capsys, monkeypatch, "run", "openai", "--out", out)
    assert f"{out} cannot be written to" in printed


@pytest.mark.network
def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        printed = refusal(capsys, monkeypatch, "serve", "openai", "--port", port)
    assert port in printed


def test_a_defect_of_ours_is_status_4_and_shows_no_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LookupError(f"something about {CANARY}")

    monkeypatch.setenv("CONFORMANCE_API_KEY", CANARY)
    monkeypatch.setattr("conformance.commands.run.run_suite", broken)
    monkeypatch.setattr("sys.argv", ["chat-conformance", "run"])
    with pytest.raises(SystemExit) as exited:
        cli.main()
    printed = capsys.readouterr().err
    assert exited.value.code == 4
    assert "says nothing about the target" in printed
    assert "LookupError" in printed
    assert CANARY not in printed


@pytest.mark.parametrize("arguments", [(), ("--help",), ("run", "--help"), ("serve", "-h"), ("requirements", "-h")])
def test_help_is_there(arguments: tuple[str, ...]) -> None:
    printed = CliRunner().invoke(commands, [*arguments] or ["--help"])
    assert printed.exit_code == 0
    assert "Usage:" in printed.output


@pytest.mark.process
def test_the_command_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    done = call((*CLI, "--version"), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    done = call((*CLI, "run", "no-such-profile"), tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
