"""The README's code runs, and its front matter says what the requirements say."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from ays_core.__main__ import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def front_matter() -> dict[str, str]:
    block = README.split("---\n")[1]
    return dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)


@pytest.mark.slow
def test_the_walk_runs():
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) >= 5
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert names["result"].ran == names["start"].sigmas  # pyright: ignore
    assert "reference" in names["answer"].finding  # pyright: ignore


@pytest.mark.slow
def test_the_commands_run_one_after_the_other(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^python -m ays_core (.+)$", README, re.MULTILINE)
    assert len(commands) >= 5
    for command in commands:
        assert main(shlex.split(command)) == 0, command
        assert capsys.readouterr().out.strip(), command


def test_front_matter_agrees_with_the_requirements():
    fields = front_matter()
    requirements = (ROOT / "requirements.txt").read_text()
    low, high = re.search(r"^gradio>=([\d.]+),<([\d.]+)$", requirements, re.MULTILINE).groups()
    version = [int(part) for part in fields["sdk_version"].split(".")]
    assert [int(p) for p in low.split(".")] <= version < [int(p) for p in high.split(".")]
    assert fields["python_version"] == '"3.12"'
    assert len(fields["short_description"]) <= 60
    assert fields["license"] == "apache-2.0"


def test_every_file_and_target_it_names_exists():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^(?:.*`)?make ([a-z]+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for link in re.findall(r"\]\(([^)h][^)]*)\)", README):
        assert (ROOT / link).exists(), link
