"""The rows of maps that hold some cells, read from a plain classic file in large pieces."""

from __future__ import annotations

import errno
import os
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.forcing.places import CellPlaces
from kiloland.errors import InputError
from kiloland.files.classic import ClassicVariable

IntArray = NDArray[np.int64]
Bits = NDArray[np.uint32]

UNCACHED: Final = 0x80
"""RWF_DONTCACHE of <linux/fs.h>: pages that were not in the system's cache do not stay in it. A set of maps
is larger than memory and read once; what else is cached would have to go for it."""
REFUSALS: Final = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)
SPARSE: Final = 8
"""Entries of the rows for each cell, from which on single pages are read instead."""
SMALL: Final = 1 << 16
"""Bytes of rows that are read whatever the number of cells."""


class BandReader:
    """Reads samples of a variable ``[time, y, x]`` of four bytes at some cells, in a ``with`` statement."""

    def __init__(self, variable: ClassicVariable, places: CellPlaces) -> None:
        place, (_, width) = variable.place, places.shape
        first, last = int(places.rows.min()), int(places.rows.max())
        self.file, self.name = variable.file, variable.name
        self.step = place.stride if place.is_record else place.size // place.shape[0]
        self.begin = place.begin + 4 * first * width
        self.length = 4 * (last + 1 - first) * width
        self.index: IntArray = (places.rows - first) * width + places.columns
        self.flags = UNCACHED
        self.descriptor = -1

    @staticmethod
    def suits(variable: ClassicVariable, places: CellPlaces) -> bool:
        """Whether the file can be read so, and most of what is read is used."""
        length = 4 * (int(places.rows.max()) + 1 - int(places.rows.min())) * places.shape[1]
        on_disk = hasattr(variable.data.obj, "madvise") and hasattr(os, "preadv")
        return on_disk and (length <= SMALL or length <= 4 * SPARSE * places.rows.size)

    def read(self, samples: list[int]) -> Bits:
        """The rows of some samples as they are in the file ``[sample, entry]``."""
        buffer = np.empty((len(samples), self.length), np.uint8)
        for line, sample in zip(buffer, samples, strict=True):
            self._fill(line.data, self.begin + sample * self.step)
        return buffer.view(np.uint32)

    def take(self, rows: Bits) -> Bits:
        """The entries of the cells ``[sample, cell]``."""
        found = np.empty((len(rows), self.index.size), np.uint32)
        np.take(rows, self.index, axis=1, out=found, mode="clip")
        return found

    def _fill(self, target: memoryview, offset: int) -> None:
        while target:
            try:
                got = os.preadv(self.descriptor, [target], offset, self.flags)
            except OSError as error:
                if not self.flags or error.errno not in REFUSALS:
                    raise InputError("cannot be read", file=self.file, found=error.strerror) from None
                self.flags = 0
                continue
            if not got:
                raise InputError("the file has become shorter", file=self.file, variable=self.name)
            target, offset = target[got:], offset + got

    def __enter__(self) -> BandReader:
        self.descriptor = os.open(self.file, os.O_RDONLY)
        return self

    def __exit__(self, *error: Any) -> None:
        os.close(self.descriptor)
