"""Clients in processes of their own: what they print is judged, and nothing that they do harms the run."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from client_samples import CHUNKS, client, completion, error, scenario, stream

from conformance.clients.catalogue import Client, Habit, Setting
from conformance.clients.scenarios import Chosen, Scenario
from conformance.clients.session import Session
from conformance.report.client_results import ClientResult, Understanding

pytestmark = [pytest.mark.process, pytest.mark.network]

SAME, BROKE, OTHERWISE = Understanding.SAME, Understanding.BROKE, Understanding.OTHERWISE
COMPLETION = scenario("completion", completion())
STREAM = scenario("stream", stream(), "stream.role-first")
READS = """
def understood(body):
    choice = json.loads(body)["choices"][0]
    return {"text": [choice["message"]["content"]], "finish_reason": [choice["finish_reason"]]}
"""


def shown(one: Client, *scenarios: Scenario, patience: float = 1.0, **more: Any) -> ClientResult:
    """The result of one client."""
    results, _ = Session.of(Chosen(scenarios), patience=patience, **more).show([one])
    return results[0]


def results(one: ClientResult) -> list[Understanding]:
    return [row.result for row in one.results]


def test_a_client_that_reads_the_recorded_answer_understands_it(tmp_path: Path) -> None:
    code = READS + "for one in SCENARIOS: say(scenario=one, understood=understood(ask(one)))"
    ran = shown(client(tmp_path, code), COMPLETION)
    assert (results(ran), ran.version, ran.results[0].requests) == ([SAME], "1.2", 1)


def test_a_crash_a_hang_and_a_loop_break_one_scenario_each_and_the_rest_is_still_run(tmp_path: Path) -> None:
    code = (
        READS
        + """
for one in SCENARIOS:
    if one == "stream": os._exit(7)
    if one == "choices": threading.Event().wait(60)
    if one == "tools":
        while True: ask(one)
    say(scenario=one, understood=understood(ask(one)))
"""
    )
    asked = [STREAM, scenario("choices", completion()), scenario("tools", completion()), COMPLETION]
    # Forty requests must be made within the patience, also on a slow machine.
    ran = shown(client(tmp_path, code), *asked, patience=3.0)
    assert results(ran) == [BROKE, BROKE, BROKE, SAME]
    assert [row.message for row in ran.results[:3]] == [
        "Exit: it ended with the status 7",
        "Hang: no end in 12 s",
        "EndlessLoop: more than 40 requests",
    ]


def test_a_client_that_takes_all_memory_is_stopped_alone(tmp_path: Path) -> None:
    code = READS + "for one in SCENARIOS: say(scenario=one, understood=understood(greedily(one)))"
    greedily = "def greedily(one): return ask(one) if one == 'completion' else bytearray(2 ** 31)\n"
    ran = shown(client(tmp_path, greedily + code, memory_mib=512), STREAM, COMPLETION)
    assert results(ran) == [BROKE, SAME]
    assert "MemoryError" in ran.results[0].message


def test_a_driver_that_does_not_start_is_told_and_not_held_against_the_deployment(tmp_path: Path) -> None:
    ran = shown(
        client(tmp_path, "").__class__("x", "X", "program", (), tmp_path / "no.py", ("completion",)), COMPLETION
    )
    assert ran.worst is Understanding.NOT_RUN
    assert ran.why.startswith("its driver did not start: it ended with the status 2")


def test_no_key_and_no_variable_of_ours_reaches_a_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFORMANCE_API_KEY", "sk-canary")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    code = "for one in SCENARIOS: say(scenario=one, failed={'class': 'E', 'message': json.dumps(sorted(os.environ))})"
    ran = shown(client(tmp_path, code), COMPLETION)
    assert "CLIENT_API_KEY" in ran.results[0].message
    assert "CONFORMANCE" not in ran.results[0].message
    assert "OPENAI" not in ran.results[0].message


def test_where_the_system_allows_it_a_client_has_no_network_but_the_replay_servers(tmp_path: Path) -> None:
    # Two of them: the replay server may have the number of one, in the network of the client.
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [one.getsockname()[1], other.getsockname()[1]]
        code = f"""
for one in SCENARIOS:
    try:
        for port in {ports}: socket.create_connection(("127.0.0.1", port), 2)
        reached = "reached"
    except OSError: reached = "not reached"
    say(scenario=one, failed={{"class": reached, "message": str(len(socket.if_nameindex()))}})
"""
        results, confined = Session.of(Chosen((COMPLETION,))).show([client(tmp_path, code)])
    if not confined:
        pytest.skip("this system gives a process no network of its own")
    assert results[0].results[0].message == "not reached: 1"


RETRIES = """
for one in SCENARIOS:
    for number in range(1 if SETTINGS.get("max_retries") == 0 else 99):
        try: ask(one)
        except Exception as error: status, message = error.code, error.read().decode()
        threading.Event().wait(0.2)
    say(scenario=one, failed={"class": "RateLimitError", "message": message, "status": status})
"""


def test_a_client_that_tries_again_for_too_long_is_asked_once_more_without_that(tmp_path: Path) -> None:
    settings = (Setting("no-retries", {"max_retries": 0}, "max_retries=0"),)
    ran = shown(client(tmp_path, RETRIES, settings=settings), scenario("error-429", error(429, "slow down")))
    assert results(ran) == [SAME]
    assert ran.results[0].requests > 3
    assert 0.1 < ran.results[0].waits[0] < 2


def test_a_client_that_tries_again_after_what_it_cannot_read_is_asked_once_more_to_hear_why(tmp_path: Path) -> None:
    code = """
for one in SCENARIOS:
    for number in range(1 if SETTINGS.get("max_retries") == 0 else 99):
        ask(one)
        threading.Event().wait(0.2)
    say(scenario=one, failed={"class": "ParserError", "message": "no JSON"})
"""
    settings = (Setting("no-retries", {"max_retries": 0}, "max_retries=0"),)
    ran = shown(client(tmp_path, code, settings=settings), COMPLETION)
    assert ran.results[0].message == "ParserError: no JSON"
    assert ran.results[0].requests > 3


def test_a_setting_that_makes_a_scenario_pass_is_reported_with_what_it_costs(tmp_path: Path) -> None:
    code = (
        READS
        + """
for one in SCENARIOS:
    if one == "stream" and not SETTINGS: say(scenario=one, failed={"class": "Error", "message": "missing role"})
    elif one == "stream": say(scenario=one, understood=understood(ask("completion")))
    elif "less" in SETTINGS: say(scenario=one, understood={"text": []})
    else: say(scenario=one, understood=understood(ask(one)))
"""
    )
    settings = (Setting("off", {"stream": False}, "stream=False"), Setting("less", {"less": 1}, "less=1"))
    ran = shown(client(tmp_path, code, settings=settings), COMPLETION, STREAM, quirks=True)
    assert results(ran) == [SAME, BROKE]
    assert [(one.name, one.helps, one.costs) for one in ran.quirks] == [
        ("off", ("stream",), ()),
        ("less", ("stream",), ("completion",)),
    ]


def test_what_a_client_makes_of_every_answer_is_not_compared(tmp_path: Path) -> None:
    code = "for one in SCENARIOS: say(scenario=one, understood={'text': ['Hello.'], 'usage': {'total_tokens': 99}})"
    assert results(shown(client(tmp_path, code), COMPLETION)) == [OTHERWISE]
    habit = Habit("It counts itself.", "usage", kinds=("compl*",))
    assert results(shown(client(tmp_path, code, habits=(habit,)), COMPLETION)) == [SAME]


DRIVERS = Path(sys.modules["conformance.clients.catalogue"].__file__ or "").parent / "drivers"


def test_the_shipped_driver_of_openais_python_client_reads_whole_answers_streams_and_errors(tmp_path: Path) -> None:
    driven = Client("o", "O", "program", (), DRIVERS / "openai_python.py", ("completion", "stream", "error"))
    ran = shown(
        driven,
        COMPLETION,
        scenario("stream", stream(*CHUNKS)),
        scenario("error-401", error(401, "who?")),
        patience=10.0,
    )
    assert results(ran) == [SAME, SAME, SAME]
    assert ran.results[2].message == "AuthenticationError: Error code: 401 - who?"
