"""Draws how long answers took at each level of concurrency, and how much memory the soak had."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

WIDTH, HEIGHT, FOOT, LEFT = 640, 220, 24, 56
"""The picture in its units; below it are the levels, on its left the times."""
_BOX: Final = 0.5
"""How much of its column a box takes."""
WORDS: Final = {
    ("stream", "first-byte"): "Streams: until the first byte",
    ("stream", "gap"): "Streams: between two events with text",
    ("stream", "total"): "Streams: until the end",
    ("whole", "first-byte"): "Whole answers: until the first byte",
    ("whole", "total"): "Whole answers: until the end",
}


@dataclass(frozen=True, slots=True)
class Box:
    """The answers of one level: a box from the median to the 99th percentile, and a line through all of them."""

    label: str
    middle: float
    left: float
    width: float
    median: float
    most: float
    tall: float
    line_top: float
    line_bottom: float
    words: str


@dataclass(frozen=True, slots=True)
class TimesPicture:
    """One picture, the figures in it, and the lines of its scale with the seconds that they stand for."""

    title: str
    boxes: tuple[Box, ...]
    lines: tuple[tuple[float, float], ...]
    rows: tuple[Mapping[str, Any], ...]


def times_pictures(times: Iterable[Mapping[str, Any]]) -> list[TimesPicture]:
    """A picture for each thing that was measured, from the record."""
    known: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in times:
        known.setdefault((one["kind"], one["what"]), []).append(one)
    return [_picture(title, known[key]) for key, title in WORDS.items() if key in known]


def _picture(title: str, rows: Sequence[Mapping[str, Any]]) -> TimesPicture:
    low = math.floor(min(_log(one["least"]) for one in rows))
    high = max(math.ceil(max(_log(one["most"]) for one in rows)), low + 1)

    def height(seconds: float) -> float:
        return round(HEIGHT * (high - _log(seconds)) / (high - low), 1)

    column = (WIDTH - LEFT) / len(rows)
    boxes = []
    for number, one in enumerate(rows):
        left = LEFT + column * (number + (1 - _BOX) / 2)
        median, most = height(one["p50"]), height(one["p99"])
        boxes.append(
            Box(
                label=_level(one["level"]),
                middle=round(left + column * _BOX / 2, 1),
                left=round(left, 1),
                width=round(column * _BOX, 1),
                median=median,
                most=most,
                tall=max(round(median - most, 1), 1.0),
                line_top=height(one["most"]),
                line_bottom=height(one["least"]),
                words=f"{_level(one['level'])} at once: {one['count']:,} measured",
            )
        )
    lines = tuple((height(10.0**power), 10.0**power) for power in range(low, high + 1))
    return TimesPicture(title, tuple(boxes), lines, tuple({**one, "label": _level(one["level"])} for one in rows))


def _level(level: int) -> str:
    return "1" if level == 1 else f"{level}-{2 * level - 1}"


def _log(seconds: float) -> float:
    return math.log10(max(seconds, 1e-6))


@dataclass(frozen=True, slots=True)
class MemoryPicture:
    """The memory of each worker over time, as a path, and what the edges of the picture stand for."""

    paths: tuple[str, ...]
    most_mib: float
    seconds: float


def memory_picture(workers: Sequence[Mapping[str, Any]]) -> MemoryPicture | None:
    """The picture of memory, from the record; None where it was not measured twice."""
    drawn = [one["memory"] for one in workers if len(one["memory"]) > 1]
    if not drawn:
        return None
    most = max(sample["mib"] for samples in drawn for sample in samples) * 1.1
    seconds = max(samples[-1]["at"] for samples in drawn) or 1.0
    paths = tuple(
        "M"
        + "L".join(
            f"{LEFT + (WIDTH - LEFT) * one['at'] / seconds:.1f} {HEIGHT * (1 - one['mib'] / most):.1f}"
            for one in samples
        )
        for samples in drawn
    )
    return MemoryPicture(paths, most, seconds)
