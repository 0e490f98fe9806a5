"""The totals that ELM keeps on a restart, recomputed from the pools as the new file holds them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.restart.state import PartState
from kiloland.spinup.subgrid import Subgrid
from kiloland.spinup.tables import DECOMPOSITION_LAYERS, POOLS, TOTALS, Total, layer_thickness

FloatArray = NDArray[np.float64]
Stored = Callable[[str], NDArray[np.float64]]
"""Gives the rows of the soil columns or patches of a pool, as on one of the two files."""


def total_of(total: Total, subgrid: Subgrid, stored: Stored, present: frozenset[str]) -> FloatArray:
    """The sum of a total's pools, per soil column or patch (g m-2), see :mod:`kiloland.spinup.tables`."""
    keys = subgrid.keys
    patches = np.zeros(keys.patches)
    for name in total.patches:
        if name in present:
            patches += stored(name)
    if total.dims == ("pft",):
        return patches
    grown = subgrid.pft_weight > 0.0
    weighted = np.where(grown, patches, 0.0) * np.where(grown, subgrid.pft_weight, 0.0)
    amount: FloatArray = np.bincount(keys.pft_column, weighted, keys.columns).astype(np.float64)
    thickness = layer_thickness()
    for name in total.layers:
        if name in present:
            amount = amount + integral(stored(name)[:, :DECOMPOSITION_LAYERS], thickness)
    for name in total.columns:
        if name in present:
            amount = amount + stored(name)
    return amount


def integral(layers: FloatArray, thickness: FloatArray) -> FloatArray:
    """Sum over layers of amount times thickness, from the top, in the same order whatever the columns."""
    amount = np.zeros(len(layers))
    for layer, depth in enumerate(thickness):
        amount += layers[:, layer] * depth
    return amount


def new_totals(state: PartState, stored: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """All totals of a part for the new file, whole vectors; ``stored``: its pools, whole vectors.

    Where no pool of a total changes, the total keeps its bits. What ELM counts beside the pools on file (the
    plants' N buffer, and pools that this restart does not hold) stays as it was.
    """
    present = frozenset(stored)
    found = {}
    for name, total in TOTALS.items():
        if name in state.dataset:
            found[name] = new_total(state, total, stored, present)
    return found


def new_total(
    state: PartState, total: Total, stored: dict[str, NDArray[np.float64]], present: frozenset[str]
) -> NDArray[np.float64]:
    """One total for the new file, as a whole vector of the part."""
    subgrid = state.subgrid
    on_patches = total.dims == ("pft",)
    rows = subgrid.pft_row if on_patches else subgrid.column_row
    with np.errstate(invalid="ignore", over="ignore"):
        before = total_of(total, subgrid, state.on_file, present)
        after = total_of(total, subgrid, lambda name: rows_of(state, stored[name], name), present)
    old = np.asarray(state.stored(total.name)[rows], np.float64)
    beside = old - before if total.remainder or not present.issuperset(total.members) else 0.0
    keep = (before == after) | ((subgrid.pft_weight == 0.0) if on_patches else False)
    whole = state.stored(total.name).copy()
    whole[rows] = np.where(keep, old, after + beside)
    return whole


def rows_of(state: PartState, whole: NDArray[np.float64], name: str) -> FloatArray:
    """The rows of the soil columns or patches of a whole vector."""
    return np.asarray(whole[state.rows(POOLS[name])], np.float64)


def imbalance(state: PartState, total: Total, present: frozenset[str]) -> FloatArray:
    """Restart's own total minus the sum of its pools, per soil column or patch with weight (g m-2)."""
    with np.errstate(invalid="ignore", over="ignore"):
        own = total_of(total, state.subgrid, state.on_file, present)
    patches = total.dims == ("pft",)
    rows = state.subgrid.pft_row if patches else state.subgrid.column_row
    difference = np.asarray(state.stored(total.name)[rows], np.float64) - own
    return np.where(state.subgrid.pft_weight > 0.0, difference, 0.0) if patches else difference
