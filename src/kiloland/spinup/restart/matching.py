"""Which columns and patches of a restart take which values of a file of pools."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.grid.nearest import cartesian
from kiloland.spinup.pools import PoolFile
from kiloland.spinup.restart.blocks import PoolPart
from kiloland.spinup.restart.rules import Given
from kiloland.spinup.restart.state import Match, Origin, PartState
from kiloland.spinup.subgrid import SAME_PLACE_KM, Subgrid, SubgridKeys, positions
from kiloland.spinup.tables import CASCADE, POOLS

BoolArray = NDArray[np.bool_]

ALWAYS_TOO_MUCH: Final = 1.0e8
"""A layer never holds so much carbon or nitrogen (g m-3)."""
GROWTH: Final = 100.0
SUSPECT: Final = {"c": 1.0e5, "n": 1.0e3}
"""A layer that grows more than ``GROWTH`` times must stay below this (g m-3)."""


def match_part(
    subgrid: Subgrid, pool_part: PoolPart, pools: PoolFile, default: Origin, restart: object
) -> Match:
    """Find columns and patches by their keys.

    Raises InputError where the same key has another place on Earth, and where the plant types with weight
    are not those of the restart.
    """
    column = positions(pool_part.keys.column_codes(), subgrid.keys.column_codes())
    patch = positions(pool_part.keys.patch_codes(), subgrid.keys.patch_codes())
    check_places(subgrid.keys, pool_part.keys, column, pools)
    if any(POOLS[name].on_patches for name in pools.names):
        check_plants(subgrid, column, patch, pools, restart)
    patch_grown = (patch >= 0) & (subgrid.pft_weight > 0.0)
    origin = np.full(column.size, int(default), np.int64)
    if "method_used" in pools.dataset:
        said = np.asarray(pools.dataset["method_used"].read(pool_part.columns), np.int64)
        origin[column >= 0] = said[column[column >= 0]]
    covered = (column >= 0) & (origin != Origin.KEPT)
    return Match(column, patch, covered, covered[subgrid.keys.pft_column] & patch_grown, origin)


def check_places(own: SubgridKeys, other: SubgridKeys, column: NDArray[np.int64], pools: PoolFile) -> None:
    """Raise InputError where a gridcell lies elsewhere in the file of pools."""
    found = np.flatnonzero(column >= 0)
    here = cartesian(own.column_longitude[found], own.column_latitude[found])
    there = cartesian(other.column_longitude[column[found]], other.column_latitude[column[found]])
    distance = np.linalg.norm(here - there, axis=1) / 1000.0
    far = np.flatnonzero(~(distance <= SAME_PLACE_KM))
    if far.size:
        place = int(found[far[0]])
        raise InputError(
            "a gridcell lies elsewhere than in the restart",
            file=pools.path,
            variable="column_longitude, column_latitude",
            where=f"gridcell {int(own.column_gridcell[place])}",
            found=f"{distance[far[0]]:.1f} km away",
            expected=f"within {SAME_PLACE_KM} km",
            hint="The pools are of another domain or of another order of cells",
        )


def check_plants(
    subgrid: Subgrid,
    column: NDArray[np.int64],
    patch: NDArray[np.int64],
    pools: PoolFile,
    restart: object,
) -> None:
    """Raise InputError where a plant grows that the file of pools does not have.

    Patches of the file without weight in the restart do no harm: they stay as they are.
    """
    keys, grown = subgrid.keys, subgrid.pft_weight > 0.0
    missing = np.flatnonzero((column[keys.pft_column] >= 0) & grown & (patch < 0))
    if missing.size:
        place = int(missing[0])
        raise InputError(
            "other plant types than in the restart: the file has no pools of one that grows",
            file=pools.path,
            variable="pft_itypveg",
            where=f"gridcell {int(keys.column_gridcell[keys.pft_column[place]])}, "
            f"plant type {int(keys.pft_itypveg[place])}",
            expected=f"the plant types with weight in {restart}",
        )


class Seen:
    """Which columns and patches of a file of pools were used; one byte each."""

    def __init__(self, pools: PoolFile) -> None:
        self.pools = pools
        self.columns, self.patches = np.zeros(pools.columns, bool), np.zeros(pools.patches, bool)

    def add(self, match: Match, part: PoolPart) -> None:
        """Note the matches of one part."""
        self.columns[part.columns][match.column[match.column >= 0]] = True
        self.patches[part.patches][match.patch[match.patch >= 0]] = True

    def check(self) -> None:
        """Raise InputError where the file has a key that the restart lacks."""
        for used, what in ((self.columns, "column"), (self.patches, "patch")):
            if used.all():
                continue
            keys, place = self.pools.keys(), int(np.flatnonzero(~used)[0])
            column = place if what == "column" else int(keys.pft_column[place])
            where = (
                f"gridcell {int(keys.column_gridcell[column])}, landunit {int(keys.column_landunit[column])}"
            )
            if what == "patch":
                where += f", plant type {int(keys.pft_itypveg[place])}"
            raise InputError(
                f"a {what} that the restart does not have",
                file=self.pools.path,
                variable="column_gridcell" if what == "column" else "pft_itypveg",
                where=where,
                found=f"{int((~used).sum())} of {used.size} not in the restart",
                expected="pools of the same domain",
            )


def guarded(state: PartState) -> BoolArray:
    """Columns whose solution is not believable, most often of frozen soil, where nothing decomposes.

    A column is held back where a layer of the cascade gets more than 1e8 g m-3, or more than 100 times what
    it had and above 1e5 gC or 1e3 gN m-3. Source: the same limits in CTSM, ``CNSoilMatrixMod``.
    """
    wrong = np.zeros(state.subgrid.keys.columns, bool)
    for part in CASCADE:
        for letter, suspect in SUSPECT.items():
            name = f"{part}{letter}_vr"
            if isinstance(state.setting.rules.get(name), Given):
                new, old = state.given(name), state.old(name)
                much = (new > ALWAYS_TOO_MUCH) | ((new > suspect) & (new > GROWTH * old))
                wrong |= much.any(axis=1)
    return wrong & state.match.covered


def without(state: PartState, columns: BoolArray) -> PartState:
    """The part with some columns held back: they keep their old values in natural scale."""
    match = state.match
    covered = match.covered & ~columns
    patches = match.patch_covered & covered[state.subgrid.keys.pft_column]
    return replace(state, match=replace(match, covered=covered, patch_covered=patches))
