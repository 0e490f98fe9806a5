"""The decomposition operator as variables of a data set."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.cascade import layers
from kiloland.spinup.dataset.table import CellTable, Column
from kiloland.spinup.operator import CascadeOperator, MineralPhosphorus

PREFIX: Final = "operator_"
_DIMS: Final = {
    "decay": ("pool", "layer"),
    "respired": ("transition", "layer"),
    "path": ("transition", "layer"),
    "diffusivity": ("interface",),
    "fire": ("pool", "layer"),
    "litter_input": ("pool", "layer"),
    "litter_input_n": ("pool", "layer"),
    "litter_input_p": ("pool", "layer"),
    "biochemical_p": ("pool", "layer"),
    "leaching": ("layer",),
    "deposition": ("layer",),
}
_UNITS: Final = {
    "decay": "s-1",
    "respired": "1",
    "path": "1",
    "diffusivity": "m2 s-1",
    "fire": "s-1",
    "litter_input": "gC m-3 s-1",
    "litter_input_n": "gN m-3 s-1",
    "litter_input_p": "gP m-3 s-1",
    "biochemical_p": "s-1",
    "sorption_maximum": "gP m-3",
    "sorption_half": "gP m-3",
    "deposition": "gP m-3 s-1",
}
_ROOT: Final = tuple(
    field.name
    for field in dataclasses.fields(CascadeOperator)
    if field.name not in ("thickness", "spacing", "mineral")
)
_MINERAL: Final = tuple(field.name for field in dataclasses.fields(MineralPhosphorus))


def operator_columns() -> dict[str, Column]:
    """The operator's variables."""
    names = (*_ROOT, *_MINERAL)
    return {
        PREFIX + name: Column(
            PREFIX + name,
            ("cell", *_DIMS.get(name, ())),
            _UNITS.get(name, "s-1"),
            f"decomposition operator: {name.replace('_', ' ')}",
        )
        for name in names
    }


def operator_values(operator: CascadeOperator) -> dict[str, NDArray[Any]]:
    """The operator's arrays, cells first."""
    values = {PREFIX + name: getattr(operator, name) for name in _ROOT}
    values |= {PREFIX + name: getattr(operator.mineral, name) for name in _MINERAL}
    return {name: np.moveaxis(np.asarray(array), -1, 0) for name, array in values.items()}


def table_operator(table: CellTable) -> CascadeOperator:
    """The operator of the cells of a table, float64."""

    def array(name: str) -> Any:
        return jnp.asarray(np.moveaxis(table[PREFIX + name], 0, -1), jnp.float64)

    grid = layers()
    return CascadeOperator(
        thickness=jnp.asarray(grid.thickness),
        spacing=jnp.asarray(grid.spacing),
        mineral=MineralPhosphorus(**{name: array(name) for name in _MINERAL}),
        **{name: array(name) for name in _ROOT},
    )
