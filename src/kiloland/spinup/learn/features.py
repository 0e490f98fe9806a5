"""What the network sees of a cell: plant types, soil layers, climate, ground; never its place.

One token a plant type that is present (traits, cover, pools, fluxes; its number is not told, only its
traits), one a soil layer (all pools of the layer, scalars, texture, depth), one for the climate and one for
ground, phosphorus, deposition and fluxes of the cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.spinup.cascade import LAYERS, layers
from kiloland.spinup.dataset.fields import (
    CELL_FLUXES,
    FORCING,
    LAYER_FLUXES,
    LAYER_POOLS,
    PATCH_FLUXES,
    PATCH_POOLS,
    PATCH_TENDENCIES,
    SURFACE_CELL,
    SURFACE_LAYERS,
    TRAITS,
    namelist_lines,
)
from kiloland.spinup.dataset.table import CellTable
from kiloland.spinup.learn.climate import climate_features
from kiloland.spinup.learn.scalers import Scaler

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

SOIL_ORDERS: Final = 16
"""Classes of ``SOIL_ORDER``, told one by one."""


@dataclass(frozen=True)
class Inputs:
    """Scaled inputs of some cells: ``plant`` [cell, 17, number] with ``present`` [cell, 17], ``layer``
    [cell, 10, number], ``climate`` and ``ground`` [cell, number]."""

    plant: Float32
    present: Bool
    layer: Float32
    climate: Float32
    ground: Float32

    def take(self, rows: NDArray[np.int64]) -> Inputs:
        """The cells at these positions."""
        return Inputs(
            self.plant[rows], self.present[rows], self.layer[rows], self.climate[rows], self.ground[rows]
        )


@dataclass(frozen=True)
class FeatureSet:
    """Names of the variables that a network reads, and how they are scaled."""

    plant: tuple[str, ...]
    layer: tuple[str, ...]
    ground: tuple[str, ...]
    plant_scaler: Scaler
    layer_scaler: Scaler
    ground_scaler: Scaler

    @classmethod
    def fitted(cls, table: CellTable) -> FeatureSet:
        """From the training cells: every known variable that the data set holds and that varies."""
        plant = varying(table, plant_names(), "pft")
        layer = varying(table, layer_names(), "layer")
        ground = varying(table, ground_names(), "")
        return cls(
            plant,
            layer,
            ground,
            Scaler.fitted(plant_values(table, plant)[present(table)]),
            Scaler.fitted(layer_values(table, layer).reshape(-1, len(layer) + 1)),
            Scaler.fitted(ground_values(table, ground)),
        )

    def inputs(self, table: CellTable) -> Inputs:
        """The inputs of the cells. Raises InputError where a variable is missing."""
        for name in (*self.plant, *self.layer, *self.ground):
            if name not in table:
                raise missing_variable(name)
        soil = one_hot(table["surface_SOIL_ORDER"]) if "surface_SOIL_ORDER" in table else None
        if soil is None:
            raise missing_variable("surface_SOIL_ORDER")
        there = present(table)
        plant = self.plant_scaler.scaled(plant_values(table, self.plant)) * there[:, :, None]
        ground = self.ground_scaler.scaled(ground_values(table, self.ground))
        return Inputs(
            plant.astype(np.float32),
            there,
            self.layer_scaler.scaled(layer_values(table, self.layer)),
            climate_features(forcing(table)).astype(np.float32),
            np.concatenate([ground, soil], axis=1).astype(np.float32),
        )

    @property
    def widths(self) -> Mapping[str, int]:
        """Numbers of each kind of token."""
        from kiloland.spinup.learn.climate import CLIMATE_FEATURES

        return {
            "plant": len(self.plant) + 1,
            "layer": len(self.layer) + 1,
            "climate": CLIMATE_FEATURES,
            "ground": len(self.ground) + SOIL_ORDERS,
        }


def plant_names() -> tuple[str, ...]:
    """Variables of plant types that a data set may hold."""
    return (
        *(f"trait_{name}" for name in TRAITS),
        *(f"X_{name}" for name in PATCH_POOLS),
        *(f"patch_{name}" for name in PATCH_FLUXES),
        *(f"tendency_{name}" for name in PATCH_TENDENCIES),
    )


def layer_names() -> tuple[str, ...]:
    """Variables of soil layers that a data set may hold."""
    return (
        *(f"X_{name}" for name in LAYER_POOLS),
        *(f"flux_{name}" for name in LAYER_FLUXES),
        *(f"surface_{name}" for name in SURFACE_LAYERS),
    )


def ground_names() -> tuple[str, ...]:
    """Variables of cells that a data set may hold."""
    surface = tuple(f"surface_{name}" for name in SURFACE_CELL if name != "SOIL_ORDER")
    return (*surface, *(f"flux_{name}" for name in CELL_FLUXES))


def varying(table: CellTable, names: tuple[str, ...], dim: str) -> tuple[str, ...]:
    """The names that the table holds and that are not the same number everywhere."""
    chosen = []
    for name in names:
        if name in table and np.nanstd(table[name]) > 0.0:
            chosen.append(name)
    return tuple(chosen)


def present(table: CellTable) -> Bool:
    """Plant types that cover some of the column; bare ground is no plant type."""
    there = np.asarray(table["pft_cover"] > 0.0)
    there[:, 0] = False
    return there


def plant_values(table: CellTable, names: tuple[str, ...]) -> Float:
    """[cell, 17, number]: the variables, then cover."""
    member = table["member"].astype(np.int64)
    parts = [table[name][member] if name.startswith("trait_") else table[name] for name in names]
    return np.stack([*parts, table["pft_cover"]], axis=-1)


def layer_values(table: CellTable, names: tuple[str, ...]) -> Float:
    """[cell, 10, number]: the variables, then the depth of the node."""
    depth = np.broadcast_to(layers().node, (table.cells, LAYERS))
    return np.stack([*(table[name] for name in names), depth], axis=-1)


def ground_values(table: CellTable, names: tuple[str, ...]) -> Float:
    """[cell, number]."""
    return np.stack([table[name] for name in names], axis=-1)


def forcing(table: CellTable) -> dict[str, Float]:
    """Monthly means of the weather."""
    return {name: table[f"forcing_{name}"] for name in FORCING}


def one_hot(order: Float) -> Float32:
    """[cell, 16]: which class; all zero for a class that is not known."""
    return np.asarray(order[:, None] == np.arange(SOIL_ORDERS), np.float32)


def missing_variable(name: str) -> InputError:
    """The error for data that lack what the network reads."""
    return InputError(
        "the network reads a variable that the data lack",
        variable=name.partition("_")[2],
        hint="Use weights of another variable list, or add to user_nl_elm:\n" + namelist_lines(),
    )
