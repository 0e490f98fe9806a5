"""Lakes of ELM's runs advanced by us, many steps side by side: what the comparisons of lakes share.

Forcing is that of the site file, the state that of a restart (or our own, carried on); nothing is taken from
a tape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from kiloland.atmosphere import ModelTimes, Places, SiteSource
from kiloland.atmosphere.forcing import Forcing
from kiloland.atmosphere.site import SiteRecord, read_site_record
from kiloland.land.lake_state import LakeState
from kiloland.land.lake_step import LakeConstants, LakeOutput, lake_step
from kiloland.land.step import Settings, Weather
from kiloland.land.subgrid import ColumnGroup, round_up
from kiloland.run.lake_columns import lake_columns, lake_constants, read_lake_shape
from kiloland.run.setup import zenith_at_ends
from kiloland.run.snow_tables import (
    find_snow_files,
    read_constant_deposition,
    read_grain_tables,
    read_snow_optics,
)
from kiloland.run.surface import surface_positions
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.snow_columns import AEROSOLS

Values = NDArray[np.float64]
_Tree = TypeVar("_Tree")
WIDTH = 128
"""Columns of a call, so that runs share its compilation."""


@dataclass(frozen=True)
class LakeCase:
    """The lakes of a run."""

    group: ColumnGroup
    constants: LakeConstants
    deposition: Values
    """``[species, lake]``, kg m-2 s-1."""
    places: Places
    """Of all cells of the run."""
    record: SiteRecord
    orbital_year: int


@dataclass(frozen=True)
class LakeResult:
    """What was computed for some steps; columns of a step are consecutive, padding follows the last."""

    state: LakeState
    output: LakeOutput
    lakes: int

    def of(self, values: Array, number: int) -> Values:
        """Our values of the lakes of one step."""
        return np.asarray(values)[..., number * self.lakes : (number + 1) * self.lakes]


def lake_case(bench: Bench) -> LakeCase | None:
    """All that the lakes of a run need; None where it has none.

    Raises:
        InputError: an input file is missing or not as expected.
    """
    restart = bench.restarts[0].restart
    group = lake_columns(restart)
    if not group.columns:
        return None
    values, cells = restart.values, group.gridcell
    places = Places(np.asarray(values["grid1d_lon"]), np.asarray(values["grid1d_lat"]))
    longitude, latitude = places.longitude[cells], places.latitude[cells]
    path = bench.surface.path
    positions = surface_positions(path, values["grid1d_ixy"], values["grid1d_jxy"])[cells]
    files = find_snow_files(bench.run.namelist, bench.folders)
    deposition = np.zeros((len(AEROSOLS), group.columns))
    if files.deposition is not None:
        deposition = read_constant_deposition(files.deposition, longitude, latitude)
    shape = read_lake_shape(path, positions, latitude)
    optics, grains = read_snow_optics(files.optics), read_grain_tables(files.ageing)
    return LakeCase(
        group=group,
        constants=lake_constants(shape, bench.surface, cells, optics, grains),
        deposition=deposition,
        places=places,
        record=read_site_record(bench.site_forcing),
        orbital_year=bench.settings.orbital_year,
    )


def advance_lakes(
    case: LakeCase, seconds: Sequence[int], timestep: float, states: Sequence[LakeState]
) -> LakeResult:
    """Steps of a run side by side: their starts (since 0001-01-01) and the states of the lakes there."""
    weather = [_weather(case, start, timestep) for start in seconds]
    turns, lakes = len(seconds), case.group.columns
    take = np.minimum(np.arange(round_up(turns * lakes, WIDTH)), turns * lakes - 1)
    lake, constants = take % lakes, case.constants
    constants = replace(
        constants,
        shape=_widened(constants.shape, lake),
        grid=_widened(constants.grid, lake),
        soil=_widened(constants.soil, lake),
    )
    state, output = _compiled(
        _joined(states, take),
        _joined(weather, take),
        jnp.asarray(case.deposition[:, lake]),
        constants,
        Settings(timestep),
    )
    return LakeResult(state, output, lakes)


def lakes_of(result: LakeResult, number: int) -> LakeState:
    """The state after one of the steps, for its lakes alone."""
    part = slice(number * result.lakes, (number + 1) * result.lakes)
    state: LakeState = jax.tree.map(lambda values: values[..., part], result.state)
    return state


def _weather(case: LakeCase, start: int, timestep: float) -> Weather:
    """The forcing of a step above the lakes."""
    places, cells = case.places, case.group.gridcell
    times = ModelTimes(start, int(timestep), 1)
    forcing = SiteSource(case.record, places).load(times, np.arange(places.count))

    def lakes(name: str) -> Array:
        return jnp.asarray(getattr(forcing, name)[0][cells])

    def bands(kind: str) -> Array:
        names = (f"shortwave_{kind}_visible", f"shortwave_{kind}_near_infrared")
        return jnp.stack([lakes(name) for name in names])

    zenith = zenith_at_ends(start, int(timestep), 1, places.longitude, places.latitude, case.orbital_year)
    plain = {f.name for f in fields(Weather)} & {f.name for f in fields(Forcing)}
    return Weather(
        **{name: lakes(name) for name in plain},
        shortwave_direct=bands("direct"),
        shortwave_diffuse=bands("diffuse"),
        cosine_zenith_next=jnp.asarray(zenith[0][cells]),
    )


def _widened(part: _Tree, take: NDArray[np.int64]) -> _Tree:
    wide: _Tree = jax.tree.map(lambda values: values[..., take], part)
    return wide


def _joined(parts: Sequence[_Tree], take: NDArray[np.int64]) -> _Tree:
    joined: _Tree = jax.tree.map(
        lambda *values: jnp.concatenate([jnp.asarray(one) for one in values], axis=-1)[..., take], *parts
    )
    return joined


_compiled = jax.jit(lake_step)
