"""From the accelerated pools of a restart to their natural scale, once, where the file is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.files import Dataset
from kiloland.spinup.cascade import LAYERS, POOLS, read_cascade
from kiloland.spinup.tables import Acceleration, Pool

Float = NDArray[np.float64]

MORTALITY_FACTOR: Final = 10.0
"""ELM's ``spinup_mortality_factor`` of dead wood during accelerated spinup."""
SMALLEST_SCALAR: Final = 1.0e-3
"""An averaged scalar below this was never accumulated; ELM then counts 1."""


@dataclass(frozen=True)
class NaturalScale:
    """Factors from a restart's pools to natural scale.

    x_natural = x_stored * a / s: ``factor`` a of each decomposing pool (1 for those not accelerated),
    s the restart's averaged scalar; dead wood times ``mortality``. All are 1 unless ``spinup_state`` is 1.
    """

    factor: Float
    mortality: float

    @classmethod
    def of(cls, restart: Dataset, parameters: Path) -> NaturalScale:
        """The factors of this restart, from its state and the parameter file."""
        state = restart["spinup_state"].read() if "spinup_state" in restart else np.zeros(1)
        if int(np.ravel(state)[0]) != 1:
            return cls(np.ones(len(POOLS)), 1.0)
        return cls(read_cascade(parameters).acceleration, MORTALITY_FACTOR)

    def layers(self, restart: Dataset, pool: Pool, values: Float, column: NDArray[np.int64]) -> Float:
        """Layered pools [column, layer] in natural scale."""
        if pool.acceleration is not Acceleration.DECOMPOSITION:
            return values
        factor = float(self.factor[POOLS.index(pool.part)])
        if factor == 1.0 or "scalaravg_col" not in restart:
            return values * factor
        scalar = restart["scalaravg_col"].values((column, slice(0, LAYERS)))
        return values * factor / np.where(scalar > SMALLEST_SCALAR, scalar, 1.0)

    def patches(self, pool: Pool, values: Float) -> Float:
        """Pools of patches in natural scale."""
        return values * self.mortality if pool.acceleration is Acceleration.MORTALITY else values
