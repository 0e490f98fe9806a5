"""A rank finds ELM's cells for itself: every cell once, the same as by the formulas over the whole domain."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from kiloland.errors import InputError
from kiloland.grid import Partition, partition

CASES = [
    (1, 1, 20),
    (7, 7, 20),
    (1000, 7, 20),
    (139, 7, 20),
    (140, 7, 20),
    (141, 7, 20),
    (72_083, 1, 20),
    (72_083, 42, 20),
    (72_083, 42, 1),
    (5_000, 250, 20),
    (215_526, 100, 3),
    (99_991, 3, 7),
]


def owners(cells: int, ranks: int, scheme: Partition, segments: int) -> np.ndarray:
    """The rank of each cell, from the definitions applied cell by cell."""
    owner = []
    for number in range(1, cells + 1):
        if scheme is Partition.BLOCK:
            length, longer = divmod(cells, ranks)
            edge = longer * (length + 1)
            k = number - 1
            owner.append(k // (length + 1) if k < edge else longer + (k - edge) // length)
        elif scheme is Partition.ROUND_ROBIN or cells / ranks < segments:
            owner.append((number - 1) % ranks)
        else:
            owner.append(int((number - 1) / cells * segments * ranks) % ranks)
    return np.array(owner)


@pytest.mark.parametrize("scheme", list(Partition))
@pytest.mark.parametrize(("cells", "ranks", "segments"), CASES)
def test_ranks_own_the_cells_of_the_definition(cells, ranks, segments, scheme):
    owner = owners(cells, ranks, scheme, segments)
    for rank in range(ranks):
        own = partition(cells, ranks, rank, scheme, segments_per_rank=segments)
        assert own.dtype == np.int64
        assert np.array_equal(own, np.flatnonzero(owner == rank))


def test_a_single_segment_is_a_block():
    for rank in range(7):
        assert np.array_equal(
            partition(700, 7, rank, Partition.BLOCK_ROUND_ROBIN, segments_per_rank=1),
            partition(700, 7, rank, Partition.BLOCK),
        )


@pytest.mark.parametrize("scheme", list(Partition))
def test_memory_of_a_rank_does_not_grow_with_the_domain(scheme):
    tracemalloc.start()
    own = partition(21_552_672_000, 10_000_000, 4_321, scheme)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert abs(own.size - 2155) <= 20
    assert peak < 1_000_000


@pytest.mark.parametrize("arguments", [(10, 0, 0), (10, 2, 2), (10, 2, -1), (10, 11, 0), (0, 1, 0)])
def test_impossible_partitions_are_refused(arguments):
    with pytest.raises(InputError):
        partition(*arguments, Partition.BLOCK)
