"""From input files to what the compiled step needs: blocks of columns with their constants."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.atmosphere.orbit import cosine_zenith, declination, orbital_parameters, zenith_day
from kiloland.land.parameters import Parameters
from kiloland.land.soil_properties import SoilProperties, soil_properties
from kiloland.land.step import ColumnConstants
from kiloland.land.subgrid import Block, ColumnGroup, split_into_blocks
from kiloland.run.surface import Surface


@dataclass(frozen=True)
class PreparedGroup:
    """A column group cut into blocks, each with its constants on the device."""

    group: ColumnGroup
    blocks: list[Block]
    constants: list[Any]
    """Of the type that the step takes: ``ColumnConstants``, or ``LandConstants`` for all processes."""


def prepare_group(
    group: ColumnGroup,
    surface: Surface,
    parameters: Parameters,
    columns_per_block: int,
    slots: int | None = None,
) -> PreparedGroup:
    """Cut a group into blocks and work out the soil properties of its columns.

    Args:
        group: its ``gridcell`` positions are those of the surface data's last axis.
        surface: surface data of the same cells.
        parameters: plant parameters.
        columns_per_block: multiple of 64.
        slots: most patches of a column on any rank, so that all ranks compile the same code.
    """
    blocks = split_into_blocks(group, columns_per_block, slots)
    constants = [column_constants(group, block, surface, parameters) for block in blocks]
    return PreparedGroup(group, blocks, constants)


def column_constants(
    group: ColumnGroup, block: Block, surface: Surface, parameters: Parameters
) -> ColumnConstants:
    """Soil, plants and index of a block of soil columns."""
    cells = group.gridcell[block.column_take]
    texture = (jnp.asarray(values[:, cells]) for values in (surface.sand, surface.clay, surface.organic))
    return ColumnConstants(
        soil=_properties()(*texture),
        soil_colour=jnp.asarray(surface.colour[cells], jnp.int32),
        parameters=parameters,
        index=block.index,
    )


@cache
def _properties() -> Callable[..., SoilProperties]:
    """Compiled once, for blocks of one size."""
    return jax.jit(soil_properties)


def zenith_at_ends(
    first: int, dtime: int, count: int, longitude: np.ndarray, latitude: np.ndarray, orbital_year: int
) -> np.ndarray:
    """Cosine of the zenith angle at the end of each step, ``[step, cell]``: that of the next albedo.

    Args:
        first: start of the first step, seconds since 0001-01-01.
        dtime: length of a step, s.
        count: number of steps.
        longitude, latitude: of the cells, degrees.
        orbital_year: year AD of the orbit.
    """
    day = zenith_day(first + dtime * np.arange(1, count + 1, dtype=np.int64), dtime)
    delta, _ = declination(orbital_parameters(orbital_year), day)
    radian = math.pi / 180.0
    return cosine_zenith(day[:, None], longitude * radian, latitude * radian, delta[:, None])
