"""Walk over pairs of variables in blocks of bounded size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

from kiloland.verify.elements import Block

if TYPE_CHECKING:
    from kiloland.files import Variable

BLOCK_BYTES = 1 << 20
"""Both blocks, and the mask of their comparison, stay in the second-level cache of a core."""

READ_BYTES = 32 << 20
"""Where blocks are read and not mapped: whole compressed chunks, so that none is unpacked many times."""

Slices = tuple[slice, ...]


def blocks(shape: tuple[int, ...], itemsize: int, limit: int = BLOCK_BYTES) -> Iterator[Slices]:
    """Slices that cover ``shape`` once, in file order, each of at most ``limit`` bytes or one element.

    >>> [tuple((s.start, s.stop) for s in block) for block in blocks((3, 4), 8, 64)]
    [((0, 2), (0, 4)), ((2, 3), (0, 4))]
    >>> list(blocks((), 8))
    [()]
    """
    if 0 in shape:
        return
    axis = 0
    while axis < len(shape) and itemsize * math.prod(shape[axis + 1 :]) > limit:
        axis += 1
    if axis == len(shape):
        axis = max(len(shape) - 1, 0)
    if not shape:
        yield ()
        return
    rows = max(1, limit // (itemsize * math.prod(shape[axis + 1 :])))
    inner = tuple(slice(0, length) for length in shape[axis + 1 :])
    for outer in product(*(range(length) for length in shape[:axis])):
        leading = tuple(slice(i, i + 1) for i in outer)
        for start in range(0, shape[axis], rows):
            yield (*leading, slice(start, min(start + rows, shape[axis])), *inner)


class Source:
    """Blocks of one variable: a view of the mapped file where there is one, else what the reader returns."""

    def __init__(self, variable: Variable) -> None:
        self.variable = variable
        self.mapped: Any = variable.raw()

    def block(self, index: Slices) -> Block:
        """The elements at ``index``, in the byte order of the file."""
        values: Block
        if self.mapped is None:
            values = self.variable.read(index)
        else:
            values = self.mapped[index] if index else self.mapped
        return values


def paired_blocks(left: Source, right: Source, limit: int) -> Iterator[Slices]:
    """Blocks of the variable on the left for reading it beside the one on the right."""
    itemsize = max(left.variable.dtype.itemsize, right.variable.dtype.itemsize)
    both_mapped = left.mapped is not None and right.mapped is not None
    return blocks(left.variable.shape, itemsize, limit if both_mapped else max(limit, READ_BYTES))


def start_of(index: Slices) -> tuple[int, ...]:
    """Place of the first element of a block."""
    return tuple(int(part.start) for part in index)
