"""The sun: published orbital elements, ELM's zenith angles, length of the day."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kiloland.atmosphere import berger
from kiloland.atmosphere.calendar import seconds_of_date
from kiloland.atmosphere.orbit import (
    cosine_zenith,
    day_length,
    declination,
    mean_cosine_zenith,
    orbital_parameters,
    zenith_day,
)
from kiloland.errors import InputError
from kiloland.files import open_dataset

ORBITAL_YEAR = 1990
"""``orb_iyear`` of every ``drv_in`` of the reference runs."""


@pytest.mark.parametrize(
    ("year", "eccentricity", "obliquity", "perihelion"),
    [
        # Berger (1978), table of 0 and 126 kyr before present; longitude of the perihelion, degrees.
        (1950, 0.016724, 23.446, 102.04),
        (1950 - 126_000, 0.039709, 23.928, 291.24),
    ],
)
def test_orbital_elements_are_the_published_ones(
    year: int, eccentricity: float, obliquity: float, perihelion: float
) -> None:
    orbit = orbital_parameters(year)
    assert orbit.eccentricity == pytest.approx(eccentricity, abs=2e-6)
    assert np.degrees(orbit.obliquity) == pytest.approx(obliquity, abs=2e-3)
    assert (np.degrees(orbit.perihelion) - 180.0) % 360.0 == pytest.approx(perihelion, abs=0.05)


def test_series_are_complete_and_share_their_phases() -> None:
    assert [len(s) for s in (berger.OBLIQUITY, berger.ECCENTRICITY, berger.PRECESSION)] == [47, 19, 78]
    phases = {rate: phase for _, rate, phase in berger.OBLIQUITY}
    shared = [(phases[rate], phase) for _, rate, phase in berger.PRECESSION if rate in phases]
    assert len(shared) > 30
    assert all(a == b for a, b in shared)


def test_year_beyond_the_series_is_refused() -> None:
    with pytest.raises(InputError, match="do not hold"):
        orbital_parameters(2_000_000)


def test_declination_follows_the_seasons() -> None:
    orbit = orbital_parameters(ORBITAL_YEAR)
    days = np.arange(1.0, 366.0)
    delta, factor = declination(orbit, days)
    assert abs(int(days[np.argmax(delta)]) - 172) <= 2
    assert delta.max() == pytest.approx(orbit.obliquity, abs=1e-4)
    assert abs(declination(orbit, 80.5)[0]) < 1e-4
    assert factor[2] == pytest.approx(1.0 / (1.0 - orbit.eccentricity) ** 2, rel=1e-4)
    assert np.mean(factor) == pytest.approx(1.0 / np.sqrt(1.0 - orbit.eccentricity**2), rel=1e-5)


@pytest.mark.parametrize(
    ("latitude", "delta", "hours"),
    [(0.0, 0.2, 12.0), (80.0, 0.4, 24.0), (80.0, -0.4, 0.0), (90.0, 0.1, 24.0)],
)
def test_day_length_at_the_limits(latitude: float, delta: float, hours: float) -> None:
    assert float(day_length(np.radians(latitude), delta)) / 3600.0 == pytest.approx(hours, abs=1e-5)


@pytest.mark.parametrize("latitude", [-90.0, -66.0, 0.0, 47.563, 69.0, 89.9])
@pytest.mark.parametrize("delta", [-0.4, 0.0, 0.25])
def test_mean_cosine_is_the_mean_of_the_cosine(latitude: float, delta: float) -> None:
    phi, longitude = np.radians(latitude), np.radians(266.562)
    starts = 17.0 + np.arange(8) / 8.0
    fine = starts[:, None] + (np.arange(20_000) + 0.5) / 160_000
    reference = np.maximum(cosine_zenith(fine, longitude, phi, delta), 0.0).mean(axis=1)
    exact = mean_cosine_zenith(starts, 1.0 / 8.0, longitude, phi, delta)
    np.testing.assert_allclose(exact, reference, rtol=0, atol=2e-9)
    parts = mean_cosine_zenith(17.0 + np.arange(48) / 48.0, 1.0 / 48.0, longitude, phi, delta)
    np.testing.assert_allclose(parts.reshape(8, 6).mean(axis=1), exact, rtol=0, atol=1e-14)


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("s6_summer_restart_each_step", 49),
        ("w6_winter_restart_each_step", 49),
        ("q5d_4cells_summer_steps", 49),
        ("q5w_4cells_winter_steps", 49),
    ],
)
def test_zenith_of_every_restart(shared: Path, run: str, expected: int) -> None:
    orbit = orbital_parameters(ORBITAL_YEAR)
    files = sorted((shared / "data/elm" / run).glob("*r.*.nc.gz"))
    assert len(files) == expected
    worst = 0.0
    for file in files:
        with open_dataset(file) as restart:
            ymd, tod = (int(restart[f"timemgr_rst_curr_{part}"].read()) for part in ("ymd", "tod"))
            latitude, longitude = (np.radians(restart[f"cols1d_{part}"].read()) for part in ("lat", "lon"))
            found = restart["coszen"].read()
        day = zenith_day(seconds_of_date(ymd, tod), 1800)
        ours = cosine_zenith(day, longitude, latitude, declination(orbit, day)[0])
        worst = max(worst, float(np.max(np.abs(ours - found))))
    assert worst <= 2e-15


@pytest.mark.oracle
@pytest.mark.parametrize("climate", ["temperate", "tropics_wet", "tundra"])
@pytest.mark.parametrize("run", ["zjan", "zjul", "vjan", "vjul"])
def test_zenith_of_every_step_of_other_climates(shared: Path, climate: str, run: str) -> None:
    orbit = orbital_parameters(ORBITAL_YEAR)
    (tape,) = (shared / "data/elm/zoo" / climate / run).glob("h1.*.nc.gz")
    with open_dataset(tape) as history:
        latitude, longitude = (np.radians(history[f"cols1d_{part}"].read()) for part in ("lat", "lon"))
        found = history["COSZEN"].values()
        first = seconds_of_date(int(history["mcdate"].read()[0]), int(history["mcsec"].read()[0]))
    day = zenith_day(first + 1800 * np.arange(len(found)), 1800)[:, None]
    ours = cosine_zenith(day, longitude, latitude, declination(orbit, day)[0])
    known = np.isfinite(found)
    assert known.any()
    assert np.max(np.abs(ours - found)[known]) <= 2e-15


@pytest.mark.oracle
def test_day_length_of_the_tape(shared: Path) -> None:
    with open_dataset(shared / "data/elm/s5_summer5day_perstep/h1.nc.gz") as history:
        found = history["DAYL"].read().reshape(-1)
        first = seconds_of_date(int(history["mcdate"].read()[0]), int(history["mcsec"].read()[0]))
        latitude = (
            np.radians(history["grid1d_lat"].read()) if "grid1d_lat" in history else np.radians([47.563])
        )
    step_ends = first + 1800 * np.arange(len(found))
    delta = declination(orbital_parameters(ORBITAL_YEAR), zenith_day(step_ends, 1800))[0]
    assert np.max(np.abs(day_length(latitude[0], delta) / found - 1.0)) <= 1e-15
