"""Lakes on ELM's files: their state in a restart, their shape in the surface file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.land.biophysics.aerosol import Aerosol
from kiloland.land.biophysics.lake_layers import lake_grid
from kiloland.land.biophysics.lake_surface import LakeShape, extinction_of_depth, fetch_of_depth
from kiloland.land.biophysics.snow_aging import GrainTables
from kiloland.land.biophysics.snow_optics import SnowOptics
from kiloland.land.lake_state import LakeState
from kiloland.land.lake_step import LakeConstants
from kiloland.land.soil_properties import lake_soil_properties
from kiloland.land.subgrid import ColumnGroup, ColumnType
from kiloland.run.restart import Restart, active_columns
from kiloland.run.surface import CellReader, Surface
from kiloland.variables import simulated_variables

LAKE_VARIABLES = {
    "water_temperature": "T_LAKE",
    "ice_fraction": "LAKE_ICEFRAC",
    "eddy_conductivity": "SAVEDTKE1",
    "friction_velocity": "USTLAKE",
    "roughness": "Z0MG",
    "leaf_temperature": "T_VEG",
}
"""Restart variables of fields that columns of soil have not, or that lakes alone advance."""
_AEROSOL_FIELDS = tuple(species.name.lower() for species in Aerosol)


@dataclasses.dataclass(frozen=True)
class LakeField:
    """Where a field of the state is in a restart: its variables and whether it is the patch's."""

    variables: tuple[str, ...]
    on_patch: bool


def lake_fields() -> dict[str, LakeField]:
    """The restart variables of every field of the state of lakes; particles are one for each species."""
    parts = {variable.state: variable.name for variable in simulated_variables()}
    found = {}
    for field in dataclasses.fields(LakeState):
        name = field.name
        column, patch = f"column.{name}", f"patch.{name}"
        if name == "aerosol_mass":
            species = tuple(parts[f"column.{one}"] for one in _AEROSOL_FIELDS)
            found[name] = LakeField(species, on_patch=False)
        elif column in parts:
            found[name] = LakeField((parts[column],), on_patch=False)
        elif patch in parts:
            found[name] = LakeField((parts[patch],), on_patch=True)
        else:
            found[name] = LakeField((LAKE_VARIABLES[name],), on_patch=False)
    return found


def lake_columns(restart: Restart) -> ColumnGroup:
    """The active lake columns of a restart.

    Raises:
        InputError: a lake with more than one patch.
    """
    group = active_columns(restart, ColumnType.LAKE)
    if group.patches != group.columns:
        raise InputError(
            "not one patch on each lake", file=restart.path, found=group.patches, expected=group.columns
        )
    return group


def load_lakes(restart: Restart, group: ColumnGroup) -> LakeState:
    """The state of lake columns of a restart, layers first.

    Raises:
        InputError: a variable of lakes is missing.
    """
    values: dict[str, Array] = {}
    for name, field in lake_fields().items():
        rows = group.patch_row if field.on_patch else group.column_row
        parts = []
        for variable in field.variables:
            if variable not in restart.values:
                raise InputError("variable missing", file=restart.path, variable=variable)
            parts.append(np.ascontiguousarray(restart.values[variable][rows].T))
        values[name] = jnp.asarray(np.stack(parts) if name == "aerosol_mass" else parts[0])
    return LakeState(**values)


def lay_lakes(restart: Restart, group: ColumnGroup, state: LakeState) -> dict[str, NDArray[np.generic]]:
    """The restart variables of lakes, whole vectors with the state laid over those of the restart."""
    laid = {}
    for name, field in lake_fields().items():
        rows = group.patch_row if field.on_patch else group.column_row
        value = np.asarray(getattr(state, name))
        parts = value if name == "aerosol_mass" else value[None]
        for variable, part in zip(field.variables, parts, strict=True):
            whole = restart.values[variable].copy()
            whole[rows] = part.T
            laid[variable] = whole
    return laid


def read_lake_shape(
    path: str | Path, positions: NDArray[np.int64], latitude: NDArray[np.float64]
) -> LakeShape:
    """Depth, fetch and extinction of the lakes of some cells (positions in the surface file).

    Fetch and extinction follow from the depth where the file has none or a value that is not positive.
    `latitude` in degrees.

    Raises:
        InputError: no depth, or one that is not positive.
    """
    with open_dataset(path) as dataset:
        reader = CellReader(dataset, positions)
        depth = jnp.asarray(reader.read("LAKEDEPTH"))
        if not bool(jnp.all(depth > 0.0)):
            raise InputError(
                "not a depth",
                file=dataset.path,
                variable="LAKEDEPTH",
                found=float(jnp.min(depth)),
                expected="more than 0 m",
            )
        fetch, extinction = reader.optional("LAKEFETCH"), reader.optional("ETALAKE")
    estimated, clear = fetch_of_depth(depth), extinction_of_depth(depth)
    return LakeShape(
        depth=depth,
        fetch=estimated if fetch is None else jnp.where(fetch > 0.0, fetch, estimated),
        extinction=clear if extinction is None else jnp.where(extinction > 0.0, extinction, clear),
        coriolis_sine=jnp.abs(jnp.sin(jnp.asarray(np.radians(latitude)))),
    )


def lake_constants(
    shape: LakeShape,
    surface: Surface,
    cells: NDArray[np.int64],
    optics: SnowOptics,
    grains: GrainTables,
) -> LakeConstants:
    """All that lakes need beside state and weather; `cells` of the surface data, one for each lake."""
    texture = (jnp.asarray(values[:, cells]) for values in (surface.sand, surface.clay, surface.organic))
    return LakeConstants(
        shape=shape,
        grid=lake_grid(shape.depth),
        soil=lake_soil_properties(*texture),
        optics=optics,
        grains=grains,
    )
