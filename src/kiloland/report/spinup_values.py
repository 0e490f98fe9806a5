"""What the page of a spinup shows: pools of the short run, predicted and true, on the same columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.files import open_dataset
from kiloland.spinup.benchmark.restarts import chosen, matched, natural_pools
from kiloland.spinup.cascade import layers
from kiloland.spinup.pools import read_pools
from kiloland.spinup.subgrid import SubgridKeys, restart_subgrid, surface_cells
from kiloland.spinup.tables import HEADLINE, POOLS

Float = NDArray[np.float64]

SOIL_CARBON: Final = ("soil1c_vr", "soil2c_vr", "soil3c_vr", "soil4c_vr")
EARTH_RADIUS: Final = 6.37122e6
"""m, as ELM has it."""


@dataclass(frozen=True)
class ReportRequest:
    """Files of the page. ``truth``: a restart in equilibrium; ``continued``: history after the new restart;
    ``evidence``: result of the benchmark; ``surface`` tells the area of the cells."""

    pools: Path
    restart: Path
    truth: Path | None = None
    parameters: Path | None = None
    surface: Path | None = None
    continued: tuple[Path, ...] = ()
    evidence: Path | None = None


@dataclass(frozen=True)
class SpinupStates:
    """Pools by restart name, [column, layer] or [patch], natural scale.

    ``area``: m2 of each column, or its weight where areas are unknown; ``patch_area``: of each patch.
    """

    keys: SubgridKeys
    area: Float
    patch_area: Float
    area_known: bool
    before: Mapping[str, Float]
    predicted: Mapping[str, Float]
    truth: Mapping[str, Float] | None
    notes: Mapping[str, NDArray[Any]]
    attributes: Mapping[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """Pools that were predicted, the headline variables first."""
        first = [name for name in HEADLINE if name in self.predicted]
        return (*first, *(name for name in self.predicted if name not in HEADLINE))

    def weight(self, name: str) -> Float:
        """m2 (times m for layers) of each entry of a pool."""
        if POOLS[name].layered:
            return self.area[:, None] * layers().thickness[None, :]
        return self.patch_area if POOLS[name].on_patches else self.area

    def amount(self, name: str, values: Float) -> Float:
        """Amount of a pool in each column per m2 of the column; leaf area likewise, [column]."""
        if POOLS[name].layered:
            return np.asarray(values @ layers().thickness)
        if not POOLS[name].on_patches:
            return values
        share = self.patch_area / np.maximum(self.area[self.keys.pft_column], 1.0e-30)
        found = np.bincount(self.keys.pft_column, weights=share * values, minlength=self.keys.columns)
        return found.astype(np.float64)


def read_states(request: ReportRequest) -> SpinupStates:
    """Read pools, the restart they were made from, and the truth where there is one.

    Raises ``InputError`` where the files are of different columns.
    """
    pools = read_pools(request.pools)
    with open_dataset(request.restart) as dataset:
        own = restart_subgrid(dataset)
        column, patch = matched(own, pools.keys, request.restart)
        before = natural_pools(dataset, own, tuple(pools.values), request.parameters)
    truth = None
    if request.truth is not None:
        with open_dataset(request.truth) as dataset:
            subgrid = restart_subgrid(dataset)
            places = matched(subgrid, pools.keys, request.truth)
            truth = chosen(natural_pools(dataset, subgrid, tuple(pools.values), request.parameters), *places)
    area, known = column_areas(request, pools.keys)
    area = area * own.column_weight[column]
    return SpinupStates(
        pools.keys,
        area,
        area[pools.keys.pft_column] * own.pft_weight[patch],
        known,
        chosen(before, column, patch),
        pools.values,
        truth,
        pools.notes,
        pools.attributes,
    )


def column_areas(request: ReportRequest, keys: SubgridKeys) -> tuple[Float, bool]:
    """Area of the cell of each column (m2) from the surface file; else the cosine of latitude."""
    if request.surface is not None:
        with open_dataset(request.surface) as surface:
            if "AREA" in surface:
                cell = surface_cells(surface, keys.column_longitude, keys.column_latitude)
                return 1.0e6 * np.ravel(surface["AREA"].values())[cell], True
    return np.cos(np.radians(keys.column_latitude)), False
