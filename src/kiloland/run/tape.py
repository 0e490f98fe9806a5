"""History tapes in memory: what is accumulated, when an interval ends, and the records that wait.

A tape accumulates its fields on columns or patches, step after step, on the device. At the end of an
interval the accumulators become a record; when a file has its number of records it is written whole.
Records of an unfinished file and running accumulators travel in the restart set, so that a resumed run
writes the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import numpy as np

from kiloland.land.accumulate import finish, start_accumulator
from kiloland.land.subgrid import Block, ColumnGroup, column_to_gridcell
from kiloland.run.case import HistoryTable
from kiloland.run.clock import Interval
from kiloland.variables import HistoryVariable


@dataclass(frozen=True)
class Record:
    """One finished interval: its ends in seconds, the step count, and per field ``[*levels, member]``.

    ``bottom`` of the hierarchy: cells of the rank for grid means, columns or patches of the group for
    vectors.
    """

    begin: int
    end: int
    values: tuple[np.ndarray, ...]


@dataclass
class Tape:
    """A history tape of one rank."""

    number: int
    table: HistoryTable
    variables: tuple[HistoryVariable, ...]
    shapes: tuple[tuple[int, ...], ...]
    """Level sizes of each field, without the member axis."""
    begin: int
    steps: int = 0
    accumulators: list[tuple[jax.Array, ...]] = field(default_factory=list)
    """For each block, for each field ``[*levels, padded member]``."""
    pending: list[Record] = field(default_factory=list)

    @property
    def stream(self) -> str:
        """Name of the tape in file names: ``h0``, ``h1``, ..."""
        return f"h{self.number}"

    @property
    def interval(self) -> Interval:
        """Length of an interval."""
        return Interval.parse(self.table.every)

    def on_patches(self, variable: HistoryVariable) -> bool:
        """True where the field is accumulated on patches: only on vector tapes."""
        return self.table.subgrid and variable.level == "pft"

    def restart_accumulators(self, blocks: list[Block]) -> None:
        """Begin an interval."""
        self.steps = 0
        self.accumulators = [
            tuple(
                start_accumulator((*shape, self._width(variable, block)), variable.averaging)
                for variable, shape in zip(self.variables, self.shapes, strict=True)
            )
            for block in blocks
        ]

    def _width(self, variable: HistoryVariable, block: Block) -> int:
        return len(block.patch_take) if self.on_patches(variable) else len(block.column_take)

    def collect(self, blocks: list[Block], group: ColumnGroup) -> list[np.ndarray]:
        """Accumulators of all blocks joined, ``[*levels, member of the group]``."""
        joined = []
        for position, variable in enumerate(self.variables):
            pieces = []
            for block, arrays in zip(blocks, self.accumulators, strict=True):
                part = block.patches if self.on_patches(variable) else block.columns
                pieces.append(np.asarray(arrays[position])[..., : part.stop - part.start])
            joined.append(
                np.concatenate(pieces, axis=-1) if pieces else np.zeros((*self.shapes[position], 0))
            )
        return joined

    def distribute(self, joined: list[np.ndarray], blocks: list[Block]) -> None:
        """Set the accumulators of all blocks from joined arrays (the inverse of :meth:`collect`)."""
        self.accumulators = []
        for block in blocks:
            arrays = []
            for variable, values in zip(self.variables, joined, strict=True):
                take = block.patch_take if self.on_patches(variable) else block.column_take
                arrays.append(jax.numpy.asarray(values[..., take]))
            self.accumulators.append(tuple(arrays))

    def close_interval(self, end: int, blocks: list[Block], group: ColumnGroup, cells: int) -> None:
        """Turn the accumulators into a record and begin the next interval."""
        values = []
        for variable, total in zip(self.variables, self.collect(blocks, group), strict=True):
            value = finish(total, self.steps, variable.averaging)
            keep = self.table.subgrid and variable.level in ("column", "pft")
            values.append(value if keep else column_to_gridcell(value, group, cells))
        self.pending.append(Record(self.begin, end, tuple(values)))
        self.begin = end
        self.restart_accumulators(blocks)

    @property
    def file_is_full(self) -> bool:
        """True when the records that wait fill a file."""
        return len(self.pending) >= self.table.records_per_file
