"""Weather for the compiled step: read in batches of blocks, one batch ahead of the computation.

While the compiled step works on one batch, a thread reads and interpolates the weather of the next. What is
read, and so every bit of it, is the same as without the thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np

from kiloland.atmosphere.calendar import ModelTimes
from kiloland.run.engine import weather_series
from kiloland.run.model import Model
from kiloland.run.parts import Part
from kiloland.run.setup import zenith_at_ends

BATCH_COLUMNS = 8_192
"""Columns whose weather is read at once: about 50 MB for a chunk of 48 steps."""


@dataclass(frozen=True)
class Batch:
    """Consecutive blocks of a part whose weather is read together, and the cells that they lie in.

    A batch bounds the memory for weather whatever the number of cells of a rank.
    """

    part: int
    blocks: range
    first_cell: int
    end_cell: int


def batches_of(parts: Sequence[Part]) -> list[Batch]:
    """The blocks of a rank, part by part, in batches of about :data:`BATCH_COLUMNS` columns."""
    result = []
    for number, part in enumerate(parts):
        width = max(1, BATCH_COLUMNS // len(part.blocks[0].column_take))
        for first in range(0, len(part.blocks), width):
            blocks = range(first, min(first + width, len(part.blocks)))
            columns = slice(part.blocks[first].columns.start, part.blocks[blocks[-1]].columns.stop)
            cells = part.group.gridcell[columns]
            result.append(Batch(number, blocks, int(cells.min()), int(cells.max()) + 1))
    return result


class Wanted(NamedTuple):
    """One batch of one chunk: its number, the start of the chunk in seconds, the number of steps."""

    batch: int
    start: int
    steps: int


class WeatherReader:
    """Reads the weather of batches, the next one in advance."""

    def __init__(self, model: Model, batches: list[Batch]) -> None:
        self._model = model
        self._batches = batches
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="weather")
        self._coming: dict[Wanted, Future[list[Any]]] = {}

    def __enter__(self) -> Self:
        """The reader itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Drop what is not needed any more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def take(self, wanted: Wanted, then: Wanted | None) -> list[Any]:
        """The weather of each block of a batch; the batch that comes next is begun.

        Raises:
            InputError: whatever is wrong with the forcing of these steps.
        """
        current = self._coming.pop(wanted, None) or self._pool.submit(self._read, wanted)
        if then is not None and then not in self._coming:
            self._coming = {then: self._pool.submit(self._read, then)}
        return current.result()

    def _read(self, wanted: Wanted) -> list[Any]:
        model, batch = self._model, self._batches[wanted.batch]
        case = model.case.case
        cells = np.arange(batch.first_cell, batch.end_cell)
        forcing = model.source.load(ModelTimes(wanted.start, case.step_seconds, wanted.steps), cells)
        zenith = zenith_at_ends(
            wanted.start,
            case.step_seconds,
            wanted.steps,
            model.domain.longitude[cells],
            model.domain.latitude[cells],
            case.orbital_year,
        )
        steps = model.case.compute.steps_per_chunk
        part = model.parts[batch.part]
        columns = (part.group.gridcell[part.blocks[number].column_take] for number in batch.blocks)
        return [
            model.surround(
                weather_series(forcing, zenith, cell - batch.first_cell, steps),
                cell,
                wanted.start,
                wanted.steps,
            )
            for cell in columns
        ]
