"""From the files of a run to a file of pools, block by block of columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kiloland.craft.virtual import sha256_of
from kiloland.spinup.cascade import CWD, POOLS, layers
from kiloland.spinup.operator.phosphorus import (
    SURFACE_DEPTH,
    SURFACE_P,
    soil_order_file,
    surface_values,
)
from kiloland.spinup.operator.read import Block, read_block
from kiloland.spinup.operator.source import RunPaths, Source
from kiloland.spinup.operator.tree import CascadeOperator, MineralPhosphorus
from kiloland.spinup.pools import PoolWriter
from kiloland.spinup.solve.anderson import accelerated_equilibrium
from kiloland.spinup.solve.forecast import (
    SOIL_NITROGEN,
    Plan,
    Speeds,
    State,
    Wood,
    finite_state,
    scaled_input,
    steady_state,
)
from kiloland.spinup.solve.nutrients import dissolved, mineral_after, mineralisation, steady_nutrients
from kiloland.spinup.solve.padding import padded, padded_limitation, padded_speeds, padded_vector, padded_wood
from kiloland.spinup.solve.productivity import Limitation, read_limitation
from kiloland.spinup.solve.request import Method, Request, check_request
from kiloland.spinup.solve.steady import steady_carbon
from kiloland.spinup.solve.vegetation import (
    block_wood,
    column_wood,
    patch_names,
    patch_values,
)

Float = NDArray[np.float64]

BLOCK = 4096
"""Columns of a block."""
MINERAL_YEARS = 200
"""Years of normal run of mineral phosphorus beside an equilibrium, which it does not have."""
MINERAL = ("solutionp", "labilep", "secondp", "occlp", "primp")


@dataclass(frozen=True)
class Solved:
    """Pools of a block in natural scale: ``values`` by restart name [column, layer], ratio and wood level."""

    values: dict[str, Float]
    ratio: Float
    wood: Float


def solve_run(paths: RunPaths, request: Request, output: Path) -> dict[str, Any]:
    """Solve all columns of a run and write the file of pools; returns a summary of what was done.

    Raises InputError as `Source`, and for a request that makes no sense.
    """
    check_request(request)
    with Source(paths) as source:
        wood = column_wood(source, request.mortality_factor, request.wood_at_exit)
        names = [f"{pool}{element}_vr" for pool in POOLS for element in "cnp"]
        if has_mineral(source):
            names += [f"{pool}_vr" for pool in MINERAL]
        plants = patch_names(source)
        ratio, level = np.ones(source.columns), np.ones(source.columns)
        keys = source.subgrid.keys
        totals = np.zeros(len(POOLS))
        with PoolWriter(output, keys, [*names, *plants], attributes(source, request)) as writer:
            for block in blocks(source.columns):
                solved = solve_block(source, block, wood, request)
                for name in names:
                    writer.put(name, solved.values[name], block.start)
                ratio[block], level[block] = solved.ratio, solved.wood
                totals += pool_totals(source, block, solved)
            for name in plants:
                writer.put(name, patch_values(source, name, ratio, level, request.mortality_factor))
        return summary(source, request, totals, ratio)


def blocks(columns: int, size: int = BLOCK) -> Iterator[slice]:
    """Slices of at most `size` columns."""
    for start in range(0, columns, size):
        yield slice(start, min(start + size, columns))


def solve_block(source: Source, block: slice, wood: Wood, request: Request) -> Solved:
    """The pools of a block of columns."""
    read = read_block(source, block)
    columns = block.stop - block.start
    here = block_wood(wood, block, wood_input(read.operator))
    nitrogen = pool_nitrogen(read.operator)
    limitation = block_limitation(source, block, read, request)
    speeds = accelerations(source, block)
    pools = natural_pools(source, block, speeds)
    state = state_of(source, read.operator, limitation, here, nitrogen, speeds, pools, request)
    operator, factor = padded(read.operator, columns), padded_vector(state.ratio, columns)
    level = padded_vector(state.wood, columns)
    scaled = scaled_input(operator, factor, level)
    steady = steady_carbon(scaled)
    twins = steady_nutrients(scaled, source.cascade, steady)
    values = pool_values(state.pools, np.asarray(steady), [np.asarray(twin) for twin in twins], columns)
    if has_mineral(source):
        supply = np.asarray(mineralisation(scaled, twins[1]))[:, :columns]
        values |= mineral_values(source, block, read.operator, supply, request)
    return Solved(values, state.ratio, state.wood * here.scale)


def state_of(
    source: Source,
    operator: CascadeOperator,
    limitation: Limitation,
    wood: Wood,
    nitrogen: Float,
    speeds: Speeds,
    pools: Float,
    request: Request,
) -> State:
    """Carbon of the block by the method of the request."""
    columns = pools.shape[-1]
    if request.method is Method.SCALING:
        ones = np.ones(columns)
        return State(pools, ones, ones)
    padded_operator = padded(operator, columns)
    many = padded_limitation(limitation, columns)
    if request.method is Method.ANDERSON:
        state = accelerated_equilibrium(padded_operator, many, padded_vector(pools, columns))
    elif request.year is None:
        state = steady_state(padded_operator, many)
    else:
        plan = Plan(source.year, source.accelerated, request.accelerated_until, float(request.year))
        state = finite_state(
            padded_operator,
            many,
            padded_wood(wood, columns),
            padded_vector(nitrogen, columns),
            padded_speeds(speeds, columns),
            plan,
            padded_vector(pools, columns),
        )
    return State(state.pools[..., :columns], state.wood[:columns], state.ratio[:columns])


def block_limitation(source: Source, block: slice, read: Block, request: Request) -> Limitation:
    """The limitation of the block; nothing known where the request does not want it."""
    thickness = np.asarray(read.operator.thickness)[:, None]
    given = (np.asarray(read.operator.litter_input) * thickness).sum(axis=(0, 1))
    limitation = read_limitation(source, block, given)
    if request.limitation:
        return limitation
    values = {name: getattr(limitation, name) for name in limitation.__dataclass_fields__}
    return Limitation(**{**values, "known": np.zeros_like(limitation.known)})


def wood_input(operator: CascadeOperator) -> Float:
    """Input of coarse wood, gC m-2 s-1 [column]."""
    thickness = np.asarray(operator.thickness)[:, None]
    return np.asarray((np.asarray(operator.litter_input)[CWD] * thickness).sum(axis=0), np.float64)


def accelerations(source: Source, block: slice) -> Speeds:
    """Factors of the rates in accelerated spinup before and from year 40 on; 1 in a normal run."""
    columns = block.stop - block.start
    ones = np.ones((len(POOLS), columns))
    if not source.accelerated:
        return Speeds(ones, ones)
    before = source.cascade.acceleration[:, None] * ones
    after = np.where(before > 1.0, before / source.complete_average(block), 1.0)
    return Speeds(before, after)


def natural_pools(source: Source, block: slice, speeds: Speeds) -> Float:
    """Carbon of the restart in natural scale, gC m-3 [pool, layer, column]."""
    stored = np.stack([source.stored(f"{pool}c_vr", block) for pool in POOLS])
    return np.asarray(stored * speeds.at(source.year)[:, None], np.float64)


def pool_nitrogen(operator: CascadeOperator) -> Float:
    """gC gN-1 of the pools, [pool, column]: soil fixed, litter and wood that of their input."""
    thickness = np.asarray(operator.thickness)[:, None]
    carbon = (np.asarray(operator.litter_input) * thickness).sum(axis=1)
    nitrogen = (np.asarray(operator.litter_input_n) * thickness).sum(axis=1)
    usual = np.asarray(SOIL_NITROGEN)[:, None] * np.ones_like(carbon)
    known = (nitrogen > 0.0) & (carbon > 0.0) & (np.arange(len(POOLS)) <= CWD)[:, None]
    ratio = np.where(known, carbon / np.where(known, nitrogen, 1.0), usual)
    return np.asarray(np.clip(ratio, 5.0, 2000.0), np.float64)


def pool_values(carbon: Float, steady: Float, twins: list[Float], columns: int) -> dict[str, Float]:
    """Carbon with the nitrogen and phosphorus that it has in equilibrium, by restart name [column, layer]."""
    values = {}
    for number, pool in enumerate(POOLS):
        whole = steady[number, :, :columns]
        values[f"{pool}c_vr"] = carbon[number].T
        for element, twin in zip("np", twins, strict=True):
            part = twin[number, :, :columns]
            share = np.where(whole > 0.0, part / np.where(whole > 0.0, whole, 1.0), 0.0)
            values[f"{pool}{element}_vr"] = (carbon[number] * share).T
    return values


def has_mineral(source: Source) -> bool:
    """Whether mineral phosphorus can be computed: constants by soil order are there."""
    return soil_order_file(source) is not None


def mineral_values(
    source: Source, block: slice, operator: CascadeOperator, supply: Float, request: Request
) -> dict[str, Float]:
    """Mineral phosphorus after the years of the request, by restart name [column, layer]."""
    mineral = operator.mineral
    start = mineral_start(source, block, mineral)
    years = float(MINERAL_YEARS if request.year is None else request.year)
    if request.method is Method.SCALING:
        years = 0.0
    reached = mineral_after(mineral, operator.thickness, jnp.asarray(supply), start, jnp.asarray(years))
    return {f"{name}_vr": np.asarray(reached[number]).T for number, name in enumerate(MINERAL)}


def mineral_start(source: Source, block: slice, mineral: MineralPhosphorus) -> Any:
    """Mineral phosphorus when the normal run starts, gP m-3 [mineral, layer, column].

    Leaving acceleration ELM fills the layers from the surface file and dissolves by Langmuir's relation; a
    normal run goes on from the restart.
    """
    if not source.accelerated:
        return jnp.asarray(np.stack([source.stored(f"{name}_vr", block) for name in MINERAL]))
    surface = surface_values(source, tuple(SURFACE_P.values()), block)
    shape = mineral.leaching.shape
    pools = [np.broadcast_to(surface[SURFACE_P[name]] / SURFACE_DEPTH, shape) for name in MINERAL[1:]]
    labile = jnp.asarray(pools[0])
    return jnp.stack([dissolved(labile, mineral), labile, *(jnp.asarray(pool) for pool in pools[1:])])


def pool_totals(source: Source, block: slice, solved: Solved) -> Float:
    """Carbon of the pools over the columns of the block, gC m-2 times weight on the cell."""
    weight = source.subgrid.column_weight[block]
    thickness = layers().thickness
    return np.array([(weight @ solved.values[f"{pool}c_vr"]) @ thickness for pool in POOLS])


def attributes(source: Source, request: Request) -> dict[str, Any]:
    """What the file of pools says about itself."""
    return {
        "method": request.method.value,
        "quality": source.quality.value,
        "target_year": "equilibrium" if request.year is None else request.year,
        "mineral_phosphorus_years": MINERAL_YEARS if request.year is None else request.year,
        "source_restart": source.paths.restart.name,
        "source_restart_sha256": sha256_of(source.paths.restart),
        "source_spinup_state": int(source.accelerated),
        "years_of_operator": f"{source.window.years[0]}-{source.window.years[-1]}",
        "accelerated_until": request.accelerated_until if source.accelerated else 0,
    }


def summary(source: Source, request: Request, totals: Float, ratio: Float) -> dict[str, Any]:
    """What was done, for the command line."""
    weight = source.subgrid.column_weight
    mean = totals / weight.sum()
    return {
        "method": request.method.value,
        "quality": source.quality.value,
        "columns": source.columns,
        "target": "equilibrium" if request.year is None else f"year {request.year}",
        "years": [source.window.years[0], source.window.years[-1]],
        "productivity_ratio": [float(value) for value in np.percentile(ratio, (0, 50, 100))],
        "carbon": {pool: float(value) for pool, value in zip(POOLS, mean, strict=True)},
        "mineral_phosphorus": has_mineral(source),
    }
