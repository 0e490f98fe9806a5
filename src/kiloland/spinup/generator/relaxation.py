"""How large a step of pseudo-time a cell can bear, learned from how its tendencies answer.

The step of a pool is its tendency over a guess of its net loss rate. Where the plants answer to the pool
(mobile P, nitrate) the guess is poor by orders of magnitude. So each has a gain that starts at 1 and

    is multiplied by SHRINK where the tendency changed its sign: the step was too long,
    is multiplied by GROWTH where it kept the sign and more than ``SLOW`` of its size: it was too short.

The gain of carbon (all soil pools and dead wood of a cell together) only damps. At rest the tendency is zero
whatever the gain, so that gains change the way to the equilibrium and never the equilibrium.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kiloland.spinup.generator.climate import FloatArray
from kiloland.spinup.generator.constants import LAYERS

SHRINK, GROWTH, SLOW = 0.4, 1.6, 0.6
LEAST_GAIN, LARGEST_GAIN = 0.02, 30.0
CARBON_SHRINK, CARBON_GROWTH, LEAST_CARBON_GAIN = 0.5, 1.3, 0.1


class Relaxation(NamedTuple):
    """Gains, and the tendencies that they answered to."""

    phosphorus: FloatArray
    """Gain of mobile P, ``layer cell``."""
    phosphorus_tendency: FloatArray
    nitrate: FloatArray
    """``layer cell``."""
    nitrate_tendency: FloatArray
    carbon: FloatArray
    """``cell``."""
    carbon_tendency: FloatArray


def first_relaxation(cells: int) -> Relaxation:
    """Nothing is known yet."""
    gain, tendency = np.ones((LAYERS, cells)), np.zeros((LAYERS, cells))
    return Relaxation(gain, tendency, gain, tendency, np.ones(cells), np.zeros(cells))


def with_minerals(
    known: Relaxation, phosphorus_tendency: FloatArray, nitrate_tendency: FloatArray
) -> Relaxation:
    """Gains of mobile P and nitrate after one more cycle with these tendencies."""
    return known._replace(
        phosphorus=mineral_gain(known.phosphorus, known.phosphorus_tendency, phosphorus_tendency),
        phosphorus_tendency=phosphorus_tendency,
        nitrate=mineral_gain(known.nitrate, known.nitrate_tendency, nitrate_tendency),
        nitrate_tendency=nitrate_tendency,
    )


def with_carbon(known: Relaxation, tendency: FloatArray) -> Relaxation:
    """The gain of carbon after one more cycle with this tendency of all carbon of the cell."""
    turned = known.carbon_tendency * tendency < 0.0
    factor = np.where(turned, CARBON_SHRINK, CARBON_GROWTH)
    gain = np.clip(known.carbon * factor, LEAST_CARBON_GAIN, 1.0)
    return known._replace(carbon=np.asarray(gain), carbon_tendency=tendency)


def mineral_gain(gain: FloatArray, before: FloatArray, now: FloatArray) -> FloatArray:
    """The gain after a tendency that went from ``before`` to ``now``."""
    turned = before * now < 0.0
    lingers = (before * now > 0.0) & (np.abs(now) > SLOW * np.abs(before))
    factor = np.where(turned, SHRINK, np.where(lingers, GROWTH, 1.0))
    return np.asarray(np.clip(gain * factor, LEAST_GAIN, LARGEST_GAIN))
