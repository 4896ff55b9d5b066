"""The README's commands and code, run as written."""

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import newsclf

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (newsclf .*)$", README, re.MULTILINE)
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
ARTICLE = '{"title": "Frost", "text": "Frost hit vines and orchards overnight, growers and farmers said."}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that holds what the README speaks of."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    (tmp_path / "news.txt").write_text("Frost hit vines and orchards overnight, growers and farmers said.")
    for name, lost, day in (("first", "4.2", "Tuesday"), ("second", "3.9", "Wednesday")):
        text = f"Frost hit vines overnight, and growers in Aldbrook lost {lost} mln euros of cherries, the union said on {day}."
        (tmp_path / f"{name}.txt").write_text(text)
    (tmp_path / "feed.jsonl.gz").write_bytes(gzip.compress(ARTICLE.encode()))
    (tmp_path / "table.csv").write_text('id,text\n1,"Frost hit vines and orchards overnight, growers said."\n')
    shutil.copy(ROOT / "models" / "newsclf.safetensors", tmp_path / "my.safetensors")
    with newsclf.open_index(tmp_path / "articles.db") as index:
        index.add("Frost hit vines and orchards overnight, growers and farmers said.")
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(command: str, folder: Path) -> None:
    program = command.replace("newsclf", f"{sys.executable} -m newsclf", 1)
    result = subprocess.run(["bash", "-c", program], cwd=folder, env=os.environ, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_run(program: str, folder: Path) -> None:
    result = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("agriculture ")


def test_the_first_session_is_what_the_command_prints() -> None:
    shown = re.search(r"^\$ newsclf predict data/sample\.txt\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    command = [sys.executable, "-m", "newsclf", "predict", "data/sample.txt"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert shown is not None and shown[1] == printed
