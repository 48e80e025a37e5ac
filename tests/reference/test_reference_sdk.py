"""An independent witness: the official client of the OpenAI API, used as its documentation shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import openai
import pytest

if TYPE_CHECKING:
    from reference_callers import Caller

HELLO = [{"role": "user", "content": "Hello there, 日本語 🇩🇪."}]


@pytest.fixture(params=["openai", "kodexa"])
def sdk(request: pytest.FixtureRequest, callers: dict[str, Caller]) -> Iterator[openai.OpenAI]:
    caller = callers[request.param]
    base_url = caller.url.removesuffix("/chat/completions")
    headers = {"x-api-key": caller.reference.api_key}
    with openai.OpenAI(
        base_url=base_url,
        api_key=caller.reference.api_key,
        default_headers=headers,
        max_retries=0,
        _strict_response_validation=True,
    ) as client:
        yield client


MODEL = "reference-echo"


def test_a_completion(sdk: openai.OpenAI) -> None:
    completion = sdk.chat.completions.create(model=MODEL, messages=HELLO, temperature=0.5, max_tokens=100)
    assert completion.choices[0].message.content
    assert completion.choices[0].message.content.startswith("You said: Hello there, 日本語 🇩🇪.")
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage
    assert completion.usage.total_tokens > completion.usage.prompt_tokens


def test_a_stream(sdk: openai.OpenAI) -> None:
    whole = sdk.chat.completions.create(model=MODEL, messages=HELLO).choices[0].message.content
    with sdk.chat.completions.create(
        model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == whole
    assert chunks[-1].usage
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"


def test_errors_have_their_types(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as bad:
        sdk.chat.completions.create(model=MODEL, messages=HELLO, temperature=3)
    assert bad.value.param == "temperature"
    with pytest.raises(openai.NotFoundError) as unknown:
        sdk.chat.completions.create(model="other", messages=HELLO, stream=True)
    assert unknown.value.code == "model_not_found"
    wrong = sdk.with_options(api_key="wrong", default_headers={"x-api-key": "wrong"})
    with pytest.raises(openai.AuthenticationError) as stranger:
        wrong.chat.completions.create(model=MODEL, messages=HELLO)
    assert stranger.value.code == "invalid_api_key"


def test_log_probabilities(callers: dict[str, Caller]) -> None:
    caller = callers["openai"]
    with openai.OpenAI(
        base_url=caller.reference.base_url, api_key=caller.reference.api_key, _strict_response_validation=True
    ) as client:
        completion = client.chat.completions.create(
            model=MODEL, messages=HELLO, logprobs=True, top_logprobs=2, max_completion_tokens=3, n=2
        )
        logprobs = completion.choices[1].logprobs
        assert logprobs
        assert logprobs.content
        assert [len(entry.top_logprobs) for entry in logprobs.content] == [2, 2, 2]
        assert [model.id for model in client.models.list()] == [MODEL]
