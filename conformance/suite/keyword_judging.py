"""Judges a requirement that was derived from one schema keyword over the JSON values of answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from conformance.contract.model import Requirement
from conformance.reading import keyword_key
from conformance.suite.expect import DoesNotApply, Expect, NotTestable
from conformance.suite.readers import Readers


def judge_instances(row: Requirement, instances: Iterable[tuple[str, Any]], readers: Readers, expect: Expect) -> None:
    """Judge JSON values (by the id of their exchange) by one keyword of their schema.

    Raises:
        NotTestable: above the keyword's place a member is missing or has the wrong type, against a MUST.
        DoesNotApply: no value has that place, and none must have it.
    """
    keyword = row.keyword
    assert keyword is not None
    key = keyword_key(keyword)
    in_the_way: list[tuple[str, str]] = []
    for exchange, instance in instances:
        judged = readers.judged(keyword.location, instance)
        if key not in judged.reached:
            in_the_way += [
                (f"{exchange}: {one.actual} at {one.instance_path or 'the root'}", exchange)
                for one in judged.deviations
                if hides(one.pointer, one.name, keyword.pointer) and readers.binds(keyword.location, one.key)
            ]
            continue
        broken = [one for one in judged.deviations if one.key == key]
        if not broken:
            expect.looked_at(exchange)
        for one in broken:
            place = f"{one.instance_path}: " if one.instance_path else ""
            expect(False, exchange, expected=f"{place}{one.expected}", actual=one.actual)
    if not expect.judged:
        if in_the_way:
            raise NotTestable(*in_the_way[0])
        raise DoesNotApply(f"no answer has a value that `{keyword.name}` at {keyword.pointer} applies to")


def hides(pointer: str, name: str | None, place: str) -> bool:
    """Whether a broken keyword explains why there is no value at a place: a missing member or a wrong type above it."""
    parent = pointer.rsplit("/", 1)[0]
    if name is not None:
        return place.startswith(f"{parent}/properties/{name}/")
    return pointer.endswith("/type") and place.startswith(f"{parent}/") and place != pointer
