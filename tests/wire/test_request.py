"""A probe becomes one request, of which every byte is known."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from byte_server import KEY, OPERATION, QUICK, Visit, probe, run
from hypothesis import given
from hypothesis import strategies as st

from conformance import __version__
from conformance.contract.model import CredentialScheme
from conformance.probes.model import Credential, FieldNames
from conformance.targets.model import Target
from conformance.wire.errors import CredentialMissingError, RequestError
from conformance.wire.request import build_request, sent_request

TARGET = Target(base_url="http://host.example:8080/v1", api_key=KEY, other_api_key="other-key-of-tenant")
ORG = replace(OPERATION, path="/api/organizations/{orgId}/ai/chat/completions")


def headers_of(**changes: Any) -> dict[str, str]:
    return dict(sent_request(build_request(probe(**changes), OPERATION, TARGET)).headers)


def authorization(credential: Credential, target: Target = TARGET) -> str | None:
    request = build_request(probe(credential=credential), OPERATION, target)
    return dict(sent_request(request).headers).get("Authorization")


def test_no_header_comes_from_the_library() -> None:
    assert headers_of(body={"a": "é"}) == {
        "Host": "host.example:8080",
        "Authorization": f"Bearer {KEY}",
        "User-Agent": f"chat-conformance/{__version__}",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "Content-Length": "10",
    }


@pytest.mark.network
def test_what_is_sent_is_what_is_recorded() -> None:
    seen = []

    async def handler(visit: Visit) -> bool:
        seen.append(visit.head + visit.body)
        await visit.send(b"HTTP/1.1 204 No\r\n\r\n")
        return True

    sent = run(handler, probe(path="/a//b/../c%2Fd?x=[1]", body={"text": "日本 \u2028"}), QUICK)
    request = sent.exchange.request
    lines = ["POST /v1/a//b/../c%2Fd?x=[1] HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers)]
    assert seen[0] == "\r\n".join(lines).encode() + b"\r\n\r\n" + request.body
    assert request.url.endswith("/v1/a//b/../c%2Fd?x=[1]")


def test_json_is_compact_and_not_escaped() -> None:
    body = sent_request(build_request(probe(body={"a": [1, "é"]}), OPERATION, TARGET)).body
    assert body == '{"a":[1,"é"]}'.encode()


TEXT = st.text(st.characters(codec="utf-8"))
SCALARS = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT


@given(st.dictionaries(TEXT, SCALARS | st.none() | st.lists(SCALARS)) | SCALARS)
def test_any_json_value_arrives_unchanged(value: object) -> None:
    request = sent_request(build_request(probe(body=value), OPERATION, TARGET))
    assert json.loads(request.body) == value
    assert dict(request.headers)["Content-Length"] == str(len(request.body))


def test_bytes_are_sent_as_they_are() -> None:
    assert sent_request(build_request(probe(body=b'{"a": \xff'), OPERATION, TARGET)).body == b'{"a": \xff'


def test_a_request_for_a_stream_accepts_its_media_type() -> None:
    assert headers_of(body={"stream": True})["Accept"] == "text/event-stream"


def test_no_body_means_no_content_type() -> None:
    assert "Content-Type" not in headers_of(body=None)
    assert headers_of(body=None)["Content-Length"] == "0"
    assert "Content-Length" not in headers_of(body=None, method="GET")


def test_a_probe_changes_headers_whatever_their_case() -> None:
    changed = headers_of(headers={"content-type": "text/plain", "ACCEPT": None, "X-New": "1"})
    assert changed["content-type"] == "text/plain"
    assert "Content-Type" not in changed
    assert "Accept" not in changed
    assert changed["X-New"] == "1"


def test_the_names_of_all_fields_may_be_in_one_case() -> None:
    names = headers_of(field_names=FieldNames.UPPER)
    assert {"AUTHORIZATION", "CONTENT-TYPE", "CONTENT-LENGTH"} <= set(names)
    assert [name for name in names if not name.isupper()] == ["Host"]  # which curl writes in its own way


@pytest.mark.parametrize("key", ["short", "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "sk-123456789012"])
def test_a_key_without_another_letter_case_is_not_varied(key: str) -> None:
    with pytest.raises(CredentialMissingError, match="cannot be varied"):
        authorization(Credential.OTHER_CASE, replace(TARGET, api_key=key))


def test_a_varied_key_has_the_same_letters_and_another_end() -> None:
    varied = [authorization(one) for one in (Credential.DASH, Credential.COLON, Credential.SLASH, Credential.WORD)]
    assert varied == [f"Bearer {KEY}{end}" for end in ("-0", ":0", "/0", " 0")]
    other = authorization(Credential.OTHER_CASE)
    assert other != f"Bearer {KEY}"
    assert (other or "").lower() == f"Bearer {KEY}".lower()


def test_a_chunked_request_has_no_length() -> None:
    assert "Content-Length" not in headers_of(headers={"Transfer-Encoding": "chunked"})


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"parameters": {"orgId": "a b/c"}}, "/api/organizations/a%20b%2Fc/ai/chat/completions"),
        ({"parameters": {"orgId": "日"}}, "/api/organizations/%E6%97%A5/ai/chat/completions"),
    ],
)
def test_path_parameters_come_from_the_target(changes: dict[str, object], path: str) -> None:
    target = replace(TARGET, base_url="http://h", **changes)  # type: ignore[arg-type]
    assert sent_request(build_request(probe(), ORG, target)).url == "http://h" + path


def test_a_probe_replaces_path_parameters_and_paths() -> None:
    target = replace(TARGET, parameters={"orgId": "mine"})
    own = probe(parameters={"orgId": "not-a-uuid"})
    assert "/organizations/not-a-uuid/" in sent_request(build_request(own, ORG, target)).url
    elsewhere = probe(path="/api/organizations/{orgId}/nothing")
    assert sent_request(build_request(elsewhere, ORG, target)).url.endswith("/v1/api/organizations/mine/nothing")


def test_a_missing_path_parameter_is_named() -> None:
    with pytest.raises(RequestError, match=r"'orgId'.*give one as --param orgId=VALUE"):
        build_request(probe(), ORG, TARGET)


@pytest.mark.parametrize(
    "base_url", ["ftp://x", "host:80", "", "http://", "http://u:p@host", "http://h/?q=1", "http://h:99999", "http://[x"]
)
def test_an_unusable_base_url_is_refused(base_url: str) -> None:
    with pytest.raises(RequestError, match="base URL"):
        build_request(probe(), OPERATION, replace(TARGET, base_url=base_url))


def test_credentials_of_each_kind() -> None:
    assert authorization(Credential.OWN) == f"Bearer {KEY}"
    assert authorization(Credential.NONE) is None
    assert authorization(Credential.EMPTY) == "Bearer"
    assert authorization(Credential.OTHER) == "Bearer other-key-of-tenant"
    assert authorization(Credential.WRONG_SCHEME) == f"Basic {KEY}"
    assert authorization(Credential.OWN_LOWER_CASE) == f"bearer {KEY}"
    assert authorization(Credential.SPACED) == f"Bearer  {KEY}"


@pytest.mark.parametrize("credential", [Credential.CHANGED, Credential.CUT, Credential.EXTENDED])
def test_a_nearly_right_key_differs_in_one_place(credential: Credential) -> None:
    value = (authorization(credential) or "").removeprefix("Bearer ")
    assert value != KEY
    assert value[:-5] == KEY[: len(value) - 5]
    assert abs(len(value) - len(KEY)) <= 1
    if len(value) == len(KEY):
        assert sum(one != other for one, other in zip(value, KEY, strict=True)) == 1


def test_the_right_key_in_the_wrong_place() -> None:
    request = sent_request(build_request(probe(credential=Credential.IN_QUERY), OPERATION, TARGET))
    assert request.url == f"http://host.example:8080/v1/chat/completions?access_token={KEY}&api_key={KEY}&key={KEY}"
    assert "Authorization" not in dict(request.headers)
    assert headers_of(credential=Credential.OTHER_HEADER)["X-API-Key"] == KEY
    operation = replace(OPERATION, credential=CredentialScheme(header="X-API-Key"))
    request = sent_request(build_request(probe(credential=Credential.OTHER_HEADER), operation, TARGET))
    assert dict(request.headers)["Authorization"] == f"Bearer {KEY}"


def test_two_credentials_are_two_header_fields() -> None:
    def sent(credential: Credential) -> list[str]:
        request = sent_request(build_request(probe(credential=credential), OPERATION, TARGET))
        return [value for name, value in request.headers if name == "Authorization"]

    own, wrong = sent(Credential.TWICE)
    assert own == f"Bearer {KEY}"
    assert wrong == authorization(Credential.WRONG)
    assert len(set(sent(Credential.TWICE_WRONG))) == 2
    assert f"Bearer {KEY}" not in sent(Credential.TWICE_WRONG)


def test_a_path_may_begin_at_the_root_of_the_host() -> None:
    request = sent_request(build_request(probe(path="/invocations", from_root=True), OPERATION, TARGET))
    assert request.url == "http://host.example:8080/invocations"


def test_a_wrong_key_looks_right_and_reveals_nothing() -> None:
    wrong = authorization(Credential.WRONG)
    assert wrong == authorization(Credential.WRONG)
    assert wrong is not None
    key = wrong.removeprefix("Bearer ")
    assert key != KEY
    assert len(key) == len(KEY)
    assert key.startswith("sk-")
    assert all(KEY[start : start + 5] not in key for start in range(len(KEY) - 5))
    other = "sk-" + "z" * (len(KEY) - 3)
    assert authorization(Credential.WRONG, replace(TARGET, api_key=other)) == wrong


def test_without_a_key_none_is_sent() -> None:
    keyless = replace(TARGET, api_key=None, other_api_key=None)
    assert authorization(Credential.OWN, keyless) is None
    assert len(authorization(Credential.WRONG, keyless) or "") > 20
    with pytest.raises(CredentialMissingError, match="CONFORMANCE_OTHER_API_KEY"):
        authorization(Credential.OTHER, keyless)


def test_another_credential_header() -> None:
    operation = replace(OPERATION, credential=CredentialScheme(header="X-API-Key"))
    request = sent_request(build_request(probe(), operation, TARGET))
    assert ("X-API-Key", KEY) in request.headers


@pytest.mark.parametrize("key", ["secret\nkey", "secret-key ", "secret\0key", "ключ"])
def test_a_key_that_cannot_be_sent_is_not_quoted(key: str) -> None:
    with pytest.raises(RequestError) as caught:
        build_request(probe(), OPERATION, replace(TARGET, api_key=key))
    assert "Authorization" in str(caught.value)
    assert key not in str(caught.value)


def test_a_body_that_is_not_a_json_value_is_refused() -> None:
    for body in ({"a": float("nan")}, {"a": "\ud800"}, {"a": {1, 2}}):
        with pytest.raises(RequestError, match=r"plain.*bytes"):
            build_request(probe(body=body), OPERATION, TARGET)
