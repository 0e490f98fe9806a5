"""Leaf and stem area from the monthly values of the surface file.

Between the middles of two months the value is linear in time; it changes at the start of each day.
Source: ELM's satellite phenology (``SatellitePhenologyMod``). In a run of all processes the snow buries them
(:mod:`kiloland.land.full_burial`); without snowfall there is nothing to bury them.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from kiloland.errors import InputError
from kiloland.land.full_inputs import LandConstants, Plants
from kiloland.land.full_means import Tracked
from kiloland.land.full_step import with_vegetation
from kiloland.land.state import LandState
from kiloland.land.subgrid import Block, ColumnGroup
from kiloland.run.clock import DAY, MONTH_DAYS, YEAR_DAYS, date_of_seconds
from kiloland.run.surface import Surface

_RESTART_NAMES = ("tlai", "tsai", "htop", "hbot")
"""Restart variables of plants, in the order of their fields."""


@dataclass(frozen=True)
class MonthlyLeafArea:
    """Monthly leaf area, stem area and canopy height of each patch of a group, ``[month, patch]``."""

    leaf: np.ndarray
    stem: np.ndarray
    top: np.ndarray
    bottom: np.ndarray

    @classmethod
    def of(cls, surface: Surface, group: ColumnGroup, buried: bool = False) -> MonthlyLeafArea:
        """Pick the values of each patch; where snow may bury them, the bottom of the canopy, too.

        Raises:
            InputError: the surface file has no monthly values, or negative ones.
        """
        cell, kind = group.gridcell[group.patch_column], group.patch_type
        picked: list[np.ndarray] = []
        for name, values in (
            ("MONTHLY_LAI", surface.leaf_area),
            ("MONTHLY_SAI", surface.stem_area),
            ("MONTHLY_HEIGHT_TOP", surface.canopy_top),
            ("MONTHLY_HEIGHT_BOT", surface.canopy_bottom),
        ):
            if name == "MONTHLY_HEIGHT_BOT" and not buried:
                picked.append(np.zeros_like(picked[0]))
                continue
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

    def plants(self, seconds: int) -> dict[str, np.ndarray]:
        """All plants of the day that holds a time, by the names of :class:`Plants`."""
        earlier, later, weight = month_weights(seconds)

        def value(monthly: np.ndarray) -> np.ndarray:
            whole: np.ndarray = weight * monthly[earlier] + (1.0 - weight) * monthly[later]
            return whole

        return {
            "leaf_area": value(self.leaf),
            "stem_area": value(self.stem),
            "top": value(self.top),
            "bottom": value(self.bottom),
        }

    def impose(self, state: Any, block: Block, seconds: int) -> Any:
        """The state of a block with the plants of the day that holds a time.

        Where snow buries plants, what stands above it changes at the end of each step.
        """
        found = {name: values[block.patch_take] for name, values in self.plants(seconds).items()}
        if isinstance(state, Tracked):
            plants = Plants(**{name: jnp.asarray(values) for name, values in found.items()})
            return dataclasses.replace(state, plants=plants)
        leaf, stem = found["leaf_area"], found["stem_area"]
        patch = dataclasses.replace(
            state.patch,
            leaf_area=jnp.asarray(leaf),
            stem_area=jnp.asarray(stem),
            canopy_top=jnp.asarray(found["top"]),
            vegetation_exposed=jnp.asarray((leaf + stem > 0.0).astype(np.int32)),
        )
        return LandState(column=state.column, patch=patch)

    def lay(self, values: dict[str, np.ndarray], group: ColumnGroup, seconds: int) -> None:
        """Lay the plants of a day over the values of a restart that has their variables."""
        for name, plants in zip(_RESTART_NAMES, self.plants(seconds).values(), strict=True):
            if name in values:
                laid = values[name].copy()
                laid[group.patch_row] = plants
                values[name] = laid


def with_bare_plants(state: Tracked, constants: LandConstants) -> Tracked:
    """The state with what stands above its snow before the first step."""
    land = state.land
    patch = with_vegetation(land.patch, land.column, state.plants, constants)
    return dataclasses.replace(state, land=LandState(land.column, patch))


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
