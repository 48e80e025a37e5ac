"""Measures the processor time that one answer takes: to search it for secrets, to judge it, and to count it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parents[2]))

from conformance.contract import Tier, load_contract
from conformance.evidence import Redactor
from conformance.reference import EmbeddedReference
from conformance.running.opening import collecting
from conformance.soak.judging import AnswerJudge
from conformance.soak.mixture import mixture_of
from conformance.soak.tally import Tally
from conformance.targets import Limits
from conformance.wire import observe_sync

ANSWERS = 200
_Made = TypeVar("_Made")


def timed(words: str, work: Callable[[], _Made]) -> _Made:
    """Do some work on all answers, and print what it took for each."""
    began = time.process_time()
    made = work()
    print(f"{words:<32} {1000 * (time.process_time() - began) / ANSWERS:.2f} ms")
    return made


def main() -> None:
    contract = load_contract("openai")
    with EmbeddedReference("openai", contract=contract) as reference:
        run = replace(collecting(contract, "openai", Tier.STANDARD), target=reference.target)
        mixture, redactor = mixture_of(run, 1, None), Redactor(reference.target.secrets)
        probes = [mixture.request(number) for number in range(ANSWERS)]
        seen = [
            observe_sync([probe], contract.operation, reference.target, Limits(), lambda one: one).exchanges[-1]
            for probe in probes
        ]
    judge, tally = AnswerJudge(run, mixture), Tally()
    redacted = timed("searching for secrets", lambda: [redactor.exchange(one) for one in seen])
    judged = timed("reading and judging", lambda: [judge.judge(probes[n], n, one) for n, one in enumerate(redacted)])
    timed("counting", lambda: [tally.add(probes[n], one, judged[n], 1) for n, one in enumerate(redacted)])
    tests = sum(len(one.decided) for one in judged) / ANSWERS
    print(f"requirements that an answer decides, on average: {tests:.0f}")


if __name__ == "__main__":
    main()
