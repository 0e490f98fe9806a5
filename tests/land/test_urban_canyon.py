"""Canyons of towns: views add up, light and longwave are neither made nor lost."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from urban_samples import parameters

from kiloland.land.biophysics.urban_albedo import urban_albedo
from kiloland.land.biophysics.urban_geometry import direct_light, town_roughness, view_factors
from kiloland.land.biophysics.urban_radiation import longwave
from kiloland.land.urban_town import Surface, surface_areas

RATIOS = np.array([0.05, 0.3, 0.7, 1.0, 1.6, 3.5, 8.0])
FOLLOWED = 2.0e-5
"""What may be missing of the light, because reflections are followed until 1e-5 of it is absorbed."""


def test_views_of_road_and_wall_sum_to_one() -> None:
    """Every direction from a surface ends at another or the sky, and views are reciprocal."""
    views = view_factors(jnp.asarray(RATIOS))
    np.testing.assert_allclose(views.sky_from_road + 2.0 * views.wall_from_road, 1.0, rtol=1e-15)
    np.testing.assert_allclose(
        views.sky_from_wall + views.road_from_wall + views.wall_from_wall, 1.0, rtol=1e-14
    )
    # Reciprocity: area times view is the same both ways.
    np.testing.assert_allclose(views.wall_from_road, RATIOS * views.road_from_wall, rtol=1e-12)


@pytest.mark.parametrize("cosine", [1.0, 0.9, 0.3, 1e-3, 1e-6])
def test_direct_light_reaches_road_and_wall_in_full(cosine: float) -> None:
    """Light that enters the canyon falls on its road and its sunlit wall."""
    light, day = direct_light(jnp.full(len(RATIOS), cosine), jnp.asarray(RATIOS))
    assert bool(day.all())
    total = light.road + (light.sunlit_wall + light.shaded_wall) * RATIOS
    np.testing.assert_allclose(total, 1.0, rtol=1e-9)
    assert bool((light.road >= -1e-9).all())


@pytest.mark.parametrize("snow", [0.0, 10.0])
@pytest.mark.parametrize("cosine", [1.0, 0.4, 0.01])
def test_light_of_a_town_is_absorbed_or_reflected(cosine: float, snow: float) -> None:
    """Absorbed and reflected light of all surfaces are the light on the town."""
    town = parameters(RATIOS)
    shape = town.emissivity.shape
    cover = jnp.full(shape, 0.6 if snow else 0.0)
    found = urban_albedo(town, jnp.full(len(RATIOS), cosine), cover, jnp.full(shape, snow))
    areas = surface_areas(town)
    for absorbed, reflected in (
        (found.absorbed_direct, found.albedo_direct),
        (found.absorbed_diffuse, found.albedo_diffuse),
    ):
        total = ((absorbed + reflected) * areas).sum(axis=1)
        np.testing.assert_allclose(total, 1.0, atol=FOLLOWED)
        assert float(absorbed.min()) >= 0.0


def test_town_without_sun_absorbs_nothing_and_has_albedo_one() -> None:
    """Night and polar night: the albedo of the town is 1 whatever its shape."""
    town = parameters(RATIOS)
    zero = jnp.zeros(town.emissivity.shape)
    found = urban_albedo(town, jnp.full(len(RATIOS), -0.2), zero, zero)
    assert float(jnp.abs(found.absorbed_direct).max()) == 0.0
    canyon = found.albedo_direct[0]
    roads = canyon[Surface.IMPERVIOUS_ROAD] * 0.6 + canyon[Surface.PERVIOUS_ROAD] * 0.4
    walls = (canyon[Surface.SUNLIT_WALL] + canyon[Surface.SHADED_WALL]) * RATIOS
    np.testing.assert_allclose(roads + walls, 1.0, rtol=1e-14)


def test_longwave_closes_and_vanishes_in_equilibrium() -> None:
    """Net longwave is what goes up less what comes down; 0 where all has one temperature."""
    town = parameters(RATIOS)
    areas = surface_areas(town)
    zero = jnp.zeros(town.emissivity.shape)
    warm = 285.0 + 10.0 * jnp.arange(len(Surface))[:, None] + zero
    up, net = longwave(town, jnp.full(len(RATIOS), 300.0), warm, zero)
    np.testing.assert_allclose(((up - net) * areas).sum(axis=0), 300.0, atol=2e-3)
    sky = 5.670374419e-8 * 290.0**4
    _, net = longwave(town, jnp.full(len(RATIOS), sky), zero + 290.0, zero)
    assert float(jnp.abs(net).max()) < 1e-2


def test_light_has_a_gradient_with_albedo() -> None:
    """The loop over reflections is differentiable and agrees with differences."""
    town = parameters(np.array([1.5]))
    zero = jnp.zeros(town.emissivity.shape)

    def absorbed(scale: jax.Array) -> jax.Array:
        other = dataclasses.replace(town, albedo_direct=town.albedo_direct * scale)
        return urban_albedo(other, jnp.array([0.5]), zero, zero).absorbed_direct.sum()

    step = 1e-6
    slope = float(jax.grad(absorbed)(jnp.asarray(1.0)))
    numeric = float(absorbed(jnp.asarray(1.0 + step)) - absorbed(jnp.asarray(1.0 - step))) / (2.0 * step)
    assert slope == pytest.approx(numeric, rel=1e-6)


def test_roughness_lies_between_ground_and_roofs() -> None:
    """The wind is displaced by less than the height of the roofs."""
    town = town_roughness(parameters(RATIOS))
    assert bool((town.displacement > 0.0).all() & (town.displacement + town.roughness < 12.0).all())
