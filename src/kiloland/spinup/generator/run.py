"""Years of the model world, compiled once for a block size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.pytree import pytree_dataclass
from kiloland.spinup.generator.constants import DAYS, MIXING_DAYS, POOLS
from kiloland.spinup.generator.plants import allometry
from kiloland.spinup.generator.record import Fields, daily, essential, of_cell, of_column, of_patch
from kiloland.spinup.generator.state import Mode, Plants, Soil, Weather, World, WorldState
from kiloland.spinup.generator.step import day, mixed

PERIODS = DAYS // MIXING_DAYS


@pytree_dataclass
class Sums:
    """Sums over the days of one year."""

    essential: Fields
    column: Fields
    cell: Fields
    patch: Fields
    mixing: Float[Array, "pool layer cell"]
    """Change of the carbon pools by vertical mixing, gC m-3 yr-1; empty where not recorded."""


class Year(NamedTuple):
    """A year's end, its sums, and what each day gave the monthly tape (empty where not recorded)."""

    state: WorldState
    sums: Sums
    days: Fields


class Site(NamedTuple):
    """The constant side of a block and its weather by years, in periods of mixing."""

    soil: Soil
    plants: Plants
    years: tuple[Weather, ...]


def make_site(world: World) -> Site:
    """Cut the weather into years (``period day ...``)."""
    days = world.weather.liquid.shape[0]

    def cut(values: Array, year: int) -> Array:
        part = values[year * DAYS : (year + 1) * DAYS]
        return part.reshape(PERIODS, MIXING_DAYS, *values.shape[1:])

    years = tuple(jax.tree.map(partial(cut, year=year), world.weather) for year in range(days // DAYS))
    return Site(world.soil, world.plants, years)


@partial(jax.jit, static_argnames="record")
def run_year(
    state: WorldState, soil: Soil, plants: Plants, weather: Weather, mode: Mode, *, record: bool = False
) -> Year:
    """One year from 1 January; allometry follows the NPP of the year before."""
    shape = allometry(state.plants.year_npp, plants)
    world = World(soil, plants, weather)

    def one_day(carry: tuple[WorldState, Sums], today: Weather) -> tuple[tuple[WorldState, Sums], Fields]:
        before, sums = carry
        after, fluxes = day(before, world, shape, mode, today)
        if not record:
            added = {"essential": essential(fluxes, world)}
            return (after, replace(sums, essential=plus(sums.essential, added["essential"]))), {}
        new = replace(
            sums,
            essential=plus(sums.essential, essential(fluxes, world)),
            column=plus(sums.column, of_column(before, fluxes, world, mode)),
            cell=plus(sums.cell, of_cell(fluxes, world)),
            patch=plus(sums.patch, of_patch(before, fluxes, world)),
        )
        return (after, new), daily(before, fluxes, world)

    def one_period(carry: tuple[WorldState, Sums], today: Weather) -> tuple[tuple[WorldState, Sums], Fields]:
        (before, sums), days = jax.lax.scan(one_day, carry, today)
        after = mixed(before, mode)
        if record:
            moved = after.soil.carbon - before.soil.carbon
            sums = replace(sums, mixing=sums.mixing + moved)
        return (after, sums), days

    start = empty_sums(state, world, shape, mode, record)
    (end, sums), days = jax.lax.scan(one_period, (state, start), weather)
    plants_end = replace(end.plants, year_npp=end.plants.sum_npp, sum_npp=jnp.zeros_like(end.plants.sum_npp))
    return Year(
        replace(end, plants=plants_end),
        sums,
        {name: values.reshape(DAYS, -1) for name, values in days.items()},
    )


def plus(sums: Fields, new: Fields) -> Fields:
    """Sums with one day more."""
    return {name: values + new[name] for name, values in sums.items()}


def empty_sums(state: WorldState, world: World, shape: object, mode: Mode, record: bool) -> Sums:
    """Zeros of the right shapes."""
    today = jax.tree.map(lambda values: values[0, 0], world.weather)

    def made(before: WorldState) -> tuple[Fields, Fields, Fields, Fields]:
        _, fluxes = day(before, world, shape, mode, today)  # type: ignore[arg-type]
        return (
            essential(fluxes, world),
            of_column(before, fluxes, world, mode),
            of_cell(fluxes, world),
            of_patch(before, fluxes, world),
        )

    shapes = jax.eval_shape(made, state)
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    if record:
        essentials, column, cell, patch = zeros
        return Sums(essentials, column, cell, patch, jnp.zeros_like(state.soil.carbon))
    return Sums(zeros[0], {}, {}, {}, jnp.zeros((len(POOLS), 0, 0)))


def run_cycle(state: WorldState, site: Site, mode: Mode) -> tuple[WorldState, Fields]:
    """One forcing cycle; the essential sums are means per day over it."""
    total: Fields = {}
    for weather in site.years:
        state, sums, _ = run_year(state, site.soil, site.plants, weather, mode)
        total = plus(total, sums.essential) if total else sums.essential
    count = len(site.years) * DAYS
    return state, {name: values / count for name, values in total.items()}


def run_years(
    state: WorldState, site: Site, mode: Mode, first: int, count: int
) -> tuple[WorldState, Sequence[Fields]]:
    """So many years, the first of which is year ``first`` (from 0) of the run; essential sums of each."""
    sums = []
    for year in range(first, first + count):
        state, here, _ = run_year(state, site.soil, site.plants, site.years[year % len(site.years)], mode)
        sums.append(here.essential)
    return state, sums
