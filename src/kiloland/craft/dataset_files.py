"""Datasets of xarray as files and back: what the functions of :mod:`kiloland.craft` share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray
from numpy.typing import ArrayLike, NDArray

from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, open_dataset, to_xarray, write_dataset, write_text

Source = xarray.Dataset | str | os.PathLike[str]
PACKED = {"_FillValue", "missing_value", "scale_factor", "add_offset"}


def write(dataset: xarray.Dataset, path: str | os.PathLike[str]) -> None:
    """Write a Dataset as CDF-5, whole or not at all; times and packed variables are encoded first.

    Raises:
        InputError: a variable that CDF-5 cannot hold. OutputError: the file cannot be written.
    """
    encoded = {str(name): _encoded(str(name), variable) for name, variable in dataset.variables.items()}
    arrays: dict[str, NDArray[Any]] = {
        name: np.asarray(variable.values) for name, variable in encoded.items()
    }
    order = [dim for dim in dataset.encoding.get("dimensions", ()) if dim in dataset.sizes]
    lengths = {str(dim): int(dataset.sizes[dim]) for dim in (*order, *dataset.sizes)}
    record = next((str(dim) for dim in dataset.encoding.get("unlimited_dims", ())), None)
    schema = FileSchema(
        lengths,
        (record, lengths[record]) if record else None,
        tuple(
            VariableSchema(name, arrays[name].dtype, tuple(map(str, variable.dims)), _texts(variable.attrs))
            for name, variable in encoded.items()
        ),
        _texts(dataset.attrs),
    )
    write_dataset(path, schema, arrays)


def _encoded(name: str, variable: xarray.Variable) -> xarray.Variable:
    """A variable as it is stored; what holds plain numbers stays as it is."""
    if variable.dtype.kind in "mMOb" or PACKED & set(variable.encoding):
        return xarray.conventions.encode_cf_variable(variable, name=name)
    return variable


def _texts(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in attributes.items()}


@contextmanager
def working_folder() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="kiloland-") as made:
        yield Path(made)


def file_of(source: Source, folder: Path, name: str) -> Path:
    """The path of a source, which is written to the folder where it is a Dataset."""
    if not isinstance(source, xarray.Dataset):
        return Path(source)
    # The products name their sources: a Dataset keeps the name of the file that it came from.
    path = folder / "in" / name.removesuffix(".nc") / Path(str(source.encoding.get("source", name))).name
    path.parent.mkdir(parents=True, exist_ok=True)
    write(source, path)
    return path


def id_list(ids: ArrayLike, folder: Path) -> Path:
    """A file with the ids, one a line."""
    values = np.atleast_1d(np.asarray(ids))
    if values.dtype.kind not in "iu" or values.size == 0:
        raise InputError("ids are whole numbers, at least one", found=f"{values.size} of {values.dtype}")
    path = folder / "ids.csv"
    write_text(path, "".join(f"{one}\n" for one in values.ravel().tolist()))
    return path


def read_dataset(path: Path) -> xarray.Dataset:
    """A file in memory, values as stored; it remembers its name and its dimensions."""
    with open_dataset(path) as dataset:
        found = to_xarray(dataset, decode=False)
        found.encoding |= {"source": path.name, "dimensions": tuple(dataset.dimensions)}
        if dataset.unlimited:
            found.encoding["unlimited_dims"] = {dataset.unlimited}
    return found
