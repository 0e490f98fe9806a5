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
    SPLINE = "spline"
    """Bicubic: tensor product of cubic splines, not-a-knot."""
    SPLINE_MONOTONE = "spline-monotone"
    """The same, within the values of the four cells around."""
    ELEVATION = "elevation"
    """Linear, corrected by a local regression on elevation."""


_COPY: Final = frozenset({Method.NEAREST})
_CODE: Final = frozenset({Method.NEAREST, Method.MAJORITY})
_MEAN: Final = frozenset({Method.NEAREST, Method.LINEAR, Method.CONSERVATIVE})
_SMOOTH: Final = _MEAN | {Method.SPLINE, Method.SPLINE_MONOTONE}
ALLOWED: Final[Mapping[Kind, frozenset[Method]]] = {
    Kind.MADE: frozenset(),
    Kind.COPIED: frozenset(),
    Kind.CLASS: _CODE,
    Kind.URBAN: _COPY,
    Kind.TOPOUNIT: _COPY,
    Kind.POSITIVE: _SMOOTH,
    Kind.FIELD: _SMOOTH,
} | dict.fromkeys(
    (
        Kind.LANDUNIT,
        Kind.SHARE,
        Kind.SOIL_PERCENT,
        Kind.PERCENT,
        Kind.FRACTION,
        Kind.ANGLE,
        Kind.PLANT,
    ),
    _MEAN,
)


BY_HEIGHT: Final = frozenset(
    {
        "ORGANIC",
        "PH",
        "aveDTB",
        "zbedrock",
        "MONTHLY_LAI",
        "MONTHLY_SAI",
        "MONTHLY_HEIGHT_TOP",
        "MONTHLY_HEIGHT_BOT",
    }
)
"""Variables that a climate or a slope ties to height within a source cell; parameters and shares are none."""
BY_HEIGHT_DEFAULT: Final = frozenset({"ORGANIC"})
"""Those corrected for elevation wherever elevations are given: what is cold and wet keeps organic matter."""


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
    by_height: bool
    """True where it may depend on elevation within a source cell."""

    @property
    def allowed(self) -> frozenset[Method]:
        """The methods that may be chosen."""
        return ALLOWED[self.kind] | ({Method.ELEVATION} if self.by_height else frozenset())

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
        by_height=row["name"] in BY_HEIGHT,
    )


def chosen_methods(choices: Mapping[str, str], *, with_elevation: bool = False) -> dict[str, Method]:
    """Method of every variable: the table's, or the one chosen by name.

    ``with_elevation``: elevations of the cells are given, so that some variables are corrected by default.

    Raises InputError for a variable that is not in the table and for a method that its kind forbids.
    """
    table = surface_table()
    methods = {name: variable.method for name, variable in table.items()}
    methods |= dict.fromkeys(BY_HEIGHT_DEFAULT, Method.ELEVATION) if with_elevation else {}
    for name, text in choices.items():
        if name not in table:
            raise InputError("no variable of a surface file", variable=name, hint="--method VAR=METHOD")
        allowed = table[name].allowed
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
        if methods[name] is Method.ELEVATION and not with_elevation:
            raise InputError(
                "needs the elevations of the cells",
                variable=name,
                found=text,
                hint="--elevation CELLS.nc:TOPO",
            )
    return methods
