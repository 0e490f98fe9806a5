"""Maps ``[time, y, x]`` at the cells of a domain, at the pace of the disk.

Of plain classic files the rows that hold the cells are read in large pieces and gathered, in the byte order
of the file, which is that of the output; where few entries of the rows are wanted, these are picked from the
mapped file. Other files are read in whole chunks, each once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.forcing.bands import BandReader
from kiloland.craft.forcing.decode import physical
from kiloland.craft.forcing.pages import release_pages, want_pages
from kiloland.craft.forcing.places import CellPlaces
from kiloland.files import Variable
from kiloland.files.classic import ClassicVariable

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
SingleArray = NDArray[np.floating[Any]]
Piece = tuple[int, int, SingleArray]
"""First time, first cell and values ``[time, cell]`` in single precision, of either byte order."""

Item = TypeVar("Item")

FILE_SINGLE: Final = np.dtype(">f4")
PIECE_BYTES: Final = 1 << 20
"""Of a piece that is gathered at once; it is handed on while it is in the cache."""
READ_BYTES: Final = 4 << 20
"""Of rows that are read at once, where one sample has fewer."""
AHEAD_BYTES: Final = 8 << 20
"""Of maps that the system is asked to read ahead."""


def read_maps(variable: Variable, places: CellPlaces, samples: IntArray, memory: int) -> Iterator[Piece]:
    """Values of some samples at the cells, missing ones as NaN (or as the fill value, where that is beyond
    the ``FIELDS`` limits, in plain files). ``memory`` [bytes] bounds what is read at a time.
    """
    if not is_plain(variable):
        return _by_chunks(variable, places, samples, memory)
    assert isinstance(variable, ClassicVariable)
    if BandReader.suits(variable, places):
        return _by_bands(variable, places, samples, memory)
    return _gathered(variable, places, samples)


def is_plain(variable: Variable) -> bool:
    """Whether the entries of a classic file are the values themselves."""
    return (
        isinstance(variable, ClassicVariable)
        and variable.place.dtype == FILE_SINGLE
        and not {"scale_factor", "add_offset"} & variable.attributes.keys()
    )


def _by_bands(
    variable: ClassicVariable, places: CellPlaces, samples: IntArray, memory: int
) -> Iterator[Piece]:
    """Rows of some samples in one go, the next ones while these are gathered."""
    with BandReader(variable, places) as reader:
        step = max(1, min(READ_BYTES, memory // 2) // reader.length)
        small = max(1, PIECE_BYTES // (4 * reader.index.size))
        parts = (samples[row : row + step].tolist() for row in range(0, samples.size, step))
        for number, rows in enumerate(one_ahead(map(reader.read, parts))):
            for row in range(0, len(rows), small):
                yield number * step + row, 0, reader.take(rows[row : row + small]).view(FILE_SINGLE)


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


class SampleReader:
    """Reads single samples of maps at some cells as doubles ``[cell]``, missing ones as NaN; use it in a
    ``with`` statement."""

    def __init__(self, variable: Variable, places: CellPlaces) -> None:
        self.variable, self.places = variable, places
        self.bands: BandReader | None = None
        if (
            is_plain(variable)
            and isinstance(variable, ClassicVariable)
            and BandReader.suits(variable, places)
        ):
            self.bands = BandReader(variable, places)
        self.rows = slice(int(places.rows.min()), int(places.rows.max()) + 1)
        self.columns = slice(int(places.columns.min()), int(places.columns.max()) + 1)
        width = self.columns.stop - self.columns.start
        self.index = (places.rows - self.rows.start) * width + places.columns - self.columns.start

    def stored(self, sample: int) -> NDArray[Any]:
        """The entries of one sample as the file holds them, in the byte order of this machine."""
        if self.bands is not None:
            line = self.bands.take(self.bands.read([sample]))[0]
            return np.asarray(line.view(FILE_SINGLE).astype(np.float32))
        raw = self.variable.raw()
        if raw is None:
            return self.variable.read((sample, self.rows, self.columns)).reshape(-1).take(self.index)
        found: NDArray[Any] = raw[sample][self.places.rows, self.places.columns].astype(self.variable.dtype)
        release_pages(self.variable, sample)
        return found

    def read(self, sample: int) -> FloatArray:
        """The values of one sample."""
        return physical(self.variable, self.stored(sample), np.float64)

    def __enter__(self) -> SampleReader:
        if self.bands is not None:
            self.bands.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        if self.bands is not None:
            self.bands.__exit__(*error)


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


def one_ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The same items; each is made by another thread while the one before is in use."""
    source = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as pool:
        coming = pool.submit(next, source, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, source, None)
            yield item
