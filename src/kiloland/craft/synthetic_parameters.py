"""Plant parameters for the embedded default: a small parameter file in ELM's format.

The values (``synthetic_parameters.csv``) are those of ELM's default parameter file for its natural plant
types; only what this version of the model reads is there.
"""

from __future__ import annotations

import csv
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np

from kiloland.craft.labels import synthetic_attributes
from kiloland.files import FileSchema, VariableSchema, write_dataset

PLANT_TYPES: Final = (
    "not_vegetated",
    "needleleaf_evergreen_temperate_tree",
    "needleleaf_evergreen_boreal_tree",
    "needleleaf_deciduous_boreal_tree",
    "broadleaf_evergreen_tropical_tree",
    "broadleaf_evergreen_temperate_tree",
    "broadleaf_deciduous_tropical_tree",
    "broadleaf_deciduous_temperate_tree",
    "broadleaf_deciduous_boreal_tree",
    "broadleaf_evergreen_shrub",
    "broadleaf_deciduous_temperate_shrub",
    "broadleaf_deciduous_boreal_shrub",
    "c3_arctic_grass",
    "c3_non-arctic_grass",
    "c4_grass",
    "c3_crop",
    "c3_irrigated",
)
"""Names of ELM's plant types 0 to 16."""
NAME_LENGTH: Final = 40
SCALARS: Final = (
    ("tc_stress", "degC", "Soil temperature at and below which roots take up nothing", -0.1),
    ("rsub_top_globalmax", "mm/s", "Largest base drainage", 0.022),
)
"""Values that no plant type has alone: name, units, meaning, value."""


def write_parameters(path: Path) -> None:
    """Write the parameter file.

    Raises:
        OutputError: the file cannot be written.
    """
    names = np.array([list(name.ljust(NAME_LENGTH)) for name in PLANT_TYPES], dtype="S1")
    variables = [
        VariableSchema(
            "pftname", "S1", ("pft", "string_length"), {"long_name": "Description of plant functional type"}
        )
    ]
    data: dict[str, np.ndarray] = {"pftname": names}
    table = resources.files("kiloland.craft").joinpath("synthetic_parameters.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(table.splitlines()):
        attributes = {"long_name": row["long_name"], "units": row["units"]}
        variables.append(VariableSchema(row["name"], "f8", ("pft",), attributes))
        data[row["name"]] = np.array([float(row[str(kind)]) for kind in range(len(PLANT_TYPES))])
    for name, units, long_name, value in SCALARS:
        variables.append(VariableSchema(name, "f8", ("one",), {"long_name": long_name, "units": units}))
        data[name] = np.array([value])
    schema = FileSchema(
        dimensions={"pft": len(PLANT_TYPES), "string_length": NAME_LENGTH, "one": 1},
        variables=tuple(variables),
        attributes=synthetic_attributes(
            "set: plant parameters", "The numbers are ELM's default values, only those that are read"
        ),
    )
    write_dataset(path, schema, data)
