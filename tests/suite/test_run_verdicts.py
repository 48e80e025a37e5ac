"""What `chat-conformance run` says of deployments, and with which exit status."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import CANARY
from deployments import closed_port, echo_of_key, empty_object, http_deployment, silent_deployment

Run = Callable[..., subprocess.CompletedProcess[str]]


def results(out: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((out / "results.json").read_text())
    return loaded


def musts(document: dict[str, Any], outcome: str | None = None) -> list[str]:
    return [
        row["id"]
        for row in document["requirements"]
        if row["level"] == "MUST" and (outcome is None or row["outcome"] == outcome)
    ]


@pytest.mark.parametrize("profile", ["openai", "kodexa", "loop-health"])
def test_the_embedded_reference_is_conformant_without_a_warning(profile: str, run: Run, tmp_path: Path) -> None:
    done = run("run", profile, "--out", "out")
    assert done.returncode == 0, done.stdout + done.stderr
    document = results(tmp_path / "out")
    assert document["verdict"] == "conformant"
    unexpected = [
        (row["id"], row["outcome"], row["messages"])
        for row in document["requirements"]
        if row["outcome"] not in {"passed", "skipped"}
    ]
    assert unexpected == []


def test_the_standard_tier_keeps_its_budget(run: Run, tmp_path: Path) -> None:
    run("run", "openai", "--out", "out")
    spent = results(tmp_path / "out")["exchanges"]
    assert spent["count"] <= 100
    assert spent["completion_tokens"] <= 3000


def test_a_server_that_answers_everything_with_an_empty_object_passes_next_to_nothing(
    run: Run, tmp_path: Path
) -> None:
    with http_deployment(empty_object) as url:
        done = run("run", "openai", "--base-url", url, "--out", "out", CONFORMANCE_API_KEY=CANARY)
    assert done.returncode == 1, done.stdout + done.stderr
    document = results(tmp_path / "out")
    assert len(musts(document, "passed")) <= 0.15 * len(musts(document)), musts(document, "passed")


def test_a_server_that_answers_nothing_passes_nothing(run: Run, tmp_path: Path) -> None:
    with silent_deployment() as url:
        done = run("run", "openai", "--base-url", url, "--out", "out")
    assert done.returncode == 3, done.stdout + done.stderr
    assert not [row for row in results(tmp_path / "out")["requirements"] if row["outcome"] == "passed"]


def test_a_closed_port_is_one_sentence(run: Run) -> None:
    with closed_port() as url:
        done = run("run", "openai", "--base-url", url)
    assert done.returncode == 3
    assert done.stderr.strip().count("\n") == 0
    assert url.removeprefix("http://") in done.stderr


def test_an_echoed_key_is_in_no_file_and_not_on_the_console(run: Run, tmp_path: Path) -> None:
    with http_deployment(echo_of_key) as url:
        done = run("run", "openai", "--base-url", url, "--out", "out", CONFORMANCE_API_KEY=CANARY)
    assert done.returncode == 1
    told = [path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(told) >= 5
    told.append((done.stdout + done.stderr).encode())
    for form in forms_of(CANARY):
        assert not any(form in text for text in told), form
    echoed = next(row for row in results(tmp_path / "out")["requirements"] if row["id"] == "access.key-not-echoed")
    assert echoed["outcome"] == "warning"


def forms_of(key: str) -> list[bytes]:
    import base64
    from urllib.parse import quote

    half = len(key) // 2
    return [
        key.encode(),
        base64.b64encode(key.encode()).rstrip(b"="),
        quote(key, safe="").encode(),
        key[half:].encode(),
    ]


def test_replayed_evidence_gives_the_same_results(run: Run, tmp_path: Path) -> None:
    run("run", "kodexa", "--out", "live")
    done = run("run", "kodexa", "--replay", "live", "--out", "again")
    assert done.returncode == 0, done.stdout + done.stderr
    live, again = results(tmp_path / "live"), results(tmp_path / "again")
    for document in (live, again):
        del document["duration_s"]
    assert live == again


def test_a_waiver_accepts_a_violation(run: Run, tmp_path: Path) -> None:
    (tmp_path / "waivers.yaml").write_text(
        "- {requirement: '*', reason: known, owner: platform, expires: 2999-01-01}\n", encoding="utf-8"
    )
    with http_deployment(empty_object) as url:
        run("run", "openai", "--base-url", url, "--out", "out", "--waivers", "waivers.yaml")
    document = results(tmp_path / "out")
    assert not musts(document, "failed")
    assert musts(document, "waived")


def test_a_filtered_run_judges_only_that_and_is_inconclusive(run: Run, tmp_path: Path) -> None:
    done = run("run", "openai", "--only", "stream.done-once", "--out", "out")
    assert done.returncode == 3
    document = results(tmp_path / "out")
    assert musts(document, "passed") == ["stream.done-once"]
    assert document["exchanges"]["count"] < 20


def test_a_budget_that_runs_out_never_passes(run: Run, tmp_path: Path) -> None:
    done = run("run", "openai", "--max-requests", "3", "--out", "out")
    assert done.returncode == 3
    assert results(tmp_path / "out")["exchanges"]["count"] <= 3
    assert musts(results(tmp_path / "out"), "untested")


def test_a_plan_sends_nothing(run: Run) -> None:
    requests: list[bytes] = []

    def count(_: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        requests.append(body)
        return 200, {}, b"{}"

    with http_deployment(count) as url:
        done = run("run", "openai", "--base-url", url, "--plan")
    assert done.returncode == 0
    assert "Nothing was sent" in done.stdout
    assert requests == []


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        (("run", "no-such-profile"), {}, "openai"),
        (("run", "missing.openapi.yaml", "--base-url", "http://127.0.0.1:1"), {}, "missing.openapi.yaml"),
        (("run", "openai", "--only", "no.such-requirement"), {}, "no.such-requirement"),
        (("run", "openai", "--waivers", "missing.yaml"), {}, "missing.yaml"),
        (("run", "openai", "--base-url", "ftp://example.com"), {}, "ftp://example.com"),
        (("run", "openai", "--base-url", "https://staging.example.com/v1"), {}, "CONFORMANCE_API_KEY"),
        (("run", "openai", "--replay", "nowhere"), {}, "nowhere"),
        (("run", "openai", "--base-url", "http://127.0.0.1:1"), {"CONFORMANCE_API_KEY": "a\nb"}, "CONFORMANCE_API_KEY"),
    ],
)
def test_wrong_usage_is_one_sentence(
    arguments: tuple[str, ...], environ: dict[str, str], said: str, run: Run
) -> None:
    done = run(*arguments, **environ)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
