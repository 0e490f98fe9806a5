"""From the cells of each rank to contiguous slabs of the file and back.

Rank r of R holds the slab ``[N r // R, N (r+1) // R)`` of N entries. Every entry moves once, straight from
the rank that computes it to the rank that writes it.

Source: the box rearranger of J. M. Dennis et al., doi:10.1177/1094342011428143 (the idea).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files.ranks import Ranks

Positions = NDArray[np.int64]


class Rearranger:
    """The exchange for one partition; build it once and use it for every variable.

    Parameters
    ----------
    indices
        Ascending 0-based positions that this rank holds; over all ranks each of ``total`` exactly once.
    total
        Length of the whole axis.
    communicator
        None, or an mpi4py communicator.

    Raises ``InputError`` on every rank where a position is missing, doubled or out of range.
    """

    def __init__(self, indices: Any, total: int, communicator: Any = None) -> None:
        self.indices, self.total = np.asarray(indices, np.int64), int(total)
        self.ranks = Ranks(communicator)
        bounds = total * np.arange(self.ranks.size + 1, dtype=np.int64) // self.ranks.size
        self.start, self.stop = int(bounds[self.ranks.rank]), int(bounds[self.ranks.rank + 1])
        self.ranks.agree(self.problem())
        cuts = np.searchsorted(self.indices, bounds)
        self.sent: Positions = np.diff(cuts).astype(np.int64)
        self.received = self.exchanged_counts()
        places = self.exchanged(self.indices, self.sent, self.received) - self.start
        complete = places.size == self.stop - self.start and np.array_equal(
            np.sort(places), np.arange(places.size)
        )
        self.ranks.agree(None if complete else self.incomplete(places + self.start))
        self.places = places

    def problem(self) -> InputError | None:
        """What is wrong with this rank's own positions."""
        ascending = self.indices.ndim == 1 and bool(np.all(np.diff(self.indices) > 0))
        inside = self.indices.size == 0 or (self.indices[0] >= 0 and self.indices[-1] < self.total)
        if ascending and inside:
            return None
        return InputError(
            "positions must ascend and lie inside the axis",
            where=f"rank {self.ranks.rank}",
            expected=f"below {self.total}",
        )

    def incomplete(self, found: Positions) -> InputError:
        """The error for a slab with missing or doubled entries."""
        times = np.bincount(found - self.start, minlength=self.stop - self.start)
        worst = int(np.argmax(times != 1))
        return InputError(
            "the ranks do not hold every position exactly once",
            where=f"position {self.start + worst}",
            found=f"{int(times[worst])} times",
        )

    def exchanged_counts(self) -> Positions:
        """How many entries come from each rank."""
        if self.ranks.communicator is None:
            return self.sent
        counts = np.empty_like(self.sent)
        self.ranks.communicator.Alltoall(self.sent, counts)
        return counts

    def exchanged(self, rows: NDArray[Any], sent: Positions, received: Positions) -> NDArray[Any]:
        """Rows sent to each rank in turn; returns those received, in the order of the ranks."""
        if self.ranks.communicator is None:
            return rows
        from mpi4py import MPI

        rows = np.ascontiguousarray(rows)
        target = np.empty((int(received.sum()), *rows.shape[1:]), rows.dtype)
        width = rows.dtype.itemsize * int(np.prod(rows.shape[1:], dtype=np.int64))
        row = MPI.BYTE.Create_contiguous(width).Commit()
        try:
            self.ranks.communicator.Alltoallv(
                [as_bytes(rows), (sent, offsets(sent)), row],
                [as_bytes(target), (received, offsets(received)), row],
            )
        finally:
            row.Free()
        return target

    def to_slab(self, array: Any, axis: int = 0) -> NDArray[Any]:
        """This rank's slab ``[start, stop)`` along ``axis`` from the cells that the ranks hold."""
        rows = np.moveaxis(np.asarray(array), axis, 0)
        if rows.shape[0] != self.indices.size:
            raise InputError(
                "not as many entries as positions", found=rows.shape[0], expected=self.indices.size
            )
        moved = self.exchanged(rows, self.sent, self.received)
        slab = np.empty((self.stop - self.start, *rows.shape[1:]), rows.dtype)
        slab[self.places] = moved
        return np.moveaxis(slab, 0, axis)

    def from_slab(self, slab: Any, axis: int = 0) -> NDArray[Any]:
        """This rank's cells along ``axis`` from the slabs of all ranks; undoes ``to_slab``."""
        rows = np.moveaxis(np.asarray(slab), axis, 0)
        if rows.shape[0] != self.stop - self.start:
            raise InputError("not a whole slab", found=rows.shape[0], expected=self.stop - self.start)
        return np.moveaxis(self.exchanged(rows[self.places], self.received, self.sent), 0, axis)


def as_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    """The memory of a contiguous array."""
    return array.reshape(-1).view(np.uint8)


def offsets(counts: Positions) -> Positions:
    """Where each rank's rows begin."""
    return np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)


def rearrange(
    array: Any, indices: Any, total: int, communicator: Any = None, axis: int = 0
) -> tuple[int, NDArray[Any]]:
    """``(start, slab)``: this rank's slab of an axis whose positions lie scattered over the ranks."""
    exchange = Rearranger(indices, total, communicator)
    return exchange.start, exchange.to_slab(array, axis)
