"""Kills runs at a moment and resumes them: nothing may be lost, sent twice or corrupt."""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from command_line import CLI, results, start, wait_for_lines

from conformance.evidence import EvidenceError, read_evidence
from conformance.reference import EmbeddedReference

BUSY = "another run is writing to out"


@dataclass
class Kills:
    """Runs of a tier against one slow reference deployment."""

    reference: EmbeddedReference
    tier: str = "standard"

    @property
    def _environment(self) -> dict[str, str]:
        return {"CONFORMANCE_API_KEY": self.reference.api_key, "CONFORMANCE_MODEL": str(self.reference.model)}

    @property
    def _command(self) -> tuple[str, ...]:
        return (*CLI, "run", "openai", "--base-url", self.reference.base_url)

    def killed(self, folder: Path, lines: int, chance: random.Random) -> int:
        """Begin a run, and kill it some time after its evidence has so many lines; gives its whole lines then."""
        evidence = folder / "out" / "evidence" / "exchanges.jsonl"
        with start((*self._command, "--tier", self.tier, "--out", "out"), folder, **self._environment) as running:
            wait_for_lines(evidence, lines)
            try:
                running.wait(chance.random() * 0.05)
            except Exception:  # noqa: BLE001 - it still runs, as it is meant to
                running.send_signal(signal.SIGKILL)
            running.communicate(timeout=60)
        return evidence.read_bytes().count(b"\n")

    def resumed(self, folder: Path, at_once: int = 1) -> Iterator[str]:
        """Resume a run, by several processes at once; gives what is wrong afterwards."""
        before = read_evidence(folder / "out" / "evidence").exchanges
        command = (*self._command, "--resume", "out")
        running = [start(command, folder, **self._environment) for _ in range(at_once)]
        ended = [(one.communicate(timeout=240), one.returncode) for one in running]
        statuses = sorted(status for _, status in ended)
        refused = [err for (_, err), status in ended if status == 2]
        if statuses.count(0) < 1 or any(status not in {0, 2} for status in statuses):
            yield f"exit {statuses}: {ended}"
        if not all(BUSY in err for err in refused):
            yield f"refused with {refused}"
        try:
            after = read_evidence(folder / "out" / "evidence")
        except EvidenceError as error:
            yield f"corrupt: {error}"
            return
        if after.exchanges[: len(before)] != before:
            yield "what was seen before is not there any more"
        twice = [name for name, count in Counter(one.probe for one in after.exchanges if one.last).items() if count > 1]
        if twice:
            yield f"sent twice: {twice}"
        if not after.complete or after.interrupted:
            yield "the evidence is not complete"
        if results(folder / "out").get("verdict") != "conformant":
            yield "the verdict is not that of a whole run"
