"""Pools corrected by what still moved in a further short run: a Newton step with the run's own operator.

A restart that was predicted is nearly, not quite, in equilibrium. A run of some years from it shows the
tendency D of every pool, whatever the operator does not know. With the operator A of these years the pools
are moved to where the tendency would vanish:

    (A + 1/tau) dx = D = (x_end - x_start) / T,        x = x_end + dx,    x_end / 3 <= x <= 3 x_end

A has decay + fire on its diagonal, less what donors pass on and mixing. D = 0 is left alone, so that an
imperfect operator changes the speed of the approach and never its goal. Dead wood moves by its own mortality
and the wood litter that it drops more follows at once. Nitrogen and phosphorus of litter and wood have their
own tendency; those of soil pools stay in the ratio that the run has. All else is kept as in the restart.

Where plants answer to the soil the full step may be too long or too short. With the correction before at
hand, soil and dead wood of each column take the share of the step that would have brought their own drift d
to zero (secant):

    g = g_before d_before / (d_before - d),      between 0.1 and 2, g_before / 2 and 2 g_before

Without it the share is 0.9; that of dead wood is 0.9 (1 - exp(-T / 6 years)), as in the first years plants
grow by what litter and mineral nutrients, still on their way to rest, leave them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from kiloland.craft.virtual import sha256_of
from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.spinup.cascade import CWD, POOLS, SECONDS_PER_YEAR, TRANSITIONS, layers
from kiloland.spinup.operator.read import read_block
from kiloland.spinup.operator.source import RunPaths, Source
from kiloland.spinup.operator.tree import CascadeOperator
from kiloland.spinup.pools import PoolFile, PoolWriter, not_finite
from kiloland.spinup.solve.further_run import FurtherRun, check_start, length_of
from kiloland.spinup.solve.linear import solve_cascade
from kiloland.spinup.solve.padding import padded, padded_vector
from kiloland.spinup.solve.pipeline import blocks
from kiloland.spinup.solve.steady import carbon_kept, carbon_loss
from kiloland.spinup.solve.vegetation import LIVE_WOOD, patch_sum
from kiloland.spinup.subgrid import restart_subgrid
from kiloland.spinup.tables import DEAD_WOOD

Float = NDArray[np.float64]

LONGEST = 1.0e4 * SECONDS_PER_YEAR
"""tau: the step of a pool with a slower turnover is this long, s."""
LARGEST_CHANGE = 3.0
ELEMENTS = "cnp"
FIRST_GAIN, LEAST_GAIN, LARGEST_GAIN = 0.9, 0.1, 2.0
SETTLING = 6.0
"""Years in which litter and mineral nutrients of a new restart settle."""
SOIL_PART, WOOD_PART = "soil", "wood"
"""What takes a share of its own of the step: litter, debris and soil; dead wood of plants."""
LARGEST_RATIO = 2.0
"""Of a share to the one before."""
QUIET = 0.5
"""gC m-2 yr-1; a smaller drift is as much the weather's as the step's, and says nothing of its length."""
SOIL = slice(CWD + 1, None)
"""Soil 1 to 4."""


def correct_run(
    paths: RunPaths,
    since: Path,
    output: Path,
    years: float | None = None,
    previous: Path | None = None,
) -> dict[str, Any]:
    """Correct the pools of ``paths.restart``, the end of a run that started from the restart ``since``.

    ``years``: length of the run; by default what the dates of the restarts say. ``previous``: pools of the
    correction that ``since`` has. Writes the file of pools and returns a summary. Raises InputError as
    `Source`, for an accelerated run, and for restarts that do not belong together or whose dates do not tell
    the length.
    """
    with Source(paths) as source, open_dataset(since) as start:
        check_start(source, start)
        seconds = length_of(source, start, years) * SECONDS_PER_YEAR
        run = FurtherRun(source, start, restart_subgrid(start), seconds)
        names = [f"{pool}{element}_vr" for pool in POOLS for element in ELEMENTS]
        drift = carbon_tendency(run)
        gain = learned_gain(run, previous, drift)
        wood = Wood.of(run, gain[WOOD_PART])
        moved = np.zeros(2)
        keys = source.subgrid.keys
        notes = {f"{part}_tendency": values for part, values in drift.items()}
        notes |= {f"{part}_gain": values for part, values in gain.items()}
        with PoolWriter(output, keys, [*names, *wood.pools], attributes(run), notes) as writer:
            for name, values in notes.items():
                writer.put(name, values)
            for block in blocks(source.columns):
                made = corrected_soil(run, block, wood, gain[SOIL_PART])
                for name in names:
                    writer.put(name, made[name], block.start)
                moved += carbon_moved(source, block, made)
            for name, values in wood.pools.items():
                writer.put(name, values)
        mean, size = moved / source.subgrid.column_weight.sum()
        whole = np.abs(drift[SOIL_PART] + drift[WOOD_PART])
        return {
            "columns": source.columns,
            "years": seconds / SECONDS_PER_YEAR,
            "quality": source.quality.value,
            "mean_size_of_drift": float(np.average(whole, weights=source.subgrid.column_weight)),
            "mean_change_of_soil_carbon": float(mean),
            "mean_size_of_change": float(size),
        }


def carbon_tendency(run: FurtherRun) -> dict[str, Float]:
    """Change of carbon in soil and in dead wood between the restarts, gC m-2 yr-1 [column]."""
    subgrid, thickness = run.source.subgrid, layers().thickness
    soil, wood = np.zeros(run.source.columns), np.zeros(run.source.columns)
    for block in blocks(run.source.columns):
        for pool in POOLS:
            start, end = run.layered(f"{pool}c_vr", block)
            soil[block] += thickness @ (end - start)
    for tissue in DEAD_WOOD:
        start, end = run.patches(f"{tissue}c")
        wood += np.bincount(subgrid.keys.pft_column, subgrid.pft_weight * (end - start), run.source.columns)
    years = run.seconds / SECONDS_PER_YEAR
    return {SOIL_PART: soil / years, WOOD_PART: wood / years}


def learned_gain(run: FurtherRun, previous: Path | None, drift: dict[str, Float]) -> dict[str, Float]:
    """Share of the Newton step of soil and wood for each column; see the module where nothing is known.

    Raises InputError where ``previous`` is of other columns or no correction.
    """
    if previous is None:
        settled = 1.0 - np.exp(-run.seconds / SECONDS_PER_YEAR / SETTLING)
        first = {SOIL_PART: FIRST_GAIN, WOOD_PART: FIRST_GAIN * settled}
        return {part: np.full_like(values, first[part]) for part, values in drift.items()}
    with PoolFile(previous) as file:
        notes, keys = file.notes(), file.keys()
        wanted = [f"{part}_{note}" for part in drift for note in ("gain", "tendency")]
        lost = [name for name in wanted if name not in notes]
        if lost:
            raise InputError(
                "is no correction",
                file=previous,
                variable=lost[0],
                expected="pools that `kiloland spinup solve --since` wrote",
            )
        if not np.array_equal(keys.column_codes(), run.source.subgrid.keys.column_codes()):
            raise InputError("the correction before is of other columns", file=previous)
        for name in wanted:
            if not np.isfinite(notes[name]).all():
                raise not_finite(previous, name, keys, notes[name], 0)
    return {
        part: secant_gain(notes[f"{part}_gain"], notes[f"{part}_tendency"], values)
        for part, values in drift.items()
    }


def secant_gain(gain: Float, before: Float, now: Float) -> Float:
    """g_before d_before / (d_before - d), within bounds and at most twice or half of what it was.

    A small drift, and one that grew with its sign or did not answer, says nothing about the length.
    """
    answered = before - now
    known = (np.abs(before) > QUIET) & (before * answered > 0.0)
    secant = np.where(known, gain * before / np.where(known, answered, 1.0), gain)
    near = np.clip(secant, gain / LARGEST_RATIO, gain * LARGEST_RATIO)
    return np.asarray(np.clip(near, LEAST_GAIN, LARGEST_GAIN))


@dataclass(frozen=True)
class Wood:
    """Dead wood after the correction: ``pools`` by restart name [pft], what ``more`` carbon, nitrogen and
    phosphorus columns hold in it, g m-2 [element, column], and its ``loss`` as litter, s-1 [column]."""

    pools: dict[str, Float]
    more: Float
    loss: Float

    @classmethod
    def of(cls, run: FurtherRun, gain: Float) -> Wood:
        """dW = (W_end - W_start) / T / (loss + 1/tau) for stems and coarse roots of every patch."""
        subgrid = run.source.subgrid
        column = subgrid.keys.pft_column
        loss = wood_loss(run.source)
        pools, more = {}, np.zeros((len(ELEMENTS), run.source.columns))
        for tissue in DEAD_WOOD:
            start, end = run.patches(f"{tissue}c")
            new = limited(end, gain[column] * (end - start) / run.seconds / (loss[column] + 1.0 / LONGEST))
            ratio = np.where(end > 0.0, new / np.where(end > 0.0, end, 1.0), 1.0)
            for row, element in enumerate(ELEMENTS):
                amount = run.patches(f"{tissue}{element}")[1]
                pools[f"{tissue}{element}"] = amount * ratio
                change = subgrid.pft_weight * amount * (ratio - 1.0)
                more[row] += np.bincount(column, change, run.source.columns)
        return cls(pools, more, loss)


def wood_loss(source: Source) -> Float:
    """Wood litter of the column over its live and dead wood, s-1 [column]."""
    litter = np.zeros(source.columns)
    for block in blocks(source.columns):
        operator = read_block(source, block).operator
        thickness = np.asarray(operator.thickness)[:, None]
        litter[block] = (np.asarray(operator.litter_input)[CWD] * thickness).sum(axis=0)
    none = np.zeros(source.columns)
    stock = sum((patch_sum(source, f"{tissue}c") for tissue in (*DEAD_WOOD, *LIVE_WOOD)), none)
    return np.where(stock > 0.0, litter / np.where(stock > 0.0, stock, 1.0), 0.0)


def corrected_soil(run: FurtherRun, block: slice, wood: Wood, gain: Float) -> dict[str, Float]:
    """Carbon, nitrogen and phosphorus of the cascade by restart name, [column, layer]."""
    operator = read_block(run.source, block).operator
    columns = operator.decay.shape[-1]
    both = [[run.layered(f"{pool}{element}_vr", block) for pool in POOLS] for element in ELEMENTS]
    start, end = (np.array([[pair[which] for pair in row] for row in both]) for which in (0, 1))
    force = gain[block] * (end - start) / run.seconds
    force[:, CWD] += wood_profile(operator) * (wood.more * wood.loss)[:, None, block]
    change = steps(padded(operator, columns), jnp.asarray(padded_vector(force, columns)))
    new = limited(end, np.asarray(change)[..., :columns])
    # Soil pools keep the C:N:P that the run gave them.
    ratio = np.where(end[0] > 0.0, new[0] / np.where(end[0] > 0.0, end[0], 1.0), 1.0)[SOIL]
    new[1:, SOIL] = end[1:, SOIL] * ratio
    return {
        f"{pool}{element}_vr": new[row, number].T
        for row, element in enumerate(ELEMENTS)
        for number, pool in enumerate(POOLS)
    }


def wood_profile(operator: CascadeOperator) -> Float:
    """Where wood litter enters the soil, m-1 [layer, column]."""
    given = np.asarray(operator.litter_input)[CWD]
    total = (given * np.asarray(operator.thickness)[:, None]).sum(axis=0)
    return np.where(total > 0.0, given / np.where(total > 0.0, total, 1.0), 0.0)


@jax.jit
def steps(operator: CascadeOperator, force: Array) -> Array:
    """dx of (A + 1/tau) dx = D for carbon, nitrogen and phosphorus, ``element pool layer column``.

    Carbon of litter arrives but for what is respired; of nitrogen and phosphorus only those of wood pass on
    to litter, those of litter are mineral on their way to the soil pools.
    """
    loss = carbon_loss(operator) + 1.0 / LONGEST
    from_wood = jnp.asarray([float(donor == CWD) for donor, _ in TRANSITIONS])
    whole = from_wood[:, None, None] * jnp.ones_like(operator.respired)
    kept = (carbon_kept(operator), whole, whole)
    return jnp.stack([solve_cascade(operator, kept[row], loss, force[row]) for row in range(len(ELEMENTS))])


def limited(end: Float, change: Float) -> Float:
    """Pools after the change, within a factor of what they were."""
    return np.asarray(np.clip(end + change, end / LARGEST_CHANGE, end * LARGEST_CHANGE))


def carbon_moved(source: Source, block: slice, made: dict[str, Float]) -> Float:
    """Sums over columns by weight: change of soil carbon, and sizes of the changes of all pools, gC m-2."""
    weight, thickness = source.subgrid.column_weight[block], layers().thickness
    change = [made[f"{pool}c_vr"] - source.stored(f"{pool}c_vr", block).T for pool in POOLS]
    whole, size = sum(change), sum(np.abs(part) for part in change)
    return np.array([weight @ (whole @ thickness), weight @ (size @ thickness)])


def attributes(run: FurtherRun) -> dict[str, Any]:
    """What the file of pools says about itself."""
    restart = run.source.paths.restart
    return {
        "method": "correction",
        "quality": run.source.quality.value,
        "source_restart": restart.name,
        "source_restart_sha256": sha256_of(restart),
        "source_spinup_state": 0,
        "since_restart": run.start.path.name,
        "years_of_run": run.seconds / SECONDS_PER_YEAR,
        "years_of_operator": f"{run.source.window.years[0]}-{run.source.window.years[-1]}",
    }
