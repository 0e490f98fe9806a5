"""The cells of a domain as an unstructured mesh of ESMF, by which the newer coupler places stream files.

Every cell has four corners of its own; corners at one place are not shared, which the format allows.

Source: ESMF Reference Manual, "ESMF unstructured grid file format".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.forcing.land import LandCells
from kiloland.errors import InputError
from kiloland.files import DatasetWriter, FileSchema, VariableSchema
from kiloland.grid import Domain

CORNERS: Final = 4


def write_mesh(path: Path, land: LandCells) -> None:
    """Write the mesh of the land cells in their order: nodes counter-clockwise and centres [degrees].

    Raises InputError where the domain has no corners.
    """
    with DatasetWriter(path, mesh_schema(land.number_of_cells)) as writer:
        for part in land.pieces():
            for name, (each, values) in _piece(land.domain(part), part.start).items():
                writer.put(name, values, start=(each * part.start,))


def mesh_schema(count: int) -> FileSchema:
    """Variables and dimensions of a mesh of ``count`` cells."""
    degrees = {"units": "degrees"}
    return FileSchema(
        {"nodeCount": CORNERS * count, "elementCount": count, "maxNodePElement": CORNERS, "coordDim": 2},
        None,
        (
            VariableSchema("nodeCoords", "f8", ("nodeCount", "coordDim"), degrees),
            VariableSchema(
                "elementConn",
                "i4",
                ("elementCount", "maxNodePElement"),
                {"long_name": "node indices that define the element", "start_index": np.int32(1)},
            ),
            VariableSchema("numElementConn", "i4", ("elementCount",), {"long_name": "nodes of an element"}),
            VariableSchema("centerCoords", "f8", ("elementCount", "coordDim"), degrees),
            VariableSchema("elementArea", "f8", ("elementCount",), {"units": "radians^2"}),
            VariableSchema("elementMask", "i4", ("elementCount",), {"long_name": "1 on land"}),
        ),
        {"gridType": "unstructured mesh", "version": "0.9"},
    )


def _piece(cells: Domain, before: int) -> dict[str, tuple[int, NDArray[Any]]]:
    """Rows for each cell, and the rows of some cells, which stand behind ``before`` others."""
    nodes = np.stack([cells.vertex_longitude.T, cells.vertex_latitude.T], axis=-1).reshape(-1, 2)
    if not np.isfinite(nodes).all():
        raise InputError(
            "the domain has no corners, which a mesh needs",
            variable="xv, yv",
            hint="Make the domain with `kiloland craft domain`, or leave --stream-format xml out",
        )
    count = cells.number_of_cells
    first = CORNERS * before + 1
    return {
        "nodeCoords": (CORNERS, nodes),
        "elementConn": (
            1,
            np.arange(first, first + CORNERS * count, dtype=np.int32).reshape(count, CORNERS),
        ),
        "numElementConn": (1, np.full(count, CORNERS, np.int32)),
        "centerCoords": (1, np.stack([cells.longitude, cells.latitude], axis=-1)),
        "elementArea": (1, cells.area),
        "elementMask": (1, cells.mask),
    }
