"""Frozen dataclasses that JAX sees as trees of arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

import jax

_Class = TypeVar("_Class")


@dataclass_transform(frozen_default=True)
def pytree_dataclass(cls: type[_Class]) -> type[_Class]:
    """Make a class a frozen dataclass whose fields are the leaves of a JAX pytree."""
    frozen = dataclass(frozen=True)(cls)
    jax.tree_util.register_dataclass(frozen)
    return frozen
