"""Photosynthesis and stomatal conductance of a leaf that agree with each other.

The CO2 inside the leaf is the root of one equation. ELM stops its search at a tolerance of one percent, so
the result depends on the way; this follows it: secant steps, then Brent's method once a root is enclosed.
"""

from __future__ import annotations

from typing import TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.biophysics.masked_loop import masked_loop
from kiloland.land.pytree import pytree_dataclass

_RELATIVE_STEP = 1.0e-2
_SMALL_RESIDUAL = 1.0e-4
_FIRST_STEP = 0.99
_SECANT_STEPS = 40
_BRENT_STEPS = 20
_MOST_PASSES = _SECANT_STEPS + _BRENT_STEPS + 6
_PRODUCT_COLIMITATION = 0.95
_PHOTONS = 4.6
_LEAST_SURFACE_CARBON = 1.0e-6
_Tree = TypeVar("_Tree")
FIRST, SECOND, SECANT, BRENT, BEST, DONE = range(6)
"""Phases of the search: two points, secant, Brent's method, one evaluation of the best so far, found."""


@pytree_dataclass
class LeafProblem:
    """Everything that photosynthesis of sunlit or shaded leaves depends on beside the CO2 inside."""

    carboxylation: Float[Array, "*lanes"]
    """V_c, umol m-2 s-1."""
    electron_transport: Float[Array, "*lanes"]
    """J, umol m-2 s-1."""
    product: Float[Array, "*lanes"]
    """Triose phosphate use, umol m-2 s-1."""
    carboxylase: Float[Array, "*lanes"]
    """Slope of PEP carboxylase of C4, umol m-2 s-1."""
    respiration: Float[Array, "*lanes"]
    light: Float[Array, "*lanes"]
    """Absorbed visible light, W m-2 of leaf."""
    compensation: Float[Array, "*lanes"]
    """Pa."""
    effective_michaelis: Float[Array, "*lanes"]
    """Pa."""
    quantum_efficiency: Float[Array, "*lanes"]
    colimitation: Float[Array, "*lanes"]
    minimum_conductance: Float[Array, "*lanes"]
    """umol m-2 s-1."""
    conductance_slope: Float[Array, "*lanes"]
    boundary_conductance: Float[Array, "*lanes"]
    """umol m-2 s-1."""
    air_carbon: Float[Array, "*lanes"]
    """CO2 of the air, Pa."""
    relative_humidity: Float[Array, "*lanes"]
    """Of canopy air, against saturation at leaf temperature, at most 1."""
    pressure: Float[Array, "*lanes"]
    """Pa."""
    c3: Float[Array, "*lanes"]
    """1 C3, 0 C4."""


@pytree_dataclass
class LeafState:
    """Photosynthesis at one CO2; rates in umol m-2 s-1."""

    gross: Float[Array, "*lanes"]
    net: Float[Array, "*lanes"]
    conductance: Float[Array, "*lanes"]
    """Of stomata for water vapour, umol m-2 s-1."""
    rubisco_limited: Float[Array, "*lanes"]
    light_limited: Float[Array, "*lanes"]
    product_limited: Float[Array, "*lanes"]


@pytree_dataclass
class _Search:
    """Points and residuals of a search; names of Brent's method (a, b, c, d, e) where it runs."""

    a: Float[Array, "*lanes"]
    b: Float[Array, "*lanes"]
    c: Float[Array, "*lanes"]
    f_a: Float[Array, "*lanes"]
    f_b: Float[Array, "*lanes"]
    f_c: Float[Array, "*lanes"]
    d: Float[Array, "*lanes"]
    e: Float[Array, "*lanes"]
    tolerance: Float[Array, "*lanes"]
    best: Float[Array, "*lanes"]
    f_best: Float[Array, "*lanes"]
    leaf: LeafState


@pytree_dataclass
class _Flags:
    phase: Int[Array, "*lanes"]
    steps: Int[Array, "*lanes"]


def solve_leaf(problem: LeafProblem, lit: Bool[Array, "*lanes"]) -> LeafState:
    """Photosynthesis and conductance of leaves in light; lanes without are evaluated but not iterated.

    Root of f(c_i) = c_i - c_a + A p (1.4 g_s + 1.6 g_b) / (g_b g_s). From 0.7 c_a (C4 0.4 c_a) secant steps
    until a step is below 1 percent, |f| <= 1e-4 Pa or two points enclose the root; then Brent's method to
    2 percent. Where net photosynthesis is negative the search ends and g_s is the minimum.
    """
    first = jnp.where(problem.c3 > 0.5, 0.7, 0.4) * problem.air_carbon
    zero = jnp.zeros_like(first)
    nothing = LeafState(zero, zero, problem.minimum_conductance, zero, zero, zero)
    empty = _Search(
        a=zero,
        b=first,
        c=zero,
        f_a=zero,
        f_b=zero,
        f_c=zero,
        d=zero,
        e=zero,
        tolerance=zero,
        best=zero,
        f_best=zero,
        leaf=nothing,
    )
    phase = jnp.where(lit, FIRST, DONE).astype(jnp.int32)
    flags = _Flags(phase=phase, steps=jnp.zeros_like(phase))
    end, _ = masked_loop(_one_step, _any_searching, empty, flags, problem, _MOST_PASSES)
    leaf: LeafState = end.leaf
    conductance = jnp.where(leaf.net < 0.0, problem.minimum_conductance, leaf.conductance)
    return LeafState(
        gross=leaf.gross,
        net=leaf.net,
        conductance=conductance,
        rubisco_limited=leaf.rubisco_limited,
        light_limited=leaf.light_limited,
        product_limited=leaf.product_limited,
    )


def carbon_residual(
    carbon: Float[Array, "*lanes"], problem: LeafProblem
) -> tuple[Float[Array, "*lanes"], LeafState]:
    """f(c_i) and the state of the leaf; f is 0 where net photosynthesis is negative.

    C3: A_c = V (c - G) / (c + K), A_j = J (c - G) / (4 c + 8 G), A_p = 3 T. C4: A_c = V, A_j = q 4.6 light,
    A_p = k c / p. Co-limitation by the smaller roots of theta A^2 - (A_1 + A_2) A + A_1 A_2 = 0. Ball and
    Berry g = m A h_s p / c_s + b with h_s = (g_b h + g) / (g_b + g) as a quadratic in g.
    """
    p, c3 = problem, problem.c3 > 0.5
    above = jnp.maximum(carbon - p.compensation, 0.0)
    rubisco = p.carboxylation * jnp.where(c3, above / (carbon + p.effective_michaelis), 1.0)
    light = jnp.where(
        c3,
        p.electron_transport * above / (4.0 * carbon + 8.0 * p.compensation),
        p.quantum_efficiency * p.light * _PHOTONS,
    )
    product = jnp.where(c3, 3.0 * p.product, p.carboxylase * jnp.maximum(carbon, 0.0) / p.pressure)
    both = smaller_root(p.colimitation, rubisco + light, rubisco * light)
    gross = smaller_root(jnp.full_like(both, _PRODUCT_COLIMITATION), both + product, both * product)
    net = gross - p.respiration
    gains = net >= 0.0
    gain = jnp.where(gains, net, 0.0)
    surface = p.air_carbon - 1.4 / p.boundary_conductance * gain * p.pressure
    surface = jnp.maximum(surface, _LEAST_SURFACE_CARBON)
    slope = p.conductance_slope * gain * p.pressure
    linear = surface * (p.boundary_conductance - p.minimum_conductance) - slope
    constant = -p.boundary_conductance * (surface * p.minimum_conductance + slope * p.relative_humidity)
    conductance = larger_root(surface, linear, constant)
    drawdown = gain * p.pressure * (1.4 * conductance + 1.6 * p.boundary_conductance)
    residual = carbon - p.air_carbon + drawdown / (p.boundary_conductance * conductance)
    state = LeafState(
        gross=gross,
        net=net,
        conductance=conductance,
        rubisco_limited=rubisco,
        light_limited=light,
        product_limited=product,
    )
    return jnp.where(gains, residual, 0.0), state


def smaller_root(
    curvature: Float[Array, "..."], total: Float[Array, "..."], product: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Smaller root of a x^2 - s x + p = 0 for a, s, p >= 0 and s^2 >= 4 a p; 0 where s is 0."""
    inside = total * total - 4.0 * curvature * product
    positive = inside > 0.0
    root = jnp.where(positive, jnp.sqrt(jnp.where(positive, inside, 1.0)), 0.0)
    half = 0.5 * (total + root)
    present = half > 0.0
    safe = jnp.where(present, half, 1.0)
    return jnp.where(present, jnp.minimum(safe / curvature, product / safe), 0.0)


def larger_root(
    square: Float[Array, "..."], linear: Float[Array, "..."], constant: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Larger root of a x^2 + b x + c = 0 for a > 0 > c."""
    root = jnp.sqrt(linear * linear - 4.0 * square * constant)
    half = jnp.where(linear >= 0.0, -0.5 * (linear + root), -0.5 * (linear - root))
    return jnp.maximum(half / square, constant / half)


def _any_searching(flags: _Flags) -> Array:
    return jnp.any(flags.phase != DONE)


def _one_step(search: _Search, flags: _Flags, problem: LeafProblem) -> tuple[_Search, _Flags]:
    """One evaluation in every lane that still searches, by the method of its phase."""
    begins, second = flags.phase == FIRST, flags.phase == SECOND
    secant, brent = flags.phase == SECANT, flags.phase == BRENT
    step = _secant_step(search)
    point = jnp.where(begins, search.b, jnp.where(second, search.b * _FIRST_STEP, search.b + step))
    tolerance = jnp.abs(point) * _RELATIVE_STEP
    short = secant & (jnp.abs(step) < tolerance)
    ready, accurate = _brent_step(search)
    point = jnp.where(brent, ready.b, jnp.where(flags.phase == BEST, search.best, point))
    still = (flags.phase != DONE) & ~short & ~(brent & accurate)
    point = jnp.where(still, point, search.b)
    residual, leaf = carbon_residual(point, problem)
    steps = jnp.where(secant | brent, flags.steps + 1, flags.steps)
    after = _next_phase(flags.phase, steps, residual, search.f_b)
    phase = jnp.where(still, after, DONE).astype(jnp.int32)
    lower = begins | (residual < search.f_best)
    by_secant = _Search(
        a=search.b,
        b=point,
        c=point,
        f_a=search.f_b,
        f_b=residual,
        f_c=residual,
        d=search.d,
        e=search.e,
        tolerance=tolerance,
        best=jnp.where(lower, point, search.best),
        f_best=jnp.where(lower, residual, search.f_best),
        leaf=leaf,
    )
    moved = _choose(brent, _replaced(ready, f_b=residual, leaf=leaf), by_secant)
    restart = secant & (phase == BRENT)
    return _choose(still, moved, search), _Flags(
        phase=phase, steps=jnp.where(restart, 0, jnp.where(still, steps, flags.steps))
    )


def _next_phase(phase: Array, steps: Array, residual: Array, last: Array) -> Array:
    """What follows an evaluation; `steps` counts those of the secant or of Brent's method."""
    zero, flat = residual == 0.0, jnp.abs(residual) <= _SMALL_RESIDUAL
    after_secant = jnp.where(steps > _SECANT_STEPS, BEST, SECANT)
    after_secant = jnp.where(residual * last < 0.0, BRENT, after_secant)
    after_secant = jnp.where(flat, DONE, after_secant)
    after = jnp.where(phase == FIRST, SECOND, SECANT)
    after = jnp.where((phase == FIRST) | (phase == SECOND), jnp.where(zero, DONE, after), DONE)
    after = jnp.where(phase == SECANT, after_secant, after)
    return jnp.where(phase == BRENT, jnp.where(zero | (steps >= _BRENT_STEPS), DONE, BRENT), after)


def _secant_step(search: _Search) -> Array:
    difference = search.f_b - search.f_a
    flat = difference == 0.0
    return jnp.where(flat, 0.0, -search.f_b * (search.b - search.a) / jnp.where(flat, 1.0, difference))


def _brent_step(search: _Search) -> tuple[_Search, Array]:
    """The next point b of Brent's method (Brent 1973, ch. 4) and lanes where the old one is good enough."""
    s = search
    same_side = ((s.f_b > 0.0) & (s.f_c > 0.0)) | ((s.f_b < 0.0) & (s.f_c < 0.0))
    c, f_c = jnp.where(same_side, s.a, s.c), jnp.where(same_side, s.f_a, s.f_c)
    d = jnp.where(same_side, s.b - s.a, s.d)
    e = jnp.where(same_side, d, s.e)
    swap = jnp.abs(f_c) < jnp.abs(s.f_b)
    a, f_a = jnp.where(swap, s.b, s.a), jnp.where(swap, s.f_b, s.f_a)
    b, f_b = jnp.where(swap, c, s.b), jnp.where(swap, f_c, s.f_b)
    c, f_c = jnp.where(swap, a, c), jnp.where(swap, f_a, f_c)
    width = 2.0 * _RELATIVE_STEP * jnp.abs(b) + 0.5 * s.tolerance
    middle = 0.5 * (c - b)
    accurate = (jnp.abs(middle) <= width) | (f_b == 0.0)
    p, q = _interpolation(a, b, c, f_a, f_b, f_c, middle)
    inside = 2.0 * p < jnp.minimum(3.0 * middle * q - jnp.abs(width * q), jnp.abs(e * q))
    use = (jnp.abs(e) >= width) & (jnp.abs(f_a) > jnp.abs(f_b)) & inside
    move = jnp.where(use, p / jnp.where(use, q, 1.0), middle)
    last = jnp.where(use, d, move)
    least = jnp.where(middle >= 0.0, width, -width)
    target = b + jnp.where(jnp.abs(move) > width, move, least)
    return _replaced(s, a=b, f_a=f_b, b=target, f_b=f_b, c=c, f_c=f_c, d=move, e=last), accurate


def _interpolation(
    a: Array, b: Array, c: Array, f_a: Array, f_b: Array, f_c: Array, middle: Array
) -> tuple[Array, Array]:
    """Numerator (at least 0) and denominator of the step, secant or inverse quadratic."""
    safe_a, safe_c = jnp.where(f_a != 0.0, f_a, 1.0), jnp.where(f_c != 0.0, f_c, 1.0)
    s = f_b / safe_a
    u, r = f_a / safe_c, f_b / safe_c
    p = jnp.where(a == c, 2.0 * middle * s, s * (2.0 * middle * u * (u - r) - (b - a) * (r - 1.0)))
    q = jnp.where(a == c, 1.0 - s, (u - 1.0) * (r - 1.0) * (s - 1.0))
    return jnp.abs(p), jnp.where(p > 0.0, -q, q)


def _replaced(search: _Search, **changes: Array | LeafState) -> _Search:
    fields = {name: getattr(search, name) for name in _Search.__dataclass_fields__}
    return _Search(**{**fields, **changes})


def _choose(condition: Array, one: _Tree, other: _Tree) -> _Tree:
    chosen: _Tree = jax.tree.map(lambda a, b: jnp.where(condition, a, b), one, other)
    return chosen
