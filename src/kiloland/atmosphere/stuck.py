"""Samples that cannot be: an instrument that stopped, a fill value, a copied block, a jump.

Weather records are packed, gap-filled and saturated, so single variables repeat for hours by nature. Three
rules keep natural repetition apart from faults:

* *jointly stuck*: wind and at least two of temperature, humidity, longwave and pressure keep their values for
  three hours or more. Wind is what tells: it hardly ever repeats, and never together with two others.
* *alone stuck*: a variable keeps its value three times longer than in the twenty-first longest of its own
  runs (so a few faults do not raise their own bar), and at least twelve hours; or four days in any case.
* *copied*: twelve hours or more of samples equal in all variables to earlier ones (a warning: filled, not
  wrong).

A fourth rule, *jump*, warns of changes from one sample to the next that no weather makes.

Values at a bound that the record meets often (calm wind, saturated air, no rain, night) are no evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.fields import Describe, runs
from kiloland.atmosphere.findings import Finding, Severity

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

JOINT_SECONDS: Final = 3 * 3600
JOINT_SAMPLES: Final = 4
"""Shortest joint standstill: this long, and this many samples where they are far apart."""
ALONE_SECONDS: Final = 12 * 3600
ALONE_SAMPLES: Final = 12
ALONE_FACTOR: Final = 3.0
ALONE_RANK: Final = 20
"""A run is compared with the run of this rank (from 0) among the variable's longest."""
ALONE_RECORD: Final = 1000
"""Samples of a record from which a variable that hardly repeats can be told from one that is not known."""
CERTAIN_SECONDS: Final = 4 * 86400
"""No weather variable keeps its value so long."""
COPY_SECONDS: Final = 12 * 3600
COPY_SAMPLES: Final = 12
COPY_DENSITY: Final = 0.5
"""Share of equal samples between the first and the last; scattered coincidences of packed data stay below."""
JUMPS: Final = {"TBOT": 35.0, "PSRF": 2.0e4}
"""Change between samples at most an hour apart that no weather makes [K, Pa]; packed integers that wrap
do."""
BOUND_RUNS: Final = 20
"""An extreme value that is met in more separate runs than this is a bound of the record, not a
measurement."""
SLOW: Final = ("TBOT", "TDEW", "QBOT", "RH", "FLDS", "PSRF", "WIND")
"""Variables that change with every sample in a living record."""
ZERO_IS_NATURAL: Final = ("FSDS", "PRECTmms")


def stuck_samples(
    series: Mapping[str, FloatArray], seconds_per_sample: int, file: str, describe: Describe
) -> list[Finding]:
    """Findings of the rules in one record; ``series`` by variable name, each ``[time]``."""
    names = [name for name in series if name in SLOW or name in ZERO_IS_NATURAL]
    if not names or len(series[names[0]]) < 3:
        return []
    repeats = {name: _repeats(series[name], name) for name in names}
    findings, covered = _jointly(series, repeats, seconds_per_sample, file, describe)
    findings += _alone(series, repeats, covered, seconds_per_sample, file, describe)
    findings += _copied(series, names, covered, seconds_per_sample, file, describe)
    return findings + _jumps(series, covered, seconds_per_sample, file, describe)


def _repeats(values: FloatArray, name: str) -> BoolArray:
    """Whether sample i+1 repeats sample i, not counting values at a bound of the record; ``[time - 1]``."""
    same = values[1:] == values[:-1]
    if name in ZERO_IS_NATURAL:
        # Packing turns zero into a value within half a step of it: the record's own minimum.
        return np.asarray(same & (values[1:] != np.nanmin(values)))
    finite = values[np.isfinite(values)]
    for bound in (finite.min(), finite.max()) if finite.size else ():
        if len(runs(values == bound)[0]) > BOUND_RUNS:
            same = same & (values[1:] != bound)
    return np.asarray(same)


def _jointly(
    series: Mapping[str, FloatArray],
    repeats: Mapping[str, BoolArray],
    seconds: int,
    file: str,
    describe: Describe,
) -> tuple[list[Finding], BoolArray]:
    """Rule *jointly stuck*; also which samples it found, for the other rules to leave out."""
    length = len(next(iter(series.values())))
    covered = np.zeros(length, dtype=bool)
    slow = [name for name in repeats if name in SLOW]
    if "WIND" not in slow or len(slow) < 3:
        return [], covered
    together = repeats["WIND"] & (np.sum([repeats[name] for name in slow], axis=0) >= 3)
    findings = []
    for first, end in zip(*runs(together), strict=True):
        last = int(end) + 1
        count = last - int(first) + 1
        if count < JOINT_SAMPLES or count * seconds < JOINT_SECONDS:
            continue
        covered[first : last + 1] = True
        stuck = [name for name in slow if bool(repeats[name][first:last].all())]
        values = ", ".join(f"{name} {float(series[name][first]):.6g}" for name in stuck)
        findings.append(
            Finding(
                Severity.ERROR,
                file,
                ", ".join(stuck),
                describe(int(first), last, None),
                "stuck: several variables keep their values",
                f"{count} equal samples: {values}",
                "samples that vary",
                first=int(first),
                last=last,
            )
        )
    return findings, covered


def _alone(
    series: Mapping[str, FloatArray],
    repeats: Mapping[str, BoolArray],
    covered: BoolArray,
    seconds: int,
    file: str,
    describe: Describe,
) -> list[Finding]:
    """Rule *alone stuck*; intervals that the joint rule found are not reported again."""
    findings = []
    for name, same in repeats.items():
        first, end = runs(same)
        counts = end - first + 2
        ordered = np.sort(counts)[::-1]
        # Too short a record does not show what is natural; only the certain limit holds there.
        rare = 1.0 if len(same) >= ALONE_RECORD else np.inf
        natural = float(ordered[ALONE_RANK]) if ordered.size > ALONE_RANK else rare
        shortest = max(ALONE_FACTOR * natural, ALONE_SAMPLES, ALONE_SECONDS / seconds)
        shortest = min(shortest, max(CERTAIN_SECONDS / seconds, ALONE_SAMPLES))
        for a, count in zip(
            first[counts >= shortest].tolist(), counts[counts >= shortest].tolist(), strict=True
        ):
            b = a + count - 1
            if covered[a : b + 1].any():
                continue
            findings.append(
                Finding(
                    Severity.ERROR,
                    file,
                    name,
                    describe(a, b, None),
                    "stuck: the variable keeps its value",
                    f"{count} equal samples of {float(series[name][a]):.6g}",
                    f"runs below {int(np.ceil(shortest))} samples in this record",
                    first=a,
                    last=b,
                )
            )
    return findings


def _copied(
    series: Mapping[str, FloatArray],
    names: list[str],
    covered: BoolArray,
    seconds: int,
    file: str,
    describe: Describe,
) -> list[Finding]:
    """Rule *copied*: blocks equal in all slow variables to an earlier block, found by the hash of each
    sample."""
    slow = [name for name in names if name in SLOW]
    window = max(COPY_SECONDS // seconds, COPY_SAMPLES)
    if len(slow) < 3 or covered.size < 2 * window:
        return []
    table = np.ascontiguousarray(np.stack([series[name] for name in slow], axis=1))
    rows = table.view(np.dtype((np.void, table.dtype.itemsize * table.shape[1]))).reshape(-1)
    keys = np.unique(rows, return_inverse=True)[1].reshape(-1)
    last_seen: dict[int, int] = {}
    lags = np.zeros(len(keys), dtype=np.int64)
    for position, key in enumerate(keys.tolist()):
        earlier = last_seen.get(key, -1)
        lags[position] = position - earlier if earlier >= 0 and not covered[position] else 0
        last_seen[key] = position
    findings = []
    # All samples of one lag make one finding, so that a measured sample inside a copy does not split it.
    for lag in np.unique(lags[lags >= window]).tolist():
        positions = np.flatnonzero(lags == lag)
        if positions.size < window or np.all(series[slow[0]][positions] == series[slow[0]][positions[0]]):
            continue
        first, last = int(positions[0]), int(positions[-1])
        if positions.size < COPY_DENSITY * (last - first + 1):
            continue
        findings.append(
            Finding(
                Severity.WARNING,
                file,
                ", ".join(slow),
                describe(first, last, None),
                "copied: samples equal earlier ones in all variables",
                f"{positions.size} samples equal those {lag} samples ({lag * seconds / 86400:.4g} d) before",
                "measured samples",
                first=first,
                last=last,
            )
        )
    return findings


def _jumps(
    series: Mapping[str, FloatArray], covered: BoolArray, seconds: int, file: str, describe: Describe
) -> list[Finding]:
    """Rule *jump*: one finding for each variable, at the first jump outside the intervals found before."""
    findings = []
    for name, limit in JUMPS.items():
        if name not in series or seconds > 3600:
            continue
        change = np.abs(np.diff(series[name]))
        places = np.flatnonzero((change > limit) & ~covered[1:] & ~covered[:-1])
        if not places.size:
            continue
        first = int(places[0])
        findings.append(
            Finding(
                Severity.WARNING,
                file,
                name,
                describe(first, first + 1, None),
                "jump: a change that no weather makes",
                f"{places.size} jumps, the largest {float(change[places].max()):.6g}",
                f"below {limit:g} in {seconds} s",
                first=first,
                last=first + 1,
            )
        )
    return findings
