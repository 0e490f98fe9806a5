"""Files with one variable changed into something else."""

from __future__ import annotations

from pathlib import Path

import netCDF4


def replaced(file: Path, name: str, kind: str, dims: tuple[str, ...], fill: object) -> None:
    """A variable of another type or other dimensions."""
    with netCDF4.Dataset(file) as before:
        sizes = {key: dimension.size for key, dimension in before.dimensions.items()}
        kept = {key: (part.dimensions, part[:], part.__dict__) for key, part in before.variables.items()}
    with netCDF4.Dataset(file, "w", format="NETCDF3_64BIT_DATA") as after:
        for key, size in sizes.items():
            after.createDimension(key, size)
        for key, (old, values, attributes) in kept.items():
            changed = key == name
            made = after.createVariable(key, kind if changed else values.dtype, dims if changed else old)
            skipped = ("_FillValue", "missing_value", "checksum")
            made.setncatts({word: text for word, text in attributes.items() if word not in skipped})
            made[:] = fill if changed else values
