"""The usage of a stream: sent once where the request wants it, after the text, with numbers that add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conformance.quoting import quoted
from conformance.reading.chunks import position_of
from conformance.reading.deviation import DeviationLog, Position
from conformance.reading.event_stream import Event
from conformance.reading.expectations import Expectations


@dataclass(slots=True)
class UsageReader:
    """Follows the usage objects of a stream: `last` is the last one, `count` how many there were."""

    expectations: Expectations
    log: DeviationLog
    last: dict[str, Any] | None = None
    count: int = 0
    _own: int = 0
    """How many chunks had nothing but the usage."""
    _is_final: bool = False
    """Whether a usage came when every choice had finished."""
    _went_on: bool = False
    """Whether a choice went on after the last usage."""
    _last_position: Position | None = None

    def take(self, usage: dict[str, Any], chunk: dict[str, Any], event: Event, *, all_finished: bool) -> None:
        """Takes the usage object of a chunk; `all_finished` says whether every choice has finished by then."""
        self.count += 1
        self.last = usage
        self._last_position = position_of(event)
        self._add_up(usage, event)
        self._is_final = self._is_final or all_finished
        self._went_on = False
        choices = chunk.get("choices")
        if self.expectations.usage is False:
            if choices == [] or (all_finished and not _finishes(choices)):
                expected = "no usage chunk, which the request does not want"
                self.log.note(
                    "stream.usage-absent-unasked", expected, "a chunk with nothing but the usage", position_of(event)
                )
            return
        if self.expectations.usage is None:
            return
        is_own = not choices or (all_finished and not _finishes(choices))
        self._own += is_own
        if is_own and choices:
            actual = f"choices {quoted(choices)}"
            self.log.note("stream.usage-choices-empty", "`choices: []` in the usage chunk", actual, position_of(event))
        if is_own and self._own == 2:
            expected = "one usage for the whole stream"
            self.log.note("stream.usage-when-asked", expected, "a second one", position_of(event))
        elif self.count == 2:
            expected = "usage in one chunk, and null or nothing in all others"
            actual = f"a further usage, {quoted(usage)}"
            self.log.note("stream.usage-nowhere-else", expected, actual, position_of(event))

    def go_on(self) -> None:
        """Takes note that a choice goes on after the last usage."""
        self._went_on = True

    def _add_up(self, usage: dict[str, Any], event: Event) -> None:
        prompt, completion, total = (_tokens(usage, part) for part in ("prompt", "completion", "total"))
        if prompt is None or completion is None or total is None:
            return  # the schema of the chunk reports what is missing
        if prompt + completion != total or min(prompt, completion) < 0:
            expected = "prompt and completion tokens that add up to total_tokens, none negative"
            actual = f"{prompt:g} + {completion:g}, total {total:g}"
            self.log.note("stream.usage-sum", expected, actual, position_of(event))

    def end(self, *, is_whole: bool, text_length: int, position: Position) -> None:
        """Judges what only the end, at `position`, shows; `text_length` counts the characters of all choices."""
        if self.expectations.usage and is_whole and self.count == 0:
            expected = "a usage chunk, which the request wants"
            self.log.note("stream.usage-when-asked", expected, "a stream without usage", position)
        # A choice that never finishes, or never comes, breaks other requirements, and says nothing of the usage.
        if self.expectations.usage and is_whole and self._went_on and not self._is_final:
            expected = "the usage after every choice has finished"
            actual = "a choice that goes on after the last usage"
            self.log.note("stream.usage-after-finish", expected, actual, self._last_position or position)
        completion = None if self.last is None else _tokens(self.last, "completion")
        if completion is None:
            return
        position = self._last_position or position
        if completion == 0 and text_length > 0:
            actual = f"0 completion tokens for {text_length} characters"
            self.log.note("stream.usage-sum", "completion tokens counted where there is text", actual, position)
        limit = self.expectations.max_tokens
        if limit is not None and completion > limit * self.expectations.n:
            expected = f"at most {limit} completion tokens for each of {self.expectations.n} choices"
            self.log.note("stream.max-tokens", expected, f"{completion:g} by the stream's own usage", position)


def _finishes(choices: Any) -> bool:
    """Whether a chunk finishes a choice, which vendors may put the usage beside."""
    return isinstance(choices, list) and any(
        isinstance(entry, dict) and entry.get("finish_reason") is not None for entry in choices
    )


def _tokens(usage: dict[str, Any], part: str) -> int | float | None:
    """A number of tokens in a usage object, None where it has none."""
    value = usage.get(f"{part}_tokens")
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
