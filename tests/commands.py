"""Commands run in the process of the tests: new ones would take longer than all that most tests look at."""

import io
import json
import sys
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from newsclf.cli.app import main


@dataclass(frozen=True)
class Result:
    returncode: int
    stdout: bytes
    stderr: bytes

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.splitlines()]


class Run(Protocol):
    def __call__(self, *arguments: object, stdin: bytes = b"") -> Result: ...


def runner(monkeypatch: pytest.MonkeyPatch, output: pytest.CaptureFixture[bytes], *always: object) -> Run:
    """Runs ``newsclf`` with arguments, and after them those that are always given."""

    def run(*arguments: object, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "argv", ["newsclf", *map(str, [*arguments, *always])])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as end:
            main()
        assert isinstance(end.value.code, int)
        return Result(end.value.code, *output.readouterr())

    return run
