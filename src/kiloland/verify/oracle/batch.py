"""Many restarts as one group of columns, so that one compiled call serves them all."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.land.state import LandState
from kiloland.land.subgrid import LANES, ColumnGroup
from kiloland.run.restart import Restart, load_state, soil_columns


@dataclass(frozen=True)
class Batch:
    """States of several restarts side by side, padded with copies of the last member.

    ``columns`` and ``patches`` hold, for each restart, where its members begin, and the end of the last.
    """

    group: ColumnGroup
    state: LandState
    columns: tuple[int, ...]
    patches: tuple[int, ...]

    def owner(self, member: int, on_patches: bool) -> tuple[int, int]:
        """Number of the restart that a column or patch of the batch belongs to, and its position there."""
        starts = self.patches if on_patches else self.columns
        number = int(np.searchsorted(starts, member, side="right")) - 1
        return number, member - starts[number]


def batch_of(restarts: Sequence[Restart]) -> Batch:
    """Put restarts of the same cells side by side; at least one soil column in all.

    Padded sizes are powers of two, so that runs of many sizes share few compilations.
    """
    groups = [soil_columns(restart) for restart in restarts]
    columns = tuple(accumulate((group.columns for group in groups), initial=0))
    patches = tuple(accumulate((group.patches for group in groups), initial=0))
    states = [load_state(restart, group) for restart, group in zip(restarts, groups, strict=True)]
    column_take, patch_take = _padding(columns[-1]), _padding(patches[-1])
    joined: LandState = jax.tree.map(
        lambda *parts: np.concatenate([np.asarray(part) for part in parts], axis=-1), *states
    )
    state = LandState(
        column=jax.tree.map(lambda values: jnp.asarray(values[..., column_take]), joined.column),
        patch=jax.tree.map(lambda values: jnp.asarray(values[..., patch_take]), joined.patch),
    )
    return Batch(_joined_group(groups, columns, column_take, patch_take), state, columns, patches)


def _padding(size: int) -> np.ndarray:
    """Positions of the members and then of the last one again, up to a power of two."""
    padded = max(LANES, 1 << (size - 1).bit_length())
    return np.minimum(np.arange(padded), size - 1)


def _joined_group(
    groups: Sequence[ColumnGroup], columns: Sequence[int], column_take: np.ndarray, patch_take: np.ndarray
) -> ColumnGroup:
    """The groups side by side; positions in files are those in each one's own."""
    joined = {}
    for field in dataclasses.fields(ColumnGroup):
        if field.name == "type":
            continue
        parts = [getattr(group, field.name) for group in groups]
        if field.name == "patch_column":
            parts = [part + start for part, start in zip(parts, columns, strict=False)]
        take = patch_take if field.name.startswith("patch_") else column_take
        values = np.concatenate(parts)
        # Only towns have classes.
        joined[field.name] = values[take] if values.size else values
    return ColumnGroup(type=groups[0].type, **joined)
