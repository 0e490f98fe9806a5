"""Evidence for land ice and wetlands: every variable of their columns from ELM's restart to its next one.

Given are the restart at the start of the step, the site forcing and the inputs of the run; nothing comes from
a tape. Steps of a run are advanced side by side.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from kiloland.atmosphere import ModelTimes, Places, SiteSource
from kiloland.atmosphere.site import SiteRecord, read_site_record
from kiloland.land.biophysics.snow_aging import GrainTables
from kiloland.land.biophysics.snow_cover import melt_shape
from kiloland.land.biophysics.snow_optics import SnowOptics
from kiloland.land.biophysics.unvegetated_ground import GroundKind
from kiloland.land.full_inputs import Surroundings
from kiloland.land.ice_step import IceConstants, IceOutput, ice_step
from kiloland.land.state import LandState
from kiloland.land.step import Settings, Weather
from kiloland.land.subgrid import LANES, ColumnGroup, ColumnType, round_up
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask
from kiloland.run.engine import weather_series
from kiloland.run.restart import Restart, active_columns, load_state
from kiloland.run.setup import zenith_at_ends
from kiloland.run.snow_tables import (
    find_snow_files,
    read_constant_deposition,
    read_grain_tables,
    read_snow_optics,
)
from kiloland.variables import simulated_variables
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.rows import Finding, Skipped
from kiloland.verify.radiation import FILL, Difference, difference
from kiloland.verify.temperature import OracleStep

KINDS = {ColumnType.GLACIER: GroundKind.GLACIER, ColumnType.WETLAND: GroundKind.WETLAND}
NO_COLUMNS = "no columns of land ice or wetland"
LONGEST = 2 * 17520
"""Steps that the state is carried on, two years."""
PIECE = 480
"""Steps of a call, so that all share its compilation."""
_Tree = TypeVar("_Tree")


@dataclass(frozen=True)
class IceCase:
    """The columns of one kind in a run."""

    kind: GroundKind
    group: ColumnGroup
    melt_shape: NDArray[np.float64]
    deposition: NDArray[np.float64]
    """``[species, column]``, kg m-2 s-1."""
    optics: SnowOptics
    grains: GrainTables
    record: SiteRecord
    orbital_year: int


def ice_cases(bench: Bench) -> list[IceCase]:
    """All that the columns of either kind need; none where a run has none.

    Raises:
        InputError: an input file is missing or not as expected.
    """
    restart = bench.restarts[0].restart
    groups = {kind: active_columns(restart, type_) for type_, kind in KINDS.items()}
    groups = {kind: group for kind, group in groups.items() if group.columns}
    if not groups:
        return []
    files = find_snow_files(bench.run.namelist, bench.folders)
    optics, grains = read_snow_optics(files.optics), read_grain_tables(files.ageing)
    record, orbital_year = read_site_record(bench.site_forcing), bench.settings.orbital_year
    longitude, latitude = (np.asarray(restart.values[f"grid1d_{name}"]) for name in ("lon", "lat"))
    species = np.zeros((8, len(longitude)))
    if files.deposition is not None:
        species = read_constant_deposition(files.deposition, longitude, latitude)
    deviation = bench.surface.elevation_deviation
    return [
        IceCase(
            kind=kind,
            group=group,
            melt_shape=np.asarray(melt_shape(jnp.asarray(deviation[group.gridcell]))),
            deposition=species[:, group.gridcell],
            optics=optics,
            grains=grains,
            record=record,
            orbital_year=orbital_year,
        )
        for kind, group in groups.items()
    ]


def weather_of(
    case: IceCase, restart: Restart, timestep: int, steps: int, skipped: int = 0, padded: int | None = None
) -> Weather:
    """The forcing above the columns, ``[step, column]``, some steps after a restart; padded to a length."""
    start = restart.seconds + skipped * timestep
    longitude, latitude = (np.asarray(restart.values[f"grid1d_{name}"]) for name in ("lon", "lat"))
    places = Places(longitude, latitude)
    times = ModelTimes(start, timestep, steps)
    forcing = SiteSource(case.record, places).load(times, np.arange(places.count))
    zenith = zenith_at_ends(start, timestep, steps, longitude, latitude, case.orbital_year)
    return weather_series(forcing, zenith, case.group.gridcell, padded or steps)


def mean_samples(restart: Restart, timestep: int, done: int = 0) -> float:
    """Samples of the ten-day mean `done` steps after a restart: its period, fewer early in a run."""
    steps = (restart.seconds - restart.begun) // timestep + done + 1
    return float(min(steps, restart.scalar("T10_PERIOD")))


def advance_ice(
    case: IceCase,
    states: Sequence[LandState],
    weather: Sequence[Weather],
    samples: Sequence[float],
    timestep: float,
) -> tuple[LandState, IceOutput]:
    """Steps side by side: the columns of a step are consecutive, padding follows the last."""
    turns, count = len(states), case.group.columns
    take = np.minimum(np.arange(round_up(turns * count, LANES)), turns * count - 1)
    of_step, own = take // count, take % count

    surroundings = Surroundings(
        weather=_joined(weather, take),
        day_length_factor=jnp.ones(len(take)),
        deposition=jnp.asarray(case.deposition[:, own]),
        ten_day_samples=jnp.asarray(np.asarray(samples)[of_step]),
        vegetation=None,
    )
    constants = IceConstants(
        melt_shape=jnp.asarray(case.melt_shape[own]), snow_optics=case.optics, grain_tables=case.grains
    )
    result: tuple[LandState, IceOutput] = _advance(
        _joined(states, take), surroundings, constants, settings=Settings(timestep), kind=case.kind
    )
    return result


def tape_fields(output: IceOutput) -> Mapping[str, Array]:
    """What the tapes hold of fluxes and water."""
    update, turbulence, radiation = output.fluxes.update, output.exchange.turbulence, output.radiation
    return {
        "SABG": radiation.ground.absorbed,
        "FSA": radiation.absorbed,
        "FSR": radiation.reflected,
        "FSH_G": update.sensible,
        "EFLX_LH_TOT": update.latent,
        "FGR": output.fluxes.ground_heat,
        "FIRE": output.fluxes.longwave_up,
        "QFLX_EVAP_TOT": update.evaporation,
        "QSOIL": update.evaporation,
        "QFLX_EVAP_GRND": update.liquid_evaporation,
        "QFLX_SUB_SNOW": update.sublimation,
        "QFLX_DEW_GRND": update.dew,
        "QFLX_DEW_SNOW": update.frost,
        "TAUX": turbulence.eastward_stress,
        "RAM1": turbulence.momentum_resistance,
        "FV": turbulence.friction_velocity,
        "TSA": turbulence.screen_temperature,
        "Q2M": turbulence.screen_humidity,
        "Z0MG": output.exchange.surface.roughness,
        "QSNOMELT": output.water.melt,
        "QRGWL": output.water.runoff,
    }


def ice_and_wetland_step(bench: Bench) -> Iterator[Finding]:
    """Every variable of the state after each step, fluxes on the tapes, and the heat balance."""
    cases = ice_cases(bench)
    if not cases:
        yield Skipped(NO_COLUMNS)
    for case in cases:
        steps, timestep = bench.steps, int(bench.steps[0].timestep)
        state, output = advance_ice(
            case,
            [load_state(step.before, case.group) for step in steps],
            [_first(weather_of(case, step.before, timestep, 1)) for step in steps],
            [mean_samples(step.before, timestep) for step in steps],
            timestep,
        )
        fields = tape_fields(output)
        for number, step in enumerate(steps):
            part = slice(number * case.group.columns, (number + 1) * case.group.columns)
            place = f"{case.kind.value} {step.before.path.name}"
            yield from against_restart(case, _part(state, part), step.after, place)
            yield from _against_tape(case, fields, part, step, place)
            missed = np.asarray(output.heat.budget.residual)[part]
            yield _at(place, difference("heat budget", missed, np.zeros_like(missed)))


def ice_and_wetland_carried(bench: Bench) -> Iterator[Finding]:
    """Our state carried on from the first restart of a run, against each later one."""
    cases = ice_cases(bench)
    if not cases:
        yield Skipped(NO_COLUMNS)
        return
    first, timestep = bench.restarts[0].restart, bench.run.timestep
    ends = {(item.time - first.seconds) // timestep: item.restart for item in bench.restarts[1:]}
    ends = {number: restart for number, restart in ends.items() if number <= LONGEST}
    if not ends:
        yield Skipped("no later restart within two years of the first")
        return
    for case in cases:
        state, done = load_state(first, case.group), 0
        for number, restart in sorted(ends.items()):
            state = carry(case, first, state, timestep, range(done, number))
            done = number
            yield from against_restart(case, state, restart, f"{case.kind.value} step {number}")


def carry(case: IceCase, first: Restart, state: LandState, timestep: int, steps: range) -> LandState:
    """The state after some steps, numbered from those after the first restart, computed in equal pieces."""
    constants = IceConstants(
        melt_shape=jnp.asarray(case.melt_shape), snow_optics=case.optics, grain_tables=case.grains
    )
    for start in range(steps.start, steps.stop, PIECE):
        count = min(PIECE, steps.stop - start)
        numbers = start + np.minimum(np.arange(PIECE), count - 1)
        state = _advance_many(
            state,
            weather_of(case, first, timestep, count, start, PIECE),
            jnp.asarray([mean_samples(first, timestep, int(number)) for number in numbers]),
            jnp.asarray(case.deposition),
            jnp.asarray(count),
            constants,
            settings=Settings(float(timestep)),
            kind=case.kind,
        )
    return state


def _many_steps(
    state: LandState,
    weather: Weather,
    samples: Array,
    deposition: Array,
    count: Array,
    constants: IceConstants,
    settings: Settings,
    kind: GroundKind,
) -> LandState:
    """The first `count` steps of a series."""

    def one(number: Array, state: LandState) -> LandState:
        surroundings = Surroundings(
            weather=jax.tree.map(lambda rows: rows[number], weather),
            day_length_factor=jnp.ones(deposition.shape[-1]),
            deposition=deposition,
            ten_day_samples=samples[number],
            vegetation=None,
        )
        return ice_step(state, surroundings, constants, settings, kind)[0]

    last: LandState = jax.lax.fori_loop(0, count, one, state)
    return last


def against_restart(case: IceCase, state: LandState, restart: Restart, place: str) -> Iterator[Difference]:
    """All variables of the state against a restart; of snow the layers that exist there."""
    reference = load_state(restart, case.group)
    exists = np.asarray(snow_layer_mask(reference.column.snow_index))
    for variable in simulated_variables():
        part, name = variable.state.split(".")
        ours = np.asarray(getattr(getattr(state, part), name))
        wanted = np.asarray(getattr(getattr(reference, part), name))
        mask = None
        if "levsno" in variable.dims:
            mask = exists
        elif "levtot" in variable.dims:
            mask = np.ones(wanted.shape, bool)
            mask[:SNOW_LAYERS] = exists
        yield _at(place, difference(variable.name, ours, wanted, mask))


def _against_tape(
    case: IceCase, fields: Mapping[str, Array], part: slice, step: OracleStep, place: str
) -> Iterator[Difference]:
    for name, values in fields.items():
        if name not in step.tape:
            continue
        on_patches = step.tape[name].dims[-1] == "pft"
        reference = step.patches(name, case.group) if on_patches else step.columns(name, case.group)
        yield _at(place, difference(name, np.asarray(values)[..., part], reference, reference < FILL))


def _joined(parts: Sequence[_Tree], take: NDArray[np.int64]) -> _Tree:
    joined: _Tree = jax.tree.map(
        lambda *values: jnp.asarray(np.concatenate([np.asarray(one) for one in values], axis=-1)[..., take]),
        *parts,
    )
    return joined


def _first(weather: Weather) -> Weather:
    now: Weather = jax.tree.map(lambda rows: rows[0], weather)
    return now


def _part(state: LandState, part: slice) -> LandState:
    chosen: LandState = jax.tree.map(lambda values: values[..., part], state)
    return chosen


def _at(place: str, found: Difference) -> Difference:
    return dataclasses.replace(found, place=f"{place} {found.place}")


_advance_many = jax.jit(_many_steps, static_argnames=("settings", "kind"))
_advance = jax.jit(ice_step, static_argnames=("settings", "kind"))
