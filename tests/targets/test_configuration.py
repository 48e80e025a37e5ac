"""conformance.toml: what it says of a target, and what is wrong with it, and in which line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.contract import ContractError
from conformance.targets import TargetError, read_target
from conformance.targets.toml_lines import toml_lines

GOOD = """\
[defaults]
tier = "smoke"
model = "usual"

[targets.staging]
base_url = "https://host/v1/"
profile = "openai"
model = "own"
api_key_env = "STAGING_API_KEY"
waivers = "w.yaml"
rate = 2
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "conformance.toml"


def refusal(path: Path, text: str, name: str = "staging") -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises((TargetError, ContractError)) as caught:
        read_target(name, path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message.removeprefix(str(path))


def test_a_target_has_what_it_says_and_what_holds_for_all(path: Path) -> None:
    path.write_text(GOOD)
    target = read_target("staging", path)
    assert (target.name, target.base_url, target.profile) == ("staging", "https://host/v1", "openai")
    assert target.settings == {"tier": "smoke", "rate": 2, "waivers": path.parent / "w.yaml"}
    assert target.place == f"{path}:5"


def test_what_the_file_says_comes_before_the_environment(path: Path) -> None:
    path.write_text(GOOD)
    seen = read_target("staging", path).environment(
        {"STAGING_API_KEY": "k1", "CONFORMANCE_API_KEY": "k2", "CONFORMANCE_MODEL": "m", "CONFORMANCE_BRAND_ID": "b"}
    )
    assert seen["CONFORMANCE_API_KEY"] == "k1"
    assert seen["CONFORMANCE_MODEL"] == "own"
    assert seen["CONFORMANCE_BRAND_ID"] == "b"


@pytest.mark.parametrize("environ", [{}, {"STAGING_API_KEY": " "}])
def test_a_key_that_is_not_set_is_named_with_the_line_of_its_target(path: Path, environ: dict[str, str]) -> None:
    path.write_text(GOOD)
    with pytest.raises(TargetError, match=r"toml:9: target staging has its key in STAGING_API_KEY, which is not set"):
        read_target("staging", path).environment({"CONFORMANCE_API_KEY": "k2", **environ})


def test_a_profile_of_ones_own_is_taken_from_the_folder_of_the_file(path: Path) -> None:
    path.write_text(GOOD.replace('"openai"', '"specs/own.yaml"'))
    assert read_target("staging", path).profile == str(path.parent / "specs" / "own.yaml")


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ('"smoke"', '"tiny"', 2, "tier must be smoke, standard, exhaustive or load, not 'tiny'."),
        ('"smoke"', '"smok"', 2, "not 'smok'; did you mean smoke?"),
        ("rate = 2", "rate = 0", 11, "rate must be more than 0, not 0."),
        ("rate = 2", "rate = nan", 11, "rate must be a number, not 'nan'."),
        ("rate = 2", "rate = 2026-11-29", 11, "rate must be a number, not '2026-11-29'."),
        ("rate = 2", 'rate = "2"', 11, "rate must be a number, not '2'."),
        ("rate = 2", "concurrency = 999", 11, "concurrency must be at most 256, not 999."),
        ("rate = 2", "concurrency = 1.5", 11, "concurrency must be a whole number, not 1.5."),
        ("rate = 2", 'strict = "yes"', 11, "strict must be true or false, not 'yes'."),
        ('"w.yaml"', '["w.yaml"]', 10, "waivers must be text in quotes, not an array."),
        ("rate = 2", 'out = ""', 11, "out must be text that is not empty, not ''."),
        ("rate = 2", "rates = 2", 11, "rates is not a setting of a target; did you mean rate"),
        ("rate = 2", "zzz = 2", 11, "zzz is not a setting of a target; it takes api_key_env, base_url, baseline,"),
        ("rate = 2", 'api_key = "sk-1"', 11, "did you mean api_key_env"),
        ("rate = 2", 'headers = { X-A = "1", X-B = 2 }', 11, "the value of X-B in headers must be text in quotes"),
        ("rate = 2", 'headers = "X-A: sk-1"', 11, "headers must be a table, not text."),
        ("rate = 2", '[targets.staging.headers]\nX-A = "1"\nHost = "h"', 13, "the header Host is what the suite tests"),
        ("rate = 2", 'headers = { api-key = "sk-1" }', 11, "usually carries a secret; name the variable that holds it"),
        ("rate = 2", 'headers_env = { X-A = "sk-1" }', 11, "headers_env for X-A must be the name of an environment"),
        ("rate = 2", 'headers_env = { X-A = "A_KEY" }\nheaders = { x-a = "1" }', 5, "x-a is added twice"),
        ("rate = 2", 'out = """\nrate = 3\n"""\nrate = 0', 14, "rate must be more than 0, not 0."),
        ('"openai"', '"opnai"', 7, "profile 'opnai' is not known; did you mean openai?"),
        (
            '"openai"',
            '"x"',
            7,
            "profile 'x' is not known; it is kodexa, loop-health, openai, or the path of a document.",
        ),
        ("rate = 2", 'proxy = "http://u:sk-1@h"', 11, "the proxy's URL must not contain a user or password"),
        ("rate = 2", 'client_key = "k.pem"', 5, "a client key needs its certificate"),
        ("[defaults]", "[targets.b]\nmodel = 'x'\n[defaults]", 1, "[targets.b] has no base_url; add what stands"),
        ("[defaults]", "[targets.'a b']\nbase_url = 'http://h'\n[defaults]", 1, "'a b' is not a name for a target"),
        ("[defaults]", "tier = 'smoke'\n[defaults]", 1, "tier is a setting of a target; put it below [targets.NAME]"),
        ('"STAGING_API_KEY"', '"sk-1"', 9, "never the key itself"),
        ('"STAGING_API_KEY"', '"STAGING_NAME"', 9, "never the key itself"),
        ('"https://host/v1/"', '"ftp://u:sk-1@host"', 6, "is not an http or https URL"),
        ('"https://host/v1/"', '"https://u:p@host"', 6, "base_url must not contain a user or password"),
        ('base_url = "https://host/v1/"\n', "", 5, "[targets.staging] has no base_url"),
        ("[defaults]", '[defaults]\nbase_url = "https://host"', 2, "base_url is not a setting of [defaults]"),
        ("[targets.staging]", "[target.staging]", 5, "target is not known here; did you mean targets?"),
    ],
)
def test_what_is_wrong_is_reported_with_its_line(path: Path, old: str, new: str, line: int, problem: str) -> None:
    printed = refusal(path, GOOD.replace(old, new))
    assert printed.startswith(f":{line}: "), printed
    assert problem in printed.replace('"', "'")
    assert "sk-1" not in printed


@pytest.mark.parametrize(("text", "line"), [("[targets", 1), (GOOD + "rate = \n", 12), (GOOD + "rate = 3", 12)])
def test_what_is_no_toml_is_reported_with_its_line(path: Path, text: str, line: int) -> None:
    assert refusal(path, text).startswith(f":{line}: this is not TOML: ")


def test_a_file_or_target_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(TargetError, match=r"conformance\.toml does not exist; `chat-conformance init` writes one"):
        read_target("staging", path)
    assert refusal(path, GOOD, "prod") == " has no target 'prod'; it has staging."
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(TargetError, match="cannot be read"):
        read_target("staging", path)


def test_lines_are_those_of_headers_and_keys() -> None:
    text = 'a = 1\n# b = 2\n[c."d.e"]\n  f.g = """\n"""\n[[h]]\ni = 1\n'
    lines = toml_lines(text)
    assert {key: lines[key] for key in ("/a", "/c/d.e", "/c/d.e/f", "/c/d.e/f/g")} == {
        "/a": 1,
        "/c/d.e": 3,
        "/c/d.e/f": 4,
        "/c/d.e/f/g": 4,
    }
    assert "/b" not in lines


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet='[]targes."=\n01{}# ', max_size=80).map(lambda text: text.encode()))
def test_any_text_gives_a_target_or_a_sentence(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    printed = ""
    try:
        read_target("staging", path)
    except (TargetError, ContractError) as error:
        printed = str(error)
    assert "\n" not in printed
