"""The cells of a domain as an unstructured mesh of ESMF, by which the newer coupler places stream files.

Every cell has four corners of its own; corners at one place are not shared, which the format allows.

Source: ESMF Reference Manual, "ESMF unstructured grid file format".
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, write_dataset
from kiloland.grid import Domain

CORNERS: Final = 4


def write_mesh(path: Path, cells: Domain) -> None:
    """Write the mesh of some cells in their order: nodes counter-clockwise and centres [degrees].

    Raises InputError where the domain has no corners.
    """
    count = cells.number_of_cells
    nodes = np.stack([cells.vertex_longitude.T, cells.vertex_latitude.T], axis=-1).reshape(-1, 2)
    if not np.isfinite(nodes).all():
        raise InputError(
            "the domain has no corners, which a mesh needs",
            variable="xv, yv",
            hint="Make the domain with `kiloland craft domain`, or leave --stream-format xml out",
        )
    degrees = {"units": "degrees"}
    schema = FileSchema(
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
    write_dataset(
        path,
        schema,
        {
            "nodeCoords": nodes,
            "elementConn": np.arange(1, CORNERS * count + 1, dtype=np.int32).reshape(count, CORNERS),
            "numElementConn": np.full(count, CORNERS, np.int32),
            "centerCoords": np.stack([cells.longitude, cells.latitude], axis=-1),
            "elementArea": cells.area,
            "elementMask": cells.mask,
        },
    )
