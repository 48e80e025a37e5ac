"""Faults of the text of a stream as a whole: out of order, begun again, cut at a size, of one choice alone."""

from __future__ import annotations

from conformance.reference.faults.actions import fault_action
from conformance.reference.faults.on_chunks import Item, choices_of, selected, with_items
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CompletionRequest


@fault_action("texts.begin-again")
def begin_again(hooks: Hooks, after: int) -> Hooks:
    """Sends the first so many events with text, and then the whole text, as a fallback does that takes over."""

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        texts = selected(items, "text")
        if len(texts) <= after:
            return items
        return [*items[: texts[0]], *(items[number] for number in texts[:after]), *items[texts[0] :]]

    return with_items(hooks, change)


@fault_action("texts.swap")
def swap(hooks: Hooks, every: int = 3) -> Hooks:
    """Exchanges each so-many-th event with text with the one after it."""

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        changed, texts = list(items), selected(items, "text")
        for first, second in zip(texts[::every], texts[1::every], strict=False):
            changed[first], changed[second] = changed[second], changed[first]
        return changed

    return with_items(hooks, change)


@fault_action("texts.cut-choice")
def cut_choice(hooks: Hooks, index: int, keep: int) -> Hooks:
    """Leaves out all text of one choice after its first so many events."""

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        own = [number for number in selected(items, "text") if choices_of(items[number])[0].get("index") == index]
        return [item for number, item in enumerate(items) if number not in own[keep:]]

    return with_items(hooks, change)


@fault_action("texts.stop-at")
def stop_at(hooks: Hooks, events: int | None = None, size: int | None = None) -> Hooks:
    """Sends no more than so many events, or bytes of events, of a stream: nothing follows them."""
    encode = hooks.stages.encode_event

    def change(items: list[Item], _: CompletionRequest) -> list[Item]:
        sent, kept = 0, []
        for item in items[:events]:
            sent += len(encode(item))
            if size is not None and sent > size:
                break
            kept.append(item)
        return kept

    return with_items(hooks, change)
