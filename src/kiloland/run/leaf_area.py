"""Leaf and stem area from the monthly values of the surface file.

Between the middles of two months the value is linear in time; it changes at the start of each day.
Source: ELM's satellite phenology (``SatellitePhenologyMod``). Burying by snow is left out: without snowfall
there is none in this configuration.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from kiloland.errors import InputError
from kiloland.land.state import LandState
from kiloland.land.subgrid import Block, ColumnGroup
from kiloland.run.clock import DAY, MONTH_DAYS, YEAR_DAYS, date_of_seconds
from kiloland.run.surface import Surface


@dataclass(frozen=True)
class MonthlyLeafArea:
    """Monthly leaf area, stem area and canopy height of each patch of a group, ``[month, patch]``."""

    leaf: np.ndarray
    stem: np.ndarray
    top: np.ndarray

    @classmethod
    def of(cls, surface: Surface, group: ColumnGroup) -> MonthlyLeafArea:
        """Pick the values of each patch.

        Raises:
            InputError: the surface file has no monthly values, or negative ones.
        """
        cell, kind = group.gridcell[group.patch_column], group.patch_type
        picked = []
        for name, values in (
            ("MONTHLY_LAI", surface.leaf_area),
            ("MONTHLY_SAI", surface.stem_area),
            ("MONTHLY_HEIGHT_TOP", surface.canopy_top),
        ):
            if values is None:
                raise InputError(
                    "variable missing: leaf area was to come from the surface file",
                    file=surface.path,
                    variable=name,
                )
            if (values < 0.0).any():
                raise InputError(
                    "negative value", file=surface.path, variable=name, found=float(values.min())
                )
            picked.append(values[:, kind, cell])
        return cls(*picked)

    def impose(self, state: LandState, block: Block, seconds: int) -> LandState:
        """The state of a block with the leaf area of the day that holds a time."""
        earlier, later, weight = month_weights(seconds)

        def value(monthly: np.ndarray) -> np.ndarray:
            whole: np.ndarray = weight * monthly[earlier] + (1.0 - weight) * monthly[later]
            return np.asarray(whole[block.patch_take])

        leaf, stem = value(self.leaf), value(self.stem)
        exposed = (leaf + stem > 0.0).astype(np.int32)
        patch = dataclasses.replace(
            state.patch,
            leaf_area=jnp.asarray(leaf),
            stem_area=jnp.asarray(stem),
            canopy_top=jnp.asarray(value(self.top)),
            vegetation_exposed=jnp.asarray(exposed),
        )
        return LandState(column=state.column, patch=patch)


def month_weights(seconds: int) -> tuple[int, int, float]:
    """The two months (0-11) around the start of a day and the weight of the earlier one.

    A value belongs to the middle of its month; the weight falls linearly from 1 to 0 between two middles.
    """
    ymd, _ = date_of_seconds(seconds)
    month = ymd // 100 % 100 - 1
    day = seconds // DAY % YEAR_DAYS - sum(MONTH_DAYS[:month])
    half = MONTH_DAYS[month] / 2.0
    earlier = month if day >= half else (month - 1) % 12
    later = (earlier + 1) % 12
    span = (MONTH_DAYS[earlier] + MONTH_DAYS[later]) / 2.0
    since = day - half if day >= half else day + MONTH_DAYS[earlier] / 2.0
    return earlier, later, 1.0 - since / span
