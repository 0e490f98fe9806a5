"""Albedo of snow and absorption in its layers: the two-stream adding-doubling model SNICAR-AD.

Sources: Dang, Zender and Flanner (2019, The Cryosphere 13, 2325), Briegleb and Light (2007,
NCAR/TN-472+STR), in the form that ELM computes. Arrays: bands first, layers from the top down, columns
last. A unit flux meets the snow; layers that do not exist are transparent.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.biophysics.aerosol import aerosol_concentrations, top_snow_layer
from kiloland.land.biophysics.albedo import SnowRadiation
from kiloland.land.biophysics.snow_optics import (
    LARGEST_RADIUS,
    SMALLEST_RADIUS,
    IceOptics,
    ParticleOptics,
    SnowOptics,
)
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask

FRESH_RADIUS = 54.526
"""Effective radius of fresh snow grains, um."""
LEAST_SNOW = 1.0e-30
"""Snow water below which there is no snow for light, kg m-2."""
SMALLEST_COSINE = 0.01
GRAZING_COSINE = 0.2588
"""Below it (75 degrees) the near-infrared albedo of the direct beam is corrected."""
LEAST_EXPONENTIAL = float(np.exp(-10.0))
LEAST_TRANSMISSION = 0.001
"""Layers below a level that transmits less than this are taken to be black."""
LEAST_FLUX = 1.0e-11

DIRECT_WEIGHTS = (0.49352158521175, 0.18099494230665, 0.12094898498813, 0.20453448749347)
DIFFUSE_WEIGHTS = (0.58581507618433, 0.20156903770812, 0.10917889346386, 0.10343699264369)
"""Share of the near-infrared bands in near-infrared sunlight."""

GAUSS_POINTS = (0.9894009, 0.9445750, 0.8656312, 0.7554044, 0.6178762, 0.4580168, 0.2816036, 0.0950125)
GAUSS_WEIGHTS = (0.0271525, 0.0622535, 0.0951585, 0.1246290, 0.1495960, 0.1691565, 0.1826034, 0.1894506)


@pytree_dataclass
class SnowPack:
    """The snow that light meets."""

    snow_index: Int[Array, " column"]
    """Minus the number of layers, -5..0."""
    liquid_water: Float[Array, "snow column"]
    """kg m-2."""
    ice: Float[Array, "snow column"]
    """kg m-2."""
    snow_water: Float[Array, " column"]
    """kg m-2; of a pack without layers all there is."""
    grain_radius: Float[Array, "snow column"]
    """um."""
    aerosol_mass: Float[Array, "species snow column"]
    """kg m-2."""


@pytree_dataclass
class _Layers:
    """Apparent properties of homogeneous layers, ``[band, layer, column]``."""

    reflection_direct: Array
    transmission_direct: Array
    """Of a direct beam, direct and scattered."""
    reflection: Array
    transmission: Array
    """Of diffuse light from either side."""
    beam: Array
    """Direct transmission of the direct beam."""


def snow_radiation(
    optics: SnowOptics,
    pack: SnowPack,
    bare_albedo: Float[Array, "band2 column"],
    cosine_zenith: Float[Array, " column"],
) -> SnowRadiation:
    """Albedo of snow and shares of sunlight absorbed by its layers and the ground below, both beams.

    The same for columns of every kind: `bare_albedo` (visible, near infrared) is that of the soil, ice or
    water below. The shares are those of the flux that meets the snow; with the albedo they sum to 1.
    What the state holds is made of them by `stored_absorption`. At night and without snow all is 0.
    """
    lit = (cosine_zenith > 0.0) & (pack.snow_water > LEAST_SNOW)

    def by_day() -> SnowRadiation:
        return _lit_snow(optics, pack, bare_albedo, cosine_zenith, lit)

    def at_night() -> SnowRadiation:
        nothing = jnp.zeros_like(bare_albedo)
        layers = jnp.zeros((2, SNOW_LAYERS + 1, *cosine_zenith.shape), nothing.dtype)
        return SnowRadiation(nothing, nothing, layers, layers)

    answer: SnowRadiation = jax.lax.cond(jnp.any(lit), by_day, at_night)
    return answer


def stored_absorption(
    radiation: SnowRadiation,
    bare_direct: Float[Array, "band2 column"],
    bare_diffuse: Float[Array, "band2 column"],
    snow_fraction: Float[Array, " column"],
    lake: Bool[Array, " column"],
) -> SnowRadiation:
    """Shares of absorption as ELM's state holds them, from those of the flux that meets the snow.

    Times (1 - snow albedo); on lakes times f + (1 - f) (1 - bare albedo)/(1 - snow albedo) with the
    snow-covered fraction f, which lakes keep at 0. Source: ELM `SurfaceAlbedo`.
    """

    def weighted(share: Array, albedo: Array, bare: Array) -> Array:
        absorbing = 1.0 - albedo
        on_lake = snow_fraction + (1.0 - snow_fraction) * (1.0 - bare) / absorbing
        return share * jnp.where(lake, on_lake, absorbing)[:, None]

    return replace(
        radiation,
        layer_absorption_direct=weighted(
            radiation.layer_absorption_direct, radiation.albedo_direct, bare_direct
        ),
        layer_absorption_diffuse=weighted(
            radiation.layer_absorption_diffuse, radiation.albedo_diffuse, bare_diffuse
        ),
    )


def _lit_snow(
    optics: SnowOptics,
    pack: SnowPack,
    bare_albedo: Float[Array, "band2 column"],
    cosine_zenith: Float[Array, " column"],
    lit: Bool[Array, " column"],
) -> SnowRadiation:
    """`snow_radiation` where there is sun and snow."""
    shown = _shown_layers(pack, lit)
    exists = snow_layer_mask(shown.snow_index)
    below = jnp.concatenate([bare_albedo[:1], jnp.repeat(bare_albedo[1:], 4, axis=0)])
    cosine = jnp.where(lit, jnp.maximum(cosine_zenith, SMALLEST_COSINE), 0.5)
    beams = []
    for ice, weights, direct in (
        (optics.direct, DIRECT_WEIGHTS, True),
        (optics.diffuse, DIFFUSE_WEIGHTS, False),
    ):
        layers = _layer_optics(ice, optics.particles, optics.enhancement, shown, exists, cosine)
        albedo, absorbed = _add_layers(layers, exists, below, direct)
        albedo, absorbed = _two_bands(albedo, absorbed, weights)
        if direct:
            albedo, absorbed = _grazing(albedo, absorbed, sum(weights), shown, cosine)
        beams.append((jnp.where(lit, albedo, 0.0), jnp.where(lit, absorbed, 0.0)))
    (albedo_direct, absorbed_direct), (albedo_diffuse, absorbed_diffuse) = beams
    return SnowRadiation(albedo_direct, albedo_diffuse, absorbed_direct, absorbed_diffuse)


def _shown_layers(pack: SnowPack, lit: Bool[Array, " column"]) -> SnowPack:
    """The layers that light meets: a pack without layers is one of fresh, clean ice."""
    layerless = pack.snow_index == 0
    lowest = jnp.arange(SNOW_LAYERS)[:, None] == SNOW_LAYERS - 1
    alone = layerless & lowest
    water = jnp.where(lit, pack.snow_water, 1.0)
    return replace(
        pack,
        snow_index=jnp.where(layerless, -1, pack.snow_index),
        liquid_water=jnp.where(alone, 0.0, pack.liquid_water),
        ice=jnp.where(alone, water, pack.ice),
        grain_radius=jnp.where(alone, FRESH_RADIUS, pack.grain_radius),
        aerosol_mass=jnp.where(layerless, 0.0, pack.aerosol_mass),
    )


def _layer_optics(
    ice: IceOptics,
    particles: ParticleOptics,
    enhancement: Float[Array, "band radius"],
    pack: SnowPack,
    exists: Bool[Array, "snow column"],
    cosine: Float[Array, " column"],
) -> _Layers:
    """Optical depth, single-scattering albedo and asymmetry of each layer, and what follows from them.

    tau = sum m k, w = sum tau_i w_i / tau, g = sum tau_i w_i g_i / (tau w) over ice and particles;
    delta scaling g' = g/(1 + g), w' = (1 - g^2) w/(1 - w g^2), tau' = (1 - w g^2) tau.
    """
    water = jnp.where(exists, pack.liquid_water + pack.ice, 1.0)
    row = _radius_row(pack.grain_radius)
    concentration = aerosol_concentrations(pack.aerosol_mass, pack.snow_index, water)
    share = ice.single_scattering[:, row]
    tau = water * ice.extinction[:, row]
    scattered = tau * share
    forward = tau * (share * ice.asymmetry[:, row])
    for species in range(particles.extinction.shape[0]):
        strength = particles.extinction[species][:, None, None]
        if species == 0:
            strength = strength * enhancement[:, row]
        depth = (water * concentration[species]) * strength
        w = particles.single_scattering[species][:, None, None]
        tau = tau + depth
        scattered = scattered + depth * w
        forward = forward + depth * (w * particles.asymmetry[species][:, None, None])
    w, g = scattered / tau, forward / scattered
    fraction = g * g
    depth = (1.0 - w * fraction) * tau
    albedo = ((1.0 - fraction) * w) / (1.0 - w * fraction)
    return _scattering(depth, albedo, g / (1.0 + g), cosine)


def _radius_row(radius: Float[Array, "snow column"]) -> Int[Array, "snow column"]:
    """Row of the tables of a grain radius (um), rounded to the nearest."""
    whole = jnp.floor(radius + 0.5).astype(jnp.int32)
    return jnp.clip(whole, SMALLEST_RADIUS, LARGEST_RADIUS) - SMALLEST_RADIUS


def _scattering(
    tau: Float[Array, "band snow column"],
    w: Float[Array, "band snow column"],
    g: Float[Array, "band snow column"],
    cosine: Float[Array, " column"],
) -> _Layers:
    """Delta-Eddington reflection and transmission of homogeneous layers (Briegleb and Light, eq. 50).

    l = sqrt(3 (1-w)(1-w g)), u = 1.5 (1 - w g)/l, E = exp(-l tau), n = (u+1)^2/E - (u-1)^2 E,
    R = (u^2-1)(1/E - E)/n, T = 4 u/n. For diffuse light the means over eight directions of what holds for
    a beam stand for R and T, weighted with their cosines.
    """
    l = jnp.sqrt(3.0 * (1.0 - w) * (1.0 - w * g))
    u = 1.5 * (1.0 - w * g) / l
    decay = jnp.maximum(LEAST_EXPONENTIAL, jnp.exp(-(l * tau)))
    n = (u + 1.0) * (u + 1.0) / decay - (u - 1.0) * (u - 1.0) * decay
    reflection = (u + 1.0) * (u - 1.0) * (1.0 / decay - decay) / n
    transmission = 4.0 * u / n

    def of_beam(mu: Array | float) -> tuple[Array, Array, Array]:
        beam = jnp.maximum(LEAST_EXPONENTIAL, jnp.exp(-(tau / mu)))
        pole = 1.0 - l * l * mu * mu
        alpha = 0.75 * w * mu * (1.0 + g * (1.0 - w)) / pole
        gamma = 0.5 * w * (1.0 + 3.0 * g * (1.0 - w) * mu * mu) / pole
        plus, minus = alpha + gamma, alpha - gamma
        back = plus * reflection + minus * (transmission * beam - 1.0)
        through = plus * transmission + (minus * reflection - plus + 1.0) * beam
        return back, through, beam

    reflection_direct, transmission_direct, beam = of_beam(cosine)

    def add(sums: tuple[Array, Array], point: tuple[Array, Array]) -> tuple[tuple[Array, Array], None]:
        mu, weight = point
        back, through, _ = of_beam(mu)
        return (sums[0] + mu * back * weight, sums[1] + mu * through * weight), None

    none = jnp.zeros_like(tau)
    points = jnp.asarray(GAUSS_POINTS), jnp.asarray(GAUSS_WEIGHTS)
    (back, through), _ = jax.lax.scan(add, (none, none), points)
    total = sum(mu * weight for mu, weight in zip(GAUSS_POINTS, GAUSS_WEIGHTS, strict=True))
    return _Layers(reflection_direct, transmission_direct, back / total, through / total, beam)


def _add_layers(
    layers: _Layers,
    exists: Bool[Array, "snow column"],
    below: Float[Array, "band column"],
    direct: bool,
) -> tuple[Float[Array, "band column"], Float[Array, "band snow1 column"]]:
    """Albedo of the pack on its ground, and the share of the flux absorbed by each layer and the ground.

    Properties of all that lies above each interface are added from the top down, those of all below from
    the ground up; net fluxes at interfaces follow from both, and absorption is their difference.
    """
    one = jnp.ones_like(below)
    beam, total, diffuse, above = one, one, one, jnp.zeros_like(one)
    interfaces, used = [(beam, total, diffuse, above)], []
    for row in range(SNOW_LAYERS):
        layer = _visible_layer(layers, row, exists[row], total)
        used.append(layer)
        bounce = 1.0 / (1.0 - above * layer.reflection)
        scattered = (total - beam) + beam * layer.reflection_direct * above
        total = beam * layer.transmission_direct + scattered * bounce * layer.transmission
        above = layer.reflection + layer.transmission * above * bounce * layer.transmission
        diffuse = diffuse * bounce * layer.transmission
        beam = beam * layer.beam
        interfaces.append((beam, total, diffuse, above))

    from_below = [(below, below)]
    for layer in reversed(used):
        up_direct, up_diffuse = from_below[-1]
        bounce = 1.0 / (1.0 - layer.reflection * up_diffuse)
        lit = layer.beam * up_direct + (layer.transmission_direct - layer.beam) * up_diffuse
        from_below.append(
            (
                layer.reflection_direct + lit * bounce * layer.transmission,
                layer.reflection + layer.transmission * up_diffuse * bounce * layer.transmission,
            )
        )
    from_below.reverse()

    net = []
    for (beam, total, diffuse, above), (up_direct, up_diffuse) in zip(interfaces, from_below, strict=True):
        bounce = 1.0 / (1.0 - above * up_diffuse)
        if direct:
            scattered = (total - beam) * (1.0 - up_diffuse) * bounce
            flux = beam + scattered - beam * up_direct * (1.0 - above) * bounce
        else:
            flux = diffuse * (1.0 - up_diffuse) * bounce
        net.append(jnp.where(flux < LEAST_FLUX, 0.0, flux))
    absorbed = [upper - lower for upper, lower in pairwise(net)]
    albedo = from_below[0][0 if direct else 1]
    return albedo, jnp.stack([*absorbed, net[-1]], axis=1)


def _visible_layer(
    layers: _Layers, row: int, exists: Bool[Array, " column"], total: Float[Array, "band column"]
) -> _Layers:
    """A layer as light sees it: transparent where it does not exist, black where hardly any light arrives."""
    reached = total > LEAST_TRANSMISSION

    def seen(values: Array, transparent: float) -> Array:
        return jnp.where(exists, jnp.where(reached, values[:, row], 0.0), transparent)

    return _Layers(
        seen(layers.reflection_direct, 0.0),
        seen(layers.transmission_direct, 1.0),
        seen(layers.reflection, 0.0),
        seen(layers.transmission, 1.0),
        seen(layers.beam, 1.0),
    )


def _two_bands(
    albedo: Float[Array, "band column"],
    absorbed: Float[Array, "band snow1 column"],
    weights: tuple[float, ...],
) -> tuple[Float[Array, "band2 column"], Float[Array, "band2 snow1 column"]]:
    """Visible as it is; near infrared as the mean of its four bands with the weights of sunlight."""

    def mean(values: Array) -> Array:
        total = jnp.zeros_like(values[0])
        for band, weight in enumerate(weights, start=1):
            total = total + weight * values[band]
        return jnp.stack([values[0], total / sum(weights)])

    return mean(albedo), mean(absorbed)


def _grazing(
    albedo: Float[Array, "band2 column"],
    absorbed: Float[Array, "band2 snow1 column"],
    total_weight: float,
    pack: SnowPack,
    cosine: Float[Array, " column"],
) -> tuple[Float[Array, "band2 column"], Float[Array, "band2 snow1 column"]]:
    """Correct the near-infrared albedo of a direct beam below 15 degrees (Dang et al., eq. 6 and 7).

    Factor c1 (log10(r) - 6) + c0 with the grain radius of the top layer (um) and polynomials of the
    cosine; what more is reflected is not absorbed by the top layer.
    """
    grazing = cosine < GRAZING_COSINE
    top = top_snow_layer(pack.snow_index)
    radius = jnp.max(jnp.where(top, jnp.floor(pack.grain_radius + 0.5), 1.0), axis=0)
    mu = cosine
    slope = 0.085730 - 0.630883 * mu + 1.303723 * mu * mu
    offset = 1.467291 - 3.338043 * mu + 6.807489 * mu * mu
    factor = jnp.where(grazing, slope * (jnp.log10(radius) - 6.0) + offset, 1.0)
    more = albedo[1] * (factor - 1.0) * total_weight
    first = jnp.concatenate([top, jnp.zeros_like(top[:1])])
    changed = absorbed[1] - jnp.where(first & grazing, more, 0.0)
    return jnp.stack([albedo[0], albedo[1] * factor]), jnp.stack([absorbed[0], changed])
