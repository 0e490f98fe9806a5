"""Two-stream transfer of light through a canopy of leaves and stems.

Symbols follow Sellers (1985, Int. J. Remote Sens. 6, 1335-1372) and the CLM4.5 technical note
(Oleson et al. 2013, NCAR/TN-503+STR, section 3.1; sunlit and shaded parts: Bonan et al. 2011,
J. Geophys. Res. 116, G02014). `K` is the optical depth of the direct beam per unit leaf and stem area,
`m` the mean optical depth of diffuse light per unit area (the "average inverse", often written
mu-bar), `w` the scattering coefficient of the elements and `h` the attenuation of diffuse light.
Functions treat one band at a time; the order of operations is part of the result (see `rounding`).
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.rounding import exponential, product, quotient
from kiloland.land.parameters import VegetationOptics
from kiloland.land.pytree import pytree_dataclass

FREEZING_POINT = 273.15
"""Temperature at and below which a wet canopy counts as snow-covered, K."""
SNOW_SCATTERING = (0.8, 0.4)
"""Scattering coefficient of intercepted snow, visible and near infrared."""
SNOW_UPSCATTER = 0.5
"""Upscatter parameter of intercepted snow, direct and diffuse."""
SMALLEST_COSINE = 0.001
"""Lower limit of the cosine of the zenith angle by day."""
LARGEST_DEPTH = 40.0
"""Upper limit of the optical depth of the canopy."""
SMALLEST_AREA = 1.0e-6
"""Lower limit of the divisor in leaf and stem shares, and of reflectance and transmittance."""
SMALLEST_GROUND_ALBEDO = 1.0e-6
"""The solution divides by the ground albedo; a smaller one is raised to this."""
RESONANCE = 1.0e-8
"""Relative distance of K and h below which the solution is taken this far away from K = h."""


@pytree_dataclass
class LeafGeometry:
    """Directional properties of the canopy, the same for all bands."""

    beam_extinction: Float[Array, " patch"]
    """K = G(mu)/mu: direct beam intercepted per unit area of leaves and stems."""
    mean_depth: Float[Array, " patch"]
    """m: the mean over the hemisphere of mu'/G(mu')."""
    projection: Float[Array, " patch"]
    """G: projected area of leaves and stems in the direction of the beam, per unit area."""
    beam_normaliser: Float[Array, " patch"]
    """G + phi2 mu."""
    single_scattering: Float[Array, " patch"]
    """1 - (phi1 mu / (G + phi2 mu)) ln((phi1 mu + G + phi2 mu) / (phi1 mu))."""
    angle_index: Float[Array, " patch"]
    """chi: leaf angle index, limited to -0.4..0.6 and kept 0.01 away from 0."""


@pytree_dataclass
class Scattering:
    """Scattering coefficient and upscatter parameters of leaves, stems and intercepted snow, in one band."""

    coefficient: Float[Array, " patch"]
    direct_upscatter: Float[Array, " patch"]
    diffuse_upscatter: Float[Array, " patch"]


@pytree_dataclass
class TwoStreamFluxes:
    """Fluxes per unit flux that meets the top of the canopy (direct, or diffuse)."""

    albedo: Float[Array, " patch"]
    transmitted_diffuse: Float[Array, " patch"]
    """Diffuse flux that reaches the ground."""
    sunlit_integral: Float[Array, " patch"]
    """a1 + a2: the diffuse flux in the canopy, up and down, integrated over the sunlit leaves."""


@pytree_dataclass
class _Medium:
    """Coefficients shared by the direct and the diffuse problem (equations 3.15-3.30 of the note)."""

    b: Float[Array, " patch"]
    c: Float[Array, " patch"]
    d: Float[Array, " patch"]
    f: Float[Array, " patch"]
    h: Float[Array, " patch"]
    mh: Float[Array, " patch"]
    K: Float[Array, " patch"]
    mK: Float[Array, " patch"]
    sigma: Float[Array, " patch"]
    S1: Float[Array, " patch"]
    S2: Float[Array, " patch"]


def leaf_geometry(
    leaf_angle_index: Float[Array, " patch"], cosine_zenith: Float[Array, " patch"]
) -> LeafGeometry:
    """Direction-dependent interception of light by leaves of a mean inclination.

    phi1 = 0.5 - 0.633 chi - 0.33 chi^2, phi2 = 0.877 (1 - 2 phi1), G = phi1 + phi2 mu, K = G/mu,
    m = (1 - (phi1/phi2) ln((phi1+phi2)/phi1)) / phi2 (note, equations 3.3-3.10). `cosine_zenith` must be
    above 0; it is raised to 0.001.
    """
    chi = jnp.clip(leaf_angle_index, -0.4, 0.6)
    chi = jnp.where(jnp.abs(chi) <= 0.01, 0.01, chi)
    mu = jnp.maximum(SMALLEST_COSINE, cosine_zenith)
    phi1 = 0.5 - product(0.633, chi) - product(0.330 * chi, chi)
    phi2 = 0.877 * (1.0 - 2.0 * phi1)
    G = phi1 + product(phi2, mu)
    t0 = G + product(phi2, mu)
    t1 = product(phi1, mu)
    return LeafGeometry(
        beam_extinction=quotient(G, mu),
        mean_depth=quotient(1.0 - product(phi1 / phi2, jnp.log((phi1 + phi2) / phi1)), phi2),
        projection=G,
        beam_normaliser=t0,
        single_scattering=1.0 - product(t1 / t0, jnp.log((t1 + t0) / t1)),
        angle_index=chi,
    )


def canopy_scattering(
    optics: VegetationOptics,
    band: int,
    geometry: LeafGeometry,
    leaf_area: Float[Array, " patch"],
    stem_area: Float[Array, " patch"],
    wet_fraction: Float[Array, " patch"],
    frozen: Bool[Array, " patch"],
) -> Scattering:
    """Scattering by leaves and stems, mixed with that of snow on the wet part of a frozen canopy.

    rho and tau are means of leaf and stem by area, at least 1e-6; w = rho + tau;
    beta_direct = (1 + mK)/(w m K) a_s with a_s = 0.5 w (G/t0) t2;
    beta_diffuse = 0.5 (w + (rho - tau) ((1 + chi)/2)^2) / w (note, equations 3.11-3.14, 3.48-3.51).
    """
    area = jnp.maximum(leaf_area + stem_area, SMALLEST_AREA)
    leaf_share, stem_share = quotient(leaf_area, area), quotient(stem_area, area)
    rho = jnp.maximum(
        product(optics.leaf_reflectance[band], leaf_share)
        + product(optics.stem_reflectance[band], stem_share),
        SMALLEST_AREA,
    )
    tau = jnp.maximum(
        product(optics.leaf_transmittance[band], leaf_share)
        + product(optics.stem_transmittance[band], stem_share),
        SMALLEST_AREA,
    )
    w, m, K = rho + tau, geometry.mean_depth, geometry.beam_extinction
    a_s = product(
        quotient(0.5 * w * geometry.projection, geometry.beam_normaliser), geometry.single_scattering
    )
    beta_direct = product(quotient(1.0 + product(m, K), w * m * K), a_s)
    inclination = (1.0 + geometry.angle_index) / 2.0
    beta_diffuse = quotient(0.5 * (w + product(rho - tau, inclination * inclination)), w)

    dry, wet = product(1.0 - wet_fraction, w), product(wet_fraction, SNOW_SCATTERING[band])
    mixed = dry + wet
    mixed_direct = quotient(product(dry, beta_direct) + wet * SNOW_UPSCATTER, mixed)
    mixed_diffuse = quotient(product(dry, beta_diffuse) + wet * SNOW_UPSCATTER, mixed)
    return Scattering(
        coefficient=jnp.where(frozen, mixed, w),
        direct_upscatter=jnp.where(frozen, mixed_direct, beta_direct),
        diffuse_upscatter=jnp.where(frozen, mixed_diffuse, beta_diffuse),
    )


def two_stream(
    geometry: LeafGeometry,
    scattering: Scattering,
    area: Float[Array, " patch"],
    ground_direct: Float[Array, " patch"],
    ground_diffuse: Float[Array, " patch"],
) -> tuple[TwoStreamFluxes, TwoStreamFluxes, Float[Array, " patch"]]:
    """Solve the two-stream equations for a unit direct and a unit diffuse flux.

    `area` is leaf plus stem area (above 0), the ground albedos lie in 0..1. Returns the answer to the
    direct flux, to the diffuse flux, and the direct flux that reaches the ground, S2 = exp(-K area).
    """
    medium = _medium(geometry, scattering, area)
    ground_direct = jnp.maximum(ground_direct, SMALLEST_GROUND_ALBEDO)
    ground_diffuse = jnp.maximum(ground_diffuse, SMALLEST_GROUND_ALBEDO)
    return _solve_direct(medium, ground_direct), _solve_diffuse(medium, ground_diffuse), medium.S2


def _medium(geometry: LeafGeometry, scattering: Scattering, area: Float[Array, " patch"]) -> _Medium:
    """b, c, d, f, h, sigma and the transmissions S1 = exp(-h L), S2 = exp(-K L) of the note.

    Where K meets h the solution is a removable 0/0 (sigma = 0); there K is moved to h (1 + 1e-8).
    """
    w, m = scattering.coefficient, geometry.mean_depth
    beta_direct, beta_diffuse = scattering.direct_upscatter, scattering.diffuse_upscatter
    c = product(w, beta_diffuse)
    b = 1.0 - w + c
    squares = product(b, b) - product(c, c)
    h = quotient(jnp.sqrt(squares), m)
    K = geometry.beam_extinction
    K = jnp.where(jnp.abs(K - h) < RESONANCE * h, h * (1.0 + RESONANCE), K)
    mK = product(m, K)
    return _Medium(
        b=b,
        c=c,
        d=product(mK * w, beta_direct),
        f=product(mK * w, 1.0 - beta_direct),
        h=h,
        mh=product(m, h),
        K=K,
        mK=mK,
        sigma=product(mK, mK) - squares,
        S1=exponential(-jnp.minimum(h * area, LARGEST_DEPTH)),
        S2=exponential(-jnp.minimum(K * area, LARGEST_DEPTH)),
    )


def _boundary_terms(q: _Medium, ground: Float[Array, " patch"]) -> tuple[Float[Array, " patch"], ...]:
    """u1, u2 and the determinants d1, d2 for a ground albedo, with the factors u1 -+ mh, u2 +- mh."""
    p1, p2 = q.b + q.mh, q.b - q.mh
    u1, u2 = q.b - q.c / ground, q.b - product(q.c, ground)
    u1_minus, u1_plus, u2_plus, u2_minus = u1 - q.mh, u1 + q.mh, u2 + q.mh, u2 - q.mh
    d1 = p1 * u1_minus / q.S1 - product(p2 * u1_plus, q.S1)
    d2 = u2_plus / q.S1 - product(u2_minus, q.S1)
    return u1, u2, u1_minus, u1_plus, u2_plus, u2_minus, d1, d2


def _solve_direct(q: _Medium, ground: Float[Array, " patch"]) -> TwoStreamFluxes:
    """Constants h1..h6 and the fluxes they give for a unit direct flux (note, equations 3.31-3.42)."""
    u1, u2, u1_minus, u1_plus, u2_plus, u2_minus, d1, d2 = _boundary_terms(q, ground)
    p1, p2, p3, p4 = q.b + q.mh, q.b - q.mh, q.b + q.mK, q.b - q.mK
    u3 = q.f + product(q.c, ground)
    h1 = product(-q.d, p4) - product(q.c, q.f)
    h4 = product(-q.f, p3) - product(q.c, q.d)
    upscattered, scattered = quotient(h1, q.sigma), quotient(h4, q.sigma)
    top = q.d - h1 * p3 / q.sigma
    bottom = (q.d - q.c - product(upscattered, u1 + q.mK)) * q.S2
    h2 = (top * u1_minus / q.S1 - product(p2, bottom)) / d1
    h3 = -(product(top * u1_plus, q.S1) - product(p1, bottom)) / d1
    rest = product(u3 - product(scattered, u2 - q.mK), q.S2)
    h5 = -(scattered * u2_plus / q.S1 + rest) / d2
    h6 = quotient(product(scattered * u2_minus, q.S1) + rest, d2)
    beam = 1.0 - product(q.S2, q.S2)
    upward = _sunlit(q, upscattered * beam / (2.0 * q.K), h2, h3)
    downward = _sunlit(q, scattered * beam / (2.0 * q.K), h5, h6)
    return TwoStreamFluxes(
        albedo=upscattered + h2 + h3,
        transmitted_diffuse=h4 * q.S2 / q.sigma + product(h5, q.S1) + h6 / q.S1,
        sunlit_integral=upward + downward,
    )


def _solve_diffuse(q: _Medium, ground: Float[Array, " patch"]) -> TwoStreamFluxes:
    """Constants h7..h10 and the fluxes they give for a unit diffuse flux (note, equations 3.43-3.47)."""
    _, _, u1_minus, u1_plus, u2_plus, u2_minus, d1, d2 = _boundary_terms(q, ground)
    h7 = q.c * u1_minus / (d1 * q.S1)
    h8 = -q.c * u1_plus * q.S1 / d1
    h9 = u2_plus / (d2 * q.S1)
    h10 = quotient(-u2_minus * q.S1, d2)
    return TwoStreamFluxes(
        albedo=h7 + h8,
        transmitted_diffuse=product(h9, q.S1) + h10 / q.S1,
        sunlit_integral=_sunlit(q, 0.0, h7, h8) + _sunlit(q, 0.0, h9, h10),
    )


def _sunlit(
    q: _Medium,
    beam: Float[Array, " patch"] | float,
    decaying: Float[Array, " patch"],
    growing: Float[Array, " patch"],
) -> Float[Array, " patch"]:
    """Integral over the sunlit leaves (weight exp(-K x)) of decaying exp(-h x) + growing exp(h x).

    `beam` is the integral of the part that goes with exp(-K x), which is added first.
    """
    both = 1.0 - product(q.S2, q.S1)
    return beam + decaying * both / (q.K + q.h) + growing * (1.0 - q.S2 / q.S1) / (q.K - q.h)
