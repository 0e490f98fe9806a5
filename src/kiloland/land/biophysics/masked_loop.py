"""A loop that stops when no lane needs another pass, with reverse-mode gradients.

The forward pass is an early-stopping `while_loop`. Its gradient is that of the passes which were made: a
differentiated call keeps what each pass began with and walks back through them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

Tree = Any
Body = Callable[[Tree, Tree, Tree], tuple[Tree, Tree]]
"""(values, flags, constants) -> the next (values, flags)."""


def masked_loop(
    body: Body, needed: Callable[[Tree], Array], values: Tree, flags: Tree, constants: Tree, most: int
) -> tuple[Tree, Tree]:
    """Repeat `body` while `needed(flags)` is true, at most `most` times.

    Args:
        body: pure and without closed-over arrays; lanes that are done must keep their values (`where`).
        needed: a boolean scalar from the flags.
        values: trees of floating-point arrays, with gradients.
        flags: trees of integer or boolean arrays, without.
        constants: trees of floating-point arrays, read by every pass, with gradients.
        most: bound on the number of passes.
    """
    result: tuple[Tree, Tree] = _loop(body, needed, most, values, flags, constants)
    return result


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _loop(
    body: Body, needed: Callable[[Tree], Array], most: int, values: Tree, flags: Tree, constants: Tree
) -> tuple[Tree, Tree]:
    def go_on(carry: tuple[Array, Tree, Tree]) -> Array:
        count, _, now = carry
        return (count < most) & needed(now)

    def once(carry: tuple[Array, Tree, Tree]) -> tuple[Array, Tree, Tree]:
        count, old, now = carry
        return count + 1, *body(old, now, constants)

    _, values, flags = jax.lax.while_loop(go_on, once, (jnp.asarray(0), values, flags))
    return values, flags


def _forward(
    body: Body, needed: Callable[[Tree], Array], most: int, values: Tree, flags: Tree, constants: Tree
) -> tuple[tuple[Tree, Tree], tuple[Array, Tree, Tree]]:
    def store(history: Tree, now: Tree, count: Array) -> Tree:
        return jax.tree.map(lambda kept, new: kept.at[count].set(new), history, now)

    def go_on(carry: tuple[Array, Tree, Tree, Tree]) -> Array:
        return (carry[0] < most) & needed(carry[2])

    def once(carry: tuple[Array, Tree, Tree, Tree]) -> tuple[Array, Tree, Tree, Tree]:
        count, old, now, history = carry
        history = store(history, (old, now), count)
        return count + 1, *body(old, now, constants), history

    empty = jax.tree.map(lambda a: jnp.zeros((most, *jnp.shape(a)), jnp.asarray(a).dtype), (values, flags))
    count, values, flags, history = jax.lax.while_loop(go_on, once, (jnp.asarray(0), values, flags, empty))
    return (values, flags), (count, history, constants)


def _backward(
    body: Body,
    needed: Callable[[Tree], Array],
    most: int,
    residuals: tuple[Array, Tree, Tree],
    cotangents: tuple[Tree, Tree],
) -> tuple[Tree, None, Tree]:
    del needed, most
    count, history, constants = residuals

    def once(carry: tuple[Array, Tree, Tree]) -> tuple[Array, Tree, Tree]:
        index, upon_values, upon_constants = carry
        index = index - 1
        old, now = jax.tree.map(lambda kept: kept[index], history)
        _, pull = jax.vjp(lambda v, c: body(v, now, c)[0], old, constants)
        upon_values, more = pull(upon_values)
        return index, upon_values, jax.tree.map(jnp.add, upon_constants, more)

    none = jax.tree.map(jnp.zeros_like, constants)
    start = (count, cotangents[0], none)
    _, upon_values, upon_constants = jax.lax.while_loop(lambda carry: carry[0] > 0, once, start)
    return upon_values, None, upon_constants


_loop.defvjp(_forward, _backward)
