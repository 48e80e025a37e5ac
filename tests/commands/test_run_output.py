"""What `run` prints: a header before, each cause once, the verdict last; and what its options make of that."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Collection, Iterable, Iterator
from itertools import count
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from command_line import CLI, environment, judge
from deployments import http_deployment

from conformance.cli.main import commands
from conformance.contract.model import Tier
from conformance.lab.targets import contract_of, targets_of
from conformance.probes.delivery import DELIVERY
from conformance.probes.streams import STREAM_AGAIN
from conformance.reference import EmbeddedReference
from conformance.reference.errors import Refusal
from conformance.reference.settings import Tenant
from conformance.reference.stages import Stages
from conformance.targets import demo
from conformance.targets.environment import variables_of

pytestmark = [pytest.mark.network, pytest.mark.process]

FAULT = "stream-end.done-missing"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CONFORMANCE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def faulty() -> Iterator[EmbeddedReference]:
    """A deployment of `openai` with one fault."""
    target = next(one for one in targets_of("openai") if one.id == FAULT)
    with EmbeddedReference("openai", hooks=target.hooks, contract=contract_of("openai")) as running:
        yield running


@pytest.fixture(scope="module")
def failed(faulty: EmbeddedReference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a standard run of it."""
    out = tmp_path_factory.mktemp("failed")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables_of(faulty.target, contract_of("openai").parameters).items():
            patch.setenv(name, value)
        assert judge(out, base_url=faulty.base_url, tier=Tier.STANDARD).status == 1
    return out


def run(*arguments: str | Path, **environ: str) -> tuple[int, list[str], str]:
    """The status of `run`, the lines that it prints, and what it says on standard error."""
    done = CliRunner(env=environ).invoke(commands, ["run", *map(str, arguments)], standalone_mode=False)
    assert done.exception is None, done.exception
    return done.return_value, done.stdout.splitlines(), done.stderr


def test_a_header_says_what_is_judged_and_what_it_costs(faulty: EmbeddedReference) -> None:
    key = {"CONFORMANCE_API_KEY": faulty.api_key, "CONFORMANCE_MODEL": faulty.model}
    _, lines, _ = run("openai", "--base-url", faulty.base_url, "--tier", "smoke", "--out", "out", **key)
    assert lines[0] == f"Target    {faulty.base_url}"
    assert lines[1].startswith("Profile   openai ")
    assert lines[1].endswith(f", smoke tier, model {faulty.model}")
    assert lines[2].startswith("Sends     at most ")
    assert lines[2].endswith(" completion tokens, besides the preflight (5 at most) and retries")
    assert not any(line.startswith("Note ") for line in lines)


def test_the_public_demo_key_is_used_only_with_a_line_that_says_so() -> None:
    tenants = Tenant("first", demo.API_KEY), Tenant("second", demo.OTHER_API_KEY)
    with EmbeddedReference("openai", contract=contract_of("openai"), tenants=tenants) as served:
        status, lines, _ = run("openai", "--base-url", served.base_url, "--tier", "smoke", "--out", "out")
    assert status == 0
    assert (
        "Note      CONFORMANCE_API_KEY and CONFORMANCE_MODEL are not set; the reference deployment's public demo key"
        " and model are used"
    ) in lines


def test_a_key_that_is_too_short_to_be_found_everywhere_is_noted(faulty: EmbeddedReference) -> None:
    short = {"CONFORMANCE_API_KEY": "k7Qm2xZ", "CONFORMANCE_MODEL": faulty.model}
    _, lines, _ = run("openai", "--base-url", faulty.base_url, "--tier", "smoke", "--out", "out", **short)
    (note,) = [line for line in lines if line.startswith("Note")]
    assert "api-key has fewer than 8 characters" in note


def test_the_last_lines_are_what_a_log_shows_first(failed: Path) -> None:
    status, lines, _ = run("openai", "--replay", failed, "--out", "out")
    assert status == 1
    assert lines[-3:] == [
        "Nonconformant: openai, standard tier",
        "Failed    stream.done-once",
        f"Report    {Path('out') / 'compliance.html'}",
    ]
    (files,) = (line for line in lines if line.startswith("Files "))
    assert files.endswith(" run-log.html in out")  # the evidence is where the run was recorded
    found = lines[lines.index("") + 1 :]
    finding = found[found.index("") + 1 :]
    assert finding[0].startswith("FAILED   stream.done-once (MUST): ")
    assert finding.index("") <= 12
    assert sum(line.startswith("curl ") for line in finding) == 1


def test_quiet_prints_the_last_lines_only(failed: Path) -> None:
    status, lines, _ = run("openai", "--replay", failed, "--out", "out", "-q")
    assert status == 1
    assert [line.split(" ")[0] for line in lines] == ["Nonconformant:", "Failed", "Report"]


def test_verbose_prints_every_finding_with_its_events(failed: Path) -> None:
    _, usual, _ = run("openai", "--replay", failed, "--out", "usual")
    status, lines, _ = run("openai", "--replay", failed, "--out", "out", "-v")
    assert status == 1
    findings = json.loads((failed / "results.json").read_text())["requirements"]
    count = sum(len(row["findings"]) for row in findings)
    assert count > 1
    assert sum(line.startswith("  expected") for line in lines) == count
    assert sum(line.startswith("  expected") for line in usual) == 1
    assert any("^ " in line for line in lines)
    assert any(line.lstrip().startswith("section ") for line in lines)


def test_quiet_and_verbose_exclude_each_other(failed: Path) -> None:
    status, lines, said = run("openai", "--replay", failed, "--out", "out", "-q", "-v")
    assert (status, lines) == (2, [])
    assert "give one of them" in said


def test_json_is_the_record_and_nothing_else(failed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    status, lines, said = run("openai", "--replay", failed, "--out", "out", "--json")
    assert status == 1
    assert "\n".join(lines) + "\n" == Path("out/results.json").read_text(encoding="utf-8")
    assert json.loads("\n".join(lines))["verdict"] == "nonconformant"
    assert "::error" in said


def test_json_of_a_target_that_nobody_reaches_is_a_record_too() -> None:
    status, lines, said = run("openai", "--base-url", "http://127.0.0.1:9/v1", "--out", "out", "--json")
    assert status == 3
    assert json.loads("\n".join(lines))["verdict"] == "inconclusive"
    assert "connection refused" in said


def test_only_lists_what_was_judged(failed: Path) -> None:
    status, lines, _ = run("openai", "--replay", failed, "--out", "out", "--only", "stream.json")
    assert status == 3
    assert lines[lines.index("Judged:") + 1] == "  passed       stream.json"
    assert any(line.startswith("Outcomes  1 passed, ") and line.endswith(" not selected") for line in lines)
    assert len(lines) < 16


def test_exclude_is_the_opposite_of_only(failed: Path) -> None:
    status, lines, _ = run("openai", "--replay", failed, "--out", "out", "--exclude", "stream.done-*")
    assert status == 3
    assert "Nonconformant" not in lines[-2]
    record = json.loads(Path("out/results.json").read_text())
    assert record["selection"] == "everything except stream.done-*"
    outcomes = {row["id"]: row["outcome"] for row in record["requirements"]}
    assert outcomes["stream.done-once"] == "untested"
    assert outcomes["stream.json"] == "passed"
    chosen = ("--only", "stream.json", "--only", "stream.done-once", "--exclude", "stream.done-*")
    _, lines, _ = run("openai", "--replay", failed, "--out", "both", *chosen)
    assert any(line.startswith("Outcomes  1 passed, ") for line in lines)


def test_an_exclusion_that_matches_nothing_is_refused() -> None:
    status, _, said = run("openai", "--exclude", "no.such", "--out", "out")
    assert status == 2
    assert said.startswith("chat-conformance: --exclude 'no.such' matches no requirement of openai")


def test_commands_name_the_variable_that_a_named_target_has_its_key_in(faulty: EmbeddedReference) -> None:
    Path("conformance.toml").write_text(
        f'[targets.here]\nbase_url = "{faulty.base_url}"\nprofile = "openai"\nmodel = "{faulty.model}"\n'
        'api_key_env = "HERE_API_KEY"\n'
    )
    chosen = ("--target", "here", "--tier", "smoke", "--only", "stream.done-once", "--out", "out")
    status, lines, _ = run(*chosen, HERE_API_KEY=faulty.api_key)
    assert status == 1
    assert lines[0] == f"Target    here at {faulty.base_url}"
    assert any("$HERE_API_KEY" in line for line in lines)
    assert not any("$CONFORMANCE_API_KEY" in line for line in lines)
    # Whoever reads the page has variables of their own.
    assert "$CONFORMANCE_API_KEY" in Path("out/compliance.html").read_text(encoding="utf-8")


def busy_at(turns: Collection[int]) -> Stages:
    """A deployment that refuses these of its requests for load, counted from 0."""
    counter, usual = count(), Stages().check_media_type

    def check(fields: Iterable[tuple[bytes, bytes]]) -> None:
        if next(counter) in turns:
            raise Refusal(429, "rate_limit_exceeded", "Slow down.", headers={"Retry-After": "0"})
        usual(fields)

    return Stages(check_media_type=check)


@pytest.mark.parametrize(("turns", "advises"), [((2,), False), (range(2, 60, 2), True)])
def test_a_target_that_often_refuses_for_load_is_to_be_asked_more_slowly(turns: Collection[int], advises: bool) -> None:
    with EmbeddedReference("openai", stages=busy_at(turns), contract=contract_of("openai")) as busy:
        variables = variables_of(busy.target, contract_of("openai").parameters)
        _, lines, _ = run("openai", "--base-url", busy.base_url, "--tier", "smoke", "--out", "out", **variables)
    told = [line for line in lines if "429 or 503" in line]
    assert len(told) == advises
    assert all("--rate or a smaller --concurrency" in line for line in told)


def test_open_opens_the_page(failed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def launch(url: str) -> int:
        opened.append(url)
        return 0

    monkeypatch.setattr(click, "launch", launch)
    run("openai", "--replay", failed, "--out", "out", "--open")
    assert opened == [str(Path("out/compliance.html").resolve())]
    monkeypatch.setattr(click, "launch", lambda _: 1)
    _, _, said = run("openai", "--replay", failed, "--out", "again", "--open")
    assert said == f"chat-conformance: no program opens a page here; open {Path('again/compliance.html')} yourself.\n"


def asked_in(folder: Path) -> set[str]:
    """The probes of a run, but for further streams: whether these are needed is a matter of the machine's speed."""
    lines = (folder / "evidence" / "exchanges.jsonl").read_text(encoding="utf-8").splitlines()
    names = {one["probe"] for one in map(json.loads, lines) if "request" in one}
    return {name for name in names if not name.startswith((DELIVERY, STREAM_AGAIN))}


def test_fail_fast_stops_sending_at_the_first_broken_must(faulty: EmbeddedReference, failed: Path) -> None:
    variables = variables_of(faulty.target, contract_of("openai").parameters)
    status, lines, _ = run("openai", "--base-url", faulty.base_url, "--out", "out", "--fail-fast", **variables)
    assert status == 1
    assert lines[-2] == "Failed    stream.done-once"
    assert "The run did not finish: --fail-fast ended it at the first broken MUST." in lines
    record, whole = (json.loads((folder / "results.json").read_text()) for folder in (Path("out"), failed))
    assert record["exchanges"]["count"] < whole["exchanges"]["count"] / 2
    assert not [row["id"] for row in record["requirements"] if row["outcome"] == "blocked"]

    # Judged again, it is the same run.
    status, again, _ = run("openai", "--replay", "out", "--out", "again")
    assert status == 1
    assert again[-2] == lines[-2]
    assert json.loads(Path("again/results.json").read_text())["reasons"] == record["reasons"]

    # And it can be taken to its end.
    status, lines, _ = run("openai", "--base-url", faulty.base_url, "--resume", "out", **variables)
    assert status == 1
    record = json.loads(Path("out/results.json").read_text())
    assert record["interrupted"] is None
    assert asked_in(Path("out")) == asked_in(failed)


def test_fail_fast_of_a_conformant_deployment_is_a_whole_run() -> None:
    status, lines, _ = run("openai", "--tier", "smoke", "--fail-fast", "--out", "out")
    assert status == 0
    assert lines[-2] == "Conformant: openai, smoke tier"


def test_a_setup_that_cannot_be_judged_is_short() -> None:
    error = json.dumps({"error": {"message": "Incorrect API key", "type": "x", "param": None, "code": "y"}}).encode()
    with http_deployment(lambda *_: (401, {"Content-Type": "application/json"}, error)) as url:
        status, lines, _ = run("openai", "--base-url", url, "--out", "out")
    assert status == 3
    assert len(lines) == 9
    assert lines[5].startswith("Problem   ")
    assert '401 "Incorrect API key"' in lines[5]
    assert lines[6] == "Sent      1 request, and nothing more; --no-preflight judges all the same"
    assert lines[7:] == ["Inconclusive: openai, standard tier", f"Record    {Path('out') / 'results.json'}"]


REPLAY = ("run", "openai", "--replay", "{failed}", "--out", "out")


@pytest.mark.parametrize(
    ("encoding", "command"),
    [
        ("ascii", (*REPLAY, "-v")),
        ("cp1252", (*REPLAY, "-v")),
        ("ascii", (*REPLAY, "--json")),
        ("ascii", ("run", "openai", "--plan", "--tier", "smoke")),
        ("ascii", ("requirements", "openai")),
    ],
    ids=["findings in ASCII", "findings in cp1252", "record", "plan", "requirements"],
)
def test_no_console_is_too_small_for_the_output(
    encoding: str, command: tuple[str, ...], failed: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        (*CLI, *(word.format(failed=failed) for word in command)),
        cwd=tmp_path,
        env=environment(PYTHONIOENCODING=encoding),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert b"Traceback" not in done.stderr
    assert done.returncode == (1 if "--replay" in command else 0)
    text = done.stdout.decode(encoding)
    if "--json" in command:
        assert json.loads(text) == json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("options", [("--json",), ("-v",)])
def test_a_reader_that_leaves_early_changes_nothing(options: tuple[str, ...], failed: Path, tmp_path: Path) -> None:
    command = (*CLI, "run", "openai", "--replay", str(failed), "--out", "out", *options)
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == ""
        assert running.wait(60) == 1
