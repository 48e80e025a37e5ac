"""The forty held-out faults, each of a kind (A to N) of which public reports tell; no check is written against them."""

from __future__ import annotations

from faults_of_answers import ANSWER_FAULTS
from faults_of_requests import REQUEST_FAULTS
from faults_of_the_way import WAY_FAULTS
from held_out import HeldOut

KINDS = {
    "A": "a combination breaks",
    "B": "served, but not read",
    "C": "a stream that says more, or otherwise",
    "D": "usage against the suite's own limits",
    "E": "only one client is ever imitated",
    "F": "everything is small",
    "G": "keys",
    "H": "no limit asked",
    "I": "log probabilities against themselves",
    "J": "official fields outside the subset",
    "K": "reasoning in the text",
    "L": "the last of many",
    "M": "messages of the wire that nobody sends",
    "N": "what an error shows",
}

FAULTS: tuple[HeldOut, ...] = tuple(sorted((*REQUEST_FAULTS, *ANSWER_FAULTS, *WAY_FAULTS), key=lambda one: one.kind))
