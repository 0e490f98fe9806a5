"""Evidence for the whole step of soil columns: from ELM's restart to its next one, nothing from a tape.

Given are the restart at the start of the step, the site forcing, the inputs of the run, and the vegetation
of the next restart, which the albedos at the end of the step take.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.atmosphere import ModelTimes, Places, SiteSource
from kiloland.atmosphere.forcing import Forcing
from kiloland.atmosphere.orbit import day_length, declination, orbital_parameters, zenith_day
from kiloland.atmosphere.site import SiteRecord, read_site_record
from kiloland.land.biophysics.canopy_fluxes import PlantTraits
from kiloland.land.biophysics.leaf_capacity import LARGEST_DECLINATION, day_length_factor
from kiloland.land.biophysics.snow_cover import melt_shape
from kiloland.land.biophysics.soil_moisture_stress import root_fractions
from kiloland.land.full_step import (
    FullOutput,
    LandConstants,
    Surroundings,
    Vegetation,
    step_of_water_and_energy,
)
from kiloland.land.state import LandState
from kiloland.land.step import ColumnConstants, Settings
from kiloland.land.subgrid import LANES, Block, ColumnGroup, round_up, split_into_blocks
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask
from kiloland.run.canopy_parameters import read_canopy_parameters, read_carbon_dioxide_share
from kiloland.run.engine import weather_series
from kiloland.run.namelist import find_input
from kiloland.run.restart import load_state, soil_columns
from kiloland.run.setup import zenith_at_ends
from kiloland.run.snow_tables import (
    find_snow_files,
    read_constant_deposition,
    read_grain_tables,
    read_snow_optics,
)
from kiloland.variables import simulated_variables
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.rows import Finding
from kiloland.verify.radiation import Difference, difference
from kiloland.verify.soil_hydrology import terrain_of
from kiloland.verify.temperature import OracleStep, Values

_Traits = TypeVar("_Traits")


@dataclass(frozen=True)
class Workpiece:
    """Columns of one restart, padded as in a run, with all that their steps need but the weather."""

    group: ColumnGroup
    block: Block
    constants: LandConstants
    deposition: jax.Array
    settings: Settings


def workpiece(bench: Bench, step: OracleStep) -> Workpiece:
    """The soil columns of a run.

    Raises:
        InputError: inputs of the run are missing or unfit.
    """
    group = soil_columns(step.before)
    (block,) = split_into_blocks(group, round_up(group.columns, LANES))
    cells = group.gridcell[block.column_take]
    traits = read_canopy_parameters(find_input(bench.settings.parameters, bench.folders))
    types = jnp.asarray(group.patch_type[block.patch_take])
    files = find_snow_files(bench.run.namelist, bench.folders)
    roots = gather_traits(traits.roots, types)
    padded = dataclasses.replace(group, gridcell=cells)
    surface = bench.surface
    constants = LandConstants(
        column=ColumnConstants(
            soil=bench.soil(padded),
            soil_colour=jnp.asarray(surface.colour[cells]),
            parameters=bench.parameters,
            index=block.index,
        ),
        terrain=terrain_of(surface, padded),
        melt_shape=melt_shape(jnp.asarray(surface.elevation_deviation[cells])),
        plants=PlantTraits(
            structure=bench.parameters.structure.gather(types), leaf=gather_traits(traits.leaf, types)
        ),
        root_traits=roots,
        roots=root_fractions(roots),
        snow_optics=read_snow_optics(files.optics),
        grain_tables=read_grain_tables(files.ageing),
        stress_temperature=jnp.asarray(traits.stress_temperature),
        largest_drainage=jnp.asarray(bench.largest_drainage),
        carbon_dioxide=jnp.asarray(read_carbon_dioxide_share(bench.run.namelist)),
    )
    values = step.before.values
    species = np.zeros((8, len(values["grid1d_lon"])))
    if files.deposition is not None:
        species = read_constant_deposition(files.deposition, values["grid1d_lon"], values["grid1d_lat"])
    return Workpiece(group, block, constants, jnp.asarray(species[:, cells]), Settings(step.timestep))


def surroundings_of(bench: Bench, piece: Workpiece, step: OracleStep, record: SiteRecord) -> Surroundings:
    """Weather, sun, particles and vegetation of a step."""
    group, block = piece.group, piece.block
    values, timestep = step.before.values, int(step.timestep)
    zenith = zenith_at_ends(
        step.before.seconds,
        timestep,
        1,
        values["grid1d_lon"],
        values["grid1d_lat"],
        bench.settings.orbital_year,
    )
    forcing: Forcing = site_forcing(step, record)
    series = weather_series(forcing, zenith, group.gridcell[block.column_take], 1)
    after = load_state(step.after, group).patch
    vegetation = {
        "leaf_area": after.leaf_area,
        "stem_area": after.stem_area,
        "canopy_top": after.canopy_top,
        "exposed": after.vegetation_exposed,
    }
    factor = day_factor(bench, step)[group.gridcell[block.column_take]]
    return Surroundings(
        weather=jax.tree.map(lambda rows: rows[0], series),
        day_length_factor=jnp.asarray(factor),
        deposition=piece.deposition,
        ten_day_samples=jnp.asarray(float(_ten_day_samples(step))),
        vegetation=Vegetation(
            **{name: jnp.asarray(np.asarray(rows)[block.patch_take]) for name, rows in vegetation.items()}
        ),
    )


def _ten_day_samples(step: OracleStep) -> int:
    """Samples of the mean: ELM keeps the period, in steps, of the run that the restart comes from."""
    steps = (step.before.seconds + int(step.timestep) - step.before.begun) // int(step.timestep)
    return min(steps, step.before.scalar("T10_PERIOD"))


def padded_state(piece: Workpiece, step: OracleStep) -> LandState:
    """The state of the restart at the start of a step, padded."""
    state, block = load_state(step.before, piece.group), piece.block
    return LandState(
        column=jax.tree.map(lambda v: jnp.asarray(np.asarray(v)[..., block.column_take]), state.column),
        patch=jax.tree.map(lambda v: jnp.asarray(np.asarray(v)[..., block.patch_take]), state.patch),
    )


def full_step(bench: Bench) -> Iterator[Finding]:
    """Every pair of restarts one step apart, all variables of the state."""
    record = read_site_record(bench.site_forcing)
    piece = workpiece(bench, bench.steps[0])
    for step in bench.steps:
        state, _ = advance(piece, padded_state(piece, step), surroundings_of(bench, piece, step, record))
        yield from compare(piece, state, step)


def advance(piece: Workpiece, state: LandState, surroundings: Surroundings) -> tuple[LandState, FullOutput]:
    """The step, compiled."""
    result: tuple[LandState, FullOutput] = _advance(
        state, surroundings, piece.constants, settings=piece.settings
    )
    return result


def compare(piece: Workpiece, state: LandState, step: OracleStep) -> Iterator[Difference]:
    """All variables of the state against the restart after a step; snow layers that exist there."""
    group = piece.group
    reference = load_state(step.after, group)
    exists = np.asarray(snow_layer_mask(reference.column.snow_index))
    for variable in simulated_variables():
        part, name = variable.state.split(".")
        count = group.columns if part == "column" else group.patches
        ours = np.asarray(getattr(getattr(state, part), name))[..., :count]
        wanted = np.asarray(getattr(getattr(reference, part), name))
        mask = None
        if "levsno" in variable.dims:
            mask = exists
        elif "levtot" in variable.dims:
            mask = np.ones(wanted.shape, bool)
            mask[:SNOW_LAYERS] = exists
        found = difference(variable.name, ours, wanted, mask)
        yield dataclasses.replace(found, place=f"{step.before.path.name} {found.place}")


def carried(bench: Bench, steps: Sequence[OracleStep], record: SiteRecord) -> Iterator[Difference]:
    """Consecutive steps with our own state carried on."""
    piece = workpiece(bench, steps[0])
    state = padded_state(piece, steps[0])
    for step in steps:
        state, _ = advance(piece, state, surroundings_of(bench, piece, step, record))
        yield from compare(piece, state, step)


def site_forcing(step: OracleStep, record: SiteRecord) -> Forcing:
    """The weather of a step above each cell."""
    values = step.before.values
    places = Places(np.asarray(values["grid1d_lon"]), np.asarray(values["grid1d_lat"]))
    times = ModelTimes(step.before.seconds, int(step.timestep), 1)
    return SiteSource(record, places).load(times, np.arange(places.count))


def day_factor(bench: Bench, step: OracleStep) -> Values:
    """(Day length / longest day)^2 of each cell; the day is that of the end of the step."""
    orbit = orbital_parameters(bench.settings.orbital_year)
    timestep = int(step.timestep)
    end = np.asarray([step.before.seconds + timestep], np.int64)
    delta, _ = declination(orbit, zenith_day(end, timestep))
    latitude = np.radians(np.asarray(step.before.values["grid1d_lat"], np.float64))
    longest = day_length(latitude, np.copysign(LARGEST_DECLINATION, latitude))
    factor: Values = np.asarray(
        day_length_factor(jnp.asarray(day_length(latitude, delta[0])), jnp.asarray(longest))
    )
    return factor


def gather_traits(traits: _Traits, types: jax.Array) -> _Traits:
    """Traits of the plant type of each patch."""
    gathered: _Traits = jax.tree.map(lambda values: values[types], traits)
    return gathered


_advance = jax.jit(step_of_water_and_energy, static_argnames="settings")

__all__ = ["Values", "carried", "full_step", "workpiece"]
