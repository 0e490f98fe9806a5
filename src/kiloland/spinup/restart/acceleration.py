"""The scale of pools in accelerated spinup.

With ``spinup_state = 1`` ELM speeds up the slow pools l of the cascade by a factor AD_l and, from year 40 on,
by 1 / s, where s (``scalaravg_col``) is the mean of temperature, water, oxygen and depth scalars of years 20
to 39; dead wood dies ``spinup_mortality_factor`` times faster. So what the file holds is small:

    natural = stored * AD_l / s      (cwd, soil3, soil4; C, N and P; s = 1 before year 40)
    natural = stored * mortality     (dead stem, dead coarse root; C, N and P)

    AD_l = max(1, 1 / (365 k_l)), wood max(1, 0.5 / (365 k_frag)), k in day-1.

On leaving (restart with 1, run with 0) ELM itself multiplies by AD_l / ``scalaravg_col`` and the mortality
factor, whatever the year. That factor is the one in the namelist of the run that leaves; where it is unset
it is 1, and dead wood stays as small as it was (so in the reference runs).
Source: E3SM Land Model, ``DecompCascadeCNMod``, ``ColumnDataType``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset
from kiloland.spinup.cascade import POOLS as CASCADE_POOLS
from kiloland.spinup.cascade import read_cascade
from kiloland.spinup.tables import Acceleration, Pool

FloatArray = NDArray[np.float64]

YEAR_OF_SCALARS: Final = 40
"""From this year on ELM divides the rates by the averaged scalar."""
YEARS_TO_FOLLOW: Final = 10
LEAST_SCALAR: Final = 1.0e-3
"""From that year on ELM sets a smaller averaged scalar to 1."""
DEFAULT_MORTALITY: Final = 10.0


@dataclass(frozen=True)
class Factors:
    """AD_l by pool of the cascade, the mortality factor, and where they come from."""

    decomposition: Mapping[str, float]
    mortality: float
    source: str


@dataclass(frozen=True)
class Scale:
    """From the file's scale to the natural one: ``natural = stored * factor(...)``.

    ``accelerated``: whether the file is from accelerated spinup; ``divides``: whether its rates were
    divided by the averaged scalar; ``year`` of the run, 0 where it plays no part.
    """

    factors: Factors
    accelerated: bool
    divides: bool
    year: int = 0

    @property
    def just_divides(self) -> bool:
        """Whether the rates have been divided for so few years that pools have not followed yet."""
        return self.divides and 0 < self.year < YEAR_OF_SCALARS + YEARS_TO_FOLLOW

    def factor(self, pool: Pool, scalar: FloatArray) -> FloatArray:
        """Natural over stored; ``scalar``: ``scalaravg_col [column, layer]``, broadcasts with the pool."""
        if not self.accelerated or pool.acceleration is Acceleration.NONE:
            return np.ones(1)
        if pool.acceleration is Acceleration.MORTALITY:
            return np.full(1, self.factors.mortality)
        speed = self.factors.decomposition[pool.part]
        if speed == 1.0:
            return np.ones(1)
        return speed / scalar if self.divides else np.full(1, speed)


def default_factors(mortality: float = DEFAULT_MORTALITY) -> Factors:
    """Factors of ELM's own parameter values: 0.1, 0.14 and 0.01 % of wood, soil 3 and soil 4 a day."""
    rates = {"cwd": -np.log1p(-0.001), "soil3": -np.log1p(-0.0014), "soil4": -np.log1p(-0.0001)}
    factors = dict.fromkeys(CASCADE_POOLS, 1.0)
    factors |= {name: (0.5 if name == "cwd" else 1.0) / (365.0 * float(k)) for name, k in rates.items()}
    return Factors(factors, mortality, "ELM's default parameters")


def read_factors(parameters: Path | None, mortality: float = DEFAULT_MORTALITY) -> Factors:
    """Factors of a parameter file; ELM's defaults where none is given."""
    if not np.isfinite(mortality) or mortality < 1.0:
        raise InputError(
            "the mortality factor of accelerated spinup", found=mortality, expected="a number from 1 up"
        )
    if parameters is None:
        return default_factors(mortality)
    factors = read_cascade(parameters).acceleration
    by_name = {name: float(factor) for name, factor in zip(CASCADE_POOLS, factors, strict=True)}
    return Factors(by_name, mortality, parameters.name)


def restart_scale(dataset: Dataset, factors: Factors) -> Scale:
    """The scale of a restart. Raises InputError where its state of spinup is unknown."""
    state = int(dataset["spinup_state"].read())
    if state not in (0, 1):
        raise InputError(
            "an unknown state of spinup",
            file=dataset.path,
            variable="spinup_state",
            found=state,
            expected="0 or 1",
        )
    year = int(dataset["timemgr_rst_curr_ymd"].read()) // 10000
    return Scale(factors, state == 1, state == 1 and year >= YEAR_OF_SCALARS, year)


def averaged_scalar(stored: FloatArray) -> FloatArray:
    """``scalaravg_col`` as ELM uses it from year 40 on: too small or missing counts as 1."""
    unusable = ~(stored >= LEAST_SCALAR) | (stored > 1.0e30)
    return np.where(unusable, 1.0, stored)
