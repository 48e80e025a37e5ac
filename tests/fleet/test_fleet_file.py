"""FLEET.toml: which runs it asks for, what travels to a worker, and what is wrong in which line."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from conformance.contract import ContractError
from conformance.fleet.planning import read_fleet
from conformance.targets import TargetError, read_target

KEY = "sk-of-a-vendor-0123456789"
FLEET = """\
[fleet]
profiles = ["openai", "kodexa"]
tiers = ["smoke", "standard"]
tries = 2

[defaults]
rate = 3

[targets.acme]
base_url = "https://acme.example/v1"
api_key_env = "ACME_API_KEY"

[targets.umbrella]
base_url = "https://umbrella.example/v1"
profile = "openai"
tier = "exhaustive"
max_requests = 50
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "FLEET.toml"


def refusal(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises((TargetError, ContractError)) as caught:
        read_fleet(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message.removeprefix(str(path))


def test_a_target_is_judged_by_its_own_profile_and_tier_or_by_all_of_the_fleet(path: Path) -> None:
    path.write_text(FLEET)
    plan = read_fleet(path)
    assert {(one.target, one.profile, one.tier.value) for one in plan.tasks} == {
        ("acme", "openai", "smoke"),
        ("acme", "openai", "standard"),
        ("acme", "kodexa", "smoke"),
        ("acme", "kodexa", "standard"),
        ("umbrella", "openai", "exhaustive"),
    }
    assert plan.tasks[0].target == "umbrella", "the longest begins first"
    assert plan.tries == 2


def test_limits_of_a_target_are_those_that_its_run_alone_would_have(path: Path) -> None:
    path.write_text(FLEET)
    (task,) = (one for one in read_fleet(path).tasks if one.target == "umbrella")
    limits = task.settings.limits
    assert (limits.rate, limits.max_requests, limits.concurrency) == (3, 50, 16)


def test_the_same_file_serves_a_single_run(path: Path) -> None:
    path.write_text(FLEET)
    assert read_target("acme", path).base_url == "https://acme.example/v1"


def test_what_is_sent_to_a_worker_names_the_variable_and_not_the_key(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_API_KEY", KEY)
    monkeypatch.setenv("CONFORMANCE_API_KEY", KEY)
    path.write_text(FLEET)
    sent = [pickle.dumps(one) for one in read_fleet(path).tasks]
    assert not [one for one in sent if KEY.encode() in one or KEY[5:-5].encode() in one]
    assert any(b"ACME_API_KEY" in one for one in sent)


def test_files_that_judging_needs_travel_with_the_task(path: Path) -> None:
    (path.parent / "waivers.yaml").write_text("[]\n")
    path.write_text(FLEET + 'waivers = "waivers.yaml"\n')
    (task,) = (one for one in read_fleet(path).tasks if one.target == "umbrella")
    assert task.files == {"waivers": b"[]\n"}
    assert str(path.parent) not in str(task.settings.waivers)


def test_the_digest_of_a_run_changes_with_what_its_result_depends_on_and_with_nothing_else(path: Path) -> None:
    def digests(text: str) -> dict[str, str]:
        path.write_text(text)
        return {one.name: one.digest for one in read_fleet(path).tasks}

    before = digests(FLEET)
    assert digests("# a line more\n" + FLEET) == before
    changed = digests(FLEET.replace("max_requests = 50", "max_requests = 51"))
    assert [name for name in before if before[name] != changed[name]] == [name for name in before if "umbrella" in name]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FLEET.replace("tries = 2", "tries = 0"), ":4: tries must be at least 1, not 0."),
        (FLEET.replace("tries = 2", "profile = 2"), ":4: profile is not a setting of [fleet]; did you mean profiles?"),
        (
            FLEET.replace("tries = 2", "rate = 2"),
            ":4: rate is not a setting of [fleet]; it takes key_folder, longest_run, profiles, targets, tiers, tries.",
        ),
        (
            FLEET.replace('"standard"]', '"quick"]'),
            ":3: tiers must be smoke, standard, exhaustive or load, not 'quick'.",
        ),
        (
            FLEET.replace('"kodexa"]', '"openai"]'),
            ":2: profiles must not have an entry twice.",
        ),
        (FLEET.replace('["openai", "kodexa"]', "[]"), ":2: profiles must have one entry at least."),
        (
            FLEET.replace('["openai", "kodexa"]', '["openia"]'),
            ":2: profile 'openia' is not known; it is kodexa, loop-health, openai, or the path of a document.",
        ),
        (
            FLEET.replace("tries = 2", 'targets = ["acne"]'),
            ":4: 'acne' is none of the targets; they are acme, umbrella.",
        ),
        ("[flet]\n" + FLEET, ":1: flet is not known here; did you mean fleet?"),
        (
            FLEET.replace('"ACME_API_KEY"', f'"{KEY}"'),
            ":11: api_key_env must be the name of an environment variable with KEY, TOKEN, SECRET, PASS or CREDENTIAL"
            " in it, never the key itself.",
        ),
        ("[fleet]\n", ":1: there is no target; write one below [targets.NAME], with its base_url."),
    ],
)
def test_a_mistake_is_told_in_one_sentence_with_its_line(path: Path, text: str, message: str) -> None:
    assert refusal(path, text) == message


def test_a_file_that_does_not_exist_is_named(path: Path) -> None:
    with pytest.raises(TargetError, match=r"FLEET\.toml does not exist"):
        read_fleet(path)
