"""Gradients of a day of the whole step against central differences.

Latent heat and gross photosynthesis, means of a day on each column, by parameters of plants and soil and by
the soil water that the day starts with. All are relative changes: a value x becomes x (1 + p), and the
gradients are those at p = 0. Columns do not feel each other, so one backward pass over the sum of all columns
gives the gradients of each.

The model has edges, where a layer begins to freeze or to melt, snow gets or loses a layer, or a search makes
one pass more. Differences across such an edge are no gradients; the steps at the point and on both sides
leave traces of whole numbers, and where these are not the same the point is left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from kiloland.land.biophysics.soil_moisture_stress import root_fractions
from kiloland.land.full_inputs import LandConstants, Surroundings, Vegetation
from kiloland.land.full_step import FullOutput, step_of_water_and_energy
from kiloland.land.full_water import SOIL_ROWS
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.state import LandState
from kiloland.land.step import Settings
from kiloland.land.subgrid import patch_to_column
from kiloland.land.vertical import SOIL_LAYERS
from kiloland.run.full_setup import RunningMean
from kiloland.verify.full_evidence import consecutive
from kiloland.verify.full_step import STEPS, Workpiece, padded_state, surroundings, vegetation_of, workpiece
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.rows import Finding, Skipped
from kiloland.verify.radiation import Difference
from kiloland.verify.temperature import OracleStep, Values

SHARES = (1.0e-5, 1.0e-4)
"""Relative changes on either side of a point; the closer difference counts. The short one steps over fewer
edges, in the long one the rounding of a day's means weighs less; the square of either, the error of a central
difference, is far below the bar. A wrong gradient agrees with neither."""
LEAST_EFFECT = 1.0e-3
"""Gradients below this share of the mean itself are compared on this scale, as differences round."""
QUICK = {"xla_backend_optimization_level": 0}
"""The optimised backward program takes the compiler many minutes and gigabytes."""
_Fields = TypeVar("_Fields")


@pytree_dataclass
class Changes:
    """Relative changes, on each column."""

    flnr: Float[Array, " column"]
    """Share of leaf nitrogen in Rubisco."""
    mbbopt: Float[Array, " column"]
    """Slope of stomatal conductance (Ball and Berry)."""
    rootb_par: Float[Array, " column"]
    """Decay of roots with depth, the second of two."""
    z0mr: Float[Array, " column"]
    """Roughness length over canopy height."""
    displar: Float[Array, " column"]
    """Displacement height over canopy height."""
    hksat: Float[Array, " column"]
    """Hydraulic conductivity of saturated soil, all layers."""
    soil_water: Float[Array, "soil column"]
    """Liquid water of each layer at the start."""


@pytree_dataclass
class Trace:
    """Whole numbers that tell which way the steps took, ``[step, ...]``."""

    phase: Int[Array, "step total column"]
    """Layers that melt or freeze."""
    snow_index: Int[Array, "step column"]
    passes: Int[Array, "step column"]
    """Of the search for leaf temperature, sum over the patches."""


@dataclass(frozen=True)
class Day:
    """A day to differentiate: consecutive steps from a state on."""

    piece: Workpiece
    state: LandState
    around: Surroundings


def no_changes(columns: int) -> Changes:
    """Zeros."""
    none = jnp.zeros(columns)
    return Changes(
        flnr=none,
        mbbopt=none,
        rootb_par=none,
        z0mr=none,
        displar=none,
        hksat=none,
        soil_water=jnp.zeros((SOIL_LAYERS, columns)),
    )


def with_changes(
    state: LandState, constants: LandConstants, changes: Changes
) -> tuple[LandState, LandConstants]:
    """State and constants with all changes made."""
    of_patch = constants.index.patch_column
    plants, soil = constants.plants, constants.column.soil
    leaf = _scaled(plants.leaf, of_patch, rubisco_nitrogen=changes.flnr, conductance_slope=changes.mbbopt)
    structure = _scaled(
        plants.structure, of_patch, roughness_ratio=changes.z0mr, displacement_ratio=changes.displar
    )
    roots = _scaled(constants.root_traits, of_patch, lower_decay=changes.rootb_par)
    conductivity = soil.saturated_conductivity * (1.0 + changes.hksat)
    liquid = state.column.liquid_water.at[SOIL_ROWS].multiply(1.0 + changes.soil_water)
    return LandState(column=replace(state.column, liquid_water=liquid), patch=state.patch), replace(
        constants,
        column=replace(constants.column, soil=replace(soil, saturated_conductivity=conductivity)),
        plants=replace(plants, leaf=leaf, structure=structure),
        root_traits=roots,
        roots=root_fractions(roots),
    )


def _scaled(traits: _Fields, of_patch: Array, **changes: Array) -> _Fields:
    """Traits of patches with relative changes of their columns."""
    scaled = {name: getattr(traits, name) * (1.0 + change[of_patch]) for name, change in changes.items()}
    return replace(traits, **scaled)  # type: ignore[type-var]


def day_means(
    changes: Changes, state: LandState, around: Surroundings, constants: LandConstants, settings: Settings
) -> tuple[dict[str, Float[Array, " column"]], Trace]:
    """Mean latent heat (W m-2) and gross photosynthesis (umol CO2 m-2 s-1) of all steps of ``around``.

    The backward pass keeps the state between steps and repeats each step once (`jax.checkpoint`).
    """
    state, constants = with_changes(state, constants, changes)

    def body(now: LandState, inputs: Surroundings) -> tuple[LandState, tuple[dict[str, Array], Trace]]:
        after, output = step_of_water_and_energy(now, inputs, constants, settings)
        return after, (_fluxes(output, constants), _trace(after, output, constants))

    _, (fluxes, trace) = jax.lax.scan(jax.checkpoint(body), state, around)
    return {name: values.mean(axis=0) for name, values in fluxes.items()}, trace


def _fluxes(output: FullOutput, constants: LandConstants) -> dict[str, Array]:
    return {
        "latent heat": patch_to_column(output.fluxes.latent, constants.index),
        "GPP": patch_to_column(output.exchange.canopy.photosynthesis, constants.index),
    }


def _trace(after: LandState, output: FullOutput, constants: LandConstants) -> Trace:
    passes = output.exchange.canopy.passes
    columns = after.column.snow_index.shape[0]
    return Trace(
        phase=output.heat.phase.phase,
        snow_index=after.column.snow_index,
        passes=jax.ops.segment_sum(passes, constants.index.patch_column, num_segments=columns),
    )


@partial(jax.jit, static_argnames="settings", compiler_options=QUICK)
def means_and_trace(
    changes: Changes, state: LandState, around: Surroundings, constants: LandConstants, settings: Settings
) -> tuple[dict[str, Array], Trace]:
    """Forward only."""
    return day_means(changes, state, around, constants, settings)


@partial(jax.jit, static_argnames="settings", compiler_options=QUICK)
def means_and_gradients(
    changes: Changes,
    counted: Float[Array, " column"],
    state: LandState,
    around: Surroundings,
    constants: LandConstants,
    settings: Settings,
) -> tuple[dict[str, Array], dict[str, Changes]]:
    """Means and, for each, its gradients by reverse mode; one backward program serves both.

    ``counted`` is 1 for the columns whose gradients are wanted and 0 for padding, which looks at the patches
    of another column.
    """

    def means(at: Changes) -> dict[str, Array]:
        return day_means(at, state, around, constants, settings)[0]

    values, pull = jax.vjp(means, changes)
    names = tuple(values)
    rows = {
        name: jnp.stack([counted if name == one else jnp.zeros_like(counted) for one in names])
        for name in names
    }
    (stacked,) = jax.lax.map(pull, rows)
    return values, {one: jax.tree.map(lambda v, n=n: v[n], stacked) for n, one in enumerate(names)}


def gradients(bench: Bench) -> Iterator[Finding]:
    """Of the first day of consecutive steps, every column and change, against central differences."""
    steps = consecutive(bench.steps)[:STEPS]
    if len(steps) < STEPS:
        yield Skipped("no day of consecutive steps")
        return
    yield from day_differences(day_of(bench, steps))


def day_of(bench: Bench, steps: list[OracleStep]) -> Day:
    """Consecutive steps with the vegetation of the restarts at their ends."""
    first = steps[0].before
    piece = workpiece(bench, first)
    series = [vegetation_of(step.after, piece.group) for step in steps]
    plants: Vegetation = jax.tree.map(lambda *rows: np.concatenate(rows), *series)
    around = surroundings(piece, first.seconds, RunningMean.of(first, bench.run.timestep), plants)
    own: Surroundings = jax.tree.map(lambda rows: rows[: len(steps)], around)
    return Day(piece, padded_state(piece, first), own)


def day_differences(day: Day, shares: tuple[float, ...] = SHARES) -> Iterator[Finding]:
    """Reverse mode against central differences, one finding for each mean and kind of change."""
    inputs = (day.state, day.around, day.piece.constants)
    none = no_changes(day.piece.constants.index.slot_patch.shape[1])
    columns = day.piece.group.columns
    counted = (jnp.arange(none.flnr.shape[0]) < columns).astype(float)
    values, slopes = means_and_gradients(none, counted, *inputs, settings=day.piece.settings)
    _, way = means_and_trace(none, *inputs, settings=day.piece.settings)
    edges = 0
    for label, direction in directions(none):
        sides = [differences(day, direction, share, way, columns) for share in shares]
        edges += int((~np.logical_or.reduce([smooth for _, smooth in sides])).sum())
        for name, mean in values.items():
            slope = _along(slopes[name], direction)[:columns]
            finite, smooth = closest(slope, [(found[name], smooth) for found, smooth in sides])
            scale = LEAST_EFFECT * np.abs(np.asarray(mean))[:columns]
            yield compared(f"{name} by {label}", slope, finite, smooth, scale)
    if edges:
        yield Skipped("differences across an edge (phase change, snow layer or pass of a search)", edges)


def differences(
    day: Day, direction: Changes, share: float, way: Trace, columns: int
) -> tuple[dict[str, Values], np.ndarray]:
    """Central differences of the means on each column, and where no edge lies between the two sides."""
    inputs = (day.state, day.around, day.piece.constants)
    above, below = (
        means_and_trace(
            jax.tree.map(lambda v, s=sign: s * share * v, direction), *inputs, settings=day.piece.settings
        )
        for sign in (1.0, -1.0)
    )
    smooth = same_way(above[1], below[1]) & same_way(way, above[1])
    found = {
        name: np.asarray((above[0][name] - below[0][name]) / (2.0 * share))[:columns] for name in above[0]
    }
    return found, smooth[:columns]


def closest(slope: Values, sides: list[tuple[Values, np.ndarray]]) -> tuple[Values, np.ndarray]:
    """Of several differences that of each column which is closest to the gradient and crosses no edge."""
    gaps = [np.where(smooth, np.abs(slope - finite), np.inf) for finite, smooth in sides]
    best = np.argmin(gaps, axis=0)
    chosen = np.stack([finite for finite, _ in sides])[best, np.arange(slope.size)]
    return chosen, np.logical_or.reduce([smooth for _, smooth in sides])


def directions(none: Changes) -> Iterator[tuple[str, Changes]]:
    """One change at a time, of all columns."""
    for name in none.__dataclass_fields__:
        zero = getattr(none, name)
        if zero.ndim == 1:
            yield name, replace(none, **{name: jnp.ones_like(zero)})
            continue
        for layer in range(zero.shape[0]):
            yield f"{name} {layer + 1}", replace(none, **{name: zero.at[layer].set(1.0)})


def _along(slopes: Changes, direction: Changes) -> Values:
    """Gradient along a direction, per column."""
    parts = jax.tree.map(lambda a, b: (a * b).reshape(-1, a.shape[-1]).sum(axis=0), slopes, direction)
    return np.asarray(sum(jax.tree.leaves(parts)))


def same_way(one: Trace, other: Trace) -> np.ndarray:
    """Columns whose steps took the same way."""
    same = jax.tree.map(lambda a, b: np.all(np.asarray(a == b).reshape(-1, a.shape[-1]), axis=0), one, other)
    return np.asarray(np.logical_and.reduce(jax.tree.leaves(same)))


def compared(label: str, ours: Values, finite: Values, smooth: np.ndarray, scale: Values) -> Difference:
    """Gradient against difference where the model is smooth; one that is not finite is infinitely far off."""
    gap = np.where(np.isfinite(ours), np.abs(ours - finite), np.inf)
    size = np.maximum(np.abs(finite), scale)
    relative = np.divide(gap, size, out=np.where(gap > 0.0, np.inf, 0.0), where=size > 0.0)
    # Across an edge the gradient must still be a number.
    counts = smooth | ~np.isfinite(ours)
    gap, relative = np.where(counts, gap, 0.0), np.where(counts, relative, 0.0)
    return Difference(
        variable=label,
        compared=int(counts.sum()),
        unequal=int((gap > 0.0).sum()),
        largest_absolute=float(gap.max(initial=0.0)),
        largest_relative=float(relative.max(initial=0.0)),
        scale=0.0,
        place=f"column {int(relative.argmax())}",
    )


def table(values: Mapping[str, Array], slopes: Mapping[str, Changes], columns: int) -> list[str]:
    """Means and gradients of each column as lines of text."""
    lines = []
    for name, mean in values.items():
        for label, direction in directions(no_changes(mean.shape[0])):
            along = _along(slopes[name], direction)[:columns]
            lines.append(f"{name} by {label}: " + " ".join(f"{value:.6g}" for value in along))
    return lines
