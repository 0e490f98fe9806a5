"""Snow buries leaves and stems from the ground up, grass faster than shrubs."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from kiloland.land.full_burial import bury
from kiloland.land.full_inputs import Plants, Vegetation


def buried(depth: float, fraction: float, *, woody: bool, leaf: float = 2.0, stem: float = 1.0) -> Vegetation:
    one = jnp.ones(1)
    plants = Plants(leaf_area=leaf * one, stem_area=stem * one, top=0.5 * one, bottom=0.1 * one)
    return bury(plants, jnp.array([woody]), depth * one, fraction * one)


@pytest.mark.parametrize(
    ("depth", "fraction", "woody", "share"),
    [
        (0.0, 0.0, True, 1.0),
        (0.05, 1.0, True, 1.0),
        (0.3, 1.0, True, 0.5),
        (0.3, 0.5, True, 0.75),
        (0.1, 1.0, False, 0.5),
        (0.1, 0.5, False, 0.75),
    ],
    ids=[
        "no snow",
        "below the crown",
        "half the crown",
        "half the ground",
        "half the grass",
        "grass on half",
    ],
)
def test_the_part_below_the_snow_is_gone(depth: float, fraction: float, woody: bool, share: float) -> None:
    found = buried(depth, fraction, woody=woody)
    np.testing.assert_allclose(found.leaf_area, 2.0 * share, rtol=1e-14)
    np.testing.assert_allclose(found.stem_area, share, rtol=1e-14)
    assert int(found.exposed[0]) == 1
    assert float(found.canopy_top[0]) == 0.5


@pytest.mark.parametrize(("depth", "woody"), [(0.6, True), (0.25, False)])
def test_plants_below_deep_snow_are_not_there(depth: float, woody: bool) -> None:
    found = buried(depth, 1.0, woody=woody)
    assert float(found.leaf_area[0]) == float(found.stem_area[0]) == 0.0
    assert int(found.exposed[0]) == 0


def test_less_than_a_twentieth_is_nothing() -> None:
    found = buried(0.0, 0.0, woody=False, leaf=0.049, stem=0.05)
    assert float(found.leaf_area[0]) == 0.0
    assert float(found.stem_area[0]) == 0.05
    assert int(found.exposed[0]) == 1


def test_more_snow_never_frees_a_plant() -> None:
    depths = np.linspace(0.0, 0.7, 29)
    for woody in (True, False):
        left = [float(buried(depth, 0.9, woody=woody).leaf_area[0]) for depth in depths]
        assert (np.diff(left) <= 0.0).all()
