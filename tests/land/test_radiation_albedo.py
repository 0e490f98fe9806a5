"""Albedo of soil, ground and canopy, without reference data."""

from __future__ import annotations

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from beartype import beartype
from jaxtyping import TypeCheckError, jaxtyped
from radiation_cases import GRASS, SHRUB, TREE, canopy, ground, optics, random_canopies
from scipy.linalg import expm

from kiloland.land.biophysics.albedo import (
    CanopyRadiation,
    SnowRadiation,
    canopy_radiation,
    ground_albedo,
    soil_albedo,
    surface_albedo,
    surface_water_content,
)
from kiloland.land.biophysics.rounding import exponential
from kiloland.land.biophysics.two_stream import canopy_scattering, leaf_geometry, two_stream

radiation_of = jax.jit(canopy_radiation)


def fields_of(radiation: CanopyRadiation) -> dict[str, np.ndarray]:
    return {field.name: np.asarray(getattr(radiation, field.name)) for field in dataclasses.fields(radiation)}


@pytest.mark.parametrize(
    ("colour", "water", "visible", "near_infrared"),
    [
        (1, 0.5, 0.25, 0.50),
        (1, 0.0, 0.36, 0.61),
        (20, 0.5, 0.04, 0.08),
        (20, 0.0, 0.08, 0.16),
        (10, 0.175, 0.14 + 0.04, 0.28 + 0.04),
    ],
)
def test_soil_is_darker_when_wet_within_the_limits_of_its_colour(
    colour: int, water: float, visible: float, near_infrared: float
) -> None:
    found = soil_albedo(jnp.asarray([colour]), jnp.asarray([water]))
    assert np.allclose(found[:, 0], [visible, near_infrared], rtol=0, atol=1e-15)


def test_water_content_counts_liquid_and_ice_by_their_density() -> None:
    found = surface_water_content(jnp.asarray([5.0]), jnp.asarray([9.17]), 0.02)
    assert np.isclose(found[0], 0.25 + 0.5, rtol=1e-15)


def snow_cover(visible: float = 0.9, near_infrared: float = 0.6) -> SnowRadiation:
    albedo = ground(2, visible, near_infrared)
    return SnowRadiation(albedo, albedo * 0.9, jnp.zeros((2, 6, 2)), jnp.zeros((2, 6, 2)))


def test_ground_is_soil_and_snow_by_area_and_dark_at_night() -> None:
    soil = ground(2, 0.1, 0.2)
    found = ground_albedo(soil, snow_cover(), jnp.asarray([0.25, 0.25]), jnp.asarray([0.3, 0.0]))
    assert np.allclose(found.ground_albedo_direct[:, 0], [0.1 * 0.75 + 0.9 * 0.25, 0.2 * 0.75 + 0.6 * 0.25])
    assert np.allclose(found.ground_albedo_diffuse[:, 0], [0.1 * 0.75 + 0.81 * 0.25, 0.15 + 0.54 * 0.25])
    assert not np.any([part[:, 1] for part in jax.tree.leaves(found)])


def test_light_over_vegetation_is_reflected_absorbed_or_given_to_the_ground() -> None:
    surface, zenith, direct, diffuse = random_canopies(200)
    for plant in (TREE, GRASS, SHRUB):
        found = radiation_of(optics(200, plant), surface, zenith, direct, diffuse)
        from_beam = (
            found.albedo_direct
            + found.absorbed_direct
            + (1 - direct) * found.transmitted_direct
            + (1 - diffuse) * found.transmitted_direct_to_diffuse
        )
        from_sky = found.albedo_diffuse + found.absorbed_diffuse + (1 - diffuse) * found.transmitted_diffuse
        assert np.max(np.abs(from_beam - 1.0)) < 1e-14
        assert np.max(np.abs(from_sky - 1.0)) < 1e-14
        for kind in ("direct", "diffuse"):
            parts = getattr(found, f"absorbed_{kind}_sunlit") + getattr(found, f"absorbed_{kind}_shaded")
            assert np.max(np.abs(parts - getattr(found, f"absorbed_{kind}"))) < 1e-14


def system(band: int) -> tuple[np.ndarray, float, float]:
    """Sellers' equations for (up, down, beam, sunlit integral) as z' = A z; with the area and ground."""
    area, reflection = 2.3, 0.17
    plant, surface = optics(1, SHRUB), canopy(2.0, 0.3, 0.4, 260.0)
    geometry = leaf_geometry(plant.leaf_angle_index, jnp.asarray([0.55]))
    elements = canopy_scattering(
        plant, band, geometry, surface.leaf_area, surface.stem_area, surface.wet_fraction, jnp.asarray([True])
    )
    w, up, spread = (float(part[0]) for part in jax.tree.leaves(elements))
    K, m = float(geometry.beam_extinction[0]), float(geometry.mean_depth[0])
    lost, turned = 1.0 - w + w * spread, w * spread
    matrix = np.array(
        [
            [lost / m, -turned / m, -w * K * up, 0.0],
            [turned / m, -lost / m, w * K * (1.0 - up), 0.0],
            [0.0, 0.0, -K, 0.0],
            [0.0, 0.0, 0.0, 0.0],
        ]
    )
    return matrix, area, reflection


@pytest.mark.parametrize("band", [0, 1])
@pytest.mark.parametrize("beam", [1.0, 0.0])
def test_two_stream_solves_the_differential_equations(band: int, beam: float) -> None:
    matrix, area, reflection = system(band)
    passed = expm(matrix[:3, :3] * area)
    down = 1.0 - beam
    # The ground sends up what it reflects: up(L) = r (down(L) + beam(L)).
    ground_row = passed[0] - reflection * (passed[1] + passed[2])
    upward = -(ground_row[1] * down + ground_row[2] * beam) / ground_row[0]
    top = np.array([upward, down, beam])
    bottom = passed @ top

    plant, surface = optics(1, SHRUB), canopy(2.0, 0.3, 0.4, 260.0)
    geometry = leaf_geometry(plant.leaf_angle_index, jnp.asarray([0.55]))
    elements = canopy_scattering(
        plant, band, geometry, surface.leaf_area, surface.stem_area, surface.wet_fraction, jnp.asarray([True])
    )
    soil = jnp.asarray([reflection])
    direct, diffuse, beam_down = two_stream(geometry, elements, jnp.asarray([area]), soil, soil)
    answer = direct if beam else diffuse
    assert np.isclose(answer.albedo[0], upward, rtol=1e-12)
    assert np.isclose(answer.transmitted_diffuse[0], bottom[1], rtol=1e-12)
    if beam:
        assert np.isclose(beam_down[0], bottom[2], rtol=1e-12)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    depths = 0.5 * area * (nodes + 1.0)
    inside = np.array([expm(matrix[:3, :3] * depth) @ top for depth in depths])
    K = float(geometry.beam_extinction[0])
    sunlit = 0.5 * area * np.sum(weights * (inside[:, 0] + inside[:, 1]) * np.exp(-K * depths))
    assert np.isclose(answer.sunlit_integral[0], sunlit, rtol=1e-11)


def test_no_canopy_passes_all_light_and_shows_the_ground() -> None:
    direct, diffuse = ground(1, 0.12, 0.24), ground(1, 0.1, 0.2)
    found = fields_of(radiation_of(optics(1), canopy(0.0, 0.0), jnp.asarray([0.4]), direct, diffuse))
    ones = {"transmitted_direct", "transmitted_diffuse"}
    assert np.array_equal(found.pop("albedo_direct"), direct)
    assert np.array_equal(found.pop("albedo_diffuse"), diffuse)
    for name, values in found.items():
        assert np.all(values == (1.0 if name in ones else 0.0)), name


@pytest.mark.parametrize("zenith", [0.0, -0.3])
def test_night_reflects_all_and_keeps_only_the_capacity_of_shaded_leaves(zenith: float) -> None:
    dark = jnp.zeros((2, 1))
    found = fields_of(radiation_of(optics(1), canopy(2.0, 0.5), jnp.asarray([zenith]), dark, dark))
    capacity = found.pop("vcmax_scaling_shaded")[0]
    assert np.isclose(capacity, (1.0 - math.exp(-0.6)) / 0.6, rtol=1e-14)
    for name, values in found.items():
        assert np.all(values == (1.0 if name.startswith("albedo") else 0.0)), name


def test_snow_on_a_frozen_canopy_brightens_it() -> None:
    soil, zenith = ground(3, 0.1, 0.2), jnp.full(3, 0.5)
    surface = canopy(3.0, 0.5, [0.0, 1.0, 1.0], [260.0, 260.0, 280.0])
    found = radiation_of(optics(3), surface, zenith, soil, soil)
    bare, snowy, thawed = found.albedo_direct[0]
    assert snowy > 3.0 * bare
    assert thawed == bare


def test_sunlit_and_shaded_capacity_add_up_to_the_canopy() -> None:
    surface, zenith, direct, diffuse = random_canopies(200)
    found = radiation_of(optics(200), surface, zenith, direct, diffuse)
    sunlit = found.sunlit_fraction_layer[0]
    per_leaf = found.vcmax_scaling_sunlit * sunlit + found.vcmax_scaling_shaded * (1.0 - sunlit)
    whole = (1.0 - np.exp(-0.3 * surface.leaf_area)) / 0.3
    assert np.allclose(per_leaf * surface.leaf_area, whole, rtol=1e-12)


def resonant_zenith() -> float:
    """Cosine of the zenith at which K = h in the near infrared for a grass of area 2."""
    plant, surface = optics(1, GRASS), canopy(1.8, 0.2)

    def gap(mu: float) -> float:
        geometry = leaf_geometry(plant.leaf_angle_index, jnp.asarray([mu]))
        elements = canopy_scattering(
            plant,
            0,
            geometry,
            surface.leaf_area,
            surface.stem_area,
            surface.wet_fraction,
            jnp.asarray([False]),
        )
        w, _, spread = (float(part[0]) for part in jax.tree.leaves(elements))
        h = math.sqrt((1 - w + w * spread) ** 2 - (w * spread) ** 2) / float(geometry.mean_depth[0])
        return float(geometry.beam_extinction[0]) - h

    low, high = 0.05, 1.0
    assert gap(low) > 0.0 > gap(high)
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if gap(middle) > 0.0 else (low, middle)
    return low


def test_solution_is_smooth_where_direct_and_diffuse_extinction_meet() -> None:
    mu = resonant_zenith()
    zenith = jnp.asarray([mu - 1e-4, mu, mu + 1e-4])
    soil = ground(3, 0.1, 0.2)
    found = radiation_of(optics(3, GRASS), canopy(np.full(3, 1.8), 0.2), zenith, soil, soil)
    for name, values in fields_of(found).items():
        below, at, above = values[..., 0], values[..., 1], values[..., 2]
        assert np.all(np.isfinite(values)), name
        assert np.allclose(at, 0.5 * (below + above), rtol=1e-5, atol=1e-6), name


EDGES = {
    "bare": (0.0, 0.0, 0.5, 280.0),
    "night": (3.0, 1.0, -0.1, 280.0),
    "horizon": (0.5, 0.5, 1e-6, 260.0),
    "no stems": (1.0, 0.0, 0.3, 273.15),
    "deep": (60.0, 2.0, 0.9, 300.0),
    "stems only": (0.0, 0.4, 0.4, 280.0),
    "thinnest": (1e-17, 0.0, 0.5, 280.0),
    "sunrise": (2.0, 0.1, 0.0, 280.0),
}


@pytest.mark.parametrize("soil", [0.0, 0.2, 1.0])
def test_values_and_gradients_are_finite_at_the_edges(soil: float) -> None:
    leaf, stem, zenith, temperature = (jnp.asarray(column) for column in zip(*EDGES.values(), strict=True))
    below = ground(len(EDGES), soil, soil)

    def total(leaf: jax.Array, stem: jax.Array, zenith: jax.Array, below: jax.Array) -> jax.Array:
        surface = dataclasses.replace(
            canopy(0.0, np.zeros(len(EDGES)), 0.3),
            leaf_area=leaf,
            stem_area=stem,
            leaf_temperature=temperature,
        )
        found = radiation_of(optics(len(EDGES), SHRUB), surface, zenith, below, 0.9 * below)
        return sum((jnp.sum(values) for values in jax.tree.leaves(found)), start=jnp.asarray(0.0))

    value, slopes = jax.jit(jax.value_and_grad(total, argnums=(0, 1, 2, 3)))(leaf, stem, zenith, below)
    assert np.isfinite(value)
    for slope in slopes:
        assert np.all(np.isfinite(slope))


def test_gradient_agrees_with_a_finite_difference() -> None:
    soil = ground(1, 0.1, 0.2)

    def absorbed(leaf: float) -> jax.Array:
        surface = dataclasses.replace(canopy(1.0, 0.3), leaf_area=jnp.atleast_1d(jnp.asarray(leaf)))
        return radiation_of(optics(1), surface, jnp.asarray([0.6]), soil, soil).absorbed_direct[0, 0]

    step = 1e-5
    slope = (absorbed(2.0 + step) - absorbed(2.0 - step)) / (2 * step)
    assert np.isclose(jax.grad(absorbed)(2.0), slope, rtol=1e-8)


def test_patches_do_not_depend_on_their_neighbours_or_compilation() -> None:
    surface, zenith, direct, diffuse = random_canopies(130)
    whole = radiation_of(optics(130), surface, zenith, direct, diffuse)
    order = np.random.default_rng(2).permutation(130)[:64]
    part = radiation_of(
        optics(64), *jax.tree.map(lambda x: x[..., order], (surface, zenith, direct, diffuse))
    )
    for name, values in fields_of(part).items():
        assert np.array_equal(values, fields_of(whole)[name][..., order]), name


def test_exponential_rounds_as_the_c_library() -> None:
    draw = np.random.default_rng(3)
    for low, high, share in ((-0.05, 0.0, 0.003), (-2.0, 0.0, 0.03), (-40.0, 0.0, 0.03), (0.0, 40.0, 0.03)):
        x = draw.uniform(low, high, 20000)
        expected = np.array([math.exp(value) for value in x])
        found = np.asarray(jax.jit(exponential)(x))
        assert np.max(np.abs(found / expected - 1.0)) < 2.3e-16
        assert np.mean(found != expected) < share
    assert exponential(jnp.asarray(0.0)) == 1.0


def test_shapes_are_those_of_the_signatures() -> None:
    surface, zenith, direct, diffuse = random_canopies(5)
    checked = jaxtyped(typechecker=beartype)(canopy_radiation)
    checked(optics(5), surface, zenith, direct, diffuse)
    with pytest.raises(TypeCheckError):
        checked(optics(5), surface, zenith[:4], direct, diffuse)


def test_ground_and_canopy_together_use_each_patch_its_column() -> None:
    surface = canopy([1.0, 1.0, 0.0], [0.1, 0.1, 0.0])
    of_patch, zenith, fraction = jnp.asarray([0, 1, 1]), jnp.asarray([0.4, 0.4]), jnp.asarray([0.0, 1.0])
    below, found = surface_albedo(
        optics(3), surface, snow_cover(), ground(2, 0.1, 0.2), fraction, zenith, of_patch
    )
    assert found.albedo_direct[0, 1] > found.albedo_direct[0, 0]
    assert np.array_equal(found.albedo_direct[:, 2], below.ground_albedo_direct[:, 1])
