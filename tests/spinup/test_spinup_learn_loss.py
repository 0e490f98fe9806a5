"""What the training counts: amounts by their square as R2 does, and no pool that runs away for all others."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from kiloland.spinup.learn.loss import KNEE, Scales, spread_and_least, variables
from kiloland.spinup.learn.variables import LAYER_ORDER, PLANT_ORDER


def test_one_pool_that_runs_away_does_not_hide_the_others() -> None:
    usual = np.random.default_rng(0).gamma(4.0, 100.0, (300, 10, 1))
    runaway = usual.copy()
    runaway[7, 3, 0] = 1.0e6 * usual.mean()
    without, with_it = (spread_and_least(values)[0][0] for values in (usual, runaway))
    assert without == pytest.approx(usual.std(), rel=0.02)
    assert with_it == pytest.approx(without, rel=0.03)


def loss_of_amount(deviations: float) -> float:
    """Loss of an amount that is wrong by so many standard deviations, at sizes that the logarithm ignores."""
    base, deviation, ignored = jnp.full((1, 1, 1), 100.0), jnp.full(1, 2.0), jnp.full(1, 1.0e12)
    truth = base + deviations * deviation
    return float(variables(jnp.zeros((1, 1, 1)), base, truth, deviation, ignored, np.ones(1, np.float32)))


def test_an_error_of_an_amount_counts_by_its_square_until_the_knee() -> None:
    assert loss_of_amount(5.0) == pytest.approx(25.0 * loss_of_amount(1.0), rel=1e-5)
    assert loss_of_amount(KNEE) == pytest.approx(KNEE**2 * loss_of_amount(1.0), rel=1e-5)
    # Beyond it the slope stays.
    steps = np.diff([loss_of_amount(n * KNEE) for n in (1.0, 2.0, 3.0)])
    np.testing.assert_allclose(steps, KNEE**2, rtol=1e-5)


def test_the_least_amount_is_a_thousandth_of_the_mean_and_a_tenth_of_waiting_carbon() -> None:
    size = np.arange(1.0, len(PLANT_ORDER) + 1.0)
    plant = np.where(np.arange(4)[:, None, None] < 3, -size, 0.0) * np.ones((4, 17, 1))
    layer = np.ones((4, 10, len(LAYER_ORDER)))
    scales = Scales.fitted(plant, layer)
    share = np.where(np.array(PLANT_ORDER) == "cpool", 0.1, 0.001)
    np.testing.assert_allclose(scales.plant_least, share * size, rtol=1e-12)
    np.testing.assert_allclose(scales.layer_least, 0.001, rtol=1e-12)
