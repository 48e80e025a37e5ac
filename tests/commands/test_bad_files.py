"""Files that are none, too large or hostile, wherever one may be named: exit status 2, one sentence, little memory."""

from __future__ import annotations

import os
import resource
import subprocess
from pathlib import Path

import pytest
from command_line import CLI, environment
from memory_of_programs import measured, needs_procfs
from own_documents import own_document, stored

pytestmark = pytest.mark.process

HTTPS = ("--base-url", "https://127.0.0.1:9/v1", "--out", "out")
COMMAND = """
from conformance.cli import main
figure = sys.argv.pop()
try:
    main()
finally:
    sys.argv.append(figure)
"""
NAMING = {
    "document": ("run", "FILE", "--plan"),
    "configuration": ("run", "openai", "--config", "FILE", "--target", "x"),
    "waivers": ("run", "openai", "--out", "out", "--waivers", "FILE"),
    "CA file": ("run", "openai", *HTTPS, "--ca-file", "FILE"),
    "client certificate": ("run", "openai", *HTTPS, "--client-cert", "FILE"),
    "signing key": ("run", "openai", "--tier", "smoke", "--out", "out", "--bundle", "b.zip", "--sign", "FILE"),
    "rows": ("run", "with-rows.yaml", "--plan"),
    "faults": ("lab", "openai", "--only", "none", "--out", "out", "--extra", "FILE"),
}


def refusal(folder: Path, *arguments: str) -> str:
    """What a command says on stderr when it ends with 2, having taken no more memory than any other."""
    done, megabytes = measured(COMMAND, folder, *arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("chat-conformance: ")
    assert done.stderr.count("\n") == 1
    assert megabytes < 200
    return done.stderr


@needs_procfs
@pytest.mark.slow
@pytest.mark.parametrize("named", NAMING)
def test_what_is_not_a_regular_file_is_not_read(named: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for file, reason in (
        ("/dev/zero", "it is not a regular file"),
        ("pipe", "it is not a regular file"),
        ("folder", "directory"),
    ):
        document = {**own_document(), "x-conformance": {"requirements": str(tmp_path / file)}}
        stored(tmp_path, document, "with-rows.yaml")
        said = refusal(tmp_path, *(file if one == "FILE" else one for one in NAMING[named]))
        assert reason in said or "there is no such file" in said
        assert Path(file).name in said


DEEP = 5000
CONFIGURATIONS = {
    "nested arrays": f"a = {'[' * DEEP}{']' * DEEP}\n",
    "nested tables": f"[{'.'.join(['a'] * DEEP)}]\n",
    "a long name of a key": f"{'.'.join(['a'] * DEEP)} = 1\n",
    "inline tables": f"a = {'{a=' * 900}1{'}' * 900}\n",
    "many digits": f"a = 1{'0' * 10_000}\n",
    "a NUL": "a = '\0'\n",
    "much": "# a comment\n" * 1_000_000,
}


@needs_procfs
@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_hostile_configuration_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "conformance.toml").write_text(CONFIGURATIONS[name], encoding="utf-8")
    assert "conformance.toml" in refusal(tmp_path, "run", "openai", "--target", "x")


@needs_procfs
@pytest.mark.slow
def test_a_document_of_300_megabytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "own.yaml").open("wb") as file:
        file.truncate(300_000_000)
    assert "it is larger than 16 MB" in refusal(tmp_path, "run", "own.yaml", "--plan")


@pytest.mark.parametrize("limit", [8, 15, 24])
def test_too_few_open_files_are_noticed_before_anything_begins(limit: int, tmp_path: Path) -> None:
    done = subprocess.run(
        (*CLI, "run", "openai", "--tier", "smoke", "--out", "out"),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)),
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "this run needs up to 56 open files, and the system allows only" in done.stderr
    assert not (tmp_path / "out").exists()
