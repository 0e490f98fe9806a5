"""Datasets as xarray sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiloland.errors import InputError
from kiloland.files.checksum import CHECKSUM_ATTRIBUTE, HEADER_CHECKSUM_ATTRIBUTE
from kiloland.files.dataset import Dataset

if TYPE_CHECKING:
    import xarray


def to_xarray(dataset: Dataset, *, decode: bool = True) -> xarray.Dataset:
    """All variables read into an ``xarray.Dataset``, with times, scales and missing values decoded.

    The checksum attributes are left out: they belong to the bytes of the file. Raises ``InputError`` where
    xarray cannot decode the file (``decode=False`` gives the stored values).
    """
    import xarray  # slow to import, and few callers need it

    variables = {
        name: xarray.Variable(
            variable.dims,
            variable.read(),
            {key: value for key, value in variable.attributes.items() if key != CHECKSUM_ATTRIBUTE},
        )
        for name, variable in dataset.variables.items()
    }
    attributes = {k: v for k, v in dataset.attributes.items() if k != HEADER_CHECKSUM_ATTRIBUTE}
    try:
        plain = xarray.Dataset(variables, attrs=attributes)
        return xarray.decode_cf(plain) if decode else plain
    except (ValueError, KeyError, OverflowError) as error:
        raise InputError("cannot be decoded by xarray", file=dataset.path, found=error) from None
