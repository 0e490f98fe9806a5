"""Which cells a rank computes: ELM's three static decompositions, found by a rank for itself alone.

With G cells, P ranks and k = 0..G-1 the cells in file order:

* round-robin: rank = k mod P.
* block (ELM's ``simple``): runs of G // P cells in rank order; the first G mod P runs are one longer.
* block round-robin (ELM's ``round_robin`` with ``nsegspc`` = S segments a rank):
  rank = int(k / G * S * P) mod P, and plain round-robin where G / P < S.

The arithmetic is ELM's, in its order (double precision; the comparison with S in single precision), so that
a rank gets the cells that ELM's rank gets. Nothing of the size of the whole domain is formed.
"""

from __future__ import annotations

from enum import Enum

import numpy as np

from kiloland.errors import InputError
from kiloland.grid.base import IntArray


class Partition(Enum):
    """A static decomposition of cells over ranks."""

    ROUND_ROBIN = "round_robin"
    BLOCK = "block"
    BLOCK_ROUND_ROBIN = "block_round_robin"


def partition(
    number_of_cells: int, ranks: int, rank: int, scheme: Partition, *, segments_per_rank: int = 20
) -> IntArray:
    """Ascending indices (from zero) of the cells of ``rank``; memory and time grow with these cells only.

    Raises InputError where a number is out of range or where there are more ranks than cells.
    """
    _check(number_of_cells, ranks, rank, segments_per_rank)
    if scheme is Partition.BLOCK:
        return _block(number_of_cells, ranks, rank)
    few = np.float32(number_of_cells) / np.float32(ranks) < np.float32(segments_per_rank)
    if scheme is Partition.ROUND_ROBIN or few:
        return np.arange(rank, number_of_cells, ranks, dtype=np.int64)
    return _block_round_robin(number_of_cells, ranks, rank, segments_per_rank)


def _check(number_of_cells: int, ranks: int, rank: int, segments_per_rank: int) -> None:
    if ranks < 1:
        raise InputError("a partition needs a rank", found=ranks, expected="1 or more")
    if not 0 <= rank < ranks:
        raise InputError("rank out of range", found=rank, expected=f"0 to {ranks - 1}")
    if segments_per_rank < 1:
        raise InputError("segments per rank must be positive", found=segments_per_rank, expected="1 or more")
    if ranks > number_of_cells:
        raise InputError(
            "more ranks than cells",
            found=f"{ranks} ranks",
            expected=f"at most {number_of_cells}",
            hint="Use fewer ranks",
        )


def _block(number_of_cells: int, ranks: int, rank: int) -> IntArray:
    length, longer = divmod(number_of_cells, ranks)
    start = rank * length + min(rank, longer)
    return np.arange(start, start + length + (rank < longer), dtype=np.int64)


def _block_round_robin(number_of_cells: int, ranks: int, rank: int, segments_per_rank: int) -> IntArray:
    segments = np.arange(rank, segments_per_rank * ranks, ranks, dtype=np.int64)
    starts = _segment_starts(segments, number_of_cells, ranks, segments_per_rank)
    ends = _segment_starts(segments + 1, number_of_cells, ranks, segments_per_rank)
    lengths = ends - starts
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()), dtype=np.int64)


def _segment_starts(segments: IntArray, number_of_cells: int, ranks: int, segments_per_rank: int) -> IntArray:
    """The first cell of each segment s: the least k with k / G * S * P >= s in double precision.

    The expression never falls as k grows, and its rounding error is far below one cell, so the answer lies
    within a cell of the exact quotient.
    """
    exact = -(-segments * number_of_cells // (segments_per_rank * ranks))
    candidates = exact[:, np.newaxis] + np.arange(-2, 3)
    position = candidates / np.float64(number_of_cells) * np.float64(segments_per_rank) * np.float64(ranks)
    reached = (position >= segments[:, np.newaxis]) & (candidates >= 0)
    first = candidates[np.arange(segments.size), np.argmax(reached, axis=1)]
    # All segments from the last one on end with the domain, whatever k = G rounds to.
    return np.where(
        segments >= segments_per_rank * ranks, number_of_cells, np.minimum(first, number_of_cells)
    )
