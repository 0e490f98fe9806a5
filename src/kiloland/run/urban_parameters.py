"""Parameters of towns from ELM's surface file."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.land.urban_town import URBAN_LAYERS, UrbanParameters
from kiloland.run.surface import CellReader

DENSITY_CLASSES = 3
"""Tall building district, high and medium density."""
_MATERIALS = ("ROOF", "WALL", "WALL", "IMPROAD", "PERROAD")
"""Names of the surfaces in the surface file, in the order of the axis of surfaces."""
_LARGEST_CAPACITY = 1.0e8


def read_urban_parameters(
    path: str | Path, positions: np.ndarray, density_class: np.ndarray
) -> UrbanParameters:
    """Read the parameters of some towns.

    Args:
        path: ELM surface file.
        positions: cell of each town in the file, 0-based.
        density_class: 0 tall building district, 1 high, 2 medium density.

    Raises:
        InputError: variable missing, out of range, or with other classes and layers than expected.
    """
    with open_dataset(path) as dataset:
        reader = _TownReader(CellReader(dataset, positions), density_class)
        minimum = reader.take("T_BUILDING_MIN", 200.0, 400.0)
        maximum = reader.take("T_BUILDING_MAX", 200.0, 400.0)
        reader.cells.refuse(minimum > maximum, "T_BUILDING_MIN", "is above T_BUILDING_MAX", minimum, "below")
        values = {
            "height_to_width": reader.take("CANYON_HWR", 0.01, 20.0),
            "roof_share": reader.take("WTLUNIT_ROOF", 0.0, 1.0),
            "pervious_share": reader.take("WTROAD_PERV", 0.0, 1.0),
            "roof_height": reader.take("HT_ROOF", 0.1, 1000.0),
            "wind_height": reader.take("WIND_HGT_CANYON", 0.0, 1000.0),
            "roof_thickness": reader.take("THICK_ROOF", 0.001, 10.0),
            "wall_thickness": reader.take("THICK_WALL", 0.001, 10.0),
            "coldest_building": minimum,
            "warmest_building": maximum,
            "emissivity": np.stack([reader.take(f"EM_{name}", 0.0, 1.0) for name in _MATERIALS]),
            "albedo_direct": reader.surfaces("ALB_{}_DIR", 0.0, 1.0),
            "albedo_diffuse": reader.surfaces("ALB_{}_DIF", 0.0, 1.0),
            **_materials(reader),
        }
        order = [field.name for field in fields(UrbanParameters)]
        return UrbanParameters(**{name: jnp.asarray(values[name]) for name in order})


class _TownReader:
    """Reads values of the density class of each town."""

    def __init__(self, cells: CellReader, density_class: np.ndarray) -> None:
        self.cells = cells
        self.density_class = density_class
        if cells.dataset.dimensions.get("numurbl") != DENSITY_CLASSES:
            raise InputError(
                "not three density classes of towns",
                file=cells.dataset.path,
                found=cells.dataset.dimensions.get("numurbl"),
                expected=f"numurbl = {DENSITY_CLASSES}",
            )

    def take(self, name: str, low: float, high: float) -> np.ndarray:
        """Values ``[..., town]``; refused outside a range."""
        values = self.cells.bounded(name, low, high)
        town = np.arange(len(self.density_class))
        return np.asarray(values[..., self.density_class, town])

    def surfaces(self, pattern: str, low: float, high: float) -> np.ndarray:
        """``[band, surface, town]`` of a variable whose name holds that of the surface."""
        return np.stack([self.take(pattern.format(name), low, high) for name in _MATERIALS], axis=1)


def _materials(reader: _TownReader) -> dict[str, np.ndarray]:
    """Layers, conductivity and heat capacity of building material; 1 where there is none."""
    towns = len(reader.density_class)
    paved = reader.take("NLEV_IMPROAD", 0, URBAN_LAYERS).astype(np.int32)
    whole = np.full(towns, URBAN_LAYERS, np.int32)
    one = np.ones((URBAN_LAYERS, towns))
    conductivity, capacity = (
        [reader.take(f"{kind}_{name}", 1.0e-3, limit) for name in _MATERIALS[:4]]
        for kind, limit in (("TK", 1.0e3), ("CV", _LARGEST_CAPACITY))
    )
    # Unused layers of the road are of no meaning in the file.
    unused = np.arange(URBAN_LAYERS)[:, None] >= paved
    conductivity[3], capacity[3] = np.where(unused, 1.0, conductivity[3]), np.where(unused, 1.0, capacity[3])
    return {
        "paved_layers": np.stack([whole, whole, whole, paved, np.zeros_like(paved)]),
        "conductivity": np.stack([*conductivity, one], axis=1),
        "heat_capacity": np.stack([*capacity, one], axis=1),
    }
