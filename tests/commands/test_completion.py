"""A shell completes profiles, requirement ids, targets, releases and faults; a broken file offers nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import CLI, call

pytestmark = pytest.mark.process


def offered(folder: Path, *words: str) -> list[str]:
    """What is offered for the last of the words."""
    done = call(
        CLI,
        folder,
        COMP_WORDS=" ".join(("chat-conformance", *words)),
        COMP_CWORD=str(len(words)),
        _CHAT_CONFORMANCE_COMPLETE="bash_complete",
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (("run", "ko"), ["kodexa"]),
        (("requirements", "lo"), ["loop-health"]),
        (("run", "openai", "--only", "stream.done-o"), ["stream.done-once"]),
        (("run", "--target", "st"), ["staging"]),
        (("run", "--config", "other.toml", "--target", ""), ["elsewhere"]),
        (("run", "--target", "staging", "--only", "request.brand_id.req"), ["request.brand_id.required"]),
        (("run", "openai", "--release", "2026.11.0"), ["2026.11.0"]),
        (("explain", "error.envel"), ["error.envelope", "error.envelope-elsewhere"]),
        (("serve", "openai", "--fault", "stream-end.done-missing-"), ["stream-end.done-missing-and-open"]),
        (("init", "--profile", "o"), ["openai"]),
    ],
)
def test_what_is_known_is_offered(tmp_path: Path, words: tuple[str, ...], some: list[str]) -> None:
    (tmp_path / "conformance.toml").write_text('[targets.staging]\nbase_url = "http://h"\nprofile = "loop-health"\n')
    (tmp_path / "other.toml").write_text('[targets.elsewhere]\nbase_url = "http://h"\n')
    assert offered(tmp_path, *words) == some


@pytest.mark.parametrize("text", ["[targets", "targets = 5", "\x00"])
def test_a_broken_file_offers_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "conformance.toml").write_text(text)
    assert offered(tmp_path, "run", "--target", "s") == []
