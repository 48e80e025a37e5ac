"""CTRF, SARIF, HAR and badge: each valid by its public schema, whole, and harmless whatever a target answered."""

from __future__ import annotations

import base64
import json
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import report_sample as sample
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing import Registry, Resource

from conformance.contract import load_contract, written_places
from conformance.contract.places import WrittenAt
from conformance.report import Results, badge_json, badge_svg, ctrf_json, har_json, sarif_json
from conformance.suite.outcome import Outcome, Verdict
from conformance.wire.exchange import Answer, Ending, EndKind, Exchange, Read

SCHEMAS = Path(__file__).parent / "schemas"
FORMATS = jsonschema.FormatChecker()


def check(document: Any, schema: str) -> None:
    """Against a schema in one file."""
    validator(schema).validate(document)


@cache
def validator(schema: str) -> Any:
    loaded = json.loads((SCHEMAS / schema).read_text(encoding="utf-8"))
    made = jsonschema.validators.validator_for(loaded)
    made.check_schema(loaded)
    return made(loaded, format_checker=FORMATS)


@cache
def har_validator() -> Any:
    parts = json.loads((SCHEMAS / "har-1.2.schemas.json").read_text(encoding="utf-8"))
    resources = [(f"{name}.json", Resource.from_contents(part)) for name, part in parts.items()]
    registry: Registry[Any] = Registry().with_resources(resources)
    return jsonschema.Draft6Validator(parts["har"], registry=registry, format_checker=FORMATS)


def ctrf(results: Results) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ctrf_json(results))
    check(document, "ctrf.schema.json")
    return document["results"]  # type: ignore[no-any-return]


def sarif(results: Results, **places: WrittenAt) -> dict[str, Any]:
    document = json.loads(sarif_json(results, places.get))
    check(document, "sarif-2.1.0-as-written.schema.json")
    return document["runs"][0]  # type: ignore[no-any-return]


def har(exchanges: list[Exchange]) -> list[dict[str, Any]]:
    document = json.loads(har_json(sample.sample_results(0), exchanges))
    har_validator().validate(document)
    return document["log"]["entries"]  # type: ignore[no-any-return]


# --- CTRF ----------------------------------------------------------------------------------------------------------


def test_ctrf_has_one_test_for_each_requirement_and_counts_them() -> None:
    results = sample.sample_results()
    report = ctrf(results)
    assert [test["testId"] for test in report["tests"]] == [row.id for row in results.requirements]
    counted = Counter(test["status"] for test in report["tests"])
    statuses = ("passed", "failed", "skipped", "pending", "other")
    assert {name: report["summary"][name] for name in statuses} == {name: counted[name] for name in statuses}
    assert report["summary"]["tests"] == len(report["tests"])


def test_ctrf_shows_every_outcome_by_its_raw_status() -> None:
    sampled = sample.sample_results()
    first = replace(sampled.requirements[0], id="stream.unseen", outcome=Outcome.BLOCKED, blocked_by="stream.done-once")
    results = replace(sampled, requirements=(*sampled.requirements, first))
    printed = {test["testId"]: (test["status"], test["rawStatus"]) for test in ctrf(results)["tests"]}
    assert {printed[row.id][1] for row in results.requirements} == set(Outcome)
    assert printed["stream.done-once"] == ("failed", "failed")
    assert printed["stream.role-first"] == ("passed", "warning")
    assert printed["completion.finish-reason"] == ("other", "waived")
    assert printed["robustness.deep-json"] == ("pending", "untested")
    assert printed["stream.unseen"] == ("other", "blocked")


def test_a_warning_fails_in_the_ctrf_of_a_strict_run() -> None:
    tests = ctrf(replace(sample.sample_results(0), strict=True))["tests"]
    assert next(test for test in tests if test["testId"] == "stream.role-first")["status"] == "failed"


def test_the_same_run_has_the_same_ctrf() -> None:
    assert ctrf_json(sample.sample_results()) == ctrf_json(sample.sample_results())


# --- SARIF ---------------------------------------------------------------------------------------------------------


def test_sarif_has_a_rule_for_each_requirement_and_a_result_for_each_that_is_broken() -> None:
    results = sample.sample_results()
    run = sarif(results)
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [row.id for row in results.requirements]
    broken = results.with_outcome(Outcome.FAILED, Outcome.WARNING, Outcome.WAIVED)
    assert [result["ruleId"] for result in run["results"]] == [row.id for row in broken]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])


def test_the_level_follows_that_of_the_requirement() -> None:
    levels = {result["ruleId"]: result["level"] for result in sarif(sample.sample_results())["results"]}
    assert levels["stream.done-once"] == "error"
    assert levels["stream.role-first"] == "warning"


def test_a_waived_result_is_suppressed_with_the_reason() -> None:
    found = {result["ruleId"]: result for result in sarif(sample.sample_results())["results"]}
    assert [key for key, result in found.items() if "suppressions" in result] == ["completion.finish-reason"]
    (suppression,) = found["completion.finish-reason"]["suppressions"]
    assert suppression["status"] == "accepted"
    assert "Vendor ticket 4711" in suppression["justification"]


def test_what_is_open_is_a_notification_and_no_result() -> None:
    results = sample.sample_results()
    (invocation,) = sarif(results)["invocations"]
    printed = [one["associatedRule"]["id"] for one in invocation["toolExecutionNotifications"]]
    assert printed == [row.id for row in results.with_outcome(Outcome.INCONCLUSIVE, Outcome.UNTESTED)]


def test_a_result_stands_where_the_users_repository_has_a_place_for_it() -> None:
    run = sarif(sample.sample_results(), **{"stream.done-once": WrittenAt("specs/my specs.yaml", 42)})
    places = {result["ruleId"]: result["locations"][0] for result in run["results"]}
    found = {row_id: place["physicalLocation"] for row_id, place in places.items() if "physicalLocation" in place}
    assert found["stream.done-once"]["artifactLocation"] == {
        "uri": "specs/my%20specs.yaml", "uriBaseId": "%SRCROOT%"
    }  # fmt: skip
    assert found["stream.done-once"]["region"] == {"startLine": 42}
    assert set(found) == {"stream.done-once"}  # the others have none


def test_a_result_without_a_place_names_its_requirement_and_no_file() -> None:
    for result in sarif(sample.sample_results())["results"]:
        assert result["locations"] == [
            {"logicalLocations": [{"fullyQualifiedName": result["ruleId"], "kind": "member"}]}
        ]


def test_a_rule_leads_to_the_page_of_its_requirement_where_the_site_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFORMANCE_DOCS_URL", "https://docs.example/conformance/")
    results = sample.sample_results()
    rules = {rule["id"]: rule for rule in sarif(results)["tool"]["driver"]["rules"]}
    assert rules["stream.done-once"]["helpUri"] == (
        "https://docs.example/conformance/requirements/stream.done-once.html"
    )
    derived = next(row.id for row in results.requirements if row.pointer is not None)
    assert rules[derived]["helpUri"] == (
        f"https://docs.example/conformance/requirements/keywords-kodexa.html#{derived}"
    )


@pytest.mark.parametrize("address", ["javascript:alert(1)", "docs.example", " "])
def test_what_is_no_web_address_is_no_site(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("CONFORMANCE_DOCS_URL", address)
    rules = {rule["id"]: rule for rule in sarif(sample.sample_results())["tool"]["driver"]["rules"]}
    assert rules["stream.done-once"]["helpUri"].startswith("https://html.spec.whatwg.org/")


def test_the_help_of_a_rule_says_why_and_how_to_fix_it() -> None:
    rules = {rule["id"]: rule for rule in sarif(sample.sample_results())["tool"]["driver"]["rules"]}
    for text in rules["stream.done-once"]["help"].values():
        assert "Why: " in text
        assert "How to fix it: " in text
        assert "chat-conformance explain stream.done-once kodexa" in text


def test_the_fingerprint_does_not_depend_on_what_the_target_said() -> None:
    one, other = sample.sample_results(), sample.sample_results()
    rows = tuple(replace(row, messages=("Another sentence.",), findings=()) for row in other.requirements)
    first = [result["partialFingerprints"] for result in sarif(one)["results"]]
    second = [result["partialFingerprints"] for result in sarif(replace(other, requirements=rows))["results"]]
    assert first == second
    assert len({json.dumps(one) for one in first}) == len(first)


def test_no_link_and_no_placeholder_comes_from_the_target() -> None:
    results = sample.sample_results()
    printed = "See [here](https://evil.test) {0} \\[x"
    rows = tuple(replace(row, messages=(printed,), findings=()) for row in results.requirements)
    messages = [one["message"]["text"] for one in sarif(replace(results, requirements=rows))["results"]]
    assert all("\\[here\\](https://evil.test) {{0}} \\\\\\[x" in message for message in messages)


def test_an_address_that_is_no_web_address_is_no_help_uri() -> None:
    rules = {rule["id"]: rule for rule in sarif(sample.sample_results())["tool"]["driver"]["rules"]}
    assert rules["stream.done-once"]["helpUri"].startswith("https://html.spec.whatwg.org/")
    assert "helpUri" not in rules["completion.usage-sum"]  # its address is `javascript:`


@pytest.mark.parametrize("profile", ["openai", "kodexa", "loop-health"])
def test_every_requirement_was_written_at_a_line_that_names_it(profile: str) -> None:
    contract = load_contract(profile)
    places = written_places(contract)
    root = Path(__file__).parents[2]
    lines = {place.file: (root / place.file).read_text(encoding="utf-8").splitlines() for place in places.values()}
    for row in contract.requirements:
        line = lines[places[row.id].file][places[row.id].line - 1]
        wanted = row.id if row.keyword is None else row.keyword.name
        # What stands there through an alias of YAML has the line of the alias.
        assert wanted in line or ": *" in line, (row.id, places[row.id], line)


# --- HAR -----------------------------------------------------------------------------------------------------------


def test_har_has_every_exchange_with_what_was_sent_and_what_came() -> None:
    seen = sample.exchanges()
    entries = har(seen)
    assert [entry["_id"] for entry in entries] == [exchange.id for exchange in seen]
    plain = next(entry for entry in entries if entry["_id"] == "completion/plain#1")
    assert plain["request"]["postData"]["text"].encode() == seen[0].request.body
    assert seen[0].answer is not None
    assert plain["response"]["content"]["text"].encode() == seen[0].answer.body
    assert plain["response"]["status"] == 200
    assert plain["time"] == pytest.approx(plain["timings"]["wait"] + plain["timings"]["receive"])


def test_har_gives_the_events_of_a_stream_with_their_times() -> None:
    entries = {entry["_id"]: entry for entry in har(sample.exchanges())}
    events = entries["stream/plain#1"]["_events"]
    assert len(events) == 66
    assert events[0]["ms"] == pytest.approx(118)
    assert [event["offset"] for event in events] == sorted(event["offset"] for event in events)
    assert "_events" not in entries["completion/plain#1"]


def test_har_shows_how_an_exchange_without_an_answer_ended() -> None:
    entry = next(entry for entry in har(sample.exchanges()) if entry["_id"] == "access/no-key#1")
    assert entry["response"]["status"] == 0
    assert entry["_ending"] == {"kind": "reset", "detail": "connection reset by peer", "ms": 310}


def test_har_gives_bytes_that_are_no_text_in_base64() -> None:
    content = next(entry for entry in har(sample.exchanges()) if entry["_id"] == "error/gzip#1")["response"]["content"]
    assert content["encoding"] == "base64"
    assert base64.b64decode(content["text"]) == bytes(range(256)) * 20


def test_har_gives_control_characters_in_base64() -> None:
    answer = Answer(200, "OK", "HTTP/1.1", (), 0.1, (Read(0.2, b"\x01" * 1000),))
    (entry,) = har([replace(sample.exchanges()[0], answer=answer)])
    assert base64.b64decode(entry["response"]["content"]["text"]) == b"\x01" * 1000


def huge(number: int) -> Exchange:
    reads = (Read(0.2, "ü".encode() * 1_000_000),)
    answer = Answer(200, "OK", "HTTP/1.1", (("Content-Type", "application/json"),), 0.1, reads)
    return replace(sample.exchanges()[0], id=f"huge#{number}", answer=answer, ending=Ending(EndKind.COMPLETE, at=0.2))


def test_har_is_bounded_and_says_what_it_cut() -> None:
    seen = [huge(number) for number in range(80)]
    entries = har(seen)
    text = har_json(sample.sample_results(0), seen)
    assert len(text) < 34_000_000
    left_out = len(seen) - len(entries)
    assert left_out > 0
    assert json.loads(text)["log"]["comment"].endswith(f"; {left_out} exchanges more in evidence/exchanges.jsonl")
    content = entries[0]["response"]["content"]
    assert content["size"] == 2_000_000
    assert content["comment"] == f"cut: the first {len(content['text'].encode())} of 2000000 bytes"
    assert set(content["text"]) == {"ü"}


def test_har_cuts_streams_of_very_many_events() -> None:
    reads = tuple(Read(0.1 + number / 1e6, b": ping\n\n") for number in range(2500))
    answer = Answer(200, "OK", "HTTP/1.1", (("Content-Type", "text/event-stream"),), 0.1, reads)
    (entry,) = har([replace(sample.exchanges()[1], answer=answer)])
    assert len(entry["_events"]) == 2000
    assert entry["_eventsOmitted"] == 500


# --- the badge -----------------------------------------------------------------------------------------------------


LABEL = "kodexa, standard tier"


def test_the_badge_says_the_verdict_and_its_figure() -> None:
    green, red = json.loads(badge_json(sample.green_results())), json.loads(badge_json(sample.sample_results()))
    assert green["schemaVersion"] == 1
    assert (green["label"], green["message"]) == (LABEL, "114 MUST passed")
    assert red["message"] == "5 MUST failed"
    assert green["color"] != red["color"]


def test_an_inconclusive_badge_is_not_green() -> None:
    results = replace(sample.green_results(), verdict=Verdict.INCONCLUSIVE)
    document = json.loads(badge_json(results))
    assert document["message"] == "inconclusive"
    assert document["isError"] is True
    assert document["color"] != json.loads(badge_json(sample.green_results()))["color"]


def test_the_svg_is_well_formed_and_names_itself() -> None:
    root = ET.fromstring(badge_svg(sample.green_results()))
    assert root.get("aria-label") == f"{LABEL}: 114 MUST passed"
    assert [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")] == [
        LABEL, "114 MUST passed"
    ]  # fmt: skip


# --- whatever a target says ----------------------------------------------------------------------------------------


def test_hostile_texts_stay_ascii_and_valid() -> None:
    for text in (ctrf_json(sample.sample_results()), sarif_json(sample.sample_results())):
        assert text.isascii()
        assert "\\u001b" not in text
    assert har_json(sample.sample_results(), sample.exchanges()).isascii()


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60), st.binary(max_size=60))
def test_any_text_and_any_body_make_valid_files(text: str, body: bytes) -> None:
    results = sample.sample_results(0)
    rows = tuple(replace(row, messages=(text,)) for row in results.requirements[:12])
    printed = replace(results, requirements=rows, target=replace(results.target, name=text, server=text))
    ctrf(printed)
    sarif(printed)
    ET.fromstring(badge_svg(printed))
    answer = Answer(200, text, "HTTP/1.1", (("Content-Type", "text/event-stream"),), 0.1, (Read(0.2, body),))
    har([replace(sample.exchanges()[0], answer=answer)])
