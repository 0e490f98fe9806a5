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
Temperatures = tuple[Field, Field, Cells, Cells, Cells]
"""Of one day: temperatures, their pattern, its stretch, and the day's minimum and maximum."""
State = tuple[FloatArray, FloatArray, FloatArray, FloatArray]
"""The day before: its five daily values ``[5, cell]``, temperatures ``[8 cell]`` before their joint with the
next day, their pattern ``[8 cell]``, and its stretch ``[cell]``."""


@compiled
def of_group(flat: FloatArray, number: int, begin: int, end: int) -> Field:
    """The ``number`` rows of cells ``begin`` to ``end`` in an array where those of a group lie together."""
    return flat[number * begin : number * end].reshape(number, end - begin)


@compiled
def at_cells(smooth: FloatArray, first: int, points: IntArray, weight: Field, out: Field) -> None:
    """Eight intervals ``[8, cell]`` of a field ``[bin, point]`` from bin ``first`` on, by the ``weight``
    ``[4, cell]`` of four points."""
    corners = np.empty((BINS_PER_DAY, 4))
    for k in range(BINS_PER_DAY):
        for j in range(4):
            corners[k, j] = smooth[first + k, points[j]]
    kernel.bilinear(corners, weight, out)


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
def joined(before: Temperatures, after: Temperatures) -> None:
    """Take the jump out between two days."""
    move = np.empty(after[2].size)
    kernel.joint(before[1], after[1], before[2], after[2], move)
    for c in range(move.size):
        move[c] = 0.5 * ((after[0][0, c] - before[0][7, c]) - move[c])
    kernel.smoothed(before[0], 7, move, 1.0, before[1], before[3], before[4])
    kernel.smoothed(after[0], 0, move, -1.0, after[1], after[3], after[4])


@compiled
def finished(values: Field, low: Cells, high: Cells, mean: bool) -> None:
    """Temperatures in single precision; with ``mean`` moved so that their mean is (low + high)/2."""
    move = np.zeros(low.size)
    if mean:
        kernel.total(values, move)
        for c in range(move.size):
            move[c] = 0.5 * (low[c] + high[c]) - move[c] / BINS_PER_DAY
    for k in range(BINS_PER_DAY):
        for c in range(move.size):
            values[k, c] = kernel.single(values[k, c] + move[c])


@compiled
def stored(made: FloatArray, place: IntArray, sample: int, out: Bits) -> None:
    """A day ``made[7, 8, cell]`` as single precision in the byte order of files; ``out`` holds some days
    ``[day, 7, 8, cell]`` in turn, of which ``sample`` names the interval, and ``place`` the cell."""
    count = made.shape[2]
    narrow, turned = np.empty(count, np.float32), np.empty(count, np.uint32)
    bits = narrow.view(np.uint32)
    for v in range(made.shape[0]):
        for k in range(BINS_PER_DAY):
            line = out[((sample + k) // BINS_PER_DAY) % out.shape[0], v, (sample + k) % BINS_PER_DAY]
            for c in range(count):
                narrow[c] = np.float32(made[v, k, c])
            for c in range(count):
                one = bits[c]
                high = (one >> np.uint32(24)) | ((one >> np.uint32(8)) & np.uint32(0xFF00))
                turned[c] = high | ((one << np.uint32(8)) & np.uint32(0xFF0000)) | (one << np.uint32(24))
            # By itself: the loops above take several cells at once.
            for c in range(count):
                line[place[c]] = turned[c]


@compiled
def day_to_come(shape: Field, cosine: Field, low: Cells, high: Cells) -> Temperatures:
    """Temperatures of a day before its joints, from those of the ``shape``, the daily course without one, and
    minimum and maximum."""
    values, pattern, stretch = np.empty(shape.shape), np.empty(shape.shape), np.empty(low.size)
    kernel.stretched_day(low, high, shape, cosine, values, pattern, stretch)
    return values, pattern, stretch, low, high


@compiled
def day_before(state: State, begin: int, end: int) -> Temperatures:
    """Temperatures of the day before at cells ``begin`` to ``end``."""
    last, values = state[0], of_group(state[1], 8, begin, end)
    return (
        values,
        of_group(state[2], 8, begin, end),
        state[3][begin:end],
        last[0, begin:end],
        last[1, begin:end],
    )


@compiled
def sun_of_group(cells: CellTable, sun: Cells, begin: int, end: int) -> Field:
    """The sun above the atmosphere over cells ``begin`` to ``end`` [W/m2] ``[8, cell]``; ``sun`` ``[3]`` is
    that of the day, see :func:`~kiloland.craft.forcing.sun.sun_of_day`."""
    above, sunset = np.empty((BINS_PER_DAY, end - begin)), (np.empty(end - begin), np.empty(end - begin))
    latitude, delta = (cells[4][0, begin:end], cells[4][1, begin:end]), (sun[0], sun[1])
    hour, sine = of_group(cells[1], 8, begin, end), of_group(cells[2], 8, begin, end)
    kernel.sunset_of_day(latitude[0], latitude[1], delta, sunset[0], sunset[1])
    kernel.sun_above(hour, sine, sunset, latitude, delta, sun[2], above)
    return above


@compiled
def made_day(
    g: int,
    first: int,
    groups: GroupTable,
    cells: CellTable,
    shape: tuple[FloatArray, FloatArray],
    temperature: Field,
    last: FloatArray,
    lost: IntArray,
) -> FloatArray:
    """The day before ``[7, 8, cell]`` at the cells of group ``g``: its bins of the shape from ``first`` on,
    its ``temperature`` and its daily values ``last`` ``[5, all cells]``; what is ``lost`` is added."""
    begin, end = groups[0][g], groups[0][g + 1]
    count, weight = end - begin, of_group(cells[0], 4, begin, end)
    fields, shares = np.empty((7, BINS_PER_DAY, count)), np.empty((BINS_PER_DAY, count))
    for v in range(7):
        at_cells(shape[0][v], first, groups[3][g], weight, fields[v])
    rain_shares(shape[1], first, groups[4][g], shares)
    above = sun_of_group(cells, groups[5][g], begin, end)
    made, cut = np.empty((7, BINS_PER_DAY, count)), np.empty((2, count), np.bool_)
    daily = last[2, begin:end], last[3, begin:end], last[4, begin:end]
    rise = cells[5][begin:end] if cells[5].size else cells[5]
    spread_day(daily, temperature, fields, shares, above, rise, made, cut)
    for kind in range(2):
        lost[kind] += cut[kind, : groups[1][g]].sum()
    return made


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
        begin, end, sample = groups[0][g], groups[0][g + 1], BINS_PER_DAY * (day - 1) + groups[2][g]
        weight, cosine = of_group(cells[0], 4, begin, end), of_group(cells[3], 8, begin, end)
        warm = np.empty(cosine.shape)
        at_cells(shape[0][0], first + sample + BINS_PER_DAY, groups[3][g], weight, warm)
        after = day_to_come(warm, cosine, came[0, begin:end], came[1, begin:end])
        before = day_before(state, begin, end)
        if follows:
            joined(before, after)
        if follows and sample + BINS_PER_DAY > wanted[0] and sample < wanted[1]:
            finished(before[0], before[3], before[4], mean)
            made = made_day(g, first + sample, groups, cells, shape, before[0], state[0], lost)
            stored(made, order[begin:end], sample, out)
        state[0][:, begin:end] = came[:, begin:end]
        before[0][:], before[1][:], before[2][:] = after[0], after[1], after[2]
