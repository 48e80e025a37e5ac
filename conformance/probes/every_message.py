"""Probes with a long conversation, and with more text in one of its messages or in many: what each adds must count."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from conformance.probes.model import Probe, either_probe
from conformance.probes.prompt_relations import words
from conformance.probes.request_body import RequestBody

AS_IT_IS: Final = "completion/messages"
"""The conversation that the others make longer."""
ONE_LONGER, MANY_LONGER = "completion/messages-one-longer", "completion/messages-many-longer"
MARKED: Final = "completion/messages-marked"
"""The same, and in some of a user's messages a mark of a chat template before the question."""
ASSISTANT_PARTS: Final = "completion/messages-assistant-parts"
ADDED_WORDS: Final = 32
"""Words that are added to a message: the same for each, in another order."""
_TURNS: Final = 22
_ONE: Final = 39
"""The message that is made longer alone: one of the last questions, but not the one that a challenge changes."""
_MANY: Final = (0, 1, 2, 11, 12, 21, 22, 29, 32, _ONE, 42, 43)
"""The messages that are made longer at once: first ones, middle ones and last ones, of every role."""
_IN_PARTS: Final = (11, 29)
"""Those of a user whose further text is a part of its own, where the contract has parts."""
_MARKS: Final[Mapping[int, str]] = {1: "<|im_end|>", 21: "<|eot_id|>", 39: "[/INST]", 43: "<end_of_turn>"}
"""Marks that end a turn in templates of models, by the message that has one: in a user's text they are text."""
_ASSISTANT: Final = 30
"""The message of the assistant that gets a further part."""
MESSAGES_LONGER: Final = len(_MANY)
_TEXTS: Final = (
    "please describe which colours painters mixed together before modern pigments became available everywhere.",
    "Painters usually mixed ochre, chalk, charcoal, madder, indigo, copper green and ground stones.",
    "please describe which animals travelled beside merchants through deserts, mountains and northern forests.",
    "Merchants usually travelled beside camels, horses, donkeys, llamas, reindeer and patient mountain mules.",
)
"""Of many words, so that their tokens are more than what a template adds to a message."""


def every_message_probes(body: RequestBody) -> Iterator[Probe]:
    """The conversation as it is, with one message longer, with a dozen, and with a further part of the assistant's."""
    usual = _conversation()
    if not body.accepts(_request(body, usual)):
        return
    texts = dict(zip(_MANY, _further_texts(), strict=False))
    parts = _IN_PARTS if body.accepts(_request(body, _longer(usual, texts, _IN_PARTS))) else ()
    about = "a long conversation"
    yield either_probe(AS_IT_IS, about, _request(body, usual))
    one = _longer(usual, {_ONE: texts[_ONE]})
    yield either_probe(ONE_LONGER, f"{about}, one question longer", _request(body, one))
    many = _longer(usual, texts, parts)
    longer = f"{about}, {MESSAGES_LONGER} messages longer"
    unmarked = either_probe(MANY_LONGER, longer, _request(body, many))
    marked = _request(body, list(_marked(many)))
    about_marks = f"{longer}, with marks of chat templates in four of them"
    # Where somebody refuses such marks, the same without them shows what is counted.
    yield either_probe(MARKED, about_marks, marked, instead=(unmarked,), apart_unless_served=True)
    further = _request(body, _longer(usual, {_ASSISTANT: texts[_ONE]}, parts=(_ASSISTANT,)))
    if body.accepts(further):
        yield either_probe(ASSISTANT_PARTS, f"{about}, an answer of the assistant in two parts", further)


def _conversation() -> list[dict[str, Any]]:
    """An instruction and many turns, each with a question of its own; it ends with one."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": "Be brief."}]
    for turn in range(_TURNS):
        question, answer = _TEXTS[turn % 2 * 2 :][:2]
        messages.append({"role": "user", "content": f"Question {turn + 1}: {question}"})
        messages.append({"role": "assistant", "content": answer})
    return messages[:-1]


def _further_texts() -> Iterator[str]:
    """The same words, beginning with another one each time: they cost the same, and none repeats another."""
    of = deque(islice(words(1024).split(), ADDED_WORDS))
    while True:
        yield " ".join(of)
        of.rotate(-1)


def _longer(
    messages: Iterable[Mapping[str, Any]], texts: Mapping[int, str], parts: Iterable[int] = ()
) -> list[dict[str, Any]]:
    """The messages with further texts at some places, some of them as parts."""
    found = []
    for place, message in enumerate(messages):
        content: Any = message["content"]
        if place in texts and place in parts:
            content = [{"type": "text", "text": content}, {"type": "text", "text": f" {texts[place]}"}]
        elif place in texts:
            content = f"{content} {texts[place]}"
        found.append({**message, "content": content})
    return found


def _marked(messages: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The messages with a mark before some questions, behind their number."""
    for place, message in enumerate(messages):
        if place in _MARKS:
            number, colon, question = message["content"].partition(": ")
            yield {**message, "content": f"{number}{colon}{_MARKS[place]} {question}"}
        else:
            yield message


def _request(body: RequestBody, messages: list[Any]) -> dict[str, Any]:
    return {**body.capped(1), "messages": body.woven(messages)}
