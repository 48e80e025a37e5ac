"""The official Python client of the OpenAI API, used as its documentation shows, and told to validate what it gets."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from witness_deployments import ANSWER, HELLO, Deployment

if TYPE_CHECKING:
    import openai
    from openai.types.chat import ChatCompletionUserMessageParam

pytestmark = pytest.mark.network

MESSAGES: list[ChatCompletionUserMessageParam] = [{"role": "user", "content": HELLO}]
MODEL = "reference-echo"


@pytest.fixture(scope="module")
def library() -> ModuleType:
    """The client's package, which takes a second to import: not while tests are collected."""
    return importlib.import_module("openai")


@pytest.fixture
def sdk(compatible: Deployment, library: ModuleType) -> Iterator[openai.OpenAI]:
    key = compatible.reference.api_key
    with library.OpenAI(
        base_url=compatible.sdk_base_url,
        api_key=key,
        default_headers={"x-api-key": key},
        max_retries=0,
        _strict_response_validation=True,
    ) as client:
        yield client


def test_a_completion(sdk: openai.OpenAI) -> None:
    completion = sdk.chat.completions.create(model=MODEL, messages=MESSAGES, temperature=0.5, max_tokens=100)
    assert completion.choices[0].message.content
    assert completion.choices[0].message.content.startswith(ANSWER)
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens


def test_a_stream(sdk: openai.OpenAI) -> None:
    whole = sdk.chat.completions.create(model=MODEL, messages=MESSAGES).choices[0].message.content
    with sdk.chat.completions.create(
        model=MODEL, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == whole
    assert chunks[-1].usage
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"


def test_a_limit_and_a_stop_sequence(sdk: openai.OpenAI) -> None:
    cut = sdk.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=1)
    assert cut.choices[0].finish_reason == "length"
    assert cut.usage
    assert cut.usage.completion_tokens == 1
    stopped = sdk.chat.completions.create(model=MODEL, messages=MESSAGES, stop=["there"])
    assert stopped.choices[0].message.content == "You said: Hello "
    assert stopped.choices[0].finish_reason == "stop"


def test_two_choices_whole_and_as_a_stream(sdk: openai.OpenAI) -> None:
    completion = sdk.chat.completions.create(model=MODEL, messages=MESSAGES, n=2)
    assert [choice.index for choice in completion.choices] == [0, 1]
    texts = {choice.index: choice.message.content for choice in completion.choices}
    with sdk.chat.completions.create(model=MODEL, messages=MESSAGES, n=2, stream=True) as stream:
        streamed = {0: "", 1: ""}
        for chunk in stream:
            for choice in chunk.choices:
                streamed[choice.index] += choice.delta.content or ""
    assert streamed == texts


def test_a_stream_that_the_client_assembles(deployments: dict[str, Deployment], library: ModuleType) -> None:
    deployment = deployments["openai"]
    with (
        library.OpenAI(
            base_url=deployment.sdk_base_url, api_key=deployment.reference.api_key, _strict_response_validation=True
        ) as client,
        client.chat.completions.stream(
            model=MODEL, messages=MESSAGES, n=2, stream_options={"include_usage": True}
        ) as stream,
    ):
        final = stream.get_final_completion()
    assert [choice.finish_reason for choice in final.choices] == ["stop", "stop"]
    assert final.usage
    assert final.usage.completion_tokens > 2


def test_errors_have_their_types(sdk: openai.OpenAI, library: ModuleType) -> None:
    with pytest.raises(library.BadRequestError) as bad:
        sdk.chat.completions.create(model=MODEL, messages=MESSAGES, temperature=3)
    assert bad.value.param == "temperature"
    with pytest.raises(library.NotFoundError) as unknown:
        sdk.chat.completions.create(model="other", messages=MESSAGES, stream=True)
    assert unknown.value.code == "model_not_found"
    wrong = sdk.with_options(api_key="wrong", default_headers={"x-api-key": "wrong"})
    with pytest.raises(library.AuthenticationError) as stranger:
        wrong.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert stranger.value.code == "invalid_api_key"


def test_log_probabilities(deployments: dict[str, Deployment], library: ModuleType) -> None:
    deployment = deployments["openai"]
    with library.OpenAI(
        base_url=deployment.sdk_base_url, api_key=deployment.reference.api_key, _strict_response_validation=True
    ) as client:
        completion = client.chat.completions.create(
            model=MODEL, messages=MESSAGES, logprobs=True, top_logprobs=2, max_completion_tokens=3, n=2
        )
        logprobs = completion.choices[1].logprobs
        assert logprobs
        assert logprobs.content
        assert [len(entry.top_logprobs) for entry in logprobs.content] == [2, 2, 2]
        assert [model.id for model in client.models.list()] == [MODEL]
