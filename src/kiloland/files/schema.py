"""What a file will hold: its dimensions, variables and attributes, checked before anything is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kiloland.errors import InputError
from kiloland.files.checksum import CHECKSUM_ATTRIBUTE, HEADER_CHECKSUM_ATTRIBUTE, is_checksum
from kiloland.files.external_types import CHARACTER, CODE_BY_TYPE, external

_NAME = re.compile(r"[^\x00-\x1f\x7f/ ]([^\x00-\x1f\x7f/]*[^\x00-\x1f\x7f/ ])?")

LIKE_VARIABLE = ("_FillValue", "missing_value", "valid_min", "valid_max", "valid_range")
"""Attributes that are stored in the type of their variable."""


@dataclass(frozen=True)
class VariableSchema:
    """One variable: ``dtype`` is any numpy type that CDF-5 knows (``S1`` for characters)."""

    name: str
    dtype: Any
    dims: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FileSchema:
    """Dimensions, variables and attributes of one file.

    ``unlimited`` is None or the record dimension and its number of records; it need not stand among the
    ``dimensions``. With ``checksums`` every variable and the header carry a CRC-32 as an attribute.
    """

    dimensions: Mapping[str, int]
    unlimited: tuple[str, int] | None = None
    variables: tuple[VariableSchema, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    checksums: bool = True

    def lengths(self) -> dict[str, int]:
        """Length of every dimension, the record dimension included."""
        return {**self.dimensions, **dict([self.unlimited] if self.unlimited else [])}

    def shape(self, variable: VariableSchema) -> tuple[int, ...]:
        """Shape of a variable."""
        lengths = self.lengths()
        return tuple(lengths[dim] for dim in variable.dims)

    def check(self, file: object = None) -> None:
        """Raise ``InputError`` naming ``file`` and the variable where CDF-5 cannot hold this."""
        where = str(file) if file is not None else None
        names = [variable.name for variable in self.variables]
        for name in (*self.lengths(), *names):
            check_name(name, where)
        for name in names:
            if names.count(name) > 1:
                raise InputError("the variable is defined twice", file=where, variable=name)
        for dim, length in self.lengths().items():
            least = 0 if self.unlimited and dim == self.unlimited[0] else 1
            if length < least:
                raise InputError(f"dimension {dim!r} is too short to be written", file=where, found=length)
        if self.unlimited and self.dimensions.get(*self.unlimited) != self.unlimited[1]:
            raise InputError(f"dimension {self.unlimited[0]!r} has two lengths", file=where)
        check_attributes(self.attributes, HEADER_CHECKSUM_ATTRIBUTE, where, None)
        for variable in self.variables:
            self.check_variable(variable, where)

    def check_variable(self, variable: VariableSchema, file: str | None) -> None:
        """Raise ``InputError`` where the type, a dimension or an attribute of one variable is impossible."""
        try:
            external(variable.dtype)
        except (KeyError, TypeError):
            raise InputError(
                "has a type that CDF-5 cannot hold", file=file, variable=variable.name, found=variable.dtype
            ) from None
        for position, dim in enumerate(variable.dims):
            if dim not in self.lengths():
                raise InputError("has an unknown dimension", file=file, variable=variable.name, found=dim)
            if position and self.unlimited and dim == self.unlimited[0]:
                raise InputError("the unlimited dimension must come first", file=file, variable=variable.name)
        check_attributes(variable.attributes, CHECKSUM_ATTRIBUTE, file, variable)


def check_name(name: str, file: str | None) -> None:
    """Raise ``InputError`` for a name that the format forbids."""
    if not _NAME.fullmatch(name):
        raise InputError("a name that netCDF does not allow", file=file, found=repr(name))


def check_attributes(
    attributes: Mapping[str, Any], reserved: str, file: str | None, variable: VariableSchema | None
) -> None:
    """Raise ``InputError`` for an attribute that cannot be stored or that takes the checksum's name."""
    owner = variable.name if variable else None
    for name, value in attributes.items():
        check_name(name, file)
        if name == reserved and not is_checksum(value):
            raise InputError(f"attribute {name!r} is reserved for the checksum", file=file, variable=owner)
        attribute_values(name, value, external(variable.dtype) if variable else None, file, owner)


def attribute_values(
    name: str, value: Any, like: np.dtype[Any] | None, file: str | None = None, owner: str | None = None
) -> np.ndarray[Any, np.dtype[Any]]:
    """An attribute as a one-dimensional array of an external type.

    Text becomes UTF-8 characters, Python integers 32-bit ones where they fit, and ``_FillValue`` and its
    relatives get the type of their variable (``like``).
    """
    if isinstance(value, str | bytes):
        raw = value.encode("utf-8") if isinstance(value, str) else value
        return np.frombuffer(raw, CHARACTER)
    values = np.atleast_1d(np.asarray(value))
    if like is not None and name in LIKE_VARIABLE and values.dtype.kind in "iufS":
        return values.astype(like)
    is_plain = isinstance(value, int) or (isinstance(value, list | tuple) and values.dtype.kind == "i")
    if is_plain and values.dtype == np.int64 and np.array_equal(values, values.astype(np.int32)):
        values = values.astype(np.int32)
    if values.ndim != 1 or values.dtype.kind == "b" or values.dtype.newbyteorder(">") not in CODE_BY_TYPE:
        raise InputError(f"attribute {name!r} cannot be stored", file=file, variable=owner, found=repr(value))
    return values.astype(values.dtype.newbyteorder(">"))
