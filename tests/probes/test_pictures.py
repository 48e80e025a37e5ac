"""Pictures by other data URLs than the plainest."""

from __future__ import annotations

import base64
import zlib

from planning_samples import TARGET

from conformance.contract import load_contract
from conformance.probes.content_parts import FORMS, LARGE, PARAMETER, content_part_probes
from conformance.probes.model import Probe
from conformance.probes.request_body import RequestBody


def url_of(probe: Probe) -> str:
    url: str = probe.body["messages"][-1]["content"][1]["image_url"]["url"]
    return url


def test_a_picture_in_two_forms_is_sent_in_each_where_it_is_not_served() -> None:
    forms = next(one for one in content_part_probes(RequestBody(load_contract("openai"), TARGET)) if one.name == FORMS)
    apart = {probe.name: url_of(probe) for probe in forms.instead}
    assert apart.keys() == {PARAMETER, LARGE}
    header, _, data = url_of(forms).partition(",")
    assert header == apart[PARAMETER].partition(",")[0] == "data:image/png;charset=utf-8;base64"
    assert data == apart[LARGE].removeprefix("data:image/png;base64,")
    assert len(apart[PARAMETER]) < 200
    assert 65_520 < len(apart[LARGE]) < 70_000


def test_the_large_picture_is_one() -> None:
    forms = next(one for one in content_part_probes(RequestBody(load_contract("openai"), TARGET)) if one.name == FORMS)
    data = base64.b64decode(url_of(forms).partition(",")[2])
    at = data.index(b"IDAT")
    pixels = zlib.decompress(data[at + 4 : at + 4 + int.from_bytes(data[at - 4 : at])])
    assert len(pixels) == 130 * (1 + 3 * 130)
    assert len(set(pixels)) > 200
