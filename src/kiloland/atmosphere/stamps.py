"""Checks of time stamps: order, gaps, duplicates, and what moment of its interval a stamp marks."""

from __future__ import annotations

from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import SECONDS_PER_DAY, describe_seconds
from kiloland.atmosphere.findings import Finding, Severity

IntArray = NDArray[np.int64]
TIME: Final = "time"
MAXIMUM_REPORTED: Final = 5


class StampPosition(Enum):
    """The moment of its interval that a time stamp marks."""

    BEGIN = "begin"
    MIDDLE = "middle"
    END = "end"


def sample_interval(seconds: IntArray) -> int:
    """The usual distance of samples [s]: the median of the differences; one sample counts as a day."""
    return int(np.median(np.diff(seconds))) if len(seconds) > 1 else SECONDS_PER_DAY


def stamp_position(seconds: IntArray, *, period_start: int | None = None) -> StampPosition | None:
    """What the stamps mark, from their offset to whole intervals; None where they are irregular.

    Stamps at half intervals mark the middle. Stamps at whole intervals mark the end if the first lies one
    interval after the start of the file's period (given for monthly files), else the beginning.
    """
    interval = sample_interval(seconds)
    offsets = np.unique(seconds % interval)
    if offsets.size != 1 or interval <= 0:
        return None
    if int(offsets[0]) == 0:
        late = period_start is not None and int(seconds[0]) - period_start == interval
        return StampPosition.END if late else StampPosition.BEGIN
    return StampPosition.MIDDLE if 2 * int(offsets[0]) == interval else None


def shift_to_begin(position: StampPosition, interval: int) -> int:
    """Seconds to add to stamps so that they mark the beginning of their interval."""
    return {StampPosition.BEGIN: 0, StampPosition.MIDDLE: -(interval // 2), StampPosition.END: -interval}[
        position
    ]


def check_stamps(seconds: IntArray, file: str, *, variable: str = TIME) -> list[Finding]:
    """Stamps that go back, repeat, or leave out samples; ``seconds`` in model time, ``[time]``.

    A difference above 1.5 usual intervals is a gap. The first few faults are reported one by one.
    """
    steps = np.diff(seconds)
    interval = sample_interval(seconds)
    findings: list[Finding] = []
    kinds = (
        (steps < 0, "time goes back"),
        (steps == 0, "the same time twice"),
        ((steps > 1.5 * interval) & (interval > 0), "gap in time"),
    )
    for bad, problem in kinds:
        for number, position in enumerate(np.flatnonzero(bad).tolist()):
            if number == MAXIMUM_REPORTED:
                break
            before, after = int(seconds[position]), int(seconds[position + 1])
            findings.append(
                Finding(
                    Severity.ERROR,
                    file,
                    variable,
                    f"samples {position} and {position + 1}",
                    problem,
                    f"{describe_seconds(max(before, 0))} then {describe_seconds(max(after, 0))}, "
                    f"{int(np.count_nonzero(bad))} in all",
                    f"steps of {interval} s",
                    first=position,
                    last=position + 1,
                )
            )
    return findings
