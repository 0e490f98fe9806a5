"""Tables of a TOML file become typed objects, or one message that names file and key."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from kiloland.errors import InputError
from kiloland.run.configuration import decode, read_toml


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Wheel:
    radius: float
    colour: Colour = Colour.RED


@dataclass(frozen=True)
class Car:
    name: str
    wheels: tuple[Wheel, ...] = ()
    doors: int = 4
    manual: Path | None = None
    old: bool = False
    spare: Wheel = field(default_factory=lambda: Wheel(0.3))

    def __post_init__(self) -> None:
        if self.doors < 0:
            raise ValueError(f"doors must not be negative, found {self.doors}")


FILE = Path("/garage/car.toml")


def test_tables_become_objects_with_their_types() -> None:
    table = {
        "name": "beetle",
        "wheels": [{"radius": 1}, {"radius": 0.5, "colour": "blue"}],
        "manual": "books/manual.pdf",
        "old": True,
    }
    car = decode(Car, table, FILE)
    assert car == Car(
        "beetle", (Wheel(1.0), Wheel(0.5, Colour.BLUE)), 4, Path("/garage/books/manual.pdf"), True
    )
    assert isinstance(car.wheels[0].radius, float)


def test_absolute_paths_stay() -> None:
    assert decode(Car, {"name": "x", "manual": "/a/b"}, FILE).manual == Path("/a/b")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "name: key missing (expected str)"),
        ({"nam": "x"}, "nam: unknown key. did you mean name?"),
        ({"name": "x", "zzz": 1}, "zzz: unknown key. known here: name, wheels, doors, manual, old, spare"),
        ({"name": 3}, "name: wrong type (found 3, expected str)"),
        ({"name": "x", "doors": 2.0}, "doors: wrong type (found 2.0, expected int)"),
        ({"name": "x", "doors": True}, "doors: wrong type (found True, expected int)"),
        ({"name": "x", "old": 1}, "old: wrong type (found 1, expected bool)"),
        ({"name": "x", "manual": 5}, "manual: wrong type (found 5, expected Path)"),
        ({"name": "x", "wheels": {"radius": 1}}, "wheels: wrong type (found {'radius': 1}, expected a list)"),
        ({"name": "x", "wheels": [{"radius": "1"}]}, "wheels[0].radius: wrong type"),
        ({"name": "x", "wheels": [{"radius": True}]}, "wheels[0].radius: wrong type"),
        ({"name": "x", "wheels": [{"radius": 1}, {"raduis": 1}]}, "did you mean wheels[1].radius?"),
        (
            {"name": "x", "spare": {"radius": 1, "colour": "green"}},
            "spare.colour: unknown value (found 'green', expected one of red, blue)",
        ),
        ({"name": "x", "spare": 7}, "spare: not a table (found int)"),
        ({"name": "x", "doors": -1}, "doors must not be negative, found -1"),
        ([], "top level: not a table (found list)"),
    ],
)
def test_what_does_not_fit_is_told_with_file_and_key(table: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        decode(Car, table, FILE)
    assert str(FILE) in str(caught.value)
    assert message in str(caught.value)


def test_a_file_that_is_no_toml_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "car.toml"
    file.write_text("name = 'x'\ndoors = four\n")
    with pytest.raises(InputError, match=rf"{file}: not valid TOML: .*line 2"):
        read_toml(file)
    with pytest.raises(InputError, match="no such file"):
        read_toml(tmp_path / "absent.toml")
    with pytest.raises(InputError, match="cannot be read"):
        read_toml(tmp_path)
