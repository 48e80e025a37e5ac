"""The README's table of scores is made by a command: it has the command's form, or is still empty."""

from __future__ import annotations

from pathlib import Path

from conformance.lab.scores import BEGIN, END, with_scores

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_has_one_block_for_the_scores() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    assert with_scores(text, "| a table |", README).count("| a table |") == 1


def test_the_block_contains_the_table_of_the_command() -> None:
    block = README.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip()
    rows = [line.split("|")[1:-1] for line in block.splitlines()]
    assert not rows or [cell.strip() for cell in rows[0]][:3] == ["profile", "faults", "caught"]
    assert len({len(row) for row in rows}) <= 1
    assert not rows or rows[-1][0].strip() == "each counted once"
