"""`run --bundle` and `verify`: an untouched bundle holds, and whatever was done to it is named."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from google.protobuf import json_format
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement_pb2
from repacking import EVIDENCE, careful, careless, contents, in_json, in_lines, packed

import conformance
from conformance import cli
from conformance.bundle import BundleError, verified_payload
from conformance.bundle import public_key as read_public_key

Said = tuple[int, str]


def command(*arguments: object) -> Said:
    """Exit status and everything that was printed."""
    done = CliRunner().invoke(cli.commands, [str(argument) for argument in arguments], standalone_mode=False)
    status = done.return_value if done.exception is None else 70
    return status, done.output + (repr(done.exception) if done.exception else "")


def verify(bundle: Path, *options: object) -> Said:
    return command("verify", bundle, *options)


@dataclass(frozen=True)
class Keys:
    private: Path
    public: Path


def make_keys(folder: Path, name: str) -> Keys:
    private, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(private)], check=True)
    subprocess.run(["openssl", "pkey", "-in", str(private), "-pubout", "-out", str(public)], check=True)
    return Keys(private, public)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"), "ours")


@pytest.fixture(scope="module", autouse=True)
def _no_variables_of_ours() -> Any:
    import os  # noqa: PLC0415 - as elsewhere, a test's environment is its own

    before = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("CONFORMANCE_")}
    yield
    os.environ.update(before)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that nobody signed."""
    folder = tmp_path_factory.mktemp("plain")
    status, said = command(
        "run", "loop-health", "--tier", "smoke", "--out", folder / "out", "--bundle", folder / "run.zip"
    )
    assert status == 0, said
    assert "run.zip, not signed, of a run that is conformant." in said
    return folder / "run.zip"


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Path:
    """A bundle that is signed."""
    folder = tmp_path_factory.mktemp("signed")
    arguments = ("--out", folder / "out", "--bundle", folder / "run.zip", "--sign", keys.private)
    status, said = command("run", "loop-health", "--tier", "smoke", *arguments)
    assert status == 0, said
    return folder / "run.zip"


# --- what holds ----------------------------------------------------------------------------------------------------


def test_an_untouched_bundle_holds(plain: Path) -> None:
    status, said = verify(plain)
    assert status == 0, said
    assert "judging its evidence again gives the same outcomes" in said
    assert "the verdict conformant" in said
    assert "It is not signed" in said


def test_a_signed_bundle_holds_by_the_key_that_signed_it(signed: Path, keys: Keys) -> None:
    status, said = verify(signed, "--public-key", keys.public)
    assert status == 0, said
    assert "It is signed by the given key." in said


def test_a_signature_that_was_not_checked_is_said_so(signed: Path) -> None:
    status, said = verify(signed)
    assert status == 0, said
    assert "without --public-key the signature was not checked" in said


def test_a_bundle_has_everything_that_the_run_wrote_and_was_judged_by(plain: Path) -> None:
    files = contents(plain)
    assert set(files) == {
        *("manifest.json", "statement.json", "results.json", EVIDENCE, "run-log.html"),
        *("compliance.html", "junit.xml", "ctrf.json", "results.sarif", "exchanges.har", "badge.json", "badge.svg"),
        *("contract/loop-health.openapi.yaml", "contract/requirements.json"),
    }  # fmt: skip
    listed = {row["path"] for row in json.loads(files["manifest.json"])["files"]}
    assert listed == set(files) - {"manifest.json", "statement.json"}


def test_the_statement_is_an_in_toto_statement_on_a_test_result(plain: Path) -> None:
    statement = json_format.Parse(contents(plain)["statement.json"], statement_pb2.Statement())
    assert statement.type == "https://in-toto.io/Statement/v1"
    assert statement.predicate_type == "https://in-toto.io/attestation/test-result/v0.1"
    predicate = json_format.ParseDict(json_format.MessageToDict(statement.predicate), test_result_pb2.TestResult())
    assert predicate.result == "PASSED"
    assert "stream.done-once" in predicate.passed_tests
    assert predicate.configuration[0].digest["sha256"]


def test_the_envelope_is_verified_by_openssl_too(signed: Path, keys: Keys, tmp_path: Path) -> None:
    import base64  # noqa: PLC0415 - only here

    envelope = json.loads(contents(signed)["statement.dsse.json"])
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    (tmp_path / "pae").write_bytes(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))
    (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    asked = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(keys.public), "-rawin"]
    done = subprocess.run(
        [*asked, "-in", str(tmp_path / "pae"), "-sigfile", str(tmp_path / "sig")], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_another_key_id_is_only_a_hint(signed: Path, keys: Keys) -> None:
    envelope = json.loads(contents(signed)["statement.dsse.json"])
    envelope["signatures"][0]["keyid"] = "the key of the lab"
    key = read_public_key(keys.public)
    assert "test-result" in verified_payload(json.dumps(envelope), key)


# --- what does not hold, by a forger who changes one thing ---------------------------------------------------------


def refused(said: Said) -> str:
    """The problem that `verify` named."""
    assert said[0] == 1, said[1]
    assert said[1].count("\n") == 1
    _, _, problem = said[1].partition(" does not hold: ")
    return problem.strip()


def one_byte(content: bytes) -> bytes:
    at = content.index(b'"finish_reason\\":') if b'"finish_reason\\":' in content else len(content) // 2
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def test_one_byte_of_evidence(plain: Path, tmp_path: Path) -> None:
    problem = refused(verify(careless(plain, tmp_path / "b.zip", EVIDENCE, one_byte)))
    assert problem.startswith(f"{EVIDENCE} was changed, or its line in manifest.json")


def test_an_exchange_removed(plain: Path, tmp_path: Path) -> None:
    gone = careless(plain, tmp_path / "b.zip", EVIDENCE, in_lines(lambda lines: lines.pop(3)))
    assert refused(verify(gone)).startswith(f"{EVIDENCE} was changed: it is ")


def test_an_outcome_edited(plain: Path, tmp_path: Path) -> None:
    edited = careless(plain, tmp_path / "b.zip", "results.json", lambda text: text.replace(b'"passed"', b'"failed"', 1))
    assert refused(verify(edited)).startswith("results.json was changed")


@pytest.mark.parametrize("name", ["compliance.html", "junit.xml", "contract/requirements.json", "run-log.html"])
def test_any_other_file_edited(plain: Path, tmp_path: Path, name: str) -> None:
    assert refused(verify(careless(plain, tmp_path / "b.zip", name, one_byte))).startswith(f"{name} was changed")


def test_a_manifest_line_edited(plain: Path, tmp_path: Path) -> None:
    def edit(manifest: dict[str, Any]) -> None:
        row = next(row for row in manifest["files"] if row["path"] == EVIDENCE)
        row["sha256"] = "0" * 64

    problem = refused(verify(careless(plain, tmp_path / "b.zip", "manifest.json", in_json(edit))))
    assert problem.startswith(f"{EVIDENCE} was changed, or its line in manifest.json")


def test_a_manifest_written_in_other_words(plain: Path, tmp_path: Path) -> None:
    problem = refused(verify(careless(plain, tmp_path / "b.zip", "manifest.json", in_json(lambda _: None))))
    assert problem == "the statement is about another manifest.json than the one in the archive."


def test_the_wrong_key(signed: Path, tmp_path: Path) -> None:
    other = make_keys(tmp_path, "other")
    assert refused(verify(signed, "--public-key", other.public)).startswith("the signature is not by this key")


def test_a_statement_edited_inside_its_envelope(signed: Path, keys: Keys, tmp_path: Path) -> None:
    import base64  # noqa: PLC0415 - only here

    def edit(envelope: dict[str, Any]) -> None:
        payload = base64.b64decode(envelope["payload"]).replace(b"PASSED", b"FAILED")
        envelope["payload"] = base64.b64encode(payload).decode()

    bent = careless(signed, tmp_path / "b.zip", "statement.dsse.json", in_json(edit))
    assert refused(verify(bent, "--public-key", keys.public)).startswith("the signature is not by this key")
    assert refused(verify(bent)) == "the statement does not agree with results.json: predicate differs."


def test_a_signature_taken_off(signed: Path, keys: Keys, tmp_path: Path) -> None:
    files = contents(signed)
    payload = verified_payload(files.pop("statement.dsse.json").decode(), None)
    bare = packed({**files, "statement.json": payload.encode()}, tmp_path / "b.zip")
    assert verify(bare)[0] == 0
    assert refused(verify(bare, "--public-key", keys.public)) == (
        "it is not signed, and --public-key asks for a signature."
    )


# --- by a forger who makes manifest and statement fit --------------------------------------------------------------


def edit_outcome(results: dict[str, Any]) -> None:
    """Whitewash or blacken one requirement, with the figures that follow."""
    row = next(row for row in results["requirements"] if row["id"] == "stream.done-once")
    row["outcome"] = "skipped"
    for counts in (
        results["counts"]["total"], results["counts"]["levels"][row["level"]], results["counts"]["sections"]["stream"]
    ):  # fmt: skip
        counts["passed"] -= 1
        counts["skipped"] = counts.get("skipped", 0) + 1


def passed_fewer(statement: dict[str, Any]) -> None:
    statement["predicate"]["passedTests"].remove("stream.done-once")


def last_answer_cut(lines: list[dict[str, Any]]) -> None:
    answer = next(line["answer"] for line in lines if line.get("probe") == "stream/plain")
    answer["body"] = answer["body"].replace("data: [DONE]", "data: [DONO]")


CHANGES: Mapping[str, tuple[Mapping[str, Callable[[bytes], bytes]], str]] = {
    "an outcome": (
        {"results.json": in_json(edit_outcome), "statement.json": in_json(passed_fewer)},
        "stream.done-once: results.json says skipped, and judging the evidence again gives passed.",
    ),
    "an outcome, but not the statement": (
        {"results.json": in_json(edit_outcome)},
        "the statement does not agree with results.json: predicate differs.",
    ),
    "a byte of an answer": (
        {EVIDENCE: in_lines(last_answer_cut)},
        "stream.json: results.json says passed, and judging the evidence again gives warning.",
    ),
    "an exchange removed": (
        {EVIDENCE: in_lines(lambda lines: lines.remove(next(x for x in lines if x.get("probe") == "stream/plain")))},
        "the exchange of the probe stream/plain is missing from the evidence.",
    ),
    "an exchange twice": (
        {EVIDENCE: in_lines(lambda lines: lines.insert(2, lines[1]))},
        "the evidence is broken: evidence/exchanges.jsonl:3: the exchange ",
    ),
    "an exchange of no probe": (
        {EVIDENCE: in_lines(lambda lines: lines.insert(2, {**lines[1], "id": "x#1", "probe": "x"}))},
        "the exchange x#1 is of a probe that was not planned.",
    ),
    "the end of the evidence": (
        {EVIDENCE: lambda content: content[: content.rindex(b"\n", 0, -1) + 1]},
        "the evidence breaks off: the run did not come to its end.",
    ),
    "half a line": ({EVIDENCE: lambda content: content[:-200]}, "the evidence breaks off"),
    "garbage in the evidence": ({EVIDENCE: lambda content: b"\xff\n" + content}, "the evidence is broken: "),
    "another reason": (
        {"results.json": in_json(lambda results: results.update(reasons=["All is well."]))},
        "results.json says reasons ",
    ),
    "another profile's digest": (
        {"results.json": in_json(lambda results: results["profile"].update(sha256="0" * 64))},
        "the statement does not agree with results.json: predicate differs.",
    ),
    "another document": (
        {"contract/loop-health.openapi.yaml": lambda content: content + b"\n"},
        "contract/loop-health.openapi.yaml is not the document that results.json names by its digest.",
    ),
    "a requirement less": (
        {"contract/requirements.json": in_json(lambda one: one["requirements"].pop("stream.done-once"))},
        "contract/requirements.json does not list what this installation requires of loop-health",
    ),
    "a document elsewhere": (
        {"contract/requirements.json": in_json(lambda one: one.update(document="../../etc/passwd"))},
        "contract/requirements.json names a document outside of the bundle.",
    ),
    "results that are no record": (
        {"results.json": lambda _: b"[]"},
        "results.json cannot be used: results.json: /: ",
    ),
    "a selection": (
        {"results.json": in_json(lambda results: results.update(selection="stream.*"))},
        "the run was restricted to stream.*; a part of the contract says nothing about the whole.",
    ),
    "an interruption": (
        {"results.json": in_json(lambda results: results.update(interrupted="it was interrupted"))},
        "the run did not finish (it was interrupted)",
    ),
    "a filter in the evidence": (
        {EVIDENCE: in_lines(lambda lines: lines[0].update(only=["stream.*"]))},
        "the evidence is of a run that was restricted",
    ),
    "a probe that was not sent": (
        {EVIDENCE: in_lines(lambda lines: lines[-1].update(unsent={"stream/plain": "the budget ran out"}))},
        "1 probes were not sent, among them stream/plain: the budget ran out",
    ),
    "evidence of another run": (
        {EVIDENCE: in_lines(lambda lines: lines[0].update(started="2026-01-01T00:00:00+00:00"))},
        "evidence and results are not of one run: the start is 2026-01-01T00:00:00+00:00 and ",
    ),
    "another version": (
        {"manifest.json": in_json(lambda manifest: manifest["suite"].update(version="99.0"))},
        f"it was made by chat-conformance 99.0, and this is {conformance.__version__}.",
    ),
    "a newer manifest": (
        {"manifest.json": in_json(lambda manifest: manifest.update(format=2))},
        "manifest.json is not as specs/bundle.schema.json wants it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_forgery_that_fits_in_itself(plain: Path, tmp_path: Path, change: str) -> None:
    changes, problem = CHANGES[change]
    assert refused(verify(careful(plain, tmp_path / "b.zip", changes))).startswith(problem)


# --- bundles that show less than a whole run -----------------------------------------------------------------------


def test_a_bundle_of_a_filtered_run(tmp_path: Path) -> None:
    bundle = tmp_path / "run.zip"
    arguments = ("--tier", "smoke", "--only", "stream.*", "--out", tmp_path / "out", "--bundle", bundle)
    _, said = command("run", "loop-health", *arguments)
    assert "This bundle will not be verified: the run was restricted, and shows only a part." in said
    assert refused(verify(bundle)).startswith("the run was restricted to stream.*")


def test_a_bundle_of_a_run_that_ran_out_of_budget(tmp_path: Path) -> None:
    bundle = tmp_path / "run.zip"
    arguments = ("--tier", "smoke", "--max-requests", 3, "--out", tmp_path / "out", "--bundle", bundle)
    command("run", "loop-health", *arguments)
    assert "probes were not sent" in refused(verify(bundle))


def test_a_bundle_of_a_user_s_own_contract_is_judged_by_the_contract_in_it(tmp_path: Path) -> None:
    specs = Path(__file__).parents[2] / "specs"
    own = tmp_path / "mine.openapi.yaml"
    text = (specs / "loop-health.openapi.yaml").read_text(encoding="utf-8")
    own.write_text(text.replace("profile: loop-health", "profile: mine"), encoding="utf-8")
    with_reference = ("--tier", "smoke", "--out", tmp_path / "out", "--bundle", tmp_path / "run.zip")
    from conformance.reference import EmbeddedReference  # noqa: PLC0415 - brings a web server in

    with EmbeddedReference("loop-health") as reference:
        environment = {"CONFORMANCE_API_KEY": reference.api_key or ""}
        done = CliRunner(env=environment).invoke(
            cli.commands,
            ["run", str(own), "--base-url", reference.base_url, *map(str, with_reference)],
            standalone_mode=False,
        )
    assert (tmp_path / "run.zip").is_file(), done.output
    own.unlink()
    status, said = verify(tmp_path / "run.zip")
    assert status == 0, said
    assert "a run of mine " in said


# --- wrong usage ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify", "missing.zip"), "missing.zip: there is no such file"),
        (("verify", "."), "there is no such file"),
        (("run", "--sign", "key.pem"), "--sign signs a bundle; give --bundle FILE too."),
        (("run", "--bundle", "no/such/folder/run.zip"), "cannot be written; choose another --bundle."),
        (("run", "--bundle", "b.zip", "--sign", "missing.pem"), "missing.pem: the key cannot be read"),
        (("run", "--bundle", "b.zip", "--sign", "text.pem"), "text.pem: this is no private key in PEM"),
        (("run", "--bundle", "b.zip", "--sign", "rsa.pem"), "rsa.pem: this is no ed25519 key"),
        (("run", "--bundle", "b.zip", "--sign", "locked.pem"), "locked.pem: the key has a passphrase"),
        (("verify", "b.zip", "--public-key", "text.pem"), "text.pem: this is no public key in PEM"),
        (("verify", "b.zip", "--public-key", "missing.pem"), "missing.pem: the key cannot be read"),
    ],
)
def test_what_cannot_be_asked_for(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.pem").write_text("no key", encoding="utf-8")
    if "rsa.pem" in arguments:
        subprocess.run(["openssl", "genrsa", "-out", "rsa.pem", "2048"], check=True, capture_output=True)
    if "locked.pem" in arguments:
        making = ["openssl", "genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:x", "-out", "locked.pem"]
        subprocess.run(making, check=True)
    status, told = command(*arguments)
    assert status == 2, told
    assert said in told
    assert not (tmp_path / "reports").exists()


def test_a_broken_envelope_is_named(signed: Path, keys: Keys, tmp_path: Path) -> None:
    key = read_public_key(keys.public)
    for text in ("", "[]", "{}", '{"payloadType": 1, "payload": "e30="}', '{"payloadType": "x", "payload": "%"}'):
        with pytest.raises(BundleError, match=r"statement\.dsse\.json"):
            verified_payload(text, key)
