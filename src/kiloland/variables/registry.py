"""The registry: every variable that a file or the state holds, once.

Two tables ship with the package. ``restart.csv`` has the 478 variables of ELM's restart file in the order
of that file; ``history.csv`` has the fields of ELM's history tapes. Allocation, restart, history
attributes, error scales and the documentation page all come from here.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any, Literal, TypeVar

import numpy as np

from kiloland.errors import InputError

Level = Literal["gridcell", "topounit", "landunit", "column", "pft", "lndgrid", ""]
Averaging = Literal["mean", "instantaneous", "maximum", "minimum"]
UrbanScale = Literal["", "flux", "state"]
"""``flux``: per area of the surface, summed over the surfaces of a town; ``state``: their mean by area."""

SUBGRID_DIMENSIONS: tuple[Level, ...] = ("gridcell", "topounit", "landunit", "column", "pft")
"""The levels of the subgrid hierarchy, large to small, by the name of their dimension on files."""

FILL_VALUE = 1.0e36
"""Missing value of floating-point variables on ELM's files."""

INTEGER_FILL_VALUE = -9999
"""Missing value of integer variables on ELM's files."""

_Entry = TypeVar("_Entry")

_FLAT_MEANINGS = "1=nearest neighbor, 2=copy directly, 3=skip"
_LAYERED_MEANINGS = "1=>nearest_neighbor 2=>copy 3=>skip"


@dataclass(frozen=True)
class RestartVariable:
    """One variable of the restart file.

    ``scale`` is the magnitude below which an error counts as absolute: |a-b| <= rel * max(|b|, scale).
    ``state`` names the field of the land state that advances it; empty where it is carried unchanged.
    """

    name: str
    dtype: np.dtype[Any]
    dims: tuple[str, ...]
    units: str
    long_name: str
    scale: float
    state: str
    attributes: Mapping[str, Any]
    optional: bool

    @property
    def level(self) -> Level:
        """Subgrid level of the leading dimension; empty for scalars and tables."""
        first = self.dims[0] if self.dims else ""
        return next((level for level in SUBGRID_DIMENSIONS if level == first), "")


@dataclass(frozen=True)
class HistoryVariable:
    """One field of a history tape; ``dims`` are those besides time and the subgrid level."""

    name: str
    level: Level
    dims: tuple[str, ...]
    units: str
    long_name: str
    averaging: Averaging
    scale: float
    default: bool
    standard_name: str = ""
    urban: UrbanScale = ""
    """How columns of towns, which stand on walls too, count in the mean of a cell."""
    landunits: str = ""
    """ELM's word for the landunits that the mean of a cell takes (`veg`, `ice`, ...); empty for all."""

    def attributes(self, averaging: Averaging | None = None) -> dict[str, Any]:
        """Attributes of the field as ELM writes them, for one way of averaging in time."""
        method = {"mean": "mean", "instantaneous": "point", "maximum": "maximum", "minimum": "minimum"}
        result: dict[str, Any] = {"long_name": self.long_name}
        if self.standard_name:
            result["standard_name"] = self.standard_name
        if self.units:
            result["units"] = self.units
        result["cell_methods"] = f"time: {method[averaging or self.averaging]}"
        return result

    def with_averaging(self, averaging: Averaging) -> HistoryVariable:
        """The same field with another way of averaging."""
        return replace(self, averaging=averaging)


def _restart_attributes(row: Mapping[str, str], dtype: np.dtype[Any]) -> dict[str, Any]:
    attributes: dict[str, Any] = {key: row[key] for key in ("long_name", "units", "comment") if row[key]}
    if row["interpolation"]:
        attributes["interpinic_flag"] = np.int32(row["interpolation"])
        if dtype.kind != "S":
            attributes["interpinic_flag_meanings"] = (
                _LAYERED_MEANINGS if row["switched"] == "1" else _FLAT_MEANINGS
            )
    if row["switched"] == "1":
        attributes["switchdim_flag"] = np.int32(1)
        attributes["switchdim_flag_values"] = np.array([0, 1], np.int32)
        attributes["switchdim_flag_is_0"] = "1st and 2nd dims are same as model representation"
        attributes["switchdim_flag_is_1"] = "1st and 2nd dims are switched from model representation"
    for key, column in (("_FillValue", "fill"), ("missing_value", "missing")):
        if row[column]:
            attributes[key] = dtype.type(row[column])
    return attributes


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files("kiloland.variables").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def restart_variables() -> Mapping[str, RestartVariable]:
    """Every variable of the restart file by name, in the order of ELM's file."""
    result = {}
    for row in _rows("restart.csv"):
        dtype: np.dtype[Any] = np.dtype(row["dtype"])
        result[row["name"]] = RestartVariable(
            name=row["name"],
            dtype=dtype,
            dims=tuple(row["dims"].split()),
            units=row["units"],
            long_name=row["long_name"],
            scale=float(row["scale"]),
            state=row["state"],
            attributes=_restart_attributes(row, dtype),
            optional=row["budget"] == "1",
        )
    return result


@cache
def history_variables() -> Mapping[str, HistoryVariable]:
    """Every history field by name."""
    averaging: dict[str, Averaging] = {
        "mean": "mean",
        "time: point": "instantaneous",
        "maximum": "maximum",
        "minimum": "minimum",
    }
    scales: dict[str, UrbanScale] = {"": "", "flux": "flux", "state": "state"}
    return {
        row["name"]: HistoryVariable(
            name=row["name"],
            level=next((level for level in (*SUBGRID_DIMENSIONS, "lndgrid") if level == row["level"]), ""),
            dims=tuple(row["dims"].split()),
            units=row["units"],
            long_name=row["long_name"],
            averaging=averaging[row["averaging"]],
            scale=float(row["scale"]),
            default=row["default"] == "1",
            standard_name=row["standard_name"],
            urban=scales[row["urban"]],
            landunits=row["landunits"],
        )
        for row in _rows("history.csv")
    }


def simulated_variables() -> Iterator[RestartVariable]:
    """The restart variables that the land state advances."""
    return (variable for variable in restart_variables().values() if variable.state)


def restart_variable(name: str) -> RestartVariable:
    """Look up one restart variable.

    Raises:
        InputError: the name is unknown; the nearest known names are offered.
    """
    return _look_up(restart_variables(), name, "restart")


def history_variable(name: str) -> HistoryVariable:
    """Look up one history field.

    Raises:
        InputError: the name is unknown; the nearest known names are offered.
    """
    return _look_up(history_variables(), name, "history")


def _look_up(table: Mapping[str, _Entry], name: str, kind: str) -> _Entry:
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, n=3, cutoff=0.6)
    hint = (
        f"did you mean {', '.join(near)}?"
        if near
        else "the page Variables of the documentation lists them all"
    )
    raise InputError(f"no {kind} variable of this name is known", variable=name, hint=hint)


def error_scale(name: str) -> float:
    """Scale of a variable for error measures, from the restart table, else the history table, else 1."""
    if name in restart_variables():
        return restart_variables()[name].scale
    if name in history_variables():
        return history_variables()[name].scale
    return 1.0
