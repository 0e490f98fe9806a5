"""The kinds of columns of a run, and the columns of one kind on a rank with their state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kiloland.land.ledger import Ledger
from kiloland.land.parameters import Parameters
from kiloland.land.subgrid import Block, ColumnGroup, split_into_blocks
from kiloland.run.full_setup import LandInputs
from kiloland.run.layout import AreaScale
from kiloland.run.physics import Physics
from kiloland.run.restart import Restart
from kiloland.run.setup import PreparedGroup
from kiloland.run.surface import Surface

Values = dict[str, np.ndarray]
"""Restart variables in the layout of the file."""


@dataclass(frozen=True)
class Ground:
    """What the constants of columns are made of, for a rank's cells."""

    surface: Surface
    positions: np.ndarray
    """Of the cells in the surface file."""
    latitude: np.ndarray
    """Degrees."""
    parameters: Parameters
    inputs: LandInputs | None
    """Traits and tables of a run of all processes."""


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of column: how its columns are found, prepared, read and written, and what it computes."""

    name: str
    landunit: str
    """ELM's word for its landunit in means of history fields."""
    physics: Physics
    find: Callable[[Restart], ColumnGroup]
    constants: Callable[[ColumnGroup, Block, Ground], Any]
    """Of one block."""
    load: Callable[[Restart, ColumnGroup, list[Block]], list[Any]]
    """The state of each block."""
    lay: Callable[[Restart, Values, ColumnGroup, list[Block], list[Any]], None]
    """Lay states over the values of a restart (the one that they were loaded from is given, too)."""
    scale: Callable[[ColumnGroup, Ground], AreaScale | None] = lambda group, ground: None
    together: int = 1
    """Columns that cannot be parted."""


@dataclass
class Part:
    """The columns of one kind on a rank. ``states`` and ``ledgers`` advance, one for each block."""

    kind: Kind
    prepared: PreparedGroup
    states: list[Any]
    ledgers: list[Ledger]

    @property
    def group(self) -> ColumnGroup:
        """The columns."""
        return self.prepared.group

    @property
    def blocks(self) -> list[Block]:
        """The columns in blocks."""
        return self.prepared.blocks


def prepare(
    kind: Kind, group: ColumnGroup, ground: Ground, columns_per_block: int, slots: int
) -> PreparedGroup:
    """Cut the columns of a kind into blocks and work out their constants."""
    blocks = split_into_blocks(group, columns_per_block, slots, kind.together)
    constants = [kind.constants(group, block, ground) for block in blocks]
    return PreparedGroup(group, blocks, constants)
