"""Pools of a restart in natural scale, on the columns and patches of another file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset
from kiloland.spinup.cascade import LAYERS
from kiloland.spinup.restart.acceleration import averaged_scalar, read_factors, restart_scale
from kiloland.spinup.subgrid import Subgrid, SubgridKeys, positions
from kiloland.spinup.tables import POOLS, Acceleration

Float = NDArray[np.float64]
Int = NDArray[np.int64]


def matched(found: Subgrid, wanted: SubgridKeys, file: Path) -> tuple[Int, Int]:
    """Places of the wanted columns and patches among those of a file."""
    column = positions(found.keys.column_codes(), wanted.column_codes())
    patch = positions(found.keys.patch_codes(), wanted.patch_codes())
    for place, what in ((column, "column"), (patch, "patch")):
        if (place < 0).any():
            raise InputError(
                f"lacks a {what} of the pools",
                file=file,
                where=f"{what} {int(np.flatnonzero(place < 0)[0]) + 1} of the file of pools",
                hint="The files must be of the same run",
            )
    return column, patch


def chosen(values: Mapping[str, Float], column: Int, patch: Int) -> dict[str, Float]:
    """Pools at these columns and patches."""
    return {name: array[patch if POOLS[name].on_patches else column] for name, array in values.items()}


def natural_pools(
    dataset: Dataset, subgrid: Subgrid, names: Sequence[str], parameters: Path | None
) -> dict[str, Float]:
    """Pools of a restart in natural scale; pools that the file lacks are left out."""
    scale = restart_scale(dataset, read_factors(parameters))
    scalar = np.ones((subgrid.keys.columns, LAYERS))
    if scale.divides:
        scalar = averaged_scalar(dataset["scalaravg_col"].values()[subgrid.column_row, :LAYERS])
    found = {}
    for name in names:
        if name not in dataset:
            continue
        pool, values = POOLS[name], dataset[name].values()
        if pool.on_patches:
            values = values[subgrid.pft_row]
        else:
            values = values[subgrid.column_row, :LAYERS] if pool.layered else values[subgrid.column_row]
        layered = pool.layered and pool.acceleration is Acceleration.DECOMPOSITION
        found[name] = np.nan_to_num(values) * scale.factor(pool, scalar if layered else np.ones(1))
    return found
