"""One block of cells from cold start to its proven equilibrium."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.generator.accelerate import churn, ecosystem_totals, mineral_churn, pseudo_step
from kiloland.spinup.generator.build import make_mode, make_world
from kiloland.spinup.generator.cells import CellProperties, make_properties
from kiloland.spinup.generator.climate import Climate, FloatArray
from kiloland.spinup.generator.constants import DAYS, MONTH_LENGTHS
from kiloland.spinup.generator.exit import LAST_YEAR, averaged, left_acceleration, spin
from kiloland.spinup.generator.record import Fields
from kiloland.spinup.generator.relaxation import Relaxation, first_relaxation
from kiloland.spinup.generator.run import Site, Sums, make_site, run_cycle, run_year
from kiloland.spinup.generator.state import Mode, World, WorldState, cold_start
from kiloland.spinup.generator.weather import DailyWeather, daily_weather

Say = Callable[[str], None]
TAUS = (50.0, 200.0, 1000.0)
"""Years of the first steps of pseudo-time; then ``LONGEST_TAU``."""
LONGEST_TAU = 1e5
STAGES = (12, 6, 6, 10, 16, 30, 40, 80, 100, 100, 100)
"""Cycles after which the cells that are left are gathered anew."""
PROOFS = 3
"""Times that cells which move again after their rest are stepped on."""
SAFETY = 0.3
"""A cell is quiet when its drift is below this share of the tolerance, so that the proof holds as well."""
CHURN = 20.0
"""The sum of all absolute changes may be so many times the tolerance."""
DRIFT_P, CHURN_P = 0.1, 0.3
"""Largest drift of P, and largest sum of the absolute changes of mineral P, of the tolerance of carbon."""


@dataclass(frozen=True)
class BlockSettings:
    """How a block is run."""

    seed: int
    member: int
    cycle_years: int
    tolerance: float
    """Largest drift of ecosystem carbon, gC m-2 yr-1."""
    most_cycles: int
    block: int
    """Cells stepped together."""


class Tape(NamedTuple):
    """Annual means, per day: ``year ... cell`` by name; and monthly means, ``month cell``."""

    column: dict[str, FloatArray]
    cell: dict[str, FloatArray]
    patch: dict[str, FloatArray]
    mixing: FloatArray
    months: dict[str, FloatArray]


class BlockResult(NamedTuple):
    """What a block gives to the files."""

    accelerated: WorldState
    """State on 1 January of year 41 of accelerated spinup."""
    average: FloatArray
    accelerated_tape: Tape
    final: WorldState
    final_tape: Tape
    drift: FloatArray
    """Of ecosystem carbon over the last plain cycle, gC m-2 yr-1, ``cell``."""
    drift_n: FloatArray
    drift_p: FloatArray
    churn: FloatArray
    cycles: FloatArray
    """Forcing cycles of accelerated stepping that the cell took."""


def prepare(climate: Climate, settings: BlockSettings) -> tuple[CellProperties, DailyWeather, Site]:
    """Properties, weather and site of a block of cells."""
    properties = make_properties(climate, settings.seed, settings.member)
    weather = daily_weather(climate, settings.seed, settings.cycle_years)
    return properties, weather, make_site(make_world(climate, properties, weather))


def simulate(climate: Climate, settings: BlockSettings, say: Say = lambda text: None) -> BlockResult:
    """Accelerated spinup to year 41, then stepping in pseudo-time and plain years until no cell drifts.

    Cells are stepped in blocks of a fixed size; those that take longer are gathered into blocks of
    their own. A cell takes the same steps in whatever company.
    """
    spun = [
        accelerate_block(climate.take(rows), settings) for rows in blocks(len(climate.identity), settings)
    ]
    count = len(climate.identity)
    accelerated, start, average, tape = (
        joined([part[number] for part in spun], count) for number in range(4)
    )
    rest = settle(climate, start, settings, say)
    proof = proven(climate, rest.state, settings)
    for _ in range(PROOFS):
        again = np.flatnonzero(rest.resting & ~(np.abs(proof.drift[0]) < settings.tolerance))
        if not again.size:
            break
        some = climate.take(again)
        more = settle(some, first(proof.end, again), settings, say, begin=len(TAUS))
        put_all(rest, more, again)
        put_all(proof, proven(some, more.state, settings), again)
    return BlockResult(
        accelerated, average, tape, proof.end, proof.tape, *proof.drift, proof.churn, rest.cycles
    )


class Rest(NamedTuple):
    """Cells in pseudo-time, ``cell`` last."""

    state: WorldState
    cycles: FloatArray
    """Forcing cycles that each took."""
    resting: NDArray[np.bool_]


class Proof(NamedTuple):
    """A plain forcing cycle from the state that is thought to be at rest."""

    end: WorldState
    tape: Tape
    drift: tuple[FloatArray, FloatArray, FloatArray]
    """Of ecosystem carbon, nitrogen and phosphorus, g m-2 yr-1, ``cell``."""
    churn: FloatArray


def proven(climate: Climate, final: WorldState, settings: BlockSettings) -> Proof:
    """One plain cycle with records of all cells."""
    count, ends = len(climate.identity), []
    for rows in blocks(count, settings):
        site = prepare(climate.take(rows), settings)[2]
        here = on_device(first(final, rows))
        plain = make_mode(site.soil, accelerated=False)
        end, tape = recorded(here, site, plain, range(settings.cycle_years))
        totals, later = ecosystem_totals(here, site), ecosystem_totals(end, site)
        carbon, nitrogen, phosphorus = (
            (new - old) / settings.cycle_years for old, new in zip(totals, later, strict=True)
        )
        moved = churn(here, end, site) / settings.cycle_years
        ends.append(Proof(end, tape, (carbon, nitrogen, phosphorus), moved))
    result: Proof = jax.tree.map(np.array, joined(ends, count))
    return result


def put_all(whole: Rest | Proof, part: Rest | Proof, cells: NDArray[np.int64]) -> None:
    """Write some cells into all; the cycles taken add up."""
    if isinstance(whole, Rest) and isinstance(part, Rest):
        part = part._replace(cycles=part.cycles + whole.cycles[cells])
    jax.tree.map(lambda all_cells, some: put(all_cells, some, cells), whole, part)


def blocks(count: int, settings: BlockSettings) -> list[NDArray[np.int64]]:
    """Rows of each block; the last is filled up with its last row."""
    starts = range(0, count, settings.block)
    return [np.minimum(np.arange(start, start + settings.block), count - 1) for start in starts]


def joined(parts: list[Any], count: int) -> Any:
    """Blocks side by side, without what filled up the last."""
    return jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=-1)[..., :count], *parts)


def first(state: WorldState, rows: NDArray[np.int64]) -> WorldState:
    """Some cells of a state."""
    some: WorldState = jax.tree.map(lambda leaf: np.asarray(leaf)[..., rows], state)
    return some


def on_device(state: WorldState) -> WorldState:
    """The state as the kernel takes it."""
    moved: WorldState = jax.tree.map(jnp.asarray, state)
    return moved


def accelerate_block(
    climate: Climate, settings: BlockSettings
) -> tuple[WorldState, WorldState, FloatArray, Tape]:
    """A block on 1 January of year 41 of accelerated spinup, and after leaving it; scalar and tape."""
    site = prepare(climate, settings)[2]
    first_year = max(LAST_YEAR - settings.cycle_years, 1)
    state, average = spin(cold_start_of(site), site, first_year)
    state, tape, average = recorded_acceleration(state, site, average, range(first_year, LAST_YEAR))
    return state, left_acceleration(state, site, average), average, tape


def settle(climate: Climate, start: WorldState, settings: BlockSettings, say: Say, *, begin: int = 0) -> Rest:
    """Pseudo-time from cycle ``begin`` on until the cells are at rest."""
    count = len(climate.identity)
    state: WorldState = jax.tree.map(np.array, start)
    known = jax.tree.map(np.array, first_relaxation(count))
    cycles, left, number = np.zeros(count), np.arange(count), begin
    for stage in STAGES:
        stop = min(number + stage, settings.most_cycles)
        if not left.size or stop <= number:
            break
        still = []
        for rows in blocks(left.size, settings):
            cells = left[rows]
            here = first(state, cells), jax.tree.map(lambda leaf, at=cells: leaf[..., at], known)
            end, learned, done, took = settle_block(climate.take(cells), *here, settings, number, stop)
            jax.tree.map(lambda whole, part, at=cells: put(whole, part, at), (state, known), (end, learned))
            cycles[cells] += took
            still.append(cells[~done])
        left = np.unique(np.concatenate(still))
        number = stop
        say(f"cycle {number}: {count - left.size} of {count} cells at rest")
    return Rest(state, cycles, ~np.isin(np.arange(count), left))


def put(whole: FloatArray, part: object, cells: NDArray[np.int64]) -> None:
    """Write the cells of a block into all cells."""
    whole[..., cells] = np.asarray(part)


def settle_block(
    climate: Climate,
    start: WorldState,
    known: Relaxation,
    settings: BlockSettings,
    begin: int,
    stop: int,
) -> tuple[WorldState, Relaxation, NDArray[np.bool_], FloatArray]:
    """Cycles ``begin`` to ``stop`` of pseudo-time of one block.

    Its state, what was learned of its steps, which cells rest, and the cycles that each took.

    Cells at rest keep the end of the cycle that showed it: what a cell becomes depends on itself alone, not
    on how long the others of its block take.
    """
    site = prepare(climate, settings)[2]
    plain = make_mode(site.soil, accelerated=False)
    state = kept = on_device(start)
    calm = done = np.zeros(settings.block, bool)
    cycles = np.zeros(settings.block)
    for number in range(begin, stop):
        after, means = run_cycle(state, site, plain)
        quiet, still = at_rest(state, after, site, settings)
        resting = calm & still & ~done
        kept = where(jnp.asarray(resting), after, kept)
        done = done | resting
        # A quiet cell takes one plain cycle more, which must be quiet as well.
        calm = quiet & ~calm
        cycles += ~done
        if done.all():
            break
        tau = TAUS[number] if number < len(TAUS) else LONGEST_TAU
        stepped, known = pseudo_step(state, after, means, site, plain, tau * DAYS, known)
        state = where(jnp.asarray(calm), after, stepped)
    return where(jnp.asarray(done), kept, state), known, done, cycles


def at_rest(
    before: WorldState, after: WorldState, site: Site, settings: BlockSettings
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which cells moved little over a plain cycle, and which moved less than half of what is allowed.

    Nitrogen and phosphorus must rest as well: carbon follows them later.
    """
    limit = settings.tolerance * settings.cycle_years
    old, new = ecosystem_totals(before, site), ecosystem_totals(after, site)
    drift, drift_n, drift_p = (np.abs(later - sooner) for sooner, later in zip(old, new, strict=True))
    settled = (churn(before, after, site) < CHURN * limit) & (drift_n < limit)
    settled &= (drift_p < DRIFT_P * limit) & (mineral_churn(before, after) < CHURN_P * limit)
    return settled & (drift < SAFETY * limit), settled & (drift < 0.5 * limit)


def cold_start_of(site: Site) -> WorldState:
    """The cold start; strong types, so that the compiled year is the same from the first."""
    state = cold_start(World(site.soil, site.plants, site.years[0]))
    strong: WorldState = jax.tree.map(lambda leaf: jnp.asarray(np.array(leaf, np.float64)), state)
    return strong


def where(condition: jax.Array, yes: WorldState, no: WorldState) -> WorldState:
    """Cell by cell one state or the other."""
    chosen: WorldState = jax.tree.map(lambda left, right: jnp.where(condition, left, right), yes, no)
    return chosen


def recorded_acceleration(
    state: WorldState, site: Site, average: FloatArray, years: range
) -> tuple[WorldState, Tape, FloatArray]:
    """The last years of accelerated spinup with records; from year 40 on rates are divided by the scalar."""
    parts = []
    for year in years:
        # Counted from 0 here: year 39 is ELM's year 40.
        scale = np.where(average < 1e-3, 1.0, average) if year + 1 >= LAST_YEAR else None
        mode = make_mode(site.soil, accelerated=True, supply_p=True, average=scale)
        state, sums, days = run_year(
            state, site.soil, site.plants, site.years[year % len(site.years)], mode, record=True
        )
        if year + 1 < LAST_YEAR:
            average = average + averaged(np.asarray(sums.essential["scalar"]))
        parts.append((sums, days))
    return state, make_tape(parts), average


def recorded(state: WorldState, site: Site, mode: Mode, years: range) -> tuple[WorldState, Tape]:
    """Plain years with records."""
    parts = []
    for year in years:
        state, sums, days = run_year(
            state, site.soil, site.plants, site.years[year % len(site.years)], mode, record=True
        )
        parts.append((sums, days))
    return state, make_tape(parts)


def make_tape(parts: list[tuple[Sums, Fields]]) -> Tape:
    """Means of the years and months."""

    def stacked(which: str) -> dict[str, FloatArray]:
        names = getattr(parts[0][0], which)
        return {
            name: np.stack([np.asarray(getattr(s, which)[name]) for s, _ in parts]) / DAYS for name in names
        }

    mixing = np.stack([np.asarray(sums.mixing) for sums, _ in parts]) / DAYS
    months = {
        name: np.concatenate([monthly(np.asarray(days[name])) for _, days in parts]) for name in parts[0][1]
    }
    return Tape(stacked("column"), stacked("cell"), stacked("patch"), mixing, months)


def monthly(daily: FloatArray) -> FloatArray:
    """Means of the months of one year, ``month cell``."""
    starts = np.concatenate([[0], np.cumsum(MONTH_LENGTHS)[:-1]])
    return np.asarray(np.add.reduceat(daily, starts, axis=0) / MONTH_LENGTHS[:, None])
