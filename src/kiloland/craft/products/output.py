"""Files of values on the cells of a domain, which `kiloland craft surface --product` takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kiloland import __version__
from kiloland.files import FileSchema, VariableSchema, write_dataset
from kiloland.grid import Domain
from kiloland.grid.base import FloatArray


@dataclass(frozen=True)
class ProductVariable:
    """Values ``[cell]`` in the order of the domain; NaN where there are none."""

    name: str
    units: str
    long_name: str
    values: FloatArray


def write_product(
    path: Path,
    domain: Domain,
    domain_file: Path,
    variables: Sequence[ProductVariable],
    command: str,
    facts: Mapping[str, Any],
) -> None:
    """Write the file: gridID, places, and the variables over ``gridcell``. Raises OutputError."""
    cells = ("gridcell",)
    schema = FileSchema(
        {"gridcell": domain.number_of_cells},
        None,
        (
            VariableSchema("gridID", "i8", cells, {"long_name": "gridcell id of the domain"}),
            VariableSchema("LONGXY", "f8", cells, {"long_name": "longitude", "units": "degrees_east"}),
            VariableSchema("LATIXY", "f8", cells, {"long_name": "latitude", "units": "degrees_north"}),
            *(
                VariableSchema(
                    variable.name,
                    "f8",
                    cells,
                    {"long_name": variable.long_name, "units": variable.units, "_FillValue": np.nan},
                )
                for variable in variables
            ),
        ),
        {
            "title": f"Values on the cells of {domain_file.name}",
            "Conventions": "CF-1.11",
            "source": f"kiloland {__version__} {command}",
            "domain_file": domain_file.name,
            **facts,
        },
    )
    arrays: dict[str, Any] = {
        "gridID": domain.gridcell_id,
        "LONGXY": domain.longitude,
        "LATIXY": domain.latitude,
    }
    write_dataset(path, schema, arrays | {variable.name: variable.values for variable in variables})
