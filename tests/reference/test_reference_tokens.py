from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from conformance.reference.stop_sequences import StopGate
from conformance.reference.tokens import TokenMeter, count_tokens, split_tokens

TEXTS = st.text(alphabet=st.one_of(st.sampled_from("ab \n\u0301\u200d\U0001f1e9👩🏽字"), st.characters(codec="utf-8")))


@given(TEXTS)
def test_tokens_join_to_the_text(text: str) -> None:
    assert "".join(split_tokens(text)) == text
    assert all(0 < len(token) <= 48 for token in split_tokens(text))


@given(TEXTS, st.data())
def test_all_tokens_except_the_last_are_final(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    decided = split_tokens(text[:cut])[:-1]
    assert split_tokens(text)[: len(decided)] == decided


def test_a_grapheme_is_not_torn() -> None:
    for cluster in ("👩‍👩‍👧‍👦", "🇩🇪", "e\u0301", "👍🏽"):
        for before in range(12):
            tokens = split_tokens("x" * before + cluster + "y")
            assert any(cluster in token for token in tokens)


@given(st.lists(TEXTS), st.integers(1, 12))
def test_a_meter_admits_the_first_tokens_however_the_text_is_cut(pieces: list[str], limit: int) -> None:
    meter = TokenMeter(limit)
    admitted = ""
    for piece in pieces:
        admitted += meter.admit(piece)
        if meter.exhausted:
            break
    text = "".join(pieces)
    assert admitted == "".join(split_tokens(text)[:limit])
    assert meter.count == count_tokens(admitted)
    assert meter.exhausted == (count_tokens(text) > limit)


@given(
    st.lists(st.text("ab", max_size=4)),
    st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=3),
)
def test_nothing_of_a_stop_sequence_is_sent_however_the_text_is_cut(pieces: list[str], stops: list[str]) -> None:
    gate = StopGate(stops)
    shown: list[str] = []
    for piece in pieces:
        shown += gate.feed(piece)
        if gate.stopped:
            break
    else:
        shown += gate.flush()
    text = "".join(pieces)
    # As a model would have been stopped: after the first character that completes a sequence.
    ends = [end for end in range(len(text) + 1) if any(text[:end].endswith(stop) for stop in stops)]
    if ends:
        begins = min(ends[0] - len(stop) for stop in stops if text[: ends[0]].endswith(stop))
        assert "".join(shown) == text[:begins]
    else:
        assert "".join(shown) == text
    assert gate.stopped == bool(ends)
