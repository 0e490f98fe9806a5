"""The days of a block of cells while they are made one after the other: what is kept from one to the next."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.forcing.advance import advance
from kiloland.craft.forcing.bins import BINS_PER_DAY
from kiloland.craft.forcing.block import FIELDS
from kiloland.craft.forcing.groups import Groups
from kiloland.craft.forcing.shape import MARGIN, ShapeOfDays

FloatArray = NDArray[np.float64]
Bits = NDArray[np.uint32]


@dataclass
class LocalDays:
    """Some ``groups`` of cells with their ``rise`` above the reanalysis [m], the ``shape`` of their days,
    whether the ``mean`` temperature is kept, and the samples ``wanted``: the first, and the one after the
    last; ``before``: days of the shape before that of sample 0."""

    groups: Groups
    rise: FloatArray
    shape: ShapeOfDays
    mean: bool
    wanted: tuple[int, int]
    before: int
    samples: Bits = field(init=False)
    state: tuple[FloatArray, FloatArray, FloatArray, FloatArray] = field(init=False)
    begun: bool = False

    def __post_init__(self) -> None:
        count = self.groups.order.size
        cells = int(self.groups.real.sum())
        # One day is in use while the next ones are made; local days reach into the days beside that of UTC.
        days = 2 + self.behind + int((self.groups.shift > 0).any())
        self.samples = np.empty((days, len(FIELDS), BINS_PER_DAY, cells), np.uint32)
        self.state = np.empty((5, count)), np.empty(8 * count), np.empty(8 * count), np.empty(count)

    @property
    def behind(self) -> int:
        """Days of UTC that wait for the local day after them."""
        return int((self.groups.shift < 0).any())

    def advance(self, day: int, came: FloatArray, sun: FloatArray) -> tuple[int, int]:
        """Take in the local day of that number, its daily values ``[5, cell]`` in the order of the groups,
        and make the one before, whose ``sun`` ``[group, 3]`` it is.

        Returns at how many cells vapour and shortwave of the day before were not kept.
        """
        groups, lost = self.groups, np.zeros(2, np.int64)
        advance(
            day,
            self.begun,
            BINS_PER_DAY * (MARGIN + self.before),
            (groups.bounds, groups.real, groups.shift, groups.points, groups.nearest, sun),
            (groups.weight, groups.begin, groups.sine, groups.cosine, groups.latitude, self.rise),
            groups.order,
            (self.shape.smooth, self.shape.rain),
            came,
            self.state,
            self.wanted,
            self.mean,
            self.samples,
            lost,
        )
        self.begun = True
        return int(lost[0]), int(lost[1])

    def of_day(self, day: int) -> Bits:
        """Samples of a day of UTC ``[7, 8, cell]`` in the byte order of files."""
        return np.asarray(self.samples[day % len(self.samples)])
