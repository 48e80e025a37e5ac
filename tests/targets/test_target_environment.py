"""Which target is judged, from the URL and the environment; each mistake is reported in one sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.contract import load_contract
from conformance.targets import Target, TargetError, checked_base_url, is_loopback, target_from_environment
from conformance.targets.environment import demo_values, variables_of

REMOTE = "https://chat.example/v1"
LOCAL = "http://127.0.0.1:8080"
SECRET = "key-that-must-not-be-shown-7b1e"
ORG, OTHER_ORG = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
EVERYTHING = {
    "CONFORMANCE_API_KEY": SECRET,
    "CONFORMANCE_MODEL": "a-model",
    "CONFORMANCE_ORG_ID": ORG,
    "CONFORMANCE_BRAND_ID": "a-brand",
    "CONFORMANCE_REQUESTED_BY": "a-requester",
    "CONFORMANCE_OTHER_API_KEY": "another-key",
    "CONFORMANCE_OTHER_ORG_ID": OTHER_ORG,
}
NOT_OF_KODEXA = ("CONFORMANCE_BRAND_ID", "CONFORMANCE_REQUESTED_BY")


def _target(url: str, environ: dict[str, str], profile: str = "kodexa") -> Target:
    return target_from_environment(url, environ, load_contract(profile))


def _refusal(url: str, environ: dict[str, str]) -> str:
    with pytest.raises(TargetError) as caught:
        _target(url, environ)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    assert SECRET not in message
    return message


def test_what_is_set_is_taken() -> None:
    assert _target(REMOTE, EVERYTHING) == Target(
        base_url=REMOTE,
        api_key=SECRET,
        model="a-model",
        parameters={"orgId": ORG},
        other_api_key="another-key",
        other_parameters={"orgId": OTHER_ORG},
    )
    target = _target(REMOTE, EVERYTHING, "loop-health")
    assert target.parameters == {"brand_id": "a-brand", "requested_by": "a-requester"}
    assert target.other_parameters == {}


def test_the_environment_of_a_target_makes_the_same_target() -> None:
    target = _target(REMOTE, EVERYTHING)
    environ = variables_of(target, load_contract("kodexa").parameters)
    assert environ == {name: text for name, text in EVERYTHING.items() if name not in NOT_OF_KODEXA}
    assert _target(REMOTE, environ) == target


@pytest.mark.parametrize("value", ["an-organization", ORG.replace("-", ""), f"{{{ORG}}}", ORG + "0"])
def test_a_value_of_another_form_is_refused_by_its_variable(value: str) -> None:
    message = _refusal(REMOTE, {**EVERYTHING, "CONFORMANCE_ORG_ID": value})
    assert message == f"CONFORMANCE_ORG_ID is {value!r}, which is not a UUID; set the organization's UUID."


def test_brand_and_requester_have_a_name_where_none_is_set() -> None:
    target = _target(REMOTE, {"CONFORMANCE_API_KEY": "k"}, "loop-health")
    values = {parameter.name: target.value(parameter) for parameter in load_contract("loop-health").parameters}
    assert values == {"brand_id": "chat-conformance", "requested_by": "chat-conformance"}


def test_on_loopback_the_demo_credentials_stand_in() -> None:
    demo = demo_values(load_contract("kodexa").parameters)
    target = _target(LOCAL, {})
    assert target.api_key == demo["CONFORMANCE_API_KEY"]
    assert target.model == demo["CONFORMANCE_MODEL"]
    assert target.parameters == {"orgId": demo["CONFORMANCE_ORG_ID"]}
    assert target.other_api_key == demo["CONFORMANCE_OTHER_API_KEY"]
    assert target.other_parameters == {"orgId": demo["CONFORMANCE_OTHER_ORG_ID"]}


def test_the_demo_tenant_does_not_join_a_key_of_ones_own() -> None:
    target = _target(LOCAL, {"CONFORMANCE_API_KEY": SECRET})
    assert target.api_key == SECRET
    assert target.other_api_key is None
    assert target.other_parameters == {}


def test_what_a_profile_does_not_need_does_not_stand_in() -> None:
    target = _target(LOCAL, {}, "loop-health")
    assert (target.model, target.parameters, target.other_parameters) == (None, {}, {})


def test_off_loopback_no_demo_credential_is_ever_sent() -> None:
    target = _target(REMOTE, {"CONFORMANCE_API_KEY": "k"}, "loop-health")
    assert set(demo_values().values()).isdisjoint({target.api_key, target.other_api_key, target.model})


@pytest.mark.parametrize("missing", ["CONFORMANCE_API_KEY", "CONFORMANCE_MODEL", "CONFORMANCE_ORG_ID"])
@pytest.mark.parametrize("value", [None, "", "  \t"])
def test_a_missing_or_blank_variable_is_named(missing: str, value: str | None) -> None:
    environ = {name: text for name, text in EVERYTHING.items() if name != missing}
    if value is not None:
        environ[missing] = value
    assert _refusal(REMOTE, environ) == f"{missing} must be set in the environment to judge {REMOTE}."


def test_all_missing_variables_are_named_at_once() -> None:
    message = _refusal(REMOTE, {})
    for name in ("CONFORMANCE_API_KEY", "CONFORMANCE_MODEL", "CONFORMANCE_ORG_ID"):
        assert name in message


@pytest.mark.parametrize("key", ["line\nbreak", "käse", " padded", "padded ", "null\0", "tab\tinside", "\u2028"])
@pytest.mark.parametrize("name", ["CONFORMANCE_API_KEY", "CONFORMANCE_OTHER_API_KEY"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(name: str, key: str) -> None:
    message = _refusal(REMOTE, {**EVERYTHING, name: f"{key}{SECRET}{key}"})
    assert message == f"{name} has a character that no HTTP header can carry; set it to the bare key."


@pytest.mark.parametrize(
    "url",
    [
        *("", "chat.example/v1", "ftp://chat.example", "http://", "http:///v1", "//chat.example", "file:///etc"),
        *("http://chat\n.example", "http://chat.example/a b", "http://chat.example/\u2028", "http://chat.example:0"),
        *("http://chat.example:99999", "http://chat.example:port", "http://[::1"),
    ],
)
def test_an_unusable_url_is_refused_with_an_example(url: str) -> None:
    message = _refusal(url, EVERYTHING)
    assert message.startswith(f"--base-url {url!r} is not a")
    assert message.endswith("give one like https://host/v1.")


@pytest.mark.parametrize("userinfo", [SECRET, f"user:{SECRET}", f":{SECRET}"])
def test_a_password_in_the_url_is_refused_without_showing_it(userinfo: str) -> None:
    message = _refusal(f"https://{userinfo}@chat.example/v1", EVERYTHING)
    assert message == "--base-url must not contain a user or password; set CONFORMANCE_API_KEY instead."


@pytest.mark.parametrize("rest", [f"?key={SECRET}", f"#{SECRET}", f"?a#{SECRET}", f"#a?{SECRET}", f"?at@{SECRET}"])
def test_a_query_or_fragment_is_refused_without_showing_it(rest: str) -> None:
    assert "must end before its '?' or '#'" in _refusal(REMOTE + rest, EVERYTHING)


@pytest.mark.parametrize(
    "userinfo_and_more", [f"https://u:{SECRET}@h:99999", f"https://u:{SECRET}@[h", f"x://{SECRET}@h"]
)
def test_a_password_is_not_shown_whatever_else_is_wrong(userinfo_and_more: str) -> None:
    assert "--base-url" in _refusal(userinfo_and_more, EVERYTHING)


@pytest.mark.parametrize(
    ("given_url", "used"),
    [(REMOTE, REMOTE), (f"{REMOTE}/", REMOTE), (f"{REMOTE}//", REMOTE), ("http://[::1]:80/", "http://[::1]:80")],
)
def test_the_last_slash_is_left_out(given_url: str, used: str) -> None:
    assert checked_base_url(given_url) == used


@given(st.text(max_size=40) | st.from_regex(r"https?://[a-z\[\]:@/?#.0-9%]{0,30}", fullmatch=True))
def test_any_text_is_a_usable_url_or_refused(text: str) -> None:
    try:
        used = checked_base_url(text)
    except TargetError:
        return
    else:
        assert used.lower().startswith(("http://", "https://"))
        assert not used.endswith("/")
        assert isinstance(is_loopback(used), bool)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        *(("http://localhost:1", True), ("http://LOCALHOST", True), ("http://127.0.0.1", True)),
        *(("http://127.8.9.1:80", True), ("http://[::1]:8080/v1", True)),
        *(("https://chat.example", False), ("http://localhost.example", False), ("http://10.0.0.1", False)),
        *(("http://127.example.org", False), ("http://127.0.0.1.example.org", False), ("http://0.0.0.0", False)),
    ],
)
def test_only_this_machine_is_loopback(url: str, *, local: bool) -> None:
    assert is_loopback(url) is local


def test_a_target_shows_no_key_and_names_its_secrets() -> None:
    target = _target(REMOTE, EVERYTHING)
    assert SECRET not in repr(target)
    assert "another-key" not in repr(target)
    assert target.secrets == {"api-key": SECRET, "other-api-key": "another-key"}
    assert Target(base_url=REMOTE).secrets == {}
