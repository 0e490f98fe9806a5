"""The engine: blocks of columns advanced through chunks of steps by one compiled function.

Columns never talk to each other, so blocks are outside and steps inside. The number of steps is an
argument of the compiled function, not a part of it: one compilation serves chunks of any length and the
same machine code computes every step, so results do not depend on where a run was cut.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.atmosphere.forcing import Forcing
from kiloland.land.accumulate import accumulate
from kiloland.land.biophysics.lake_layers import LAKE_LAYERS
from kiloland.land.fields import FieldContext
from kiloland.land.full_other_fields import SPARSE_FIELDS
from kiloland.land.ledger import Ledger, enter_step
from kiloland.land.state import LandState
from kiloland.land.step import Settings, Weather
from kiloland.land.subgrid import Block, ColumnGroup, patch_to_column
from kiloland.land.vertical import GROUND_LAYERS, SNOW_LAYERS, SOIL_LAYERS
from kiloland.run.physics import Physics
from kiloland.variables import Averaging, history_variable


@dataclass(frozen=True)
class FieldPlan:
    """One accumulated field: its name, its way of averaging, and whether it stays on patches."""

    name: str
    averaging: Averaging
    on_patches: bool

    @property
    def sparse(self) -> bool:
        """True where not every step has a value."""
        return self.name in SPARSE_FIELDS


Accumulators = tuple[tuple[jax.Array, ...], ...]


@partial(jax.jit, static_argnames=("physics", "plans", "settings"), donate_argnums=(0, 1, 2))
def advance_block(
    state: Any,
    accumulators: Accumulators,
    ledger: Ledger,
    series: Any,
    first: jax.Array,
    count: jax.Array,
    constants: Any,
    *,
    physics: Physics,
    plans: tuple[tuple[FieldPlan, ...], ...],
    settings: Settings,
) -> tuple[Any, Accumulators, Ledger]:
    """Advance one block by ``count`` steps of a series of inputs ``[step, ...]`` that may be longer.

    ``first`` is the number of the first of them in the run.
    """

    def body(number: jax.Array, carry: tuple[Any, Accumulators, Ledger]) -> tuple[Any, Accumulators, Ledger]:
        before, sums, ledger = carry
        inputs = jax.tree.map(lambda values: values[number], series)
        after, output = physics.step(before, inputs, constants, settings)
        context = physics.context(after, output, inputs, constants)
        sums = tuple(
            tuple(
                accumulate(total, field_value(plan, context, physics), plan.averaging, plan.sparse)
                for total, plan in zip(totals, plan_of_tape, strict=True)
            )
            for totals, plan_of_tape in zip(sums, plans, strict=True)
        )
        budgets = physics.budgets(before, after, output, inputs, constants, settings)
        return after, sums, enter_step(ledger, budgets, first + number)

    return jax.lax.fori_loop(0, count, body, (state, accumulators, ledger))  # type: ignore[no-any-return]


def field_value(plan: FieldPlan, context: FieldContext, physics: Physics) -> jax.Array:
    """Value of one field in one step: on patches, or on columns as the mean of their patches."""
    field = physics.fields[plan.name]
    value = field.value(context)
    index = physics.index(context.constants)
    if index is None:
        return value
    if plan.on_patches:
        return value if field.on_patches else value[..., index.patch_column]
    return patch_to_column(value, index) if field.on_patches else value


def field_levels(name: str) -> tuple[int, ...]:
    """Sizes of the level axes of a field, from the registry."""
    sizes = {
        **{"levgrnd": GROUND_LAYERS, "levsno": SNOW_LAYERS, "levsoi": SOIL_LAYERS},
        **{"levlak": LAKE_LAYERS, "numrad": 2},
    }
    return tuple(sizes[dim] for dim in history_variable(name).dims)


def weather_series(forcing: Forcing, zenith_next: np.ndarray, columns: np.ndarray, steps: int) -> Weather:
    """Forcing ``[time, cell]`` as the weather of a block's columns, padded to a fixed number of steps.

    Args:
        forcing: of the rank's cells.
        zenith_next: cosine of the zenith angle at the end of each step, ``[time, cell]``.
        columns: cell of each (padded) column.
        steps: length of the series; the last step is repeated and never used.
    """
    take = np.minimum(np.arange(steps), zenith_next.shape[0] - 1)

    def on_columns(values: np.ndarray) -> jax.Array:
        return jnp.asarray(values[take][:, columns])

    def bands(visible: np.ndarray, near_infrared: np.ndarray) -> jax.Array:
        return jnp.asarray(np.stack([visible[take][:, columns], near_infrared[take][:, columns]], axis=1))

    plain = {f.name for f in dataclasses.fields(Weather)} & {f.name for f in dataclasses.fields(Forcing)}
    return Weather(
        **{name: on_columns(getattr(forcing, name)) for name in plain},
        shortwave_direct=bands(forcing.shortwave_direct_visible, forcing.shortwave_direct_near_infrared),
        shortwave_diffuse=bands(forcing.shortwave_diffuse_visible, forcing.shortwave_diffuse_near_infrared),
        cosine_zenith_next=on_columns(zenith_next),
    )


def split_state(state: LandState, block: Block) -> LandState:
    """The padded part of a group's state that belongs to a block."""
    # Picked on the host: a dispatch to the device for each field of each block would take longer.
    return LandState(
        column=jax.tree.map(lambda v: jnp.asarray(np.asarray(v)[..., block.column_take]), state.column),
        patch=jax.tree.map(lambda v: jnp.asarray(np.asarray(v)[..., block.patch_take]), state.patch),
    )


def join_states(states: list[LandState], blocks: list[Block], group: ColumnGroup) -> LandState:
    """The state of a group from the states of its blocks, padding dropped."""

    def join(part: str, count: Callable[[Block], int]) -> list[jax.Array]:
        pieces = [
            [np.asarray(leaf)[..., : count(block)] for leaf in jax.tree.leaves(getattr(state, part))]
            for state, block in zip(states, blocks, strict=True)
        ]
        return [jnp.asarray(np.concatenate(leaves, axis=-1)) for leaves in zip(*pieces, strict=True)]

    template = states[0]
    column = jax.tree.unflatten(
        jax.tree.structure(template.column), join("column", lambda b: b.columns.stop - b.columns.start)
    )
    patch = jax.tree.unflatten(
        jax.tree.structure(template.patch), join("patch", lambda b: b.patches.stop - b.patches.start)
    )
    return LandState(column=column, patch=patch)
