"""History tapes in memory: what is accumulated, when an interval ends, and the records that wait.

A tape accumulates its fields on columns or patches, step after step, on the device. At the end of an
interval the accumulators become a record; when a file has its number of records it is written whole.
Records of an unfinished file and running accumulators travel in the restart set, so that a resumed run
writes the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import jax
import numpy as np

from kiloland.land.accumulate import finish, start_accumulator
from kiloland.land.subgrid import Block
from kiloland.run.case import HistoryTable
from kiloland.run.clock import Interval
from kiloland.run.engine import FieldPlan
from kiloland.run.layout import Layout
from kiloland.run.parts import Part
from kiloland.run.stream_fields import StreamSource
from kiloland.variables import HistoryVariable


@dataclass(frozen=True)
class Record:
    """One finished interval: its ends in seconds, the step count, and per field ``[*levels, member]``.

    ``bottom`` of the hierarchy: cells of the rank for grid means, columns or patches of the layout for
    vectors.
    """

    begin: int
    end: int
    values: tuple[np.ndarray, ...]


@dataclass
class Tape:
    """A history tape of one rank."""

    stream: str
    """Name of the tape in file names: ``h0``, ``h1``, ..., ``cpl.ha``."""
    table: HistoryTable
    variables: tuple[HistoryVariable, ...]
    shapes: tuple[tuple[int, ...], ...]
    """Level sizes of each field, without the member axis."""
    begin: int
    steps: int = 0
    of_coupler: bool = False
    """Made into the fields of the coupler when it is written."""
    fields_of: tuple[tuple[int, ...], ...] = ()
    """For each part of the model the positions of the fields that it tells."""
    accumulators: list[list[tuple[jax.Array, ...]]] = field(default_factory=list)
    """For each part, for each block, for each of its fields ``[*levels, padded member]``."""
    pending: list[Record] = field(default_factory=list)

    @property
    def interval(self) -> Interval:
        """Length of an interval."""
        return Interval.parse(self.table.every)

    def on_patches(self, variable: HistoryVariable) -> bool:
        """True where the field is accumulated on patches: only on vector tapes."""
        return self.table.subgrid and variable.level == "pft"

    def level(self, variable: HistoryVariable) -> str:
        """What a field is accumulated on."""
        return "pft" if self.on_patches(variable) else "column"

    def plan(self, part: int) -> tuple[FieldPlan, ...]:
        """What one part of the model accumulates."""
        chosen = (self.variables[position] for position in self.fields_of[part])
        return tuple(FieldPlan(v.name, v.averaging, self.on_patches(v)) for v in chosen)

    def accumulator_levels(self, position: int) -> tuple[int, ...]:
        """Sizes of the axes of an accumulator without that of the members."""
        variable = self.variables[position]
        pair = (2,) if self._sparse(variable) and variable.averaging == "mean" else ()
        return (*pair, *self.shapes[position])

    def _sparse(self, variable: HistoryVariable) -> bool:
        return FieldPlan(variable.name, variable.averaging, on_patches=False).sparse

    def restart_accumulators(self, parts: Sequence[Part]) -> None:
        """Begin an interval."""
        self.steps = 0
        self.accumulators = [
            [tuple(self._start(position, block) for position in chosen) for block in part.blocks]
            for part, chosen in zip(parts, self.fields_of, strict=True)
        ]

    def _start(self, position: int, block: Block) -> jax.Array:
        variable = self.variables[position]
        width = len(block.patch_take if self.on_patches(variable) else block.column_take)
        shape = (*self.shapes[position], width)
        return start_accumulator(shape, variable.averaging, self._sparse(variable))

    def collect(self, parts: Sequence[Part], layout: Layout) -> list[np.ndarray]:
        """Accumulators of all parts joined, ``[*levels, member]``; NaN where a part has no such field."""
        joined = []
        for position, variable in enumerate(self.variables):
            level, members = self.level(variable), len(layout.rows(self.level(variable)))
            whole = np.full((*self.accumulator_levels(position), members), np.nan)
            for number, part in enumerate(parts):
                if position not in self.fields_of[number]:
                    continue
                turn, start = self.fields_of[number].index(position), layout.members(number, level).start
                for block, arrays in zip(part.blocks, self.accumulators[number], strict=True):
                    own = block.patches if self.on_patches(variable) else block.columns
                    real = np.asarray(arrays[turn])[..., : own.stop - own.start]
                    whole[..., start + own.start : start + own.stop] = real
            joined.append(whole)
        return joined

    def distribute(self, joined: list[np.ndarray], parts: Sequence[Part], layout: Layout) -> None:
        """Set the accumulators of all parts from joined arrays (the inverse of :meth:`collect`)."""
        self.accumulators = []
        for number, part in enumerate(parts):
            blocks = []
            for block in part.blocks:
                arrays = []
                for position in self.fields_of[number]:
                    variable = self.variables[position]
                    own = joined[position][..., layout.members(number, self.level(variable))]
                    take = block.patch_take if self.on_patches(variable) else block.column_take
                    arrays.append(jax.numpy.asarray(own[..., take]))
                blocks.append(tuple(arrays))
            self.accumulators.append(blocks)

    def close_interval(
        self, end: int, parts: Sequence[Part], layout: Layout, streams: StreamSource | None = None
    ) -> None:
        """Turn the accumulators into a record and begin the next interval; streams bring their own fields."""
        values = []
        for variable, total in zip(self.variables, self.collect(parts, layout), strict=True):
            keep = self.table.subgrid and variable.level in ("column", "pft")
            brought = None if streams is None else streams.record(variable, self.begin, end, layout, keep)
            if brought is not None:
                values.append(brought)
                continue
            value = finish(total, self.steps, variable.averaging, self._sparse(variable))
            values.append(value if keep else layout.cell_mean(value, variable))
        self.pending.append(Record(self.begin, end, tuple(values)))
        self.begin = end
        self.restart_accumulators(parts)

    @property
    def file_is_full(self) -> bool:
        """True when the records that wait fill a file."""
        return len(self.pending) >= self.table.records_per_file
