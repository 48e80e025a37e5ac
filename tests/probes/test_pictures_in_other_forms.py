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
    url: str = urls_of(probe)[-1]
    return url


def urls_of(probe: Probe) -> list[str]:
    return [part["image_url"]["url"] for part in probe.body["messages"][-1]["content"][1:]]


def test_pictures_in_other_forms_are_sent_each_where_they_are_not_served_together() -> None:
    forms = next(one for one in content_part_probes(RequestBody(load_contract("openai"), TARGET)) if one.name == FORMS)
    three, *others = forms.instead
    assert three.name == "parts/image-three"
    apart = {probe.name: url_of(probe) for probe in others}
    assert apart.keys() == {PARAMETER, LARGE}
    plain, parameter, large = urls_of(forms)
    assert plain.startswith("data:image/png;base64,")
    assert parameter == apart[PARAMETER]
    assert parameter.startswith("data:image/png;charset=utf-8;base64,")
    assert large == apart[LARGE]
    assert len(apart[PARAMETER]) < 200
    assert 65_520 < len(apart[LARGE]) < 70_000


def test_the_large_picture_is_one() -> None:
    forms = next(one for one in content_part_probes(RequestBody(load_contract("openai"), TARGET)) if one.name == FORMS)
    data = base64.b64decode(url_of(forms).partition(",")[2])
    at = data.index(b"IDAT")
    pixels = zlib.decompress(data[at + 4 : at + 4 + int.from_bytes(data[at - 4 : at])])
    assert len(pixels) == 130 * (1 + 3 * 130)
    assert len(set(pixels)) > 200
