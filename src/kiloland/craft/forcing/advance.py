"""Local days of many cells one after the other, as the samples of a file in its order and byte order.

A day needs the next one for the joint of the temperatures at midnight, so each is made when the following one
has come. Of a group of cells the arrays ``[8, cell]`` lie together in flat ones, see
:class:`~kiloland.craft.forcing.groups.Groups`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.forcing import kernel
from kiloland.craft.forcing.bins import BINS_PER_DAY
from kiloland.craft.forcing.block import spread_day
from kiloland.craft.forcing.compiled import compiled
from kiloland.craft.forcing.kernel import Cells, Field

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Bits = NDArray[np.uint32]
GroupTable = tuple[IntArray, IntArray, IntArray, IntArray, IntArray, FloatArray]
"""Bounds, real cells, shifts, points and nearest points of groups, and the sun of the day before
``[group, 3]``."""
CellTable = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]
"""Weights, hour angles, their sines, daily course of temperature, sines and cosines of the latitudes
``[2, cell]``, and height above the reanalysis (of no length for cells at its surface)."""
State = tuple[FloatArray, FloatArray, FloatArray, FloatArray]
"""The day before: its five daily values ``[5, cell]``, temperatures ``[8 cell]`` before their joint with the
next day, their pattern ``[8 cell]``, and its stretch ``[cell]``."""


@compiled
def at_points(smooth: FloatArray, first: int, points: IntArray, out: Field) -> None:
    """Eight intervals ``[8, 4]`` of a field ``[bin, point]`` at four points."""
    for k in range(BINS_PER_DAY):
        for j in range(4):
            out[k, j] = smooth[first + k, points[j]]


@compiled
def rain_shares(rain: FloatArray, first: int, point: int, out: Field) -> None:
    """Weights of the intervals of a day at all cells ``[8, cell]``, as
    :func:`~kiloland.craft.forcing.block.rain_weights`."""
    for kind in range(4):
        wet = False
        for k in range(BINS_PER_DAY):
            wet = wet or kind == 3 or rain[kind % 3, first + k, point] > 0.0
        if wet:
            for k in range(BINS_PER_DAY):
                out[k] = 1.0 if kind == 3 else rain[kind, first + k, point]
            return


@compiled
def joined(
    before: tuple[Field, Field, Cells, Cells, Cells],
    after: tuple[Field, Field, Cells, Cells, Cells],
    move: Cells,
) -> None:
    """Take the jump out between two days: temperatures, pattern, stretch, minimum and maximum of each."""
    kernel.joint(before[1], after[1], before[2], after[2], move)
    for c in range(move.size):
        move[c] = 0.5 * ((after[0][0, c] - before[0][7, c]) - move[c])
    kernel.smoothed(before[0], 7, move, 1.0, before[1], before[3], before[4])
    kernel.smoothed(after[0], 0, move, -1.0, after[1], after[3], after[4])


@compiled
def finished(values: Field, low: Cells, high: Cells, mean: bool, move: Cells) -> None:
    """Temperatures in single precision; with ``mean`` moved so that their mean is (low + high)/2."""
    move[:] = 0.0
    if mean:
        kernel.total(values, move)
        for c in range(move.size):
            move[c] = 0.5 * (low[c] + high[c]) - move[c] / BINS_PER_DAY
    for k in range(BINS_PER_DAY):
        for c in range(move.size):
            values[k, c] = kernel.single(values[k, c] + move[c])


@compiled
def stored(values: Field, place: IntArray, sample: int, v: int, out: Bits) -> None:
    """Intervals of one variable as single precision in the byte order of files; ``out`` holds some days
    ``[day, 7, 8, cell]`` in turn, of which ``sample`` names the interval, and ``place`` the cell."""
    count = values.shape[1]
    narrow, turned = np.empty(count, np.float32), np.empty(count, np.uint32)
    bits = narrow.view(np.uint32)
    for k in range(BINS_PER_DAY):
        line = out[((sample + k) // BINS_PER_DAY) % out.shape[0], v, (sample + k) % BINS_PER_DAY]
        for c in range(count):
            narrow[c] = np.float32(values[k, c])
        for c in range(count):
            one = bits[c]
            high = (one >> np.uint32(24)) | ((one >> np.uint32(8)) & np.uint32(0xFF00))
            turned[c] = high | ((one << np.uint32(8)) & np.uint32(0xFF0000)) | (one << np.uint32(24))
        # By itself: the loops above take several cells at once.
        for c in range(count):
            line[place[c]] = turned[c]


@compiled
def advance(
    day: int,
    follows: bool,
    first: int,
    groups: GroupTable,
    cells: CellTable,
    order: IntArray,
    shape: tuple[FloatArray, FloatArray],
    came: FloatArray,
    state: State,
    wanted: tuple[int, int],
    mean: bool,
    out: Bits,
    lost: IntArray,
) -> None:
    """Take in local day ``day``, and where it ``follows`` another one of which an interval is ``wanted`` make
    that one.

    ``order``: place of each cell among the samples;
    ``first``: bin of the shape at which day 0 of UTC begins; ``shape``: smooth fields ``[7, bin, point]`` and
    rain ``[3, bin, point]``; ``came``: minimum and maximum temperature, precipitation, vapour pressure and
    shortwave of the day ``[5, cell]``; ``wanted``: first sample and the one after
    the last, counted from day 0; ``mean``: the mean temperature is kept; ``out``: see :func:`stored`;
    ``lost`` ``[2]``: cells whose vapour or shortwave was not kept on the day before, added.
    """
    for g in range(groups[2].size):
        begin, end, shift = groups[0][g], groups[0][g + 1], groups[2][g]
        count, points = end - begin, np.empty((BINS_PER_DAY, 4))
        weight = cells[0][4 * begin : 4 * end].reshape(4, count)
        cosine = cells[3][8 * begin : 8 * end].reshape(8, count)
        low, high = came[0, begin:end], came[1, begin:end]
        raw, values, pattern = (
            np.empty((8, count)),
            np.empty((8, count)),
            np.empty((8, count)),
        )
        stretch, move = np.empty(count), np.empty(count)
        at_points(shape[0][0], first + BINS_PER_DAY * day + shift, groups[3][g], points)
        kernel.bilinear(points, weight, raw)
        kernel.stretched_day(low, high, raw, cosine, values, pattern, stretch)
        last = state[0]
        low_before, high_before = last[0, begin:end], last[1, begin:end]
        values_before = state[1][8 * begin : 8 * end].reshape(8, count)
        pattern_before = state[2][8 * begin : 8 * end].reshape(8, count)
        stretch_before = state[3][begin:end]
        sample = BINS_PER_DAY * (day - 1) + shift
        if follows:
            joined(
                (values_before, pattern_before, stretch_before, low_before, high_before),
                (values, pattern, stretch, low, high),
                move,
            )
        if follows and sample + BINS_PER_DAY > wanted[0] and sample < wanted[1]:
            finished(values_before, low_before, high_before, mean, move)
            fields = np.empty((7, BINS_PER_DAY, count))
            for v in range(7):
                at_points(shape[0][v], first + sample, groups[3][g], points)
                kernel.bilinear(points, weight, fields[v])
            shares, above = np.empty((8, count)), np.empty((8, count))
            rain_shares(shape[1], first + sample, groups[4][g], shares)
            sunset, delta = (np.empty(count), np.empty(count)), (groups[5][g, 0], groups[5][g, 1])
            latitude = cells[4][0, begin:end], cells[4][1, begin:end]
            kernel.sunset_of_day(latitude[0], latitude[1], delta, sunset[0], sunset[1])
            kernel.sun_above(
                cells[1][8 * begin : 8 * end].reshape(8, count),
                cells[2][8 * begin : 8 * end].reshape(8, count),
                sunset,
                latitude,
                delta,
                groups[5][g, 2],
                above,
            )
            made, cut = np.empty((7, BINS_PER_DAY, count)), np.empty((2, count), np.bool_)
            daily = last[2, begin:end], last[3, begin:end], last[4, begin:end]
            rise = cells[5][begin:end] if cells[5].size else cells[5]
            spread_day(daily, values_before, fields, shares, above, rise, made, cut)
            for v in range(7):
                stored(made[v], order[begin:end], sample, v, out)
            lost[0] += cut[0, : groups[1][g]].sum()
            lost[1] += cut[1, : groups[1][g]].sum()
        state[0][:, begin:end] = came[:, begin:end]
        values_before[:], pattern_before[:], stretch_before[:] = values, pattern, stretch
