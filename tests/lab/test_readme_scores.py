"""The README's table of scores is made by a command: it has the command's form, or is still empty."""

from __future__ import annotations

from pathlib import Path

from conformance.lab.scores import BEGIN, END, with_columns_of, with_scores

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


def test_a_table_without_other_tools_keeps_their_columns() -> None:
    head = ["profile", "faults", "caught", "variations", "alarms", "requirements", "killed"]
    old = [[*head, "a tool"], ["---"] * 8, ["`a`", *"123456", "7 of 8"], ["each counted once", *"123456", ""]]
    new = [head, ["---"] * 7, ["`a`", *"234567"], ["`b`", *"111111"], ["each counted once", *"345678"]]
    text = f"{BEGIN}\n\n{_table(old)}\n\n{END}"
    assert with_columns_of(text, _table(new)) == _table(
        [
            [*head, "a tool"],
            ["---"] * 8,
            ["`a`", *"234567", "7 of 8"],
            ["`b`", *"111111", ""],
            ["each counted once", *"345678", ""],
        ]
    )


def _table(rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)
