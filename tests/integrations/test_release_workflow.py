"""The release is built from what is locked, says what it depends on and where it was built; actions are pinned."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RELEASE: dict[Any, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))
BUILD, PUBLISH = (RELEASE["jobs"][name] for name in ("build", "publish"))
WITH_ACTIONS = (
    *("action.yml", "README.md", "docs/ci.md", "integrations/github-workflow.yml", ".github/workflows/release.yml"),
)
USES = re.compile(r"^\s*(?:- )?uses: (.+)$", re.MULTILINE)
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v[0-9]+(\.[0-9]+)+")
OURS = "OWNER/chat-conformance@"


def uses(job: dict[str, Any], action: str) -> list[dict[str, Any]]:
    return [step for step in job["steps"] if step.get("uses", "").startswith(f"{action}@")]


def scripts(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("name", WITH_ACTIONS)
def test_every_action_is_pinned_by_a_commit_and_says_its_version(name: str) -> None:
    found = USES.findall((ROOT / name).read_text(encoding="utf-8"))
    assert found
    assert [one for one in found if not one.startswith(OURS) and not PINNED.fullmatch(one.strip())] == []


def test_no_other_file_names_an_action() -> None:
    files = [path for kind in ("*.yml", "*.yaml") for path in (ROOT / "integrations").glob(kind)]
    files += [
        *(ROOT / ".github").rglob("*.y*ml"),
        *ROOT.glob("*.y*ml"),
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
    ]
    naming = {path.relative_to(ROOT).as_posix() for path in files if USES.search(path.read_text(encoding="utf-8"))}
    assert naming == set(WITH_ACTIONS)


def test_one_version_of_an_action_is_used_everywhere() -> None:
    texts = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in WITH_ACTIONS)
    named = {one.strip() for one in USES.findall(texts) if not one.startswith(OURS)}
    assert len({one.partition("@")[0] for one in named}) == len(named)


def test_a_release_is_built_by_the_lock_and_only_for_the_tag_of_its_version() -> None:
    (script,) = scripts(BUILD)
    installs = [line for line in script.replace("\\\n", " ").splitlines() if "pip install" in line]
    assert len(installs) == 1
    assert {"--require-hashes", "--no-deps", "requirements/release.txt"} <= set(installs[0].split())
    assert 'if [ "v$version" != "$GITHUB_REF_NAME" ]' in script
    assert "nox --no-venv -s release" in script
    assert RELEASE[True] == {"push": {"tags": ["v*"]}}  # YAML 1.1 reads `on` so


def test_it_says_what_it_depends_on_and_where_it_was_built() -> None:
    where, what = (step["with"] for step in uses(BUILD, "actions/attest"))
    assert where == {"subject-path": "dist/*"}
    assert what == {"subject-path": "dist/*.whl", "sbom-path": "dist/chat-conformance.cdx.json"}
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    assert '"cyclonedx-py", "requirements", "requirements/image.txt"' in noxfile
    assert 'str(dist / "chat-conformance.cdx.json")' in noxfile


def test_no_job_may_do_more_than_it_has_to() -> None:
    assert RELEASE["permissions"] == {}
    assert BUILD["permissions"] == {"contents": "read", "id-token": "write", "attestations": "write"}
    assert PUBLISH["permissions"] == {"contents": "write"}
    assert uses(BUILD, "actions/checkout")[0]["with"] == {"persist-credentials": False}
    assert not any("${{" in script for script in (*scripts(BUILD), *scripts(PUBLISH)))
