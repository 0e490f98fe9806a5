"""Absorbed and reflected radiation of a step, without reference data."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from beartype import beartype
from jaxtyping import jaxtyped
from radiation_cases import SHRUB, ground, optics, random_canopies

from kiloland.land.biophysics.albedo import (
    CanopyRadiation,
    GroundAlbedo,
    SnowRadiation,
    canopy_radiation,
)
from kiloland.land.biophysics.surface_radiation import (
    IncidentRadiation,
    SurfaceRadiation,
    absorbed_by_layers,
    surface_radiation,
)

PATCHES = 200


@pytest.fixture(scope="module")
def scene() -> tuple[CanopyRadiation, GroundAlbedo, SnowRadiation, IncidentRadiation, jax.Array]:
    """Canopies on columns of their own, half of them with snow, in sunlight."""
    surface, zenith, direct, diffuse = random_canopies(PATCHES)
    canopy = jax.jit(canopy_radiation)(optics(PATCHES, SHRUB), surface, zenith, direct, diffuse)
    soil = ground(PATCHES, 0.1, 0.2)
    pack = jnp.zeros((2, 6, PATCHES))
    snow = SnowRadiation(ground(PATCHES, 0.9, 0.6), ground(PATCHES, 0.85, 0.55), pack, pack)
    draw = np.random.default_rng(5)
    light = jnp.asarray(draw.uniform(0.0, 500.0, (2, 2, PATCHES)))
    return (
        canopy,
        GroundAlbedo(soil, soil, direct, diffuse),
        snow,
        IncidentRadiation(*light),
        surface.leaf_area,
    )


def budget(scene: tuple[object, ...], layers: np.ndarray) -> SurfaceRadiation:
    return jax.jit(surface_radiation)(*scene, jnp.asarray(layers), jnp.arange(PATCHES))


@pytest.mark.parametrize("layers", [0, 1, 5])
def test_incident_radiation_is_absorbed_or_reflected(scene: tuple[object, ...], layers: int) -> None:
    found = budget(scene, np.full(PATCHES, layers))
    incident = sum(np.sum(part, axis=0) for part in jax.tree.leaves(scene[3]))
    away = found.absorbed_by_vegetation + found.ground.absorbed + found.reflected
    assert np.max(np.abs(found.balance_error)) < 1e-10
    assert np.max(np.abs(incident - away)) < 1e-10
    assert np.min(found.reflected) >= 0.0


def test_layers_take_what_snow_absorbs(scene: tuple[object, ...]) -> None:
    for layers in range(6):
        found = budget(scene, np.full(PATCHES, layers)).ground
        total = np.sum(found.absorbed_by_layer, axis=0)
        assert np.allclose(total, found.absorbed_by_snow, rtol=1e-14)
        assert not np.any(found.absorbed_by_layer[: 5 - layers])


def test_without_snow_layers_soil_takes_all(scene: tuple[object, ...]) -> None:
    found = budget(scene, np.zeros(PATCHES, int)).ground
    assert np.array_equal(found.absorbed_by_layer[5], found.absorbed)
    assert np.array_equal(found.absorbed_by_snow, found.absorbed)
    assert np.array_equal(found.absorbed_by_soil, found.absorbed)
    assert not np.any(found.penetrating)


LAYERS = [
    # layers, factors of the six rows, absorbed by snow, expected rows
    (0, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 90.0, [0.0, 0.0, 0.0, 0.0, 0.0, 80.0]),
    (1, [0.0, 0.0, 0.0, 0.0, 0.3, 0.1], 100.0, [0.0, 0.0, 0.0, 0.0, 60.0, 40.0]),
    (3, [0.0, 0.0, 0.3, 0.2, 0.1, 0.05], 100.0, [0.0, 0.0, 75.0, 25.0, 0.0, 0.0]),
    (5, [0.3, 0.2, 0.1, 0.1, 0.1, 0.05], 100.0, [75.0, 25.0, 0.0, 0.0, 0.0, 0.0]),
    (2, [0.0, 0.0, 0.0, 0.5, 0.3, 0.2], 100.0, [0.0, 0.0, 0.0, 50.0, 30.0, 20.0]),
    (2, [0.0, 0.0, 0.0, 0.5, 0.3, 0.2], 100.000009, [0.0, 0.0, 0.0, 50.0, 30.0, 20.0]),
    (2, [0.0, 0.0, 0.0, 0.5, 0.3, 0.2], 100.00002, [0.0, 0.0, 0.0, 75.000015, 25.000005, 0.0]),
]


@pytest.mark.parametrize(("layers", "factors", "absorbed", "expected"), LAYERS)
def test_layer_factors_are_used_only_when_they_add_up(
    layers: int, factors: list[float], absorbed: float, expected: list[float]
) -> None:
    shares = jnp.asarray([factors, [0.0] * 6])[..., None]
    visible = jnp.asarray([[100.0], [0.0]])
    found = absorbed_by_layers(
        shares,
        jnp.zeros_like(shares),
        visible,
        jnp.zeros((2, 1)),
        jnp.asarray([80.0]),
        jnp.asarray([absorbed]),
        jnp.asarray([layers]),
    )
    assert np.allclose(found[:, 0], expected, rtol=1e-12, atol=0)


def test_light_is_shared_between_sunlit_and_shaded_leaves(scene: tuple[object, ...]) -> None:
    canopy, leaf_area = scene[0], scene[4]
    found = budget(scene, np.zeros(PATCHES, int))
    light = found.light
    assert np.allclose(light.sunlit_leaf_area + light.shaded_leaf_area, leaf_area, rtol=1e-14)
    assert np.allclose(light.sunlit_fraction, canopy.sunlit_fraction_layer[0], rtol=1e-14)
    surface, _, _, _ = random_canopies(PATCHES)
    area = surface.leaf_area + surface.stem_area
    sunlit = canopy.sunlit_fraction_layer[0] * area
    absorbed = light.absorbed_visible_sunlit[0] * sunlit + light.absorbed_visible_shaded[0] * (area - sunlit)
    assert np.allclose(absorbed, found.absorbed_visible_by_vegetation, rtol=1e-9, atol=1e-9)


def test_no_light_nothing_absorbed(scene: tuple[object, ...]) -> None:
    dark = jax.tree.map(jnp.zeros_like, scene[3])
    found = budget((*scene[:3], dark, scene[4]), np.full(PATCHES, 3))
    light = found.light
    still = dataclasses.replace(
        found,
        light=dataclasses.replace(
            light,
            sunlit_leaf_area=jnp.zeros(1),
            shaded_leaf_area=jnp.zeros(1),
            sunlit_fraction=jnp.zeros(1),
        ),
    )
    for values in jax.tree.leaves(still):
        assert not np.any(values)


def test_gradient_by_light_is_the_absorbed_share(scene: tuple[object, ...]) -> None:
    def absorbed(incident: IncidentRadiation) -> jax.Array:
        layers = jnp.full(PATCHES, 2)
        found = surface_radiation(*scene[:3], incident, scene[4], layers, jnp.arange(PATCHES))
        return jnp.sum(found.absorbed) + jnp.sum(found.ground.absorbed_by_layer)

    slope = jax.jit(jax.grad(absorbed))(scene[3])
    for values in jax.tree.leaves(slope):
        assert np.all(np.isfinite(values))


def test_shapes_are_those_of_the_signature(scene: tuple[object, ...]) -> None:
    checked = jaxtyped(typechecker=beartype)(surface_radiation)
    checked(*scene, jnp.zeros(PATCHES, int), jnp.arange(PATCHES))
