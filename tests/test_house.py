"""The house: arrows go down only, and starting up loads NumPy at most."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import newsclf

PACKAGE = Path(__file__).parents[1] / "src" / "newsclf"
LAYERS = [  # from the ground up; a module imports from lower layers and from its own folder
    {"errors", "article", "atomic"},
    {"text"},
    {"reading"},
    {"tfidf"},
    {"topics", "duplicates"},
    {"model"},
    {"model_file"},
    {"corpus", "dedup", "evaluation", "index"},
    {"training"},
    {"cli"},
]
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
PUBLIC = newsclf._MODULES  # from newsclf import X stands on the module that X comes from
DOORS = {"__init__", "__main__"}


def imported_rooms(file: Path) -> set[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "newsclf":
            names += [f"newsclf.{PUBLIC[alias.name]}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return {name.split(".")[1] for name in names if name.startswith("newsclf.")}


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_arrows_go_down_only(file: Path) -> None:
    room = room_of(file)
    if room in DOORS:
        return
    wrong = {other for other in imported_rooms(file) if other != room and LEVEL[other] >= LEVEL[room]}
    assert not wrong, f"{room} stands on or below {wrong}"


def modules_after(code: str) -> set[str]:
    program = f"import sys, json\ntry:\n    {code}\nexcept SystemExit:\n    pass\njson.dump(sorted(sys.modules), sys.stderr)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(result.stderr))


HEAVY = {"sklearn", "scipy", "joblib", "pandas", "ftfy", "safetensors.torch"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["predict", str(PACKAGE.parents[1] / "data" / "sample.txt")]], ids=["help", "predict"]
)
def test_commands_load_nothing_heavy(arguments: list[str]) -> None:
    loaded = modules_after(f"sys.argv = ['newsclf', *{arguments!r}]; from newsclf.cli.app import main; main()")
    assert "newsclf.model" in loaded and not loaded & HEAVY


def test_importing_newsclf_loads_no_numpy() -> None:
    assert not modules_after("import newsclf") & (HEAVY | {"numpy"})


def test_every_public_name_can_be_imported() -> None:
    assert all(hasattr(newsclf, name) for name in newsclf.__all__)
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    typed = {alias.asname for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(newsclf._MODULES) <= typed
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        newsclf.absent  # noqa: B018
