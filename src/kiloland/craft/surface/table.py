"""What is known of each variable of a surface file: its kind, how it is mapped, its bounds.

The table itself is the data file ``variables.csv`` beside this module.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from importlib.resources import files
from typing import Final

from kiloland.errors import InputError

CELL: Final = "gridcell"


class Kind(Enum):
    """What a variable is; the kind decides how it may be mapped."""

    MADE = "made"
    """Comes from the domain."""
    COPIED = "copied"
    """Has no cells: taken as it is."""
    LANDUNIT = "landunit"
    """Percent of the cell; all of them together are 100."""
    SHARE = "share"
    """Percent of a land unit; the layers are 100 together."""
    CLASS = "class"
    """A code, count, month or year: never averaged."""
    SOIL_PERCENT = "soil_percent"
    """Soil texture by layer, 0 to 100 %."""
    PERCENT = "percent"
    FRACTION = "fraction"
    """0 to 1."""
    POSITIVE = "positive"
    FIELD = "field"
    ANGLE = "angle"
    """Degrees on a circle: averaged as unit vectors."""
    PLANT = "plant"
    """By month and plant type."""
    URBAN = "urban"
    """Valid in urban cells only."""
    TOPOUNIT = "topounit"
    """Belongs together with the other values of its cell."""


class Method(Enum):
    """How values are brought from one grid to another."""

    NONE = "none"
    NEAREST = "nearest"
    LINEAR = "linear"
    CONSERVATIVE = "conservative"
    MAJORITY = "majority"


_COPY: Final = frozenset({Method.NEAREST})
_CODE: Final = frozenset({Method.NEAREST, Method.MAJORITY})
_MEAN: Final = frozenset({Method.NEAREST, Method.LINEAR, Method.CONSERVATIVE})
ALLOWED: Final[Mapping[Kind, frozenset[Method]]] = {
    Kind.MADE: frozenset(),
    Kind.COPIED: frozenset(),
    Kind.CLASS: _CODE,
    Kind.URBAN: _COPY,
    Kind.TOPOUNIT: _COPY,
} | dict.fromkeys(
    (
        Kind.LANDUNIT,
        Kind.SHARE,
        Kind.SOIL_PERCENT,
        Kind.PERCENT,
        Kind.FRACTION,
        Kind.POSITIVE,
        Kind.FIELD,
        Kind.ANGLE,
        Kind.PLANT,
    ),
    _MEAN,
)


@dataclass(frozen=True)
class SurfaceVariable:
    """One variable: ``dims`` in file order with ``gridcell`` for the cells, bounds None where open."""

    name: str
    dims: tuple[str, ...]
    dtype: str
    units: str
    long_name: str
    kind: Kind
    method: Method
    low: float | None
    high: float | None
    share_of: str | None
    requirement: str
    absent: str
    """What follows where the file lacks it."""

    @property
    def has_cells(self) -> bool:
        """True where the last dimension is the cell."""
        return self.dims[-1:] == (CELL,)


@lru_cache(maxsize=1)
def surface_table() -> Mapping[str, SurfaceVariable]:
    """All variables that ELM may read from a surface file, in the order they are written."""
    text = files(__package__).joinpath("variables.csv").read_text(encoding="utf-8")
    return {row["name"]: _variable(row) for row in csv.DictReader(text.splitlines())}


def _variable(row: Mapping[str, str]) -> SurfaceVariable:
    return SurfaceVariable(
        name=row["name"],
        dims=tuple(row["dims"].split()),
        dtype=row["dtype"],
        units=row["units"],
        long_name=row["long_name"],
        kind=Kind(row["kind"]),
        method=Method(row["method"]),
        low=float(row["low"]) if row["low"] else None,
        high=float(row["high"]) if row["high"] else None,
        share_of=row["share_of"] or None,
        requirement=row["requirement"],
        absent=row["absent"],
    )


def chosen_methods(choices: Mapping[str, str]) -> dict[str, Method]:
    """Method of every variable: the table's, or the one chosen by name.

    Raises InputError for a variable that is not in the table and for a method that its kind forbids.
    """
    table = surface_table()
    methods = {name: variable.method for name, variable in table.items()}
    for name, text in choices.items():
        if name not in table:
            raise InputError("no variable of a surface file", variable=name, hint="--method VAR=METHOD")
        allowed = ALLOWED[table[name].kind]
        words = sorted(method.value for method in allowed)
        if text not in words:
            raise InputError(
                f"cannot be mapped this way: its kind is {table[name].kind.value}",
                variable=name,
                found=text,
                expected=" or ".join(words) if words else "no method at all",
                hint="Classes are never averaged" if table[name].kind is Kind.CLASS else None,
            )
        methods[name] = Method(text)
    return methods
