from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from reference_callers import Caller

pytestmark = pytest.mark.network


def credentials(caller: Caller) -> dict[str, list[tuple[str, str]]]:
    key = caller.reference.api_key
    if caller.profile == "kodexa":
        wrong = {"": "", "wrong": "x" + key[1:], "cut": key[:-1], "longer": key + "x", "spaced": key.replace("-", " ")}
        rows = {name: [("x-api-key", value)] for name, value in wrong.items()}
        return rows | {"elsewhere": [("Authorization", f"Bearer {key}")], "twice": [("x-api-key", key)] * 2}
    values = {
        "empty": "",
        "scheme only": "Bearer",
        "no scheme": key,
        "other scheme": f"Basic {key}",
        "wrong": f"Bearer x{key[1:]}",
        "cut": f"Bearer {key[:-1]}",
        "longer": f"Bearer {key}x",
        "scheme twice": f"Bearer Bearer {key}",
    }
    rows = {name: [("Authorization", value)] for name, value in values.items()}
    good = ("Authorization", f"Bearer {key}")
    return rows | {"elsewhere": [("x-api-key", key)], "two": [good, ("Authorization", "Bearer nonsense")]}


def test_a_request_without_a_key_is_refused_before_its_body_is_checked(caller: Caller) -> None:
    answer = caller.http.post(caller.url, content=b"not JSON")
    assert answer.status_code == 401
    assert caller.error_of(answer) == "invalid_api_key"
    assert "realm=" in answer.headers["www-authenticate"]


def test_no_wrong_credential_gets_in(caller: Caller) -> None:
    for name, fields in credentials(caller).items():
        answer = caller.http.post(caller.url, json=caller.body(), headers=fields)
        assert answer.status_code == 401, name
        assert caller.error_of(answer) == "invalid_api_key", name
        assert caller.reference.api_key[12:] not in answer.text, name
        assert "choices" not in answer.text, name


def test_a_key_in_the_query_does_not_count(caller: Caller) -> None:
    answer = caller.http.post(caller.url, params={"api_key": caller.reference.api_key}, json=caller.body())
    assert answer.status_code == 401


@pytest.mark.parametrize("form", ["bearer {}", "BEARER {}", "Bearer   {}"])
def test_the_scheme_is_free_in_case_and_spaces(openai: Caller, form: str) -> None:
    headers = {"Authorization": form.format(openai.reference.api_key)}
    assert openai.http.post(openai.url, json=openai.body(), headers=headers).status_code == 200


def test_both_tenants_get_in(caller: Caller) -> None:
    target = caller.reference.target
    own = caller.url
    for name, value in target.parameters.items():
        own = own.replace(value, target.other_parameters.get(name, value))
    answer = caller.post(caller.body(), url=own, headers=caller.header_for(caller.reference.other_api_key))
    assert answer.status_code == 200


def test_an_organization_is_open_to_its_members_only(kodexa: Caller) -> None:
    own = kodexa.reference.target.parameters["orgId"]
    foreign = kodexa.post(kodexa.body(), url=kodexa.url.replace(own, kodexa.reference.target.other_parameters["orgId"]))
    unknown = kodexa.post(kodexa.body(), url=kodexa.url.replace(own, str(uuid.uuid4())))
    assert foreign.status_code == unknown.status_code == 403
    assert foreign.json() == unknown.json()
    assert kodexa.error_of(foreign) == "not_a_member"


@pytest.mark.parametrize("org", ["1", "not-a-uuid", "6f1e3c529f0a4c078a550d5b8f6a2b11", "%20"])
def test_a_malformed_organization_is_a_mistake_in_the_request(kodexa: Caller, org: str) -> None:
    answer = kodexa.post(kodexa.body(), url=kodexa.url.replace(kodexa.reference.target.parameters["orgId"], org))
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "orgId"


def test_an_organization_is_known_in_capitals_too(kodexa: Caller) -> None:
    org = kodexa.reference.target.parameters["orgId"]
    assert kodexa.post(kodexa.body(), url=kodexa.url.replace(org, org.upper())).status_code == 200


@pytest.mark.parametrize("change", ["{}/", "{}x", "{}/../../x"])
def test_an_unknown_route_is_a_json_404(caller: Caller, change: str) -> None:
    answer = caller.post(caller.body(), url=change.format(caller.url))
    assert answer.status_code == 404
    assert caller.error_of(answer) == "not_found"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_wrong_method_is_a_json_405_that_names_the_right_one(caller: Caller, method: str) -> None:
    answer = caller.http.request(method, caller.url, headers=caller.key_header)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert caller.error_of(answer) == "method_not_allowed"


def test_models_are_listed_for_callers_with_a_key(openai: Caller) -> None:
    url = openai.url.replace("chat/completions", "models")
    assert openai.http.get(url).status_code == 401
    listed = openai.http.get(url, headers=openai.key_header).json()
    assert listed["object"] == "list"
    names = [model["id"] for model in listed["data"]]
    assert names == [openai.reference.model]
    assert openai.http.get(f"{url}/{names[0]}", headers=openai.key_header).json() == listed["data"][0]
    unknown = openai.http.get(f"{url}/other", headers=openai.key_header)
    assert unknown.status_code == 404
    assert openai.error_of(unknown) == "model_not_found"
