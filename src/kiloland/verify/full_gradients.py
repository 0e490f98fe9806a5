"""Gradients of a day: of mean latent heat and photosynthesis by parameters and soil moisture.

Five parameters and the liquid water of the soil at the start are each multiplied by 1 + x; the gradient is
that by x at 0, in reverse mode and by central differences of the same function.
"""

from __future__ import annotations

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from kiloland.land.biophysics.soil_moisture_stress import root_fractions
from kiloland.land.full_step import SOIL_ROWS, LandConstants, Surroundings, step_of_water_and_energy
from kiloland.land.state import LandState
from kiloland.land.step import Settings
from kiloland.land.subgrid import patch_to_column
from kiloland.run.full_setup import RunningMean
from kiloland.run.restart import Restart
from kiloland.verify.full_step import Workpiece, padded_state, surroundings
from kiloland.verify.temperature import Values

FACTORS = ("mbbopt", "flnr", "dleaf", "roota_par", "hksat", "initial soil moisture")
"""Stomatal slope, leaf nitrogen in Rubisco, leaf width, decay of roots, conductivity of the soil, water."""
MEANS = ("latent heat", "photosynthesis")
STEP = 1e-6


@dataclasses.dataclass(frozen=True)
class Gradients:
    """``[mean, factor]``: the gradient in reverse mode and from central differences; ``value`` ``[mean]``."""

    value: Values
    reverse: Values
    central: Values

    @property
    def relative(self) -> Values:
        """|reverse - central| over the larger of them and 1e-6 of the mean itself."""
        size = np.maximum(np.abs(self.central), 1e-6 * np.abs(self.value[:, None]))
        return np.asarray(np.abs(self.reverse - self.central) / np.where(size > 0.0, size, 1.0))


def day_gradients(piece: Workpiece, restart: Restart, step: float = STEP) -> Gradients:
    """Gradients of the day that starts with a restart, vegetation as it is there."""
    around = surroundings(piece, restart.seconds, RunningMean.of(restart, int(piece.settings.timestep)), None)
    arguments = (padded_state(piece, restart), around, piece.constants)
    nothing = jnp.zeros(len(FACTORS))
    value, pull = jax.vjp(lambda x: _day_means(x, *arguments, settings=piece.settings), nothing)
    reverse = [pull(unit)[0] for unit in jnp.eye(len(MEANS))]
    central = [
        (
            _day_means(step * unit, *arguments, settings=piece.settings)
            - _day_means(-step * unit, *arguments, settings=piece.settings)
        )
        / (2.0 * step)
        for unit in jnp.eye(len(FACTORS))
    ]
    return Gradients(np.asarray(value), np.stack(reverse), np.stack(central, axis=1))


@partial(jax.jit, static_argnames="settings")
def _day_means(
    factors: Float[Array, " factor"],
    state: LandState,
    around: Surroundings,
    constants: LandConstants,
    *,
    settings: Settings,
) -> Float[Array, " mean"]:
    changed = scaled_constants(constants, factors)
    column = state.column
    water = column.liquid_water.at[SOIL_ROWS].multiply(1.0 + factors[5])
    start = LandState(column=dataclasses.replace(column, liquid_water=water), patch=state.patch)

    def body(before: LandState, inputs: Surroundings) -> tuple[LandState, Array]:
        after, output = step_of_water_and_energy(before, inputs, changed, settings)
        latent = patch_to_column(output.fluxes.latent, changed.index)[0]
        carbon = patch_to_column(output.exchange.canopy.photosynthesis, changed.index)[0]
        return after, jnp.stack([latent, carbon])

    _, means = jax.lax.scan(jax.checkpoint(body), start, around)
    return jnp.mean(means, axis=0)


def scaled_constants(constants: LandConstants, factors: Float[Array, " factor"]) -> LandConstants:
    """The constants with parameters multiplied by 1 + x, in the order of :data:`FACTORS`."""
    slope, rubisco, width, decay, conductivity = (1.0 + factors[number] for number in range(5))
    plants, traits, soil = constants.plants, constants.root_traits, constants.column.soil
    leaf = dataclasses.replace(
        plants.leaf,
        conductance_slope=plants.leaf.conductance_slope * slope,
        rubisco_nitrogen=plants.leaf.rubisco_nitrogen * rubisco,
    )
    structure = dataclasses.replace(plants.structure, leaf_width=plants.structure.leaf_width * width)
    roots = dataclasses.replace(traits, upper_decay=traits.upper_decay * decay)
    moved = dataclasses.replace(soil, saturated_conductivity=soil.saturated_conductivity * conductivity)
    return dataclasses.replace(
        constants,
        column=dataclasses.replace(constants.column, soil=moved),
        plants=dataclasses.replace(plants, leaf=leaf, structure=structure),
        root_traits=roots,
        roots=root_fractions(roots),
    )
