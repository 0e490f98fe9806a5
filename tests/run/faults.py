"""Faults of inputs, and how a command tells them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from run_cases import Arrays, Table

from kiloland.cli.main import main
from kiloland.craft.synthetic_weather import PREFIX

Change = Callable[[Arrays, dict[str, Table]], None]
JULY = "0001-07"


def weather(folder: Path, variable: str, month: str = JULY) -> Path:
    return folder / "weather" / f"{PREFIX}.{variable}.{month}.nc"


def spoken(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """Exit code of a command in this process, and its one message."""
    capsys.readouterr()
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as error:
        code = int(str(error.code))
    return code, capsys.readouterr().err


def one_message(text: str) -> str:
    """The message of a failed command; there is exactly one, and no traceback."""
    assert "Traceback" not in text, text
    lines = [line for line in text.splitlines() if line.startswith("kiloland ")]
    assert len(lines) == 1, text
    return lines[0]


def put(variable: str, cell: int, value: float) -> Change:
    """Set the value of a cell; the cell is the last dimension."""

    def change(arrays: Arrays, attributes: dict[str, Table]) -> None:
        arrays[variable][..., cell] = value

    return change


def drop(variable: str) -> Change:
    def change(arrays: Arrays, attributes: dict[str, Table]) -> None:
        del arrays[variable]

    return change


def scale(variable: str, factor: float) -> Change:
    def change(arrays: Arrays, attributes: dict[str, Table]) -> None:
        arrays[variable] = (arrays[variable] * factor).astype(arrays[variable].dtype)

    return change


def attribute(variable: str, name: str, value: Any) -> Change:
    def change(arrays: Arrays, attributes: dict[str, Table]) -> None:
        attributes[variable][name] = value

    return change
