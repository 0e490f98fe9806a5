"""Arrays to a file in big-endian byte order, through a few buffers that stay in the processor's cache.

While one block is converted and handed to the system, another thread sums up the previous one.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.files.atomic import write_fully
from kiloland.files.checksum import crc32

BLOCK = 1 << 20
"""Bytes of one buffer: it fits into a second-level cache, and system calls cost nothing beside it."""

BUFFERS = 4

WRITEBACK = 8 << 20
"""Bytes of small arrays after which the disk is asked to begin with them."""

_WRITE = 2  # SYNC_FILE_RANGE_WRITE of <linux/fs.h>
_sync_file_range = getattr(ctypes.CDLL(None), "sync_file_range", None)


def pieces(array: NDArray[Any], limit: int) -> Iterator[NDArray[Any]]:
    """The array in C order as parts of at most ``limit`` entries."""
    if array.flags.c_contiguous:
        array = array.reshape(-1)
    if array.size <= limit:
        yield array
        return
    rows = limit // (array.size // array.shape[0])
    if rows:
        for first in range(0, array.shape[0], rows):
            yield array[first : first + rows]
    else:
        for row in array:
            yield from pieces(row, limit)


class BlockWriter:
    """Writes arrays at offsets of one open file. Close it to stop its thread."""

    def __init__(self, descriptor: int, checksums: bool) -> None:
        self.descriptor, self.checksums = descriptor, checksums
        self.buffers = [np.empty(BLOCK, np.uint8) for _ in range(BUFFERS)]
        self.pool: ThreadPoolExecutor | None = None
        self.waiting = 0
        self.span = (0, 0)

    def write(self, array: NDArray[Any], dtype: np.dtype[Any], offset: int, crc: int = 0) -> int:
        """Write ``array`` as ``dtype`` from ``offset`` on; returns the CRC-32, continued from ``crc``.

        Raises ``OSError`` where the system refuses.
        """
        if array.nbytes <= BLOCK:
            data = np.ascontiguousarray(array, dtype).reshape(-1).view(np.uint8).data
            write_fully(self.descriptor, data, offset)
            self.note(offset, len(data))
            return crc32(data, crc) if self.checksums else 0
        return self.write_long(array, dtype, offset, crc)

    def write_long(self, array: NDArray[Any], dtype: np.dtype[Any], offset: int, crc: int) -> int:
        """As ``write``, for arrays of many blocks."""
        sums: list[Future[int] | None] = [None] * BUFFERS
        latest: Future[int] | None = None
        begin = offset
        for number, piece in enumerate(pieces(array, BLOCK // dtype.itemsize)):
            turn = number % BUFFERS
            free = sums[turn]
            if free is not None:
                free.result()
            target = self.buffers[turn][: piece.size * dtype.itemsize]
            target.view(dtype).reshape(piece.shape)[...] = piece
            data = target.data
            if self.checksums:
                latest = sums[turn] = self.threads().submit(continued, data, latest, crc)
            write_fully(self.descriptor, data, offset)
            offset += len(data)
        start_writeback(self.descriptor, begin, offset - begin)
        return latest.result() if latest is not None else 0

    def note(self, offset: int, size: int) -> None:
        """Count what small arrays have left with the system, and hand it to the disk in time."""
        begin, end = self.span if self.waiting else (offset, offset)
        self.waiting, self.span = self.waiting + size, (min(begin, offset), max(end, offset + size))
        if self.waiting >= WRITEBACK:
            start_writeback(self.descriptor, self.span[0], self.span[1] - self.span[0])
            self.waiting = 0

    def threads(self) -> ThreadPoolExecutor:
        """The one thread that sums up; it starts with the first long array."""
        if self.pool is None:
            self.pool = ThreadPoolExecutor(1, thread_name_prefix="checksum")
        return self.pool

    def close(self) -> None:
        """Stop the thread."""
        if self.pool is not None:
            self.pool.shutdown()
            self.pool = None


def start_writeback(descriptor: int, offset: int, size: int) -> None:
    """Ask Linux to begin writing these bytes to the disk now, beside the work on the next array.

    It is a hint: whether they are safe only the sync at the end decides, so its answer is not looked at.
    """
    if _sync_file_range is not None:
        _sync_file_range(descriptor, ctypes.c_int64(offset), ctypes.c_int64(size), ctypes.c_uint(_WRITE))


def continued(data: memoryview, before: Future[int] | None, first: int) -> int:
    """CRC-32 of ``data`` after that of the block before, which the same thread finished earlier."""
    return crc32(data, before.result() if before is not None else first)
