"""A new run begins with no more water in its soil than the pores hold."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from kiloland.land.biophysics.constants import DENSITY_ICE, DENSITY_LIQUID
from kiloland.land.biophysics.initial_water import LEAST, within_pores

DEPTH = jnp.asarray([0.1, 0.5])
PORES = jnp.full((2, 3), 0.4)


def filled(liquid: float, ice: float) -> tuple[np.ndarray, np.ndarray]:
    """The water of layers that hold these volumes of liquid and ice, after the start."""
    depth = DEPTH[:, None] * jnp.ones((1, 3))
    made = within_pores(liquid * DENSITY_LIQUID * depth, ice * DENSITY_ICE * depth, PORES, DEPTH)
    return np.asarray(made[0] / depth / DENSITY_LIQUID), np.asarray(made[1] / depth / DENSITY_ICE)


def test_water_that_fits_stays_to_the_bit() -> None:
    before = jnp.asarray([[10.0, 0.5, 7.0], [100.0, 0.0123, 3.0]])
    after = within_pores(before, before / 3.0, PORES, DEPTH)
    np.testing.assert_array_equal(after[0], before)
    np.testing.assert_array_equal(after[1], jnp.maximum(before / 3.0, LEAST))


def test_too_much_liquid_fills_the_pores() -> None:
    liquid, ice = filled(0.6, 0.0)
    np.testing.assert_allclose(liquid, 0.4, rtol=1e-14)
    assert ice.max() == pytest.approx(LEAST / DENSITY_ICE / 0.1)


def test_liquid_and_ice_lose_in_proportion_what_is_too_much_as_water() -> None:
    """The excess volume is counted as liquid water, as ELM does, though some of it is ice."""
    liquid, ice = filled(0.3, 0.3)
    mass = 0.3 * DENSITY_LIQUID + 0.3 * DENSITY_ICE
    kept = 1.0 - 0.2 * DENSITY_LIQUID / mass
    np.testing.assert_allclose(liquid, 0.3 * kept, rtol=1e-14)
    np.testing.assert_allclose(ice, 0.3 * kept, rtol=1e-14)


def test_an_empty_layer_gets_the_least_amount() -> None:
    made = within_pores(jnp.zeros((2, 3)), jnp.full((2, 3), -1.0), PORES, DEPTH)
    np.testing.assert_array_equal(np.asarray(made), LEAST)
