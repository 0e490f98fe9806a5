"""The file of operators, ``operator.nc``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kiloland.files import DatasetWriter, FileSchema, VariableSchema
from kiloland.spinup.cascade import LAYERS, POOLS, TRANSITIONS
from kiloland.spinup.operator.closure import Closure, block_closure, joined
from kiloland.spinup.operator.read import read_block
from kiloland.spinup.operator.source import Source
from kiloland.spinup.operator.tree import CascadeOperator, MineralPhosphorus
from kiloland.spinup.pools import KEY_UNITS

BLOCK = 4096
_DIMENSIONS: dict[str, tuple[str, ...]] = {
    "respired": ("transition", "levdecomp"),
    "path": ("transition", "levdecomp"),
    "diffusivity": ("interface",),
    "leaching": ("levdecomp",),
    "deposition": ("levdecomp",),
}
_UNITS = {
    "respired": "1",
    "path": "1",
    "diffusivity": "m2 s-1",
    "litter_input": "gC m-3 s-1",
    "litter_input_n": "gN m-3 s-1",
    "litter_input_p": "gP m-3 s-1",
    "sorption_maximum": "gP m-3",
    "sorption_half": "gP m-3",
    "deposition": "gP m-3 s-1",
}
_OWN = [
    field.name
    for field in dataclasses.fields(CascadeOperator)
    if field.name not in ("thickness", "spacing", "mineral")
]
_MINERAL = [field.name for field in dataclasses.fields(MineralPhosphorus)]
_COLUMN_KEYS = [name for name in KEY_UNITS if name.startswith("column")]


def write_operator(source: Source, path: Path) -> Closure:
    """Write the operator of all columns; the file appears whole or not at all. Returns the closure."""
    closures = []
    with DatasetWriter(path, schema(source)) as writer:
        for name in _COLUMN_KEYS:
            writer.put(name, getattr(source.subgrid.keys, name))
        for block in blocks(source.columns):
            read = read_block(source, block)
            closures.append(block_closure(source, block, read))
            for name, values in arrays(read.operator).items():
                writer.put(name, np.moveaxis(values, -1, 0), start=(block.start,))
    return joined(closures)


def blocks(columns: int) -> Iterator[slice]:
    """Slices of at most ``BLOCK`` columns."""
    for start in range(0, columns, BLOCK):
        yield slice(start, min(start + BLOCK, columns))


def arrays(operator: CascadeOperator) -> dict[str, Any]:
    """The operator's arrays by name, columns last."""
    made = {name: np.asarray(getattr(operator, name)) for name in _OWN}
    return made | {name: np.asarray(getattr(operator.mineral, name)) for name in _MINERAL}


def schema(source: Source) -> FileSchema:
    """Dimensions, variables and attributes of the file."""
    dimensions = {
        "column": source.columns,
        "pool": len(POOLS),
        "transition": len(TRANSITIONS),
        "interface": LAYERS - 1,
        "levdecomp": LAYERS,
    }
    variables = [
        VariableSchema(
            name, getattr(source.subgrid.keys, name).dtype, ("column",), {"units": KEY_UNITS[name]}
        )
        for name in _COLUMN_KEYS
    ]
    plain = dict.fromkeys(_OWN, ("pool", "levdecomp")) | dict.fromkeys(_MINERAL, ())
    for name in (*_OWN, *_MINERAL):
        dims = ("column", *_DIMENSIONS.get(name, plain[name]))
        said = {"long_name": name.replace("_", " "), "units": _UNITS.get(name, "s-1")}
        variables.append(VariableSchema(name, np.dtype("f8"), dims, said))
    attributes = {
        "kiloland_kind": "spinup_operator",
        "quality": source.quality.value,
        "pools": " ".join(POOLS),
        "years": f"{source.window.years[0]}-{source.window.years[-1]}",
        "source_restart": source.paths.restart.name,
    }
    return FileSchema(dimensions, None, tuple(variables), attributes)
