"""A fleet by its command: its results stand in their folders, no key is in them, and nothing is judged twice."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest
from command_line import CANARY, CLI, call
from deployments import echo_of_key, http_deployment

from conformance.bundle.confinement import Bounds
from conformance.commands.verify import demands_of, verify_bundle
from conformance.reference import EmbeddedReference, Tenant
from conformance.shipped import specs_directory

pytestmark = [pytest.mark.network, pytest.mark.process, pytest.mark.slow]


@dataclass(frozen=True)
class Fleet:
    folder: Path
    status: int
    printed: str

    @property
    def results(self) -> Path:
        return self.folder / "reports" / "FLEET"

    def run(self, target: str) -> Path:
        (found,) = self.results.glob(f"*/openai/{target}")
        return found


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """The reference, whose key is in a file, and one that gives back each key that it is sent."""
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "keys").mkdir()
    (folder / "keys" / "GOOD_KEY").write_text(f"{CANARY}\n")
    tenants = Tenant("first", CANARY), Tenant("second", "sk-another-0123456789")
    with EmbeddedReference("openai", tenants=tenants) as good, http_deployment(echo_of_key) as echo:
        (folder / "FLEET.toml").write_text(
            f'[fleet]\ntiers = ["smoke"]\nkey_folder = "{folder}/keys"\n[defaults]\nsecond_tenant = false\n'
            f'[targets.good]\nbase_url = "{good.base_url}"\nmodel = "{good.model}"\napi_key_env = "GOOD_KEY"\n'
            f'[targets.echo]\nbase_url = "{echo}"\nmodel = "m"\napi_key_env = "ECHO_KEY"\n'
        )
        command = (*CLI, "fleet", "FLEET.toml", "--workers", "1")
        first = call(command, folder, ECHO_KEY=f"{CANARY}-of-echo")
        before = _times(folder / "reports")
        again = call(command, folder, ECHO_KEY=f"{CANARY}-of-echo")
    assert "2 of 2 runs were made before" in again.stdout, again.stdout + again.stderr
    assert before == _times(folder / "reports")
    assert again.returncode == first.returncode
    return Fleet(folder, first.returncode, first.stdout + first.stderr)


def _times(folder: Path) -> dict[str, int]:
    """When each file of a run was written."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("smoke-*")}


def test_the_exit_status_and_the_summary_are_those_of_its_runs(fleet: Fleet) -> None:
    assert fleet.status in {1, 3}, fleet.printed
    record = json.loads((fleet.results / "fleet.json").read_text())
    jsonschema.validate(record, json.loads((specs_directory() / "fleet.schema.json").read_text(encoding="utf-8")))
    outcomes = {one["target"]: one["outcome"] for one in record["runs"]}
    assert record["complete"] is True
    assert outcomes["good"]["verdict"] == "conformant", fleet.printed
    assert outcomes["echo"]["verdict"] != "conformant"
    assert "Side by side:" in fleet.printed
    assert "Next:" in fleet.printed


def test_results_stand_by_version_profile_and_target_with_how_to_make_them_again(fleet: Fleet) -> None:
    folder = fleet.run("good")
    assert {path.name for path in folder.iterdir()} == {
        "README.md",
        *(
            f"smoke-{name}"
            for name in ("report.json", "report.html", "junit.xml", "log.html", "bundle.zip", "run.json")
        ),
    }
    readme = (folder / "README.md").read_text()
    assert "## Reproduce" in readme
    assert "chat-conformance run openai --config FLEET.toml --target good --tier smoke" in readme


def test_the_bundle_of_a_run_is_valid(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = fleet.run("good") / "smoke-bundle.zip"
    none = dict.fromkeys(("require_tier", "target", "not_before", "not_after"))
    demands = demands_of({**none, "no_waivers": False, "require_all": False})
    assert verify_bundle(bundle, None, demands, Bounds(512, 120), None) == 0, capsys.readouterr()


def test_no_key_is_in_any_file_or_line(fleet: Fleet) -> None:
    texts = {"printed": fleet.printed.encode()}
    for path in fleet.results.rglob("*"):
        if path.suffix == ".zip":
            with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as bundle:
                texts |= {f"{path.name}/{name}": bundle.read(name) for name in bundle.namelist()}
        elif path.is_file():
            texts[str(path)] = path.read_bytes()
    assert len(texts) > 20
    assert [name for name, text in texts.items() if CANARY.encode() in text] == []
