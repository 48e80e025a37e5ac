"""Faults of real deployments, served on a socket and judged as a run does: each by the requirements that it breaks.

The ids are those of the collected faults. Each breaks exactly the requirements that are listed.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from faulty_streams import (
    NO_SENTINEL,
    TEXT_TO_DAMAGE,
    Fault,
    after_finish,
    always_a_stream,
    bare_tail,
    before_finish,
    bom_on_json,
    breaking,
    choices_of,
    counting_index,
    cut_after_text,
    dropped_events,
    each,
    frozen_after_damage,
    half,
    has_text,
    is_finish,
    items,
    lossy,
    numbered_ids,
    stale_coding,
    streams,
    usage_twice,
    whole_again,
    with_choice,
    with_text,
    wrong_finish_index,
)
from raw_deployment import Deployment, encoded
from stream_judge import ALL_BUT_THE_SCHEMA, PATIENT, QUICK, WAITING, broken, judge, troubled

pytestmark = pytest.mark.network

FAULTS = {
    "1-01-done-missing": Fault(NO_SENTINEL, "stream.done-once", r"\[DONE\] as the last event; got a stream that ends"),
    "1-02-done-missing-conn-open": Fault(
        Deployment(
            items=lambda good, _: [item for item in good if item != "[DONE]"],
            script=lambda script, request: replace(script, end="open") if request.streamed else script,
        ),
        "stream.ends",
        r"comes to its end; got idle-timeout",
        also=breaking("done-once"),
    ),
    "1-03-done-conn-lingers": Fault(
        streams(lambda script: replace(script, end="open")),
        "stream.ends",
        r"the body's end within 2 s .*; got still open",
    ),
    "1-14-raw-text-error-in-data": Fault(
        items(lambda good, _: [*half(good), "error: engine failed"]),
        "stream.json",
        r"one strict JSON document or \[DONE\]; got .*'error: engine failed'",
        also=breaking("done-once", "finish-once", "usage-when-asked"),
    ),
    "1-17-empty-200-stream": Fault(
        items(lambda good, _: []),
        "stream.not-empty",
        r"at least one chunk; got a stream without chunks",
        also=breaking("done-once"),
    ),
    "1-23-utf8-split-by-token": Fault(
        TEXT_TO_DAMAGE, "stream.content-intact", r"got U\+FFFD in", also=breaking("logprobs")
    ),
    "1-24-utf8-split-by-network": Fault(
        each(lossy, lambda item: has_text(item) and not encoded(item).isascii()),
        "stream.content-intact",
        r"got U\+FFFD in",
    ),
    "1-24 undecoded": Fault(
        each(lambda item: encoded(item).replace(b"one", b"\xe4\xbd"), has_text),
        "stream.utf8",
        r"UTF-8 throughout the stream; got '\\\\xe4\\\\xbd'",
        also=breaking("content-intact", "logprobs"),
    ),
    "1-25-stall-after-fffd": Fault(
        items(frozen_after_damage), "stream.content-intact", r"got U\+FFFD in", also=breaking("logprobs")
    ),
    "1-26-wrong-content-type-stream": Fault(
        streams(lambda script: replace(script, headers=(("Content-Type", "application/json"),))),
        "stream.media-type",
        r"text/event-stream.*; got Content-Type: 'application/json'",
    ),
    "1-26 no media type": Fault(
        streams(lambda script: replace(script, headers=())), "stream.media-type", r"got no Content-Type"
    ),
    "1-30-stale-content-encoding": Fault(
        Deployment(script=stale_coding),
        "transport.content-encoding",
        r"Content-Encoding: 'gzip' and a body that is not",
        only=("transport.content-encoding",),
    ),
    "1-33-final-event-unterminated": Fault(
        items(lambda good, _: [*good[:-2], encoded(good[-2])[:-1]]),
        "stream.terminated",
        r"a blank line",
        also=breaking("done-once", "finish-once", "usage-when-asked"),
    ),
    "1-36-silent-stall": Fault(
        Deployment(
            items=lambda good, _: cut_after_text(good),
            script=lambda script, request: replace(script, end="open") if request.streamed else script,
        ),
        "stream.ends",
        r"got idle-timeout",
        also=breaking("done-once", "finish-once", "usage-when-asked"),
    ),
    "1-37-litellm-early-close": Fault(
        items(lambda good, _: cut_after_text(good)),
        "stream.finish-once",
        r"a finish_reason for choice 0",
        also=breaking("done-once", "usage-when-asked"),
    ),
    "1-37 without the last chunk of the coding": Fault(
        Deployment(
            items=lambda good, _: cut_after_text(good),
            script=lambda script, request: replace(script, end="cut") if request.streamed else script,
        ),
        "stream.done-once",
        r"got a stream that ends without it",
        also=breaking("finish-once", "usage-when-asked"),
    ),
    "1-38-data-double-prefix": Fault(
        each(lambda item: b"data: " + encoded(item), lambda item: True),
        "stream.json",
        r"'data: ",
        also=breaking("done-once", "not-empty"),
    ),
    "1-39-full-answer-repeated": Fault(
        items(whole_again),
        "stream.content-increments",
        r"the last delta is the whole text again",
        also=breaking("logprobs", "nothing-added"),
    ),
    "1-40-lost-data-prefix-on-rewrite": Fault(
        items(bare_tail),
        "stream.field-names",
        r"got .*chatcmpl",
        also=breaking("done-once", "finish-once"),
    ),
    "1-41-callback-split-dropped": Fault(
        items(dropped_events),
        "stream.logprobs",
        r"16 tokens",
        also=frozenset({"stream.nothing-lost"}),
        has_no_place=True,
    ),
    "1-45-stream-ignored-always-sse": Fault(
        Deployment(script=always_a_stream),
        "completion.stream-declined",
        r"one JSON document; got an event stream",
        only=("completion.stream-declined",),
        has_no_place=True,
    ),
    "1-46-bom on a JSON body": Fault(
        Deployment(script=bom_on_json),
        "completion.json",
        r"byte order mark",
        only=("completion.json",),
        has_no_place=True,
    ),
    "1-50-chunk-after-finish": Fault(
        after_finish(lambda last: {**with_choice(last, delta={}, finish_reason=None), "created": last["created"] - 1}),
        "stream.nothing-after-finish",
        r"nothing of choice 0 after its finish_reason",
        also=breaking("created-constant"),
    ),
    "1-51-whitespace-delta-dropped": Fault(
        each(lambda item: with_text(item, str.strip), has_text),
        "stream.whitespace",
        r"white space .*; got 0% of the text",
        also=breaking("logprobs"),
        has_no_place=True,
    ),
    "1-52-no-data-prefix": Fault(
        each(lambda item: encoded(item).removeprefix(b"data: ").rstrip(), lambda item: True),
        "stream.field-names",
        r"got .*chatcmpl",
        also=breaking("done-once", "not-empty"),
    ),
    "1-53-old-llamacpp-dialect": Fault(
        items(lambda good, _: [*half(good), b'error: {"code":500,"message":"too long"}\n\n', "[DONE]"]),
        "stream.field-names",
        r"got .*error",
        also=breaking("finish-once", "usage-when-asked"),
    ),
    "2-01-finish-empty-string": Fault(
        each(lambda item: item if is_finish(item) else with_choice(item, finish_reason="")),
        "stream.finish-reason",
        r"null, or one of .*; got the finish_reason ''",
        also=breaking("chunk.*"),
    ),
    "2-03-finish-string-null": Fault(
        each(lambda item: item if is_finish(item) else with_choice(item, finish_reason="null")),
        "stream.finish-reason",
        r"got the finish_reason 'null'",
        also=breaking("chunk.*"),
    ),
    "2-04-finish-nonenum": Fault(
        each(lambda item: with_choice(item, finish_reason="eos"), is_finish),
        "stream.finish-reason",
        r"got the finish_reason 'eos'",
        also=breaking("assembled", "chunk.*", "finish-reason-length"),
    ),
    "2-05-finish-on-first-chunk": Fault(
        items(lambda good, _: [with_choice(good[0], finish_reason="stop"), *good[1:]]),
        "stream.nothing-after-finish",
        r"nothing of choice 0 after its finish_reason; got another delta",
        also=breaking("finish-once", "finish-reason-length"),
    ),
    "2-06-finish-twice": Fault(
        after_finish(lambda last: with_choice(last, finish_reason="stop")),
        "stream.finish-once",
        r"one finish_reason for choice \d; got a further one",
    ),
    "2-14-id-differs-per-chunk": Fault(
        items(numbered_ids),
        "stream.id-constant",
        r"the same id in every chunk, 'chatcmpl-\d+-0'; got the id 'chatcmpl-\d+-1'",
    ),
    "2-15-id-empty": Fault(
        each(lambda item: {**item, "id": ""}),
        "stream.id-constant",
        r"not empty; got the id ''",
        also=breaking("assembled"),
    ),
    "2-16-index-per-token": Fault(
        items(counting_index),
        "stream.index-range",
        r"the index 0, .*; got the index 1",
        also=breaking("finish-once"),
    ),
    "2-17-index-const-n2": Fault(
        each(lambda item: with_choice(item, index=0), lambda item: bool(choices_of(item))),
        "stream.index-range",
        r"chunks for each index from 0 to 1; got none for choice 1",
        also=breaking("finish-once"),
    ),
    "2-20-data-null": Fault(
        before_finish("null"), "stream.event-kind", r"a chunk object.*; got the data 'null'", also=breaking("chunk.*")
    ),
    "2-21-object-wrong": Fault(
        each(lambda item: {**item, "object": "chat.completion"}),
        "stream.object",
        r"chat.completion.chunk in every chunk; got .*'chat.completion'",
        also=breaking("assembled", "chunk.*"),
    ),
    "2-22-object-missing": Fault(
        each(lambda item: {name: item[name] for name in item if name not in {"object", "created", "model"}}),
        "stream.object",
        r"got no object",
        also=breaking("assembled", "chunk.*", "created-constant", "model-constant"),
    ),
    "2-24-role-empty": Fault(
        items(
            lambda good, request: [
                *(with_choice(item, delta={"role": "", "content": ""}) for item in good[: request.n]),
                *good[request.n :],
            ]
        ),
        "stream.role",
        r"the role assistant .*; got the role ''",
        also=breaking("chunk.*", "equivalent"),
    ),
    "2-27-role-never": Fault(
        items(lambda good, request: good[request.n :]), "stream.role-first", r"the role in the first delta of choice 0"
    ),
    "2-34-model-null-chunk": Fault(
        each(lambda item: {**item, "model": None}),
        "stream.model-constant",
        r"model in every chunk.*; got the model null",
        also=breaking("assembled", "chunk.*"),
    ),
    "2-35-first-stop-index0": Fault(
        items(wrong_finish_index),
        "stream.finish-once",
        r"one finish_reason for choice 0",
    ),
    "2-38-finish-dup-usage-chunk": Fault(
        items(
            lambda good, request: [
                {**item, "choices": choices_of(good[-3])} if item is good[-2] and request.wants_usage else item
                for item in good
            ]
        ),
        "stream.finish-once",
        r"one finish_reason for choice \d; got a further one",
    ),
    "2-41-usage-chunk-nonempty-choices": Fault(
        items(
            lambda good, request: [
                {**item, "choices": [{"index": 0, "delta": {}, "finish_reason": None}]}
                if item is good[-2] and request.wants_usage
                else item
                for item in good
            ]
        ),
        "stream.usage-choices-empty",
        r"`choices: \[\]` in the usage chunk; got choices",
    ),
    "2-43-extra-usage-chunk-twice": Fault(
        items(usage_twice), "stream.usage-when-asked", r"one usage for the whole stream; got a second one"
    ),
    "2-46-finish-error-literal": Fault(
        each(lambda item: with_choice(item, finish_reason="error"), is_finish),
        "stream.finish-reason",
        r"got the finish_reason 'error'",
        also=breaking("assembled", "chunk.*", "finish-reason-length"),
    ),
}


PLACE = r"^[a-z]+/[a-z-]+#1(, event \d+)?(, byte \d+)?, \d+ ms: expected "
"""Where a finding about the bytes of a stream begins; what is seen in the header has no event and no offset."""


@pytest.mark.parametrize(("name", "fault"), FAULTS.items(), ids=FAULTS.keys())
def test_a_fault_is_found_by_the_requirement_that_it_breaks(name: str, fault: Fault, tmp_path: Path) -> None:
    # The first family is about framing.
    only = ALL_BUT_THE_SCHEMA if name.startswith("1-") and fault.only == ("stream.*",) else fault.only
    limits = QUICK if fault.found_by == "stream.ends" else PATIENT
    judgements = judge(fault.deployment, tmp_path, only, limits, exclude=WAITING)
    assert broken(judgements) == {fault.found_by, *fault.also}
    message = judgements[fault.found_by].messages[0]
    assert re.search(fault.message, message), message
    assert fault.has_no_place or re.match(PLACE, message), message
    # What depends on what is broken is not passed for want of evidence.
    for other, why in troubled(judgements).items():
        assert judgements[other].outcome == "blocked", (other, why)
