"""Files with one variable changed into something else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import netCDF4


def emptied(file: Path, dimension: str) -> None:
    """The same names, but no entries along a dimension."""
    with netCDF4.Dataset(file) as before:
        sizes = {key: part.size for key, part in before.dimensions.items()}
        kept = {key: (part.dtype, part.dimensions) for key, part in before.variables.items()}
    with netCDF4.Dataset(file, "w") as after:
        for key, size in sizes.items():
            after.createDimension(key, None if key == dimension else size)
        for key, (kind, dims) in kept.items():
            after.createVariable(key, kind, dims)


def replaced(
    file: Path,
    name: str,
    kind: str,
    dims: tuple[str, ...],
    fill: object,
    new: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """A variable of another type or other dimensions, ``new`` ones too."""
    with netCDF4.Dataset(file) as before:
        sizes = {key: dimension.size for key, dimension in before.dimensions.items()}
        kept = {key: (part.dimensions, part[:], part.__dict__) for key, part in before.variables.items()}
    with netCDF4.Dataset(file, "w", format="NETCDF3_64BIT_DATA") as after:
        for key, size in (sizes | dict(new)).items():
            after.createDimension(key, size)
        for key, (old, values, attributes) in kept.items():
            changed = key == name
            made = after.createVariable(key, kind if changed else values.dtype, dims if changed else old)
            skipped = ("_FillValue", "missing_value", "checksum")
            made.setncatts({word: text for word, text in attributes.items() if word not in skipped})
            made[:] = fill if changed else values
