"""Writing vectors that are spread over ranks: each rank ends up with one contiguous slab of the file.

Cells are dealt to ranks in any pattern, files hold them in global order. Before a write every rank sends
its members to the rank that writes their stretch of the file; memory grows with a rank's own share.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import numpy as np

from kiloland.errors import KilolandError
from kiloland.files import DatasetWriter
from kiloland.files.rearranger import Rearranger
from kiloland.run.ranks import Ranks


class Members:
    """Who holds which members of each level: ``rows`` of this rank, ``totals`` over all ranks."""

    def __init__(self, rows: Mapping[str, np.ndarray], totals: Mapping[str, int], ranks: Ranks) -> None:
        self.rows = dict(rows)
        self.totals = dict(totals)
        self.ranks = ranks
        self._exchanges: dict[str, Rearranger] = {}

    def exchange(self, level: str) -> Rearranger:
        """The exchange of a level, built once."""
        if level not in self._exchanges:
            self._exchanges[level] = Rearranger(self.rows[level], self.totals[level], self.ranks.communicator)
        return self._exchanges[level]


class MemberWriter:
    """Writes member vectors of all ranks into one file; enter it inside the writer of that file.

    Where the disk refuses on one rank, that rank goes on exchanging with the others, which would wait for
    it for ever, and raises its error on leaving.
    """

    def __init__(self, writer: DatasetWriter, members: Members) -> None:
        self._writer = writer
        self._members = members
        self._error: KilolandError | None = None

    def __enter__(self) -> Self:
        """The writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Raise what went wrong on the way."""
        if error is None and self._error is not None:
            raise self._error

    def _put(self, name: str, values: np.ndarray, start: tuple[int, ...]) -> None:
        if self._error is None:
            try:
                self._writer.put(name, values, start=start)
            except KilolandError as error:
                self._error = error

    def put_leading(self, name: str, level: str, values: np.ndarray) -> None:
        """Write a variable whose first dimension is the member, as restarts have it."""
        exchange = self._members.exchange(level)
        slab = exchange.to_slab(values)
        if len(slab):
            self._put(name, slab, (exchange.start, *(0,) * (slab.ndim - 1)))

    def put_trailing(self, name: str, level: str, values: np.ndarray, lead: tuple[int, ...] = ()) -> None:
        """Write a variable whose last dimension is the member, as history has it; ``lead`` is the record."""
        exchange = self._members.exchange(level)
        slab = np.ascontiguousarray(exchange.to_slab(values, axis=-1))
        if slab.shape[-1]:
            slab = slab.reshape((1,) * len(lead) + slab.shape)
            self._put(name, slab, (*lead, *(0,) * (values.ndim - 1), exchange.start))

    def put_whole(self, name: str, values: Any, lead: tuple[int, ...] = ()) -> None:
        """Write a variable that every rank holds whole; the root does it."""
        if self._members.ranks.is_root:
            array = np.asarray(values)
            self._put(name, array.reshape((1,) * len(lead) + array.shape), (*lead, *(0,) * array.ndim))
