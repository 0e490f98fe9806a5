"""Temperature of snow, pond and ground: one implicit step of heat conduction.

Crank-Nicolson with the surface flux linearised in the temperature of the surface it enters. Snow couples to
the first soil layer on the snow-covered share of the column, the pond on its own share, so the unknowns form
a chain of 20 layers with the pond as a side branch; the branch is eliminated exactly.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.ground_state import GroundState, layered_snow_fraction
from kiloland.land.biophysics.thermal_properties import ThermalProperties
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.vertical import SNOW_LAYERS, ColumnGrid

_IMPLICIT = 0.5
"""Weight of the new temperatures in the conductive flux."""
_TOP_NODE_SHIFT = 0.34
"""Tuning that turns the temperature of the top layer into that of its surface (ELM `capr`)."""


@pytree_dataclass
class SurfaceHeat:
    """Heat that enters the surface during a step, before the surface temperature answers.

    Fluxes are positive into the ground, W m-2 of the surface they enter.
    """

    snow: Float[Array, " column"]
    """Into the uppermost snow layer, with what that layer absorbs of sunlight."""
    soil: Float[Array, " column"]
    """Into soil free of snow and pond; into the ground where snow has no layers."""
    pond: Float[Array, " column"]
    """Into the pond."""
    derivative: Float[Array, " column"]
    """Change of each with its surface temperature, W m-2 K-1, negative."""
    absorbed: Float[Array, "snow1 column"]
    """Sunlight absorbed by each snow layer but the top, and the ground below, W m-2 of snow."""


@pytree_dataclass
class TemperatureSolution:
    """Temperatures before any phase change, and what the heat balance needs to be closed."""

    temperature: Float[Array, "total column"]
    """K; unchanged in inactive rows."""
    pond_temperature: Float[Array, " column"]
    """K; that of the first soil layer where there is no pond."""
    factor: Float[Array, "total column"]
    """Warming per flux over the step, K m2 W-1 (ELM `fact`)."""
    source: Float[Array, "total column"]
    """Surface heat and absorbed sunlight of each layer, W m-2 of its own area, before the answer."""
    response: Float[Array, "total column"]
    """Derivative of that source with the layer's temperature, W m-2 K-1."""


def solve_temperature(
    grid: ColumnGrid, thermal: ThermalProperties, state: GroundState, heat: SurfaceHeat, timestep: float
) -> TemperatureSolution:
    """Advance all temperatures by one step of `timestep` seconds (ELM `SoilTemperature`).

    Row j, with factor a_j = dt / c_j (top layer: see `warming_factor`), conductance g_j to the layer below,
    explicit flux F_j = g_j (T_j+1 - T_j), theta = 0.5, source S_j and response D_j:

        T_j' - theta a_j [g_j (T_j+1' - T_j') - w_j g_j-1 (T_j' - T_j-1')] - a_j D_j T_j'
            = T_j + a_j [S_j - D_j T_j + theta (F_j - w_j F_j-1)]

    w_j is the snow-covered share for the first soil layer, else 1. Where a pond covers f_p, that layer also
    receives -f_p theta g_p (T_1 - T_p) at both times, and the pond's own row is of the same form.
    """
    factor = warming_factor(grid, thermal, timestep)
    source, response = _surface_terms(grid, state, heat)
    old = state.temperature
    conductance = thermal.conductance
    snow = layered_snow_fraction(state)
    share = jnp.ones_like(old).at[SNOW_LAYERS].set(snow)

    flux = conductance * (jnp.concatenate([old[1:], old[-1:]]) - old)
    above = share * _shift_down(conductance)
    explicit = _IMPLICIT * (flux - share * _shift_down(flux))
    lower = -_IMPLICIT * factor * above
    upper = -_IMPLICIT * factor * conductance
    diagonal = 1.0 + _IMPLICIT * factor * (conductance + above) - factor * response
    right = old + factor * (source - response * old + explicit)

    pond = _pond_row(thermal, state, heat, timestep)
    top_soil = factor[SNOW_LAYERS] * state.pond_fraction
    coupling = _IMPLICIT * thermal.pond_conductance * top_soil
    diagonal = diagonal.at[SNOW_LAYERS].add(coupling - coupling * pond.coupling / pond.diagonal)
    right = right.at[SNOW_LAYERS].add(
        -_IMPLICIT * top_soil * pond.flux + coupling * pond.right / pond.diagonal
    )

    inactive = ~grid.active
    solved = solve_tridiagonal(
        jnp.where(inactive, 0.0, lower),
        jnp.where(inactive, 1.0, diagonal),
        jnp.where(inactive, 0.0, upper),
        jnp.where(inactive, old, right),
    )
    pond_solved = (pond.right + pond.coupling * solved[SNOW_LAYERS]) / pond.diagonal
    return TemperatureSolution(
        temperature=solved,
        pond_temperature=jnp.where(state.pond_fraction > 0.0, pond_solved, solved[SNOW_LAYERS]),
        factor=factor,
        source=source,
        response=response,
    )


def warming_factor(
    grid: ColumnGrid, thermal: ThermalProperties, timestep: float
) -> Float[Array, "total column"]:
    """a_j = dt / c_j, K m2 W-1; for the top layer times dz / (0.5 (z - zi + 0.34 (z_below - zi))).

    zi is the upper interface of the layer: the flux acts on the part of the layer above its node.
    """
    node_below = jnp.concatenate([grid.node[1:], grid.node[-1:] + 1.0])
    reach = 0.5 * (grid.node - grid.upper_interface + _TOP_NODE_SHIFT * (node_below - grid.upper_interface))
    shape = jnp.where(grid.top, grid.thickness / jnp.where(grid.top, reach, 1.0), 1.0)
    return timestep / thermal.heat_capacity * shape


def solve_tridiagonal(
    lower: Float[Array, "row column"],
    diagonal: Float[Array, "row column"],
    upper: Float[Array, "row column"],
    right: Float[Array, "row column"],
) -> Float[Array, "row column"]:
    """Thomas' algorithm down the rows; lower[0] and upper[-1] are not used. For diagonally dominant rows."""

    def eliminate(
        carry: tuple[Array, Array], row: tuple[Array, Array, Array, Array]
    ) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        ratio, value = carry
        below, middle, beyond, known = row
        pivot = middle - below * ratio
        result = (beyond / pivot, (known - below * value) / pivot)
        return result, result

    def substitute(value: Array, row: tuple[Array, Array]) -> tuple[Array, Array]:
        ratio, known = row
        result = known - ratio * value
        return result, result

    zero = jnp.zeros_like(right[0])
    _, (ratios, values) = jax.lax.scan(eliminate, (zero, zero), (lower, diagonal, upper, right))
    _, solved = jax.lax.scan(substitute, zero, (ratios.at[-1].set(0.0), values), reverse=True)
    return solved


@pytree_dataclass
class _PondRow:
    """Row of the pond: diagonal T_p' - coupling T_1' = right; flux is the explicit one, soil minus pond."""

    diagonal: Float[Array, " column"]
    coupling: Float[Array, " column"]
    right: Float[Array, " column"]
    flux: Float[Array, " column"]


def _pond_row(thermal: ThermalProperties, state: GroundState, heat: SurfaceHeat, timestep: float) -> _PondRow:
    factor = timestep / thermal.pond_heat_capacity
    coupling = _IMPLICIT * factor * thermal.pond_conductance
    temperature = state.pond_temperature
    flux = thermal.pond_conductance * (state.temperature[SNOW_LAYERS] - temperature)
    gain = heat.pond - heat.derivative * temperature + _IMPLICIT * flux
    return _PondRow(
        diagonal=1.0 + coupling - factor * heat.derivative,
        coupling=coupling,
        right=temperature + factor * gain,
        flux=flux,
    )


def _surface_terms(
    grid: ColumnGrid, state: GroundState, heat: SurfaceHeat
) -> tuple[Float[Array, "total column"], Float[Array, "total column"]]:
    """Source S_j and response D_j of each row, per area of the layer: of snow, or of the column."""
    snow_top = grid.top[:SNOW_LAYERS]
    snow_source = jnp.where(snow_top, heat.snow, heat.absorbed[:SNOW_LAYERS])
    snow_source = jnp.where(grid.active[:SNOW_LAYERS], snow_source, 0.0)
    snow_response = jnp.where(snow_top, heat.derivative, 0.0)

    snow = layered_snow_fraction(state)
    free = 1.0 - snow - state.pond_fraction
    ground = jnp.zeros_like(state.temperature[SNOW_LAYERS:])
    ground_source = ground.at[0].set(free * heat.soil + snow * heat.absorbed[SNOW_LAYERS])
    ground_response = ground.at[0].set(free * heat.derivative)
    return (
        jnp.concatenate([snow_source, ground_source]),
        jnp.concatenate([snow_response, ground_response]),
    )


def _shift_down(rows: Float[Array, "total column"]) -> Float[Array, "total column"]:
    """Value of the row above; 0 for the first."""
    return jnp.concatenate([jnp.zeros_like(rows[:1]), rows[:-1]])
