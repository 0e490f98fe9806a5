"""Rules for weather: which samples of a block cannot be. Pure functions of arrays ``[time, cell]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import SECONDS_PER_DAY, calendar_day
from kiloland.atmosphere.derive import STEFAN_BOLTZMANN, saturation_specific_humidity
from kiloland.atmosphere.fields import FIELDS
from kiloland.atmosphere.orbit import Orbit, declination, mean_cosine_zenith
from kiloland.atmosphere.stuck import CERTAIN_SECONDS, JOINT_SAMPLES, JOINT_SECONDS
from kiloland.craft.forcing.bins import SOLAR_CONSTANT

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

NIGHT_FLUX: Final = 10.0
"""W/m2 that twilight and a coarse sensor may show while the sun is down."""
SUN_FACTOR, SUN_MARGIN = 1.1, 15.0
"""By which shortwave may exceed that above the atmosphere: side light of clouds, thermopile errors [W/m2]."""
SATURATION_FACTOR: Final = 1.05
LONGWAVE: Final = (50.0, 600.0)
"""ELM's site mode computes longwave itself outside of these [W/m2]."""
BLACK_BODY_FACTOR: Final = 1.5
COLD, COLD_RAIN = 238.15, 20.0 / SECONDS_PER_DAY
"""Temperature [K] below which more than this rate [mm/s] cannot fall."""
PRESSURE_WITHIN: Final = 0.1
SCALE_HEIGHT_LAPSE: Final = (0.0065, 288.15, 5.25588)
"""Lapse rate [K/m], temperature at sea level [K] and exponent of the standard atmosphere."""
STUCK_NAMES: Final = ("TBOT", "QBOT", "FLDS", "PSRF")
"""Variables that, two of them together with wind, do not stand still."""
STUCK_SAMPLES: Final = 12
CALM: Final = 0.1
"""Wind [m/s] at or below which a calm may last."""


@dataclass(frozen=True)
class Block:
    """Samples of some cells: fields and the flux above the atmosphere ``[time, cell]``; ``elevation`` [m]."""

    fields: Mapping[str, FloatArray]
    interval: int
    sun: FloatArray | None
    elevation: FloatArray | None


@dataclass(frozen=True)
class Rule:
    """One rule: ``variable`` is reported, ``needs`` must be there, ``bad`` marks the samples."""

    check: str
    variable: str
    needs: tuple[str, ...]
    problem: str
    expected: str
    bad: Callable[[Block], BoolArray | None]


def sun_above(
    starts: IntArray, interval: int, longitude: FloatArray, latitude: FloatArray, orbit: Orbit
) -> FloatArray:
    """Mean flux above the atmosphere over intervals [W/m2] ``[time, cell]``; starts [s], places [degrees]."""
    delta, distance = declination(orbit, calendar_day(starts + interval // 2))
    cosine = mean_cosine_zenith(
        calendar_day(starts)[:, None],
        interval / SECONDS_PER_DAY,
        np.radians(longitude)[None],
        np.radians(latitude)[None],
        delta[:, None],
    )
    return np.asarray(SOLAR_CONSTANT * distance[:, None] * cosine)


def standard_pressure(elevation: FloatArray) -> FloatArray:
    """Pressure of the standard atmosphere [Pa] at an elevation [m]: p0 (1 - L z / T0)^5.25588."""
    lapse, temperature, exponent = SCALE_HEIGHT_LAPSE
    return np.asarray(101325.0 * np.maximum(1.0 - lapse * elevation / temperature, 0.1) ** exponent)


def limits_rule(name: str) -> Rule:
    """The physical limits of a variable; longwave has a rule of its own."""
    field = FIELDS[name]

    def bad(block: Block) -> BoolArray | None:
        values = block.fields[name]
        low, high = float(np.nanmin(values, initial=np.inf)), float(np.nanmax(values, initial=-np.inf))
        if low >= field.low and high <= field.high:
            return None
        return np.asarray((values < field.low) | (values > field.high))

    expected = f"{field.low:g} to {field.high:g} {field.units[0]}"
    return Rule("forcing-range", name, (name,), "outside the physical limits", expected, bad)


def _saturated(block: Block) -> BoolArray:
    limit = saturation_specific_humidity(block.fields["TBOT"], block.fields["PSRF"])
    return np.asarray(block.fields["QBOT"] > SATURATION_FACTOR * limit)


def _dry(block: Block) -> BoolArray | None:
    return None if (block.fields["QBOT"] > 0.0).all() else np.asarray(block.fields["QBOT"] == 0.0)


def _at_night(block: Block) -> BoolArray | None:
    if block.sun is None:
        return None
    return np.asarray((block.sun <= 0.0) & (block.fields["FSDS"] > NIGHT_FLUX))


def _above_sun(block: Block) -> BoolArray | None:
    if block.sun is None:
        return None
    return np.asarray((block.sun > 0.0) & (block.fields["FSDS"] > SUN_FACTOR * block.sun + SUN_MARGIN))


def _longwave(block: Block) -> BoolArray:
    values = block.fields["FLDS"]
    bad = (values < LONGWAVE[0]) | (values > LONGWAVE[1])
    if "TBOT" in block.fields:
        bad |= values > BLACK_BODY_FACTOR * STEFAN_BOLTZMANN * block.fields["TBOT"] ** 4
    return np.asarray(bad)


def _cold_rain(block: Block) -> BoolArray | None:
    heavy = block.fields["PRECTmms"] > COLD_RAIN
    return np.asarray(heavy & (block.fields["TBOT"] < COLD)) if heavy.any() else None


def _pressure(block: Block) -> BoolArray | None:
    if block.elevation is None:
        return None
    wanted = standard_pressure(block.elevation)[None]
    return np.asarray(np.abs(block.fields["PSRF"] / wanted - 1.0) > PRESSURE_WITHIN)


def _stuck_together(block: Block) -> BoolArray | None:
    """Wind and two more of temperature, humidity, longwave and pressure keep their values."""
    names = [name for name in STUCK_NAMES if name in block.fields]
    wind = _repeats(block.fields["WIND"])
    if len(names) < 2 or not wind.any():
        return None
    count = np.zeros(wind.shape, dtype=np.int8)
    for name in names:
        count += _repeats(block.fields[name])
    shortest = max(JOINT_SAMPLES, -(-JOINT_SECONDS // block.interval))
    return long_runs(wind & (count >= 2), shortest)


def stuck_rule(name: str) -> Rule:
    """One variable that keeps its value for four days; calm wind may."""

    def bad(block: Block) -> BoolArray | None:
        same = _repeats(block.fields[name])
        if name == "WIND":
            same &= block.fields[name][1:] > CALM
        if name == "FLDS":
            same &= ~np.isin(block.fields[name][1:], LONGWAVE)
        shortest = max(STUCK_SAMPLES, CERTAIN_SECONDS // block.interval)
        return long_runs(same, shortest) if same.any() else None

    expected = f"other values within {CERTAIN_SECONDS // SECONDS_PER_DAY} days"
    return Rule("forcing-stuck", name, (name,), "stands still", expected, bad)


def _repeats(values: FloatArray) -> BoolArray:
    return np.asarray(values[1:] == values[:-1])


def long_runs(same: BoolArray, shortest: int) -> BoolArray | None:
    """Samples ``[time, cell]`` in runs of at least ``shortest`` equal samples; ``same`` ``[time - 1, cell]``
    tells where a sample equals the one before. None where there is no such run."""
    length = np.ones(same.shape[1], dtype=np.int32)
    longest = length.copy()
    for row in same:
        length = np.where(row, length + 1, 1)
        np.maximum(longest, length, out=longest)
    hit = np.flatnonzero(longest >= shortest)
    if not hit.size:
        return None
    bad = np.zeros((same.shape[0] + 1, same.shape[1]), dtype=bool)
    for cell in hit.tolist():
        edges = np.diff(np.concatenate(([0], same[:, cell].astype(np.int8), [0])))
        for first, end in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
            if end - first + 1 >= shortest:
                bad[first : end + 1, cell] = True
    return bad


_SATURATION = f"at most {SATURATION_FACTOR:g} times saturation at TBOT and PSRF"
_SUN = f"at most {SUN_FACTOR:g} times the flux above the atmosphere and {SUN_MARGIN:g} W/m2"
RULES: Final[tuple[Rule, ...]] = (
    *(limits_rule(name) for name in ("TBOT", "PSRF", "QBOT", "RH", "TDEW", "FSDS", "PRECTmms", "WIND")),
    Rule("forcing-range", "QBOT", ("QBOT",), "no humidity at all", "above 0", _dry),
    Rule("forcing-saturation", "QBOT", ("QBOT", "TBOT", "PSRF"), "above saturation", _SATURATION, _saturated),
    Rule("forcing-night", "FSDS", ("FSDS",), "shortwave at night", f"at most {NIGHT_FLUX:g} W/m2", _at_night),
    Rule("forcing-sun", "FSDS", ("FSDS",), "more than the sun gives", _SUN, _above_sun),
    Rule("forcing-longwave", "FLDS", ("FLDS",), "no longwave of an atmosphere", "50 to 600 W/m2", _longwave),
    Rule(
        "forcing-cold-rain",
        "PRECTmms",
        ("PRECTmms", "TBOT"),
        "heavy precipitation in air too cold for it",
        "at most 20 mm/day below -35 C",
        _cold_rain,
    ),
    Rule(
        "forcing-pressure",
        "PSRF",
        ("PSRF",),
        "not the pressure at this elevation",
        "within 10 % of the standard atmosphere at TOPO",
        _pressure,
    ),
    Rule(
        "forcing-stuck",
        "WIND",
        ("WIND",),
        "several variables stand still together",
        "samples that vary",
        _stuck_together,
    ),
    *(stuck_rule(name) for name in ("TBOT", "QBOT", "RH", "FLDS", "PSRF", "WIND")),
)
"""All rules, applied to every block whose fields they need."""
