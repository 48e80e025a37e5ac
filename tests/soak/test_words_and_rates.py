"""Each request has a word of its own, and follows from its number; rates have their exact intervals."""

from __future__ import annotations

import pytest
from soak_samples import soak_mixture, soak_run

from conformance.probes.canaries import WORDS, canaries_in, number_of, numbered_word
from conformance.soak.mixture import OWN_WORD, WEIGHTS, Mixture, mixture_of
from conformance.soak.rates import rarest_found, rate_of
from conformance.targets import TargetError

SEED = 7


@pytest.fixture(scope="module")
def mixture() -> Mixture:
    return soak_mixture(SEED)


def test_a_word_gives_the_number_of_its_request_to_whoever_knows_the_seed() -> None:
    words = [numbered_word(SEED, number) for number in (0, 1, 4711, 2**32 - 1)]
    assert [number_of(SEED, word) for word in words] == [0, 1, 4711, 2**32 - 1]
    assert len({*map(len, words)}) == 1
    assert canaries_in(f"so ({words[2]}), then") == {words[2]}
    assert number_of(SEED + 1, words[2]) is None


def test_what_a_model_makes_of_a_word_by_mistake_is_nobodys() -> None:
    word = numbered_word(SEED, 5)
    garbled = [word[:-2], f"{word}ba", word.replace(word[-2:], "xx"), word[:7] + word[9:11] + word[7:9] + word[11:]]
    changed = [word[:place] + other + word[place + 2 :] for place in range(7, len(word), 2) for other in ("wi", "ha")]
    assert {number_of(SEED, one) for one in (*garbled, *changed, *WORDS) if one != word} == {None}


def test_the_nth_request_is_the_same_whoever_sends_it(mixture: Mixture) -> None:
    again = soak_mixture(SEED)
    assert [mixture.request(number) for number in range(50)] == [again.request(number) for number in range(50)]
    bodies = [str(mixture.request(number).body) for number in range(200)]
    assert all(numbered_word(SEED, number) in body for number, body in enumerate(bodies))


def test_requests_come_as_often_as_their_weights_say(mixture: Mixture) -> None:
    names = [mixture.request(number).name for number in range(2_000)]
    for name, weight in WEIGHTS.items():
        assert names.count(name) == pytest.approx(20 * weight, abs=80), name
    assert mixture.name_of(3) == f"{names[3]}#4"
    assert OWN_WORD in names


def test_more_requests_than_there_are_words_are_refused() -> None:
    with pytest.raises(TargetError, match="at most 4,294,967,296 requests"):
        mixture_of(soak_run(), SEED, 2**32 + 1)


def test_intervals_are_exact_and_what_was_never_seen_has_the_rule_of_three() -> None:
    pytest.importorskip("scipy")
    never = rate_of(0, 3_000)
    assert never.low == 0.0
    assert never.high == pytest.approx(1 - 0.05 ** (1 / 3_000))
    assert never.high == pytest.approx(3 / 3_000, rel=0.01)
    # Published examples of the method: 7 of 20, and 1 of 500.
    seen = rate_of(7, 20)
    assert [seen.low, seen.high] == pytest.approx([0.1539, 0.5922], abs=1e-4)
    rare = rate_of(1, 500)
    assert rare.low < 1 / 500 < rare.high
    assert rate_of(0, 0).high == 1.0
    assert 1 - (1 - 1 / 1_000) ** 3_000 > 0.95, "one stream in 1,000 is found in 3,000"
    assert rarest_found(3_000) < 1 / 1_000
