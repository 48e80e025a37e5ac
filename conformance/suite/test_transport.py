"""Transport: how every HTTP message of the target is framed and coded, and whether that is true."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.probes import Probe
from conformance.probes.completions import WHOLE
from conformance.suite.expect import Expect
from conformance.suite.marks import requirement
from conformance.suite.observations import Answered, Observations
from conformance.suite.transport_judging import (
    judge_bodies,
    judge_closings,
    judge_ends,
    judge_head_sizes,
    judge_heads,
    judge_lengths,
    require_own_connections,
)

EVERY_ANSWER = "*"
ON_ONE_CONNECTION = (
    *(
        "completion/stream-false",
        "stream/multibyte",
        "stream/*-on-connection",
        "stream/again",
        "stream/one-token",
        WHOLE,
    ),
    "robustness/*-on-connection",
)
"""Probes that are sent one after another over one connection."""


@requirement("transport.body-complete", EVERY_ANSWER)
def test_every_answer_ends_as_its_framing_says(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    judge_ends(probes, observations, expect)


@requirement("transport.length-truthful", EVERY_ANSWER)
def test_content_length_is_the_length_of_the_content(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    judge_lengths(probes, observations, expect)


@requirement("transport.single-framing", EVERY_ANSWER)
def test_the_length_of_a_body_is_given_in_one_way(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    judge_bodies(answers, observations, expect)


@requirement("transport.single-message", EVERY_ANSWER)
def test_no_body_has_another_message_in_it(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    judge_bodies(answers, observations, expect)


@requirement("transport.content-encoding", EVERY_ANSWER)
def test_the_body_is_coded_as_it_says(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    judge_bodies(answers, observations, expect)


@requirement("transport.content-encoding-accepted", EVERY_ANSWER)
def test_no_content_coding_is_used_that_was_not_accepted(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    judge_bodies(answers, observations, expect)


@requirement("transport.deflate-wrapped", EVERY_ANSWER)
def test_deflate_is_in_the_zlib_format(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    judge_bodies(answers, observations, expect)


@requirement("transport.content-bounded", EVERY_ANSWER)
def test_a_coded_body_does_not_explode(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    judge_bodies(answers, observations, expect)


# --- the head as it was received, before any parser was lenient ---


@requirement("transport.status-line", EVERY_ANSWER)
def test_every_answer_begins_with_a_status_line(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    judge_heads(observations, expect, probes)


@requirement("transport.line-ends", EVERY_ANSWER)
def test_every_line_of_a_header_ends_in_cr_lf(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    judge_heads(observations, expect, probes)


@requirement("transport.field-lines", EVERY_ANSWER)
def test_every_field_is_a_name_and_a_value(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    judge_heads(observations, expect, probes)


@requirement("transport.no-folding", EVERY_ANSWER)
def test_no_field_continues_on_the_next_line(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    judge_heads(observations, expect, probes)


@requirement("transport.singleton-fields", EVERY_ANSWER)
def test_a_field_that_is_not_a_list_appears_once(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    judge_heads(observations, expect, probes)


@requirement("transport.hop-by-hop", EVERY_ANSWER)
def test_fields_about_a_connection_are_not_forwarded(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    require_own_connections(observations)
    judge_heads(observations, expect, probes)


@requirement("transport.close-announced", *ON_ONE_CONNECTION)
def test_the_end_of_a_connection_is_announced(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    judge_closings(answers, observations, expect)


@requirement("transport.transfer-coding", EVERY_ANSWER)
def test_the_only_transfer_coding_is_chunked(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    judge_heads(observations, expect, probes)


@requirement("transport.bodiless", EVERY_ANSWER)
def test_an_answer_that_cannot_have_a_body_has_no_framing(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    judge_heads(observations, expect, probes)


@requirement("transport.head-bounded", EVERY_ANSWER)
def test_a_client_can_hold_every_head(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    judge_head_sizes(probes, observations, expect)
