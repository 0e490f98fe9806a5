"""The whole step of soil columns for the comparisons: from a restart of ELM on, nothing from a tape.

Given are a restart, the site forcing, the inputs of the run, and the vegetation at the end of every step,
which the albedos there take.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.atmosphere import ModelTimes, Places, SiteSource
from kiloland.atmosphere.site import read_site_record
from kiloland.land.fields import FieldContext
from kiloland.land.full_fields import FULL_FIELDS
from kiloland.land.full_inputs import LandConstants, Plants, Surroundings, Vegetation
from kiloland.land.full_ledger import full_budgets
from kiloland.land.full_step import step_of_water_and_energy
from kiloland.land.ledger import BUDGETS, Ledger, enter_step, open_ledger
from kiloland.land.state import LandState
from kiloland.land.step import ColumnConstants, Settings
from kiloland.land.subgrid import LANES, Block, ColumnGroup, round_up, split_into_blocks
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask
from kiloland.run.engine import field_levels, split_state, weather_series
from kiloland.run.full_setup import RunningMean, land_constants, land_inputs_of_namelist, surround
from kiloland.run.restart import Restart, load_state, soil_columns
from kiloland.run.setup import zenith_at_ends
from kiloland.variables import simulated_variables
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.radiation import Difference, difference
from kiloland.verify.temperature import Values

STEPS = 48
"""Steps of one call of the compiled function; fewer are the same machine code."""
SLOTS = 12
"""Patches of a column that every run has room for, so that runs of few cells share one compilation."""


@dataclass(frozen=True)
class Workpiece:
    """Columns of a run, padded as in a run, with all that their steps need but weather and vegetation."""

    group: ColumnGroup
    block: Block
    constants: LandConstants
    settings: Settings
    deposition: Values
    source: SiteSource
    longitude: Values
    latitude: Values
    orbital_year: int


@dataclass(frozen=True)
class Steps:
    """What some steps gave: ``fields`` by ELM's name and ``errors`` of the budgets, ``[step, ...]``."""

    state: LandState
    fields: dict[str, Values]
    errors: Values
    ledger: Ledger


def workpiece(bench: Bench, restart: Restart) -> Workpiece:
    """The soil columns of a run.

    Raises:
        InputError: inputs of the run are missing or unfit.
    """
    group = soil_columns(restart)
    (block,) = split_into_blocks(group, round_up(group.columns, LANES), round_up(group.slots, SLOTS))
    cells = group.gridcell[block.column_take]
    surface, values = bench.surface, restart.values
    longitude = np.asarray(values["grid1d_lon"], np.float64)
    latitude = np.asarray(values["grid1d_lat"], np.float64)
    inputs = land_inputs_of_namelist(
        bench.run.namelist, bench.settings.parameters, bench.folders, longitude, latitude
    )
    columns = ColumnConstants(
        soil=bench.soil(dataclasses.replace(group, gridcell=cells)),
        soil_colour=jnp.asarray(surface.colour[cells]),
        parameters=bench.parameters,
        index=block.index,
    )
    return Workpiece(
        group=group,
        block=block,
        constants=land_constants(columns, group, block, surface, inputs),
        settings=Settings(float(bench.run.timestep)),
        deposition=inputs.deposition[:, cells],
        source=SiteSource(read_site_record(bench.site_forcing), Places(longitude, latitude)),
        longitude=longitude,
        latitude=latitude,
        orbital_year=bench.settings.orbital_year,
    )


def surroundings(
    piece: Workpiece, start: int, mean: RunningMean, vegetation: Vegetation | Plants | None
) -> Surroundings:
    """Weather, sun, particles and vegetation of up to :data:`STEPS` steps from a moment on, ``[step, ...]``.

    Args:
        piece: the columns.
        start: s since 0001-01-01.
        mean: how the mean temperature of ten days counts.
        vegetation: at the end of each step, ``[step, patch]``, of the group's patches; its length is the
            number of steps with an own weather. None keeps that of the state, for all steps.
    """
    timestep = int(piece.settings.timestep)
    count = STEPS if vegetation is None else len(vegetation.leaf_area)
    cells = piece.group.gridcell[piece.block.column_take]
    forcing = piece.source.load(ModelTimes(start, timestep, count), np.arange(len(piece.longitude)))
    zenith = zenith_at_ends(start, timestep, count, piece.longitude, piece.latitude, piece.orbital_year)
    series = weather_series(forcing, zenith, cells, STEPS)
    around = surround(
        series, start, timestep, piece.latitude[cells], piece.deposition, mean, piece.orbital_year
    )
    if vegetation is None:
        return around
    take = np.minimum(np.arange(STEPS), count - 1)
    padded = jax.tree.map(
        lambda rows: jnp.asarray(np.asarray(rows)[take][:, piece.block.patch_take]), vegetation
    )
    return dataclasses.replace(around, vegetation=padded)


def vegetation_of(restart: Restart, group: ColumnGroup) -> Vegetation:
    """The vegetation in a restart, as a series of one step."""
    patch = load_state(restart, group).patch
    return Vegetation(
        leaf_area=patch.leaf_area[None],
        stem_area=patch.stem_area[None],
        canopy_top=patch.canopy_top[None],
        exposed=patch.vegetation_exposed[None],
    )


def padded_state(piece: Workpiece, restart: Restart) -> LandState:
    """The state of a restart, padded."""
    return split_state(load_state(restart, piece.group), piece.block)


def advance(
    piece: Workpiece, state: LandState, around: Surroundings, count: int = STEPS, names: tuple[str, ...] = ()
) -> Steps:
    """The first ``count`` steps of a series; fields without the padding of columns and patches."""
    ledger = open_ledger(len(piece.block.column_take))
    after, fields, errors, ledger = _advance(
        state, ledger, around, jnp.asarray(count), piece.constants, names=names, settings=piece.settings
    )
    sizes = {True: piece.group.patches, False: piece.group.columns}
    plain = {
        name: np.asarray(values)[:count, ..., : sizes[FULL_FIELDS[name].on_patches]]
        for name, values in fields.items()
    }
    return Steps(after, plain, np.asarray(errors)[:count, :, : piece.group.columns], ledger)


def compare(piece: Workpiece, state: LandState, restart: Restart) -> Iterator[Difference]:
    """All variables of the state against a restart; snow layers that exist there."""
    group = piece.group
    reference = load_state(restart, group)
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
        yield dataclasses.replace(found, place=f"{restart.path.name} {found.place}")


@partial(jax.jit, static_argnames=("names", "settings"))
def _advance(
    state: LandState,
    ledger: Ledger,
    around: Surroundings,
    count: jax.Array,
    constants: LandConstants,
    *,
    names: tuple[str, ...],
    settings: Settings,
) -> tuple[LandState, dict[str, jax.Array], jax.Array, Ledger]:
    columns, patches = state.column.snow_index.shape[0], state.patch.leaf_area.shape[0]
    rows = {
        name: jnp.zeros((STEPS, *field_levels(name), patches if FULL_FIELDS[name].on_patches else columns))
        for name in names
    }

    def body(number: jax.Array, carry: tuple[LandState, dict[str, jax.Array], jax.Array, Ledger]):  # type: ignore[no-untyped-def]
        before, rows, errors, ledger = carry
        inputs = jax.tree.map(lambda values: values[number], around)
        after, output = step_of_water_and_energy(before, inputs, constants, settings)
        context = FieldContext(after, output, inputs.weather, constants)  # type: ignore[arg-type]
        rows = {name: rows[name].at[number].set(FULL_FIELDS[name].value(context)) for name in names}
        budgets = full_budgets(before, after, output, inputs, constants, settings)
        errors = errors.at[number].set(jnp.stack([budget.error for budget in budgets]))
        return after, rows, errors, enter_step(ledger, budgets)

    start = (state, rows, jnp.zeros((STEPS, len(BUDGETS), columns)), ledger)
    return jax.lax.fori_loop(0, count, body, start)  # type: ignore[no-any-return]
