"""Streams of the land: points of a grid, samples of a moment, and what ELM's tapes have of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from kiloland.atmosphere import Places, TimeCycle, seconds_of_date
from kiloland.atmosphere.blends import (
    AerosolMonths,
    Blend,
    DatedSamples,
    LightningHours,
    NitrogenYears,
    PopulationYears,
)
from kiloland.atmosphere.land_streams import LandStream, dated_samples
from kiloland.atmosphere.pixels import bilinear_pixels, nearest_pixels
from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.verify.land_streams import land_streams
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.material import read_material
from kiloland.verify.oracle.rows import Skipped
from kiloland.verify.oracle.tapes import Shelf

LONGITUDE = np.arange(0.0, 360.0, 2.5)
LATITUDE = np.linspace(-90.0, 90.0, 96)


def write_grid(path: Path, name: str = "NDEP_year", samples: int = 5, **attributes: str) -> Path:
    """A file whose value is longitude / 100 + latitude / 1000 + sample."""
    values = LONGITUDE / 100.0 + LATITUDE[:, None] / 1000.0 + np.arange(samples)[:, None, None] + 1.0
    data = xr.Dataset(
        {name: (("time", "lat", "lon"), values, attributes)},
        coords={"lon": LONGITUDE, "lat": LATITUDE},
    )
    data["time"] = ("time", 365.0 * np.arange(1849, 1849 + samples) + 182.0)
    data["time"].attrs = {"units": "days since 0000-01-01 00:00:00", "calendar": "noleap"}
    data.to_netcdf(path, format="NETCDF3_64BIT")
    return path


def places(*pairs: tuple[float, float]) -> Places:
    """Places by longitude and latitude."""
    longitude, latitude = np.array(pairs).T
    return Places(longitude, latitude)


@pytest.mark.parametrize(
    ("place", "longitude"),
    [
        ((100.0, 0.0), 100.0),
        ((101.0, 0.0), 100.0),
        ((101.5, 0.0), 102.5),
        # Between two points the first of the file.
        ((101.25, 0.0), 100.0),
        ((-1.0, 0.0), 0.0),
        ((-100.0, 0.0), 260.0),
        # ELM's grid does not close.
        ((359.9, 0.0), 357.5),
    ],
)
def test_the_nearest_point_is_the_one_that_elm_takes(
    tmp_path: Path, place: tuple[float, float], longitude: float
) -> None:
    with open_dataset(write_grid(tmp_path / "a.nc")) as dataset:
        found = nearest_pixels(dataset, places(place))
    assert LONGITUDE[found.index.columns[0]] == longitude


def test_the_nearest_point_of_every_place_is_the_nearest_of_all_points(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    where = Places(random.uniform(0.0, 358.0, 300), random.uniform(-90.0, 90.0, 300))
    with open_dataset(write_grid(tmp_path / "a.nc")) as dataset:
        found = nearest_pixels(dataset, where)
    far = np.abs(LONGITUDE[:, None] - where.longitude)
    np.testing.assert_array_equal(found.index.columns[found.point[0]], far.argmin(axis=0))
    far = np.abs(LATITUDE[:, None] - where.latitude)
    np.testing.assert_array_equal(found.index.rows[found.point[0]], far.argmin(axis=0))


def test_four_points_around_reproduce_a_plane(tmp_path: Path) -> None:
    where = places((266.562, 47.563), (3.1, -12.0), (100.0, 89.999), (280.06, 38.0))
    with open_dataset(write_grid(tmp_path / "a.nc")) as dataset:
        found = bilinear_pixels(dataset, where)
        values = found.index.read(dataset["NDEP_year"], 0, 1)[0]
    expected = where.longitude / 100.0 + where.latitude / 1000.0 + 1.0
    np.testing.assert_allclose(found.at_places(values), expected, rtol=1e-13)


def test_four_points_around_close_the_grid_and_keep_the_poles(tmp_path: Path) -> None:
    with open_dataset(write_grid(tmp_path / "a.nc")) as dataset:
        found = bilinear_pixels(dataset, places((358.75, 0.0), (-1.25, 0.0), (10.0, 90.0)))
        values = found.index.read(dataset["NDEP_year"], 0, 1)[0]
    seam = 0.5 * (3.575 + 0.0) + 1.0
    np.testing.assert_allclose(found.at_places(values), [seam, seam, 1.19], rtol=1e-12)


def test_places_share_their_points(tmp_path: Path) -> None:
    where = Places(np.linspace(100.0, 101.0, 1000), np.full(1000, 10.0))
    with open_dataset(write_grid(tmp_path / "a.nc")) as dataset:
        assert len(nearest_pixels(dataset, where).index.rows) == 1
        assert len(bilinear_pixels(dataset, where).index.rows) == 4


@pytest.mark.parametrize(
    ("ymd", "second", "expected"),
    [
        (10101, 0, Blend(1, 2, 1.0)),
        (18500702, 43200, Blend(1, 2, 0.5)),
        (19000101, 0, Blend(51, 52, 1.0)),
        (30000101, 0, Blend(167, 167, 1.0)),
    ],
)
def test_nitrogen_moves_from_year_to_year(ymd: int, second: int, expected: Blend) -> None:
    assert NitrogenYears().blend(seconds_of_date(ymd, second)) == expected


def test_people_stay_before_1850_and_from_2010_on() -> None:
    rule = PopulationYears()
    samples = [rule.blend(seconds_of_date(ymd)) for ymd in (80701, 18500101, 20091231, 20100101)]
    assert [(item.first, item.second) for item in samples] == [(1, 1), (1, 2), (160, 161), (160, 160)]


def test_particles_are_those_of_the_month_in_its_middle_and_half_at_its_ends() -> None:
    rule = AerosolMonths()
    start = rule.blend(seconds_of_date(80701))
    assert start == Blend(18, 17, 0.5)
    middle = rule.blend(seconds_of_date(80716, 43200))
    assert middle == Blend(18, 17, 1.0)
    assert rule.blend(seconds_of_date(81231, 86400 - 1)).second == 24
    end, begin = (rule.blend(seconds_of_date(*date)) for date in ((80731, 86399), (80801, 0)))
    assert abs(end.share - 0.5) < 1e-6
    assert begin == Blend(19, 18, 0.5)
    assert rule.blend(seconds_of_date(18510115)).first == 24


def test_lightning_is_that_of_the_three_hours() -> None:
    rule = LightningHours()
    numbers = [
        rule.blend(seconds_of_date(*date)).first for date in ((10101, 0), (10101, 10799), (70101, 10800))
    ]
    assert numbers == [0, 0, 1]
    assert rule.blend(seconds_of_date(81231, 86399)).first == 2919


def test_a_stream_repeats_its_years_or_keeps_its_ends() -> None:
    axis = np.array([seconds_of_date(ymd) for ymd in (20000702, 20010702, 20020702)])
    cycle = TimeCycle(2000, 2001, 1)
    cycled, extended = DatedSamples(axis, cycle, False), DatedSamples(axis, cycle, True)
    half = seconds_of_date(10702) - 0
    assert cycled.blend(half) == Blend(0, 1, 1.0)
    assert cycled.blend(seconds_of_date(30702)) == cycled.blend(half)
    before = cycled.blend(seconds_of_date(10101))
    assert (before.first, before.second) == (1, 0)
    assert extended.blend(seconds_of_date(10101)) == Blend(0, 0, 1.0)
    assert extended.blend(seconds_of_date(90101)) == Blend(1, 1, 1.0)
    nearest = DatedSamples(axis, cycle, True, nearest=True)
    assert nearest.blend(seconds_of_date(10801)).share == 1.0
    assert nearest.blend(seconds_of_date(20601)).share == 0.0


def test_values_in_time_and_space(tmp_path: Path) -> None:
    path = write_grid(tmp_path / "a.nc", units="g(N)/m2/yr")
    stream = LandStream.open(path, ["NDEP_year"], places((100.0, 0.9)), lambda _: NitrogenYears(), ahead=2)
    # The nearest row to 0.9 N is that at 0.947 N.
    expected = 1.0 + LATITUDE[48] / 1000.0 + 1.0
    for _ in range(2):
        np.testing.assert_allclose(stream.at(seconds_of_date(18500101)), [[expected + 1.0]], rtol=1e-12)
        np.testing.assert_allclose(
            stream.at(seconds_of_date(18510702, 43200)), [[expected + 2.5]], rtol=1e-12
        )


def test_a_stream_with_dates(tmp_path: Path) -> None:
    path = write_grid(tmp_path / "a.nc", "PDEP_year")
    with open_dataset(path) as dataset:
        rule = dated_samples(dataset, TimeCycle(1850, 1850, 1), extend=True)
        assert rule.blend(seconds_of_date(80101)) == Blend(1, 1, 1.0)
        with pytest.raises(InputError, match=r"time.*no sample in the years.*1849 to 1853.*2000 to 2000"):
            dated_samples(dataset, TimeCycle(2000, 2000, 1))


def test_bad_files_are_named(tmp_path: Path) -> None:
    where = places((100.0, 0.0))
    wrong = write_grid(tmp_path / "kg.nc", units="kg/m2/yr")
    with pytest.raises(InputError, match=r"kg\.nc.*NDEP_year.*wrong units"):
        LandStream.open(wrong, ["NDEP_year"], where, lambda _: NitrogenYears())
    short = LandStream.open(
        write_grid(tmp_path / "short.nc", samples=2), ["NDEP_year"], where, lambda _: NitrogenYears()
    )
    with pytest.raises(InputError, match=r"short\.nc.*no such sample.*found 2 samples.*at least 52"):
        short.at(seconds_of_date(19000101))
    path = write_grid(tmp_path / "negative.nc")
    with xr.open_dataset(path, decode_times=False) as data:
        bad = data.load()
    bad["NDEP_year"][1, 47, 40] = -1.0
    bad.to_netcdf(tmp_path / "bad.nc", format="NETCDF3_64BIT")
    stream = LandStream.open(
        tmp_path / "bad.nc", ["NDEP_year"], places((100.0, -0.9)), lambda _: NitrogenYears()
    )
    with pytest.raises(
        InputError, match=r"bad\.nc.*NDEP_year.*sample 1, latitude 47, longitude 40.*negative"
    ):
        stream.at(seconds_of_date(10101))


@pytest.mark.oracle
@pytest.mark.parametrize(
    "run", ["q5d_4cells_summer_steps", "zoo/tundra/zjul", "zoo/temperate/zjan", "zoo/tropics_wet/vjul"]
)
def test_deposition_people_and_lightning_of_every_step(shared: Path, run: str) -> None:
    material = read_material(shared / "data" / "elm")
    entry = next(item for item in material.runs if item.id == run)
    found = list(land_streams(Bench(entry, material, Shelf())))
    assert not [item for item in found if isinstance(item, Skipped)]
    worst = {item.variable: item.largest_absolute for item in found if not isinstance(item, Skipped)}
    bars = {"HDM": 0.0, "LNFM": 0.0, "NDEP_TO_SMINN": 0.0, "PDEP_TO_SMINP": 1e-24}
    bars |= {"BCDEP": 1e-26, "OCDEP": 1e-26, "DSTDEP": 1e-26}
    assert set(worst) == set(bars)
    assert all(worst[name] <= bar for name, bar in bars.items()), worst
