"""Canopy fluxes: finite in every climate, energy closed, lanes independent, gradients right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from canopy_samples import CASES, STEP, arrays, conditions, fluxes_of

from kiloland.land.biophysics.canopy_fluxes import MOST_PASSES, CanopyFluxes
from kiloland.land.biophysics.constants import LATENT_HEAT_VAPORISATION, STEFAN_BOLTZMANN

NAMES = tuple(CASES)


def quick(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiled without the optimisations that take the compiler long."""
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})


FLUXES = quick(fluxes_of)


@pytest.fixture(scope="module")
def all_cases() -> CanopyFluxes:
    result: CanopyFluxes = FLUXES(conditions(*CASES.values()))
    return result


def at(values: jax.Array, name: str) -> float:
    return float(np.asarray(values)[..., NAMES.index(name)])


def test_everything_is_finite_in_every_climate(all_cases: CanopyFluxes) -> None:
    for values in arrays(all_cases):
        assert np.isfinite(values).all()
    exposed = np.asarray(conditions(*CASES.values())["exposed"]) > 0.5
    assert (np.asarray(all_cases.passes)[exposed] >= 3).all()
    assert int(all_cases.passes.max()) <= MOST_PASSES


def test_energy_of_leaves_closes(all_cases: CanopyFluxes) -> None:
    assert float(abs(all_cases.balance_error).max()) < 1e-9


def test_longwave_above_and_below_sums_to_what_canopy_and_ground_absorb(all_cases: CanopyFluxes) -> None:
    c = conditions(*CASES.values())
    exposed = c["exposed"] > 0.5
    absorbed_by_leaves = all_cases.sensible + LATENT_HEAT_VAPORISATION * all_cases.evaporation - c["sunlight"]
    emitted = 0.96 * STEFAN_BOLTZMANN * c["ground"] ** 4
    total = absorbed_by_leaves + all_cases.longwave_below - emitted
    difference = jnp.where(exposed, total - (c["longwave"] - all_cases.longwave_above), 0.0)
    assert float(abs(difference).max()) < 1e-9


def test_canopy_water_never_evaporates_below_zero(all_cases: CanopyFluxes) -> None:
    c = conditions(*CASES.values())
    assert float(all_cases.canopy_water.min()) >= 0.0
    lost = (all_cases.evaporation - all_cases.transpiration) * STEP
    change = jnp.where(c["exposed"] > 0.5, c["water"] - all_cases.canopy_water - lost, 0.0)
    assert float(abs(change).max()) < 1e-12
    assert at(all_cases.canopy_water, "dew") > 0.0
    assert at(all_cases.canopy_water, "wet canopy") < 0.25


def test_no_light_no_photosynthesis(all_cases: CanopyFluxes) -> None:
    for name in ("night", "polar night", "no leaves", "buried"):
        assert at(all_cases.photosynthesis, name) == 0.0
    for name in ("noon", "C4"):
        assert at(all_cases.photosynthesis, name) > 1.0


def test_stressed_plants_do_not_transpire(all_cases: CanopyFluxes) -> None:
    assert at(all_cases.transpiration, "frozen") == 0.0
    assert at(all_cases.transpiration, "no leaves") == 0.0
    assert 0.0 < at(all_cases.transpiration, "drought") < 0.2 * at(all_cases.transpiration, "noon")


def test_buried_patches_cost_no_passes_and_exchange_nothing(all_cases: CanopyFluxes) -> None:
    assert at(all_cases.passes, "buried") == 0
    assert at(all_cases.sensible, "buried") == 0.0


def test_a_patch_does_not_feel_its_neighbours(all_cases: CanopyFluxes) -> None:
    turned = FLUXES(conditions(*list(CASES.values())[::-1]))
    for one, other in zip(arrays(all_cases), arrays(turned), strict=True):
        np.testing.assert_array_equal(one, other[..., ::-1])


SCALED = ("slope", "stress", "air", "ground", "leaf_area", "longwave", "light")


def total(scales: dict[str, jax.Array]) -> jax.Array:
    """A sum that depends on every condition; `scales` multiply some of them, patch by patch."""
    cases = conditions(*CASES.values())
    fluxes = fluxes_of({**cases, **{name: cases[name] * scale for name, scale in scales.items()}})
    latent = LATENT_HEAT_VAPORISATION * fluxes.evaporation
    return jnp.sum(latent) + jnp.sum(fluxes.photosynthesis) + jnp.sum(fluxes.ground.sensible)


@pytest.fixture(scope="module")
def slopes() -> dict[str, jax.Array]:
    ones = {name: jnp.ones(len(NAMES)) for name in SCALED}
    found: dict[str, jax.Array] = quick(jax.grad(total))(ones)
    return found


def test_gradients_are_finite_in_every_climate(slopes: dict[str, jax.Array]) -> None:
    for name, values in slopes.items():
        assert np.isfinite(np.asarray(values)).all(), name


@pytest.mark.parametrize("name", SCALED)
def test_gradients_are_those_of_finite_differences(name: str, slopes: dict[str, jax.Array]) -> None:
    chosen = jnp.asarray([case in ("noon", "C4", "night", "wet canopy", "frozen") for case in NAMES], float)
    step = 1e-6

    def at_step(sign: float) -> float:
        scales = {other: jnp.ones(len(NAMES)) for other in SCALED}
        return float(VALUE({**scales, name: 1.0 + sign * step * chosen}))

    finite = (at_step(1.0) - at_step(-1.0)) / (2.0 * step)
    assert float(jnp.sum(slopes[name] * chosen)) == pytest.approx(finite, rel=1e-5, abs=1e-4)


VALUE = quick(total)
