"""The official clients of the OpenAI API call tools and parse structured output, streaming and not."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from pydantic import BaseModel
from witness_deployments import Deployment

if TYPE_CHECKING:
    import openai

pytestmark = pytest.mark.network

MODEL = "reference-echo"
CALL = "Call Weather and Calendar, both at once."
NODE = Path(__file__).parent / "node" / "tools.mjs"


class Weather(BaseModel):
    """Asks for the weather."""

    city: str
    unit: Literal["°C", "°F"]


class Calendar(BaseModel):
    """Looks at a day."""

    day: int


@pytest.fixture
def sdk(deployments: dict[str, Deployment]) -> Iterator[openai.OpenAI]:
    library = importlib.import_module("openai")
    deployment = deployments["openai"]
    with library.OpenAI(
        base_url=deployment.sdk_base_url,
        api_key=deployment.reference.api_key,
        max_retries=0,
        _strict_response_validation=True,
    ) as client:
        yield client


@pytest.fixture
def tools() -> Any:
    library = importlib.import_module("openai")
    return [library.pydantic_function_tool(Weather), library.pydantic_function_tool(Calendar)]


def test_calls_are_parsed_and_their_results_handed_back(sdk: openai.OpenAI, tools: Any) -> None:
    messages: Any = [{"role": "user", "content": CALL}]
    first = sdk.chat.completions.parse(model=MODEL, messages=messages, tools=tools).choices[0]
    assert first.finish_reason == "tool_calls"
    calls = first.message.tool_calls or []
    assert [type(call.function.parsed_arguments) for call in calls] == [Weather, Calendar]
    results = [{"role": "tool", "tool_call_id": call.id, "content": "{}"} for call in calls]
    turns: Any = [*messages, first.message.to_dict(), *results]
    again = sdk.chat.completions.create(model=MODEL, messages=turns, tools=tools)
    assert again.choices[0].finish_reason == "stop"
    assert again.choices[0].message.content


def test_calls_of_a_stream_are_put_together(sdk: openai.OpenAI, tools: Any) -> None:
    messages: Any = [{"role": "user", "content": CALL}]
    with sdk.chat.completions.stream(model=MODEL, messages=messages, tools=tools) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        final = stream.get_final_completion().choices[0]
    assert [event.name for event in done] == ["Weather", "Calendar"]
    assert [type(event.parsed_arguments) for event in done] == [Weather, Calendar]
    calls = final.message.tool_calls or []
    assert len({call.id for call in calls}) == 2


def test_structured_output_is_parsed(sdk: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "Answer in JSON."}]
    whole = sdk.chat.completions.parse(model=MODEL, messages=messages, response_format=Weather)
    assert isinstance(whole.choices[0].message.parsed, Weather)
    with sdk.chat.completions.stream(model=MODEL, messages=messages, response_format=Weather) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.parsed == whole.choices[0].message.parsed


@pytest.mark.node
def test_the_node_client_runs_tools_and_parses(deployments: dict[str, Deployment]) -> None:
    deployment = deployments["openai"]
    environment = {"PATH": os.environ["PATH"], "WITNESS_KEY": deployment.reference.api_key}
    command = ["node", str(NODE), deployment.sdk_base_url, MODEL]
    ended = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr.decode()
    seen: dict[str, Any] = json.loads(ended.stdout)
    assert [call["name"] for call in seen["whole"]] == ["weather", "calendar"]
    assert seen["streamed"] == seen["whole"]
    assert set(seen["ran"]) == {"weather", "calendar"}
    assert seen["last"]
    assert seen["parsed"] == seen["parsedFromStream"]
    assert seen["parsed"]["unit"] == "°C"
