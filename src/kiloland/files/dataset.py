"""Datasets and variables as the rest of the package sees them, whatever the format on disk."""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files.external_types import CHARACTER, DEFAULT_FILL
from kiloland.files.indexing import Index

Array = NDArray[Any]


class Variable(ABC):
    """One variable of an open dataset; nothing is read before one of the methods is called.

    Attributes
    ----------
    name, dims, shape, dtype, attributes
        As in the file; ``dtype`` in the byte order of this machine, ``S1`` for characters.
    """

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    attributes: dict[str, Any]
    file: Path

    @abstractmethod
    def read(self, index: Index = ...) -> Array:
        """Entries as stored: no mask, no scale; a fresh writable array in C order.

        ``index`` is a numpy index (slices, integers, an integer or Boolean array per dimension) on the
        leading dimensions; only what it needs is read. Raises ``InputError`` where the data are damaged.
        """

    def verify(self) -> bool:
        """Compare with the checksum stored by this package; False where there is none.

        Raises ``InputError`` naming file and variable where they differ.
        """
        return False

    def raw(self) -> Array | None:
        """Read-only big-endian view of all entries in the file (classic formats), else None."""
        return None

    def values(self, index: Index = ...) -> Array:
        """Physical values: ``scale_factor * stored + add_offset``, missing entries as NaN.

        Missing is what equals ``_FillValue`` or ``missing_value`` (or the netCDF default fill value where
        neither is given). Packed integers and all floating-point variables become float64; unpacked
        integers keep their type. Raises ``InputError`` for missing entries among unpacked integers and
        for characters (use ``text``).
        """
        stored = self.numbers(self.read(index))
        missing = self.missing(stored)
        scale, offset = self.attributes.get("scale_factor"), self.attributes.get("add_offset")
        if stored.dtype.kind != "f" and scale is None and offset is None:
            if missing.any():
                where = tuple(int(axis[0]) for axis in np.nonzero(missing))
                raise InputError(
                    "missing entries in an integer variable",
                    file=self.file,
                    variable=self.name,
                    where=f"entry {list(where)} of what was read",
                    found=f"{int(missing.sum())} missing",
                    expected="none",
                )
            return stored
        physical = stored.astype(np.float64, copy=False)
        if scale is not None:
            physical *= float(scale)
        if offset is not None:
            physical += float(offset)
        if missing.any():
            physical[missing] = np.nan
        return physical

    def numbers(self, stored: Array) -> Array:
        """The stored entries; ``InputError`` for characters."""
        if stored.dtype.kind not in "iuf":
            raise InputError("is not a number", file=self.file, variable=self.name, found=str(stored.dtype))
        return stored

    def missing(self, stored: Array) -> NDArray[np.bool_]:
        """Which of the stored entries are marked as missing."""
        marks = [
            np.atleast_1d(self.attributes[key])
            for key in ("_FillValue", "missing_value")
            if key in self.attributes
        ]
        if not marks and stored.dtype.str[1:] in DEFAULT_FILL:
            marks = [np.atleast_1d(stored.dtype.type(DEFAULT_FILL[stored.dtype.str[1:]]))]
        found = np.zeros(stored.shape, bool)
        for mark in marks:
            if mark.dtype.kind in "iuf":
                for value in mark:
                    found |= np.isnan(stored) if value != value else stored == value
        return found

    def text(self, index: Index = ...) -> Array:
        """Character data as strings: the last dimension joined, closing blanks and NULs dropped."""
        stored = self.read(index)
        if stored.dtype.kind in "OU":
            return stored.astype(str)
        if stored.dtype != CHARACTER:
            raise InputError("is not text", file=self.file, variable=self.name, found=str(stored.dtype))
        if stored.ndim == 0:
            return np.asarray(stored.tobytes().decode("latin-1"))
        lines = stored.reshape(-1, stored.shape[-1]) if stored.size else np.zeros((0, 1), "S1")
        joined = [row.tobytes().rstrip(b"\0 ").decode("utf-8", "replace") for row in lines]
        return np.array(joined, dtype=str).reshape(stored.shape[:-1])

    def __repr__(self) -> str:
        dims = ", ".join(f"{dim}={length}" for dim, length in zip(self.dims, self.shape, strict=True))
        return f"<Variable {self.name}({dims}) {self.dtype}>"


class Dataset:
    """An open file: its dimensions, attributes and variables. Use it in a ``with`` statement."""

    def __init__(
        self,
        path: Path,
        format: str,
        dimensions: dict[str, int],
        unlimited: str | None,
        attributes: dict[str, Any],
        variables: dict[str, Variable],
        release: Callable[[], None],
        verify_header: Callable[[], bool] = lambda: False,
    ) -> None:
        self.path, self.format, self.dimensions, self.unlimited = path, format, dimensions, unlimited
        self.attributes, self.variables = attributes, variables
        self._release, self.verify_header = release, verify_header

    def __getitem__(self, name: str) -> Variable:
        if name in self.variables:
            return self.variables[name]
        near = difflib.get_close_matches(name, self.variables, n=1)
        raise InputError(
            "the variable is missing",
            file=self.path,
            variable=name,
            hint=f"The nearest name in the file is {near[0]}" if near else None,
        )

    def __contains__(self, name: object) -> bool:
        return name in self.variables

    def __iter__(self) -> Iterator[str]:
        return iter(self.variables)

    def __len__(self) -> int:
        return len(self.variables)

    def verify(self) -> int:
        """Compare header and data with the checksums in the file; returns how many there were.

        Raises ``InputError`` naming the file and the variable whose bytes differ. Files of other programs
        carry no such checksums: 0.
        """
        header = self.verify_header()
        checked = sum(variable.verify() for variable in self.variables.values())
        if checked and not header:
            raise InputError(
                "the header has no checksum although variables have one",
                file=self.path,
                hint="The file is damaged, or another program changed it and kept the checksum attributes",
            )
        return checked + header

    def close(self) -> None:
        """Release the file; arrays that were read stay valid."""
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Dataset {self.path} {self.format}: {len(self)} variables, dimensions {self.dimensions}>"
