"""Similarity, saturation and bare-ground fluxes: what must hold for any weather."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ground_samples import sample_ground, sample_soil

from kiloland.land.biophysics.bare_ground_fluxes import Air, TurbulentFluxes, air_density, bare_ground_fluxes
from kiloland.land.biophysics.ground_energy import evaporation_limit, update_surface_fluxes
from kiloland.land.biophysics.ground_surface import GroundSurface, ground_surface
from kiloland.land.biophysics.saturation import saturation
from kiloland.land.biophysics.similarity import momentum_profile, scalar_profile

COLUMNS = 256


def weather() -> Air:
    random = np.random.default_rng(5)

    def between(low: float, high: float) -> jax.Array:
        return jnp.asarray(random.uniform(low, high, COLUMNS))

    temperature = between(250.0, 305.0)
    return Air(
        temperature=temperature,
        potential_temperature=temperature + 0.3,
        humidity=between(1e-4, 0.012),
        pressure=between(7.0e4, 1.02e5),
        eastward_wind=between(-8.0, 8.0),
        northward_wind=between(-8.0, 8.0),
        height=jnp.full(COLUMNS, 30.0),
    )


@pytest.fixture(scope="module")
def exchange() -> tuple[Air, GroundSurface, TurbulentFluxes]:
    air = weather()
    ground = ground_surface(sample_soil(COLUMNS), sample_ground(COLUMNS), air.humidity, air.pressure)
    return air, ground, jax.jit(bare_ground_fluxes)(air, ground)


@pytest.mark.parametrize(
    ("kelvin", "pascal"), [(273.16, 611.657), (293.15, 2338.8), (303.15, 4246.0), (253.15, 103.2)]
)
def test_saturation_pressure_near_published_values(kelvin: float, pascal: float) -> None:
    found = saturation(jnp.asarray([kelvin]), jnp.asarray([1.0e5])).vapour_pressure[0]
    assert float(found) == pytest.approx(pascal, rel=2e-3)


def test_saturation_slopes_are_derivatives() -> None:
    temperature = jnp.linspace(235.0, 310.0, 40)
    pressure = jnp.full(40, 9.5e4)
    air = saturation(temperature, pressure)
    for values, slope in ((0, air.vapour_pressure_slope), (1, air.humidity_slope)):

        def of(kelvin: jax.Array, pick: int = values) -> jax.Array:
            saturated = saturation(kelvin, jnp.asarray(9.5e4))
            return (saturated.vapour_pressure, saturated.humidity)[pick]

        np.testing.assert_allclose(
            np.asarray(jax.vmap(jax.grad(of))(temperature)), np.asarray(slope), rtol=1e-2
        )


@pytest.mark.parametrize(
    ("profile", "edge"),
    [(momentum_profile, 1.0), (scalar_profile, 1.0), (momentum_profile, -1.574), (scalar_profile, -0.465)],
)
def test_profiles_are_continuous_between_their_ranges(profile: object, edge: float) -> None:
    height, roughness = jnp.full(2, 30.0), jnp.full(2, 0.01)
    length = 30.0 / jnp.asarray([edge * (1 - 1e-9), edge * (1 + 1e-9)])
    low, high = np.asarray(profile(height, length, roughness))  # type: ignore[operator]
    assert low == pytest.approx(high, rel=1e-6)


def test_neutral_limit_is_the_logarithmic_profile() -> None:
    for sign in (-1.0, 1.0):
        found = momentum_profile(jnp.asarray([30.0]), jnp.asarray([sign * 1e9]), jnp.asarray([0.01]))
        assert float(found[0]) == pytest.approx(np.log(3000.0), rel=1e-6)


def test_fluxes_follow_the_gradients(exchange: tuple[Air, GroundSurface, TurbulentFluxes]) -> None:
    air, ground, fluxes = exchange
    warm_air = air.temperature + 0.0098 * (air.height + ground.roughness)
    assert np.array_equal(np.asarray(fluxes.sensible > 0.0), np.asarray(ground.temperature > warm_air))
    assert np.array_equal(np.asarray(fluxes.evaporation > 0.0), np.asarray(ground.humidity > air.humidity))
    assert np.all(np.asarray(fluxes.eastward_stress * air.eastward_wind) <= 0.0)
    assert np.all(np.asarray(fluxes.friction_velocity) > 0.0)


def test_stress_equals_density_times_friction_velocity_squared(
    exchange: tuple[Air, GroundSurface, TurbulentFluxes],
) -> None:
    air, _, fluxes = exchange
    stress = np.hypot(np.asarray(fluxes.eastward_stress), np.asarray(fluxes.northward_stress))
    expected = np.asarray(air_density(air) * fluxes.friction_velocity**2)
    wind = np.hypot(np.asarray(air.eastward_wind), np.asarray(air.northward_wind))
    assert np.all(stress <= expected * np.maximum(wind, 1.0) / np.minimum(wind, 1.0).clip(1e-3) * 1.01)
    windy = wind > 6.0
    np.testing.assert_allclose(stress[windy], expected[windy], rtol=0.1)


def test_screen_values_lie_between_ground_and_air(
    exchange: tuple[Air, GroundSurface, TurbulentFluxes],
) -> None:
    air, ground, fluxes = exchange
    warm_air = np.asarray(air.temperature + 0.0098 * (air.height + ground.roughness))
    surface = np.asarray(ground.temperature)
    screen = np.asarray(fluxes.screen_temperature)
    assert np.all(screen >= np.minimum(surface, warm_air) - 1e-9)
    assert np.all(screen <= np.maximum(surface, warm_air) + 1e-9)


def test_evaporation_never_exceeds_the_water_there(
    exchange: tuple[Air, GroundSurface, TurbulentFluxes],
) -> None:
    _, ground, fluxes = exchange
    liquid, ice = jnp.full(COLUMNS, 1e-3), jnp.full(COLUMNS, 5e-4)
    warming = jnp.full(COLUMNS, 0.5)
    potential = fluxes.evaporation + warming * fluxes.evaporation_derivative
    scale = evaporation_limit(jnp.maximum(potential, 0.0), liquid, ice, 1800.0)
    update = update_surface_fluxes(ground, fluxes, warming, scale, liquid, ice, ground.temperature)
    assert np.all(np.asarray(update.evaporation) * 1800.0 <= 1.5e-3 * (1 + 1e-12))
    kept = fluxes.sensible + warming * fluxes.sensible_derivative + ground.latent_heat * potential
    np.testing.assert_allclose(np.asarray(update.sensible + update.latent), np.asarray(kept), rtol=1e-11)
    parts = update.liquid_evaporation + update.sublimation - update.dew - update.frost
    np.testing.assert_allclose(np.asarray(parts), np.asarray(update.evaporation_snow), atol=1e-18)


def test_gradients_of_fluxes_are_finite() -> None:
    air = weather()
    soil, state = sample_soil(COLUMNS), sample_ground(COLUMNS)

    def heat(temperature: jax.Array) -> jax.Array:
        moved = dataclasses.replace(state, temperature=temperature)
        fluxes = bare_ground_fluxes(air, ground_surface(soil, moved, air.humidity, air.pressure))
        return jnp.sum(fluxes.sensible) + 2.5e6 * jnp.sum(fluxes.evaporation)

    gradient = jax.jit(jax.grad(heat))(state.temperature)
    assert bool(jnp.all(jnp.isfinite(gradient)))
    assert float(jnp.max(jnp.abs(gradient))) > 1.0
