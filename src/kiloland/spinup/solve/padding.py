"""Columns filled up to whole lanes, so that every column runs through the same instructions.

The last column is repeated up to a multiple of ``LANES``; results are then the same bits whatever the block a
column is in and wherever it stands there.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.operator.tree import CascadeOperator
from kiloland.spinup.solve.forecast import Speeds, Wood
from kiloland.spinup.solve.productivity import Limitation

Float = NDArray[np.float64]

LANES = 64


def padded(operator: CascadeOperator, columns: int) -> CascadeOperator:
    """The operator with its last column repeated up to a multiple of `LANES` columns."""
    fixed = ("thickness", "spacing")
    made = {
        name: value if name in fixed else jax.tree.map(lambda array: padded_array(array, columns), value)
        for name, value in ((field, getattr(operator, field)) for field in operator.__dataclass_fields__)
    }
    return CascadeOperator(**made)


def padded_array(array: Any, columns: int) -> Any:
    """An array [..., column] filled up as `padded`."""
    extra = -columns % LANES
    return jnp.concatenate([array, jnp.repeat(array[..., -1:], extra, axis=-1)], axis=-1)


def padded_vector(values: Float, columns: int) -> Float:
    """A numpy array [..., column] filled up as `padded`."""
    extra = -columns % LANES
    return np.concatenate([values, np.repeat(values[..., -1:], extra, axis=-1)], axis=-1)


def padded_limitation(limitation: Limitation, columns: int) -> Limitation:
    """The limitation filled up as `padded`."""
    values: dict[str, Any] = {
        name: padded_vector(getattr(limitation, name), columns) for name in limitation.__dataclass_fields__
    }
    return Limitation(**values)


def padded_wood(wood: Wood, columns: int) -> Wood:
    """The wood filled up as `padded`."""
    values = (wood.dead_share, wood.mortality, wood.stock, wood.level, wood.scale)
    return Wood(*(padded_vector(value, columns) for value in values))


def padded_speeds(speeds: Speeds, columns: int) -> Speeds:
    """The speeds filled up as `padded`."""
    return Speeds(padded_vector(speeds.before, columns), padded_vector(speeds.after, columns))
