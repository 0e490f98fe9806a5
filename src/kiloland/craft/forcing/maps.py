"""Maps ``[time, y, x]`` at the cells of a domain, at the pace of the disk.

Plain classic files are gathered straight from the mapped file, in its own byte order, which is that of the
output; other ones are read in whole chunks, each once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.forcing.decode import physical
from kiloland.craft.forcing.pages import release_pages, want_pages
from kiloland.craft.forcing.places import CellPlaces
from kiloland.files import Variable
from kiloland.files.classic import ClassicVariable

IntArray = NDArray[np.int64]
SingleArray = NDArray[np.floating[Any]]
Piece = tuple[int, int, SingleArray]
"""First time, first cell and values ``[time, cell]`` in single precision, of either byte order."""

FILE_SINGLE: Final = np.dtype(">f4")
PIECE_BYTES: Final = 1 << 20
"""Of a piece that is gathered at once; it is handed on while it is in the cache."""
AHEAD_BYTES: Final = 8 << 20
"""Of maps that the system is asked to read ahead."""


def read_maps(variable: Variable, places: CellPlaces, samples: IntArray, memory: int) -> Iterator[Piece]:
    """Values of some samples at the cells, missing ones as NaN (or as the fill value, where that is beyond
    the ``FIELDS`` limits, in plain files). ``memory`` [bytes] bounds what is read at a time.
    """
    if _is_plain(variable):
        assert isinstance(variable, ClassicVariable)
        return _gathered(variable, places, samples)
    return _by_chunks(variable, places, samples, memory)


def _is_plain(variable: Variable) -> bool:
    """Whether the entries of a classic file are the values themselves."""
    return (
        isinstance(variable, ClassicVariable)
        and variable.place.dtype == FILE_SINGLE
        and not {"scale_factor", "add_offset"} & variable.attributes.keys()
    )


def _gathered(variable: ClassicVariable, places: CellPlaces, samples: IntArray) -> Iterator[Piece]:
    """A few samples at a time, by a precomputed index of the bytes of the file."""
    stored = variable.raw()
    assert stored is not None
    # As whole numbers of this machine: they are moved, not read.
    maps = stored.view(np.uint32).reshape(stored.shape[0], -1)
    index = places.rows * places.shape[1] + places.columns
    step = max(1, PIECE_BYTES // (index.size * maps.itemsize))
    ahead = max(1, AHEAD_BYTES // maps[0].nbytes)
    for row in range(0, samples.size, step):
        some = samples[row : row + step].tolist()
        if row % ahead < step:
            want_pages(variable, samples[row : row + 2 * ahead])
        values = np.empty((len(some), index.size), np.uint32)
        for line, sample in zip(values, some, strict=True):
            np.take(maps[sample], index, out=line, mode="clip")
            release_pages(variable, sample)
        yield row, 0, values.view(FILE_SINGLE)


def _by_chunks(variable: Variable, places: CellPlaces, samples: IntArray, memory: int) -> Iterator[Piece]:
    """Blocks of whole chunks of the file, or less where they are too large for the memory."""
    columns = slice(int(places.columns.min()), int(places.columns.max()) + 1)
    length, height = chunk_of(variable)
    length = max(1, min(length, memory // (4 * (columns.stop - columns.start))))
    tall = memory // (4 * length * (columns.stop - columns.start)) // height * height
    bands = list(_bands(places.rows, max(tall, height)))
    parts = np.split(np.arange(samples.size), np.flatnonzero(np.diff(samples // length)) + 1)
    for part in parts:
        times = slice(int(samples[part].min()), int(samples[part].max()) + 1)
        for cells in bands:
            rows = slice(int(places.rows[cells].min()), int(places.rows[cells].max()) + 1)
            block = variable.read((times, rows, columns))
            index = (places.rows[cells] - rows.start) * block.shape[2] + places.columns[cells] - columns.start
            lines = block.reshape(len(block), -1)
            inside = np.stack([lines[at].take(index, mode="clip") for at in samples[part] - times.start])
            yield int(part[0]), cells.start, physical(variable, inside, np.float32)


def _bands(rows: IntArray, tall: int) -> Iterator[slice]:
    """Cells of so many rows of the file each; all cells at once where their order is another one."""
    if (np.diff(rows) < 0).any():
        yield slice(0, rows.size)
        return
    first = int(rows[0]) // tall * tall
    bounds = np.searchsorted(rows, np.arange(first, int(rows[-1]) + 1 + tall, tall)).tolist()
    for begin, end in pairwise(bounds):
        if end > begin:
            yield slice(begin, end)


def chunk_of(variable: Variable) -> tuple[int, int]:
    """Samples and rows that the file stores together; 1 and 1 where it has no chunks."""
    source = getattr(variable, "source", None)
    chunks = source.chunking() if source is not None else None
    return (int(chunks[0]), int(chunks[1])) if isinstance(chunks, list) else (1, 1)


def one_ahead(items: Iterable[Piece]) -> Iterator[Piece]:
    """The same items; each is made by another thread while the one before is in use."""
    source = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as pool:
        coming = pool.submit(next, source, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, source, None)
            yield item
