"""The legend: what each class of a land-cover raster is to the land model. Data, not code."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.grid.base import FloatArray

PLANT_TYPES: Final = 17
DENSITIES: Final = 3
LARGEST_CODE: Final = 65_535
BUILT_IN: Final = ("nalcms",)
_PART_KEYS: Final = frozenset(
    {"share", "unit", "density", "plant", "cold", "warm", "below", "above"},
)


class Unit(Enum):
    """Where the area of a class goes."""

    NATURAL = "natural"
    CROP = "crop"
    URBAN = "urban"
    LAKE = "lake"
    GLACIER = "glacier"
    WETLAND = "wetland"
    SEA = "sea"
    """Not land: left out of the shares, and taken off the land fraction."""


@dataclass(frozen=True)
class Part:
    """A part of a class: ``share`` of its area to a land unit, and there to one or two plant types.

    At a coldest month of ``below`` (°C) or colder all of it is ``cold``, at ``above`` or warmer all ``warm``,
    linear between; with equal bounds ``cold`` up to and at the bound. ``density`` counts urban classes
    from 1.
    """

    unit: Unit
    share: float = 1.0
    cold: int = 0
    warm: int = 0
    below: float = 0.0
    above: float = 0.0
    density: int = 1

    def warm_share(self, temperature: FloatArray) -> FloatArray:
        """Share of the warm plant type, clip((T - below) / (above - below), 0, 1)."""
        if self.above == self.below:
            return (temperature > self.below).astype(np.float64)
        return np.clip((temperature - self.below) / (self.above - self.below), 0.0, 1.0)


@dataclass(frozen=True)
class LandClass:
    """One class of the raster."""

    code: int
    name: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Legend:
    """All classes of a raster, and the codes that mean no data."""

    title: str
    source: str
    nodata: tuple[int, ...]
    classes: tuple[LandClass, ...]

    @property
    def codes(self) -> NDArray[np.int32]:
        """Codes of the classes, in the order of the legend."""
        return np.array([entry.code for entry in self.classes], np.int32)

    @property
    def needs_temperature(self) -> bool:
        """True where any class splits by temperature."""
        return any(part.cold != part.warm for entry in self.classes for part in entry.parts)

    def table(self) -> NDArray[np.int16]:
        """Place of every code 0 to 65535: that of its class, their number for no data, -1 for neither."""
        table = np.full(LARGEST_CODE + 1, -1, np.int16)
        table[list(self.nodata)] = len(self.classes)
        table[self.codes] = np.arange(len(self.classes))
        return table


def read_legend(name: str) -> Legend:
    """A legend of this package by its name, or of a TOML file.

    Raises InputError naming the class where it cannot be right: a code twice, a code that is also no data,
    shares that are not 1 together, a plant type or unit that does not exist, bounds in the wrong order.
    """
    if name in BUILT_IN:
        text = files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    else:
        try:
            text = Path(name).read_text(encoding="utf-8")
        except OSError as error:
            raise InputError(
                "no such legend", file=name, expected=f"{' or '.join(BUILT_IN)}, or a TOML file"
            ) from error
    try:
        return _legend(tomllib.loads(text), name)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"is no TOML: {error}", file=name) from error


def _legend(content: Mapping[str, Any], name: str) -> Legend:
    unknown = set(content) - {"title", "source", "nodata", "class"}
    if unknown:
        raise InputError("unknown key of a legend", file=name, variable=sorted(unknown)[0])
    classes = tuple(_class(entry, name) for entry in content.get("class", ()))
    nodata = tuple(content.get("nodata", ()))
    if not classes:
        raise InputError("a legend without classes", file=name, expected="[[class]] with code, name and part")
    seen: set[int] = set()
    for code in (*nodata, *(entry.code for entry in classes)):
        if not isinstance(code, int) or not 0 <= code <= LARGEST_CODE:
            raise InputError("a code out of range", file=name, found=code, expected=f"0 to {LARGEST_CODE}")
        if code in seen:
            raise InputError("a code stands twice in the legend", file=name, found=code)
        seen.add(code)
    return Legend(str(content.get("title", name)), str(content.get("source", "")), nodata, classes)


def _class(entry: Mapping[str, Any], file: str) -> LandClass:
    if set(entry) != {"code", "name", "part"}:
        raise InputError("a class needs code, name and part", file=file, found=sorted(entry))
    where = f"class {entry['code']} ({entry['name']})"
    parts = tuple(_part(part, file, where) for part in entry["part"])
    total = sum(part.share for part in parts)
    if abs(total - 1.0) > 1e-12 or any(part.share <= 0.0 for part in parts):
        raise InputError("shares of a class are not 1 together", file=file, where=where, found=total)
    return LandClass(entry["code"], str(entry["name"]), parts)


def _part(part: Mapping[str, Any], file: str, where: str) -> Part:
    unknown = set(part) - _PART_KEYS
    if unknown:
        raise InputError(
            "unknown key", file=file, where=where, found=sorted(unknown)[0], expected=sorted(_PART_KEYS)
        )
    try:
        unit = Unit(part.get("unit", "natural"))
    except ValueError:
        raise InputError(
            "unknown land unit", file=file, where=where, found=part["unit"], expected=[u.value for u in Unit]
        ) from None
    share, density = float(part.get("share", 1.0)), int(part.get("density", 1))
    if not 1 <= density <= DENSITIES:
        raise InputError("urban density out of range", file=file, where=where, found=density, expected="1-3")
    if unit is not Unit.NATURAL:
        return Part(unit, share, density=density)
    split = {"cold", "warm", "below", "above"} & set(part)
    if ("plant" in part) == bool(split) or (split and len(split) != 4):
        raise InputError(
            "a part of natural vegetation needs plant, or cold, warm, below and above", file=file, where=where
        )
    cold, warm = part.get("cold", part.get("plant")), part.get("warm", part.get("plant"))
    for plant in (cold, warm):
        if not isinstance(plant, int) or not 0 <= plant < PLANT_TYPES:
            raise InputError("no such plant type", file=file, where=where, found=plant, expected="0 to 16")
    below, above = float(part.get("below", 0.0)), float(part.get("above", 0.0))
    if below > above:
        raise InputError(
            "bounds in the wrong order", file=file, where=where, found=f"{below} to {above}",
            expected="below at most above",
        )  # fmt: skip
    return Part(unit, share, cold, warm, below, above)
