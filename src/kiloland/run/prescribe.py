"""Prescribed fluxes and states: a per-step vector tape of ELM drives steps in place of missing processes.

Record n of such a tape holds the fluxes of step n and the states at its end. The heat flux into the
ground and its derivative drive the temperature; leaf area, canopy and soil water are set to the tape's at
the end of the step, since their processes are not simulated.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import TracebackType
from typing import Self

import jax.numpy as jnp
import numpy as np

from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.land.state import LandState
from kiloland.land.step import PrescribedFlux
from kiloland.land.subgrid import ColumnGroup
from kiloland.land.vertical import SNOW_LAYERS
from kiloland.run.clock import date_label, seconds_of_date

FLUX, DERIVATIVE = "EFLX_GNET", "DGNETDT"
_FLUXES = {
    FLUX: "net",
    DERIVATIVE: "derivative",
    "CGRNDS": "sensible_derivative",
    "CGRNDL": "evaporation_derivative",
}

_PATCH_STATES = {
    "ELAI": "leaf_area",
    "ESAI": "stem_area",
    "TV": "leaf_temperature",
    "FWET": "wet_fraction",
    "H2OCAN": "canopy_water",
    "HTOP": "canopy_top",
    "FIRE": "longwave_out",
}
_COLUMN_STATES = {
    "H2OSFC": "pond_water",
    "FH2OSFC": "pond_fraction",
    "H2OSNO": "snow_water",
    "SNOW_DEPTH": "snow_depth",
    "INT_SNOW": "accumulated_snow",
    "FSNO": "snow_fraction",
    "FSNO_EFF": "effective_snow_fraction",
}
_GROUND_STATES = {"SOILLIQ": "liquid_water", "SOILICE": "ice"}


class PrescribedTape:
    """A tape of ELM with column and patch vectors, one record a step."""

    def __init__(self, path: str | Path, group: ColumnGroup, members: dict[str, int]) -> None:
        """Open a tape for a group.

        Args:
            path: the tape.
            group: columns and patches of the restart that it belongs to.
            members: sizes of the restart's dimensions ``column`` and ``pft``, which must be the tape's.
        """
        self._dataset = open_dataset(path)
        self.path = self._dataset.path
        self._group = group
        try:
            self._records = self._index_records()
            self._check(members)
        except InputError:
            self._dataset.close()
            raise

    def __enter__(self) -> Self:
        """The tape itself."""
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Close the file."""
        self._dataset.close()

    def _index_records(self) -> dict[int, int]:
        dates, seconds = self._dataset["mcdate"].read(), self._dataset["mcsec"].read()
        return {
            seconds_of_date(int(ymd), int(tod)): number
            for number, (ymd, tod) in enumerate(zip(dates, seconds, strict=True))
        }

    def _check(self, members: dict[str, int]) -> None:
        for name, dim in ((FLUX, "pft"), (DERIVATIVE, "pft")):
            if name not in self._dataset or self._dataset[name].dims[-1] != dim:
                raise InputError(
                    "the tape does not prescribe the heat flux into the ground: no patch vector of it",
                    file=self.path,
                    variable=name,
                    expected=f"({name}(time, pft)), a tape with hist_dov2xy = .false.",
                )
        for dim, size in members.items():
            if self._dataset.dimensions.get(dim) != size:
                raise InputError(
                    f"tape and restart differ in the number of {dim} members",
                    file=self.path,
                    found=self._dataset.dimensions.get(dim),
                    expected=size,
                )

    def _record(self, end: int) -> int:
        if end not in self._records:
            times = sorted(self._records)
            raise InputError(
                "no record of the step that ends then",
                file=self.path,
                where=date_label(end),
                found=f"{date_label(times[0])} to {date_label(times[-1])}" if times else "no records",
            )
        return self._records[end]

    def _read(self, name: str, record: int) -> np.ndarray:
        values = self._dataset[name].read(record)
        rows = self._group.patch_row if self._dataset[name].dims[-1] == "pft" else self._group.column_row
        values = values[..., rows]
        bad = ~np.isfinite(values) | (np.abs(values) > 1e35)
        if bad.any():
            raise InputError(
                "missing value on an active member", file=self.path, variable=name, where=f"record {record}"
            )
        return np.asarray(values, np.float64)

    def step(self, end: int) -> PrescribedFlux:
        """The fluxes of the step that ends at a time, for the patches of the group.

        Raises:
            InputError: no such record, or a missing value on an active patch.
        """
        record = self._record(end)
        return PrescribedFlux(
            **{
                field: jnp.asarray(self._read(name, record))
                for name, field in _FLUXES.items()
                if name in self._dataset
            }
        )

    def prepare(self, state: LandState, end: int) -> LandState:
        """The state with the snow and pond fractions that ELM renews before it solves for temperature.

        A pond that has gone by then has drained into the first soil layer.
        """
        record = self._record(end)
        column = state.column
        if "FSNO_EFF" in self._dataset:
            column = dataclasses.replace(
                column, effective_snow_fraction=jnp.asarray(self._read("FSNO_EFF", record))
            )
        if "FH2OSFC" in self._dataset:
            fraction = jnp.asarray(self._read("FH2OSFC", record))
            drained = jnp.where(fraction == 0.0, column.pond_water, 0.0)
            column = dataclasses.replace(
                column,
                pond_fraction=fraction,
                pond_water=column.pond_water - drained,
                liquid_water=jnp.asarray(column.liquid_water).at[SNOW_LAYERS].add(drained),
            )
        return LandState(column=column, patch=state.patch)

    def impose(self, state: LandState, end: int) -> LandState:
        """The state with the tape's leaf area, canopy and water at the end of a step; not its temperature."""
        record = self._record(end)
        patch = {
            field: jnp.asarray(self._read(name, record))
            for name, field in _PATCH_STATES.items()
            if name in self._dataset
        }
        column = {
            field: jnp.asarray(self._read(name, record))
            for name, field in _COLUMN_STATES.items()
            if name in self._dataset
        }
        for name, field in _GROUND_STATES.items():
            if name in self._dataset:
                ground = jnp.asarray(self._read(name, record))
                column[field] = jnp.asarray(getattr(state.column, field)).at[SNOW_LAYERS:].set(ground)
        if "ELAI" in self._dataset and "ESAI" in self._dataset:
            patch["vegetation_exposed"] = (patch["leaf_area"] + patch["stem_area"] > 0.0).astype(
                state.patch.vegetation_exposed.dtype
            )
        return LandState(
            column=dataclasses.replace(state.column, **column),
            patch=dataclasses.replace(state.patch, **patch),
        )
