"""Stream files: the right cells, times and interpolation, and each fault as one message."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from forcing_files import DAYS, Fault, write_stream_month, write_stream_year

from kiloland.atmosphere import derive
from kiloland.atmosphere.calendar import ModelTimes, seconds_of_date
from kiloland.atmosphere.forcing import Forcing, Places
from kiloland.atmosphere.interpolate import (
    ConservingCosineZenith,
    CosineZenith,
    Sun,
    TimeCycle,
)
from kiloland.atmosphere.locate import locate_cells
from kiloland.atmosphere.orbit import orbital_parameters
from kiloland.atmosphere.streams import DATM_METHODS, StreamSource, daymet_streams
from kiloland.errors import InputError
from kiloland.files import open_dataset

ORBIT = orbital_parameters(1990)
CYCLE = TimeCycle(2001, 2001, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stream_year(tmp_path_factory.mktemp("streams"))


def copy_with(folder: Path, target: Path, name: str, month: int, fault: Fault) -> Path:
    """The folder's files by link, one of them written again with a fault."""
    for file in folder.iterdir():
        if f".{name}.2001-{month:02d}." not in file.name:
            (target / file.name).symlink_to(file)
    write_stream_month(target, name, 2001, month, DAYS[month - 1], fault=fault)
    return target


def domain(count: int = 6) -> Places:
    cells = np.arange(count)
    return Places(200.0 + 0.02 * cells, 60.0 + 0.01 * cells, 100 + 2 * cells)


def source(folder: Path, places: Places | None = None, **options: int) -> StreamSource:
    return StreamSource.open(daymet_streams(folder, CYCLE), places or domain(), ORBIT, **options)


def stored(folder: Path, name: str, month: int) -> np.ndarray:
    with netCDF4.Dataset(folder / f"clmforc.Daymet4.1km.1d.{name}.2001-{month:02d}.nc") as file:
        return np.asarray(file[name][:, 0, :], dtype=np.float64)


def same(a: Forcing, b: Forcing) -> bool:
    return all(np.array_equal(getattr(a, part.name), getattr(b, part.name)) for part in fields(Forcing))


def test_linear_nearest_and_sun_against_the_files(folder: Path) -> None:
    times = ModelTimes(seconds_of_date(10715), 3600, 12)
    forcing = source(folder).load(times, np.arange(6))
    samples = {name: stored(folder, name, 7)[8 * 14 : 8 * 14 + 6] for name in DATM_METHODS}
    hours = np.arange(12)
    lower, share = hours // 3, (hours % 3) / 3.0
    temperature = samples["TBOT"][lower] * (1 - share)[:, None] + samples["TBOT"][lower + 1] * share[:, None]
    np.testing.assert_allclose(forcing.temperature, temperature, rtol=1e-14)
    nearest = samples["PRECTmms"][lower + (hours % 3 == 2)]
    np.testing.assert_allclose(forcing.rain + forcing.snow, nearest, rtol=1e-13)
    sun = Sun(ORBIT, domain().longitude, domain().latitude)
    for step in (0, 4, 11):
        start = times.first_step + 10800 * (step // 3)
        mean = np.maximum(sun.cosine(start + 3600 * np.arange(3)), 0.001).mean(axis=0)
        here = sun.cosine(times.starts[step : step + 1])[0]
        expected = np.where(here > 0.001, samples["FSDS"][step // 3] * here / mean, 0.0)
        np.testing.assert_allclose(forcing.shortwave_down[step], expected, rtol=1e-12)


def test_conserving_shortwave_keeps_the_monthly_energy(folder: Path) -> None:
    methods = {**DATM_METHODS, "FSDS": ConservingCosineZenith()}
    streams = daymet_streams(folder, CYCLE, methods)
    times = ModelTimes(seconds_of_date(11201), 1800, 31 * 48)
    forcing = StreamSource.open(streams, domain(), ORBIT).load(times, np.arange(6))
    means = forcing.shortwave_down.reshape(-1, 6, 6).mean(axis=1)
    np.testing.assert_allclose(means, stored(folder, "FSDS", 12), rtol=1e-14, atol=1e-300)
    plain = source(folder).load(times, np.arange(6)).shortwave_down.mean()
    assert plain < forcing.shortwave_down.mean()


def test_a_rank_gets_the_bits_of_the_whole_domain(folder: Path) -> None:
    times = ModelTimes(seconds_of_date(10131, 43200), 1800, 96)
    whole = source(folder).load(times, np.arange(6))
    own = domain().take(np.array([1, 3, 5]))
    rank = source(folder, own, block_bytes=8).load(times, np.arange(3))
    assert same(whole.cells(np.array([1, 3, 5])), rank)
    assert same(whole.cells(np.array([5, 0])), source(folder).load(times, np.array([5, 0])))


def test_blocks_of_steps_give_the_same_bits_across_months_and_years(folder: Path) -> None:
    start = seconds_of_date(11231)
    whole = source(folder).load(ModelTimes(start, 3600, 48), np.arange(6))
    for first in range(0, 48, 7):
        count = min(7, 48 - first)
        part = source(folder).load(ModelTimes(start + 3600 * first, 3600, count), np.arange(6))
        for name in ("temperature", "shortwave_direct_visible", "snow"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[first : first + count])


def test_the_cycle_repeats(folder: Path) -> None:
    first, later = (
        source(folder).load(ModelTimes(seconds_of_date(year * 10000 + 101), 3600, 30), np.arange(6))
        for year in (1, 17)
    )
    assert same(first, later)


def test_stamps_in_the_middle_are_moved_for_the_sun_only(tmp_path: Path) -> None:
    write_stream_year(tmp_path)
    for month, days in ((6, 30), (7, 31), (8, 31)):
        for name in ("FSDS", "TBOT"):
            (tmp_path / f"clmforc.Daymet4.1km.1d.{name}.2001-{month:02d}.nc").unlink()
            write_stream_month(tmp_path, name, 2001, month, days, stamp=1.0 / 16.0)
    times = ModelTimes(seconds_of_date(10715), 1800, 48)
    methods = {**DATM_METHODS, "FSDS": ConservingCosineZenith()}
    forcing = StreamSource.open(daymet_streams(tmp_path, CYCLE, methods), domain(), ORBIT).load(
        times, np.arange(6)
    )
    sample = slice(8 * 14, 8 * 15)
    means = forcing.shortwave_down.reshape(8, 6, 6).mean(axis=1)
    np.testing.assert_allclose(means, stored(tmp_path, "FSDS", 7)[sample], rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(forcing.temperature[3], stored(tmp_path, "TBOT", 7)[8 * 14], rtol=1e-14)


def test_humidity_is_held_at_saturation(folder: Path) -> None:
    forcing = source(folder).load(ModelTimes(seconds_of_date(10105), 3600, 24), np.arange(6))
    limit = derive.saturation_specific_humidity(forcing.temperature, forcing.pressure)
    assert np.all(forcing.specific_humidity <= limit)


def put(name: str, value: float) -> Fault:
    def change(file: netCDF4.Dataset) -> None:
        file[name][20, 0, 3] = value

    return change


def attribute(variable: str, name: str, value: object) -> Fault:
    return lambda file: file[variable].setncattr(name, value)


def shift_all(name: str, amount: float, factor: float = 1.0) -> Fault:
    def change(file: netCDF4.Dataset) -> None:
        file[name][:] = file[name][:] * factor + amount

    return change


@pytest.mark.parametrize(
    ("name", "fault", "words"),
    [
        ("FSDS", put("FSDS", -5.0), ["negative downward shortwave", "gridcell 106", "2001-07-03 12:00:00"]),
        ("TBOT", put("TBOT", np.nan), ["missing or not a number", "gridcell 106", "2001-07-03 12:00:00"]),
        ("PRECTmms", put("PRECTmms", -1e-5), ["negative precipitation", "gridcell 106"]),
        ("TBOT", attribute("TBOT", "units", "C"), ["wrong units", "'C'", "'K'"]),
        ("TBOT", shift_all("TBOT", -273.15), ["look like degrees Celsius", "air temperature in K"]),
        ("PSRF", shift_all("PSRF", 0.0, 0.01), ["look like hPa", "surface pressure in Pa"]),
        ("WIND", lambda f: f.renameVariable("WIND", "WND"), ["missing", "nearest name in the file is WND"]),
        ("FLDS", attribute("time", "calendar", "360_day"), ["calendar cannot be converted", "360_day"]),
        ("FLDS", attribute("time", "units", "days since 2001-02-29"), ["epoch is not a date"]),
        ("TBOT", attribute("time", "units", "days since 2001-08-01"), ["outside its month"]),
    ],
)
def test_a_faulty_file_is_one_clear_error(
    folder: Path, tmp_path: Path, name: str, fault: Fault, words: list[str]
) -> None:
    copy_with(folder, tmp_path, name, 7, fault)
    opened = source(tmp_path)
    with pytest.raises(InputError) as caught:
        opened.load(ModelTimes(seconds_of_date(10702), 3600, 72), np.arange(6))
    for word in [f"{name}.2001-07.nc", *words]:
        assert word in str(caught.value)


def test_a_missing_day_is_a_gap_with_its_place(folder: Path, tmp_path: Path) -> None:
    def skip_a_day(file: netCDF4.Dataset) -> None:
        file["time"][16:] = np.asarray(file["time"][16:]) + 1.0

    copy_with(folder, tmp_path, "TBOT", 7, lambda file: None)
    write_stream_month(tmp_path, "TBOT", 2001, 7, 30, fault=skip_a_day)
    with pytest.raises(InputError, match="gap in time") as caught:
        source(tmp_path).load(ModelTimes(seconds_of_date(10715), 3600, 72), np.arange(6))
    for word in ("TBOT.2001-07.nc", "2001-07-02 21:00:00 to 2001-07-04 00:00:00", "97200 s"):
        assert word in str(caught.value)


def test_february_of_a_leap_year_under_a_noleap_label(folder: Path, tmp_path: Path) -> None:
    copy_with(folder, tmp_path, "TBOT", 2, lambda file: None)
    write_stream_month(tmp_path, "TBOT", 2001, 2, 29)
    with pytest.raises(InputError, match="outside its month") as caught:
        source(tmp_path).load(ModelTimes(seconds_of_date(10227), 3600, 24), np.arange(6))
    assert "29 February" in str(caught.value)


@pytest.mark.parametrize(
    ("places", "words"),
    [
        (Places(np.array([200.0]), np.array([60.0]), np.array([101])), ["different cells", "gridcell 101"]),
        (
            Places(np.array([200.5]), np.array([60.0]), np.array([100])),
            ["LONGXY", "elsewhere", "gridcell 100"],
        ),
        (Places(np.array([-160.0]), np.array([60.1]), np.array([100])), ["LATIXY", "elsewhere"]),
        (Places(np.array([200.0]), np.array([60.0])), ["another number of cells"]),
    ],
)
def test_forcing_of_other_cells_is_refused(folder: Path, places: Places, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        source(folder, places)
    for word in words:
        assert word in str(caught.value)


def test_forcing_in_another_order_is_refused(folder: Path, tmp_path: Path) -> None:
    def swap(file: netCDF4.Dataset) -> None:
        file["gridID"][0, 2:4] = np.asarray(file["gridID"][0, 2:4])[::-1]

    copy_with(folder, tmp_path, "TBOT", 1, swap)
    with pytest.raises(InputError, match="not in the order of the domain") as caught:
        source(tmp_path)
    assert "106 then 104" in str(caught.value)


def test_a_later_month_of_other_cells_is_refused(folder: Path, tmp_path: Path) -> None:
    def renumber(file: netCDF4.Dataset) -> None:
        file["gridID"][0, 5] = 111

    copy_with(folder, tmp_path, "QBOT", 8, renumber)
    times = ModelTimes(seconds_of_date(10803), 3600, 3)
    with pytest.raises(InputError, match="other cells") as caught:
        source(tmp_path).load(times, np.arange(6))
    assert "QBOT.2001-08" in str(caught.value)
    assert "found 111" in str(caught.value)
    source(tmp_path).load(times, np.arange(5))


def test_either_convention_of_longitude_is_understood(folder: Path) -> None:
    west = Places(domain().longitude - 360.0, domain().latitude, domain().gridcell_id)
    times = ModelTimes(seconds_of_date(10715), 3600, 3)
    a, b = source(folder).load(times, np.arange(6)), source(folder, west).load(times, np.arange(6))
    np.testing.assert_allclose(a.shortwave_down, b.shortwave_down, rtol=1e-12)


def test_a_missing_month_is_named_before_the_run(folder: Path, tmp_path: Path) -> None:
    copy_with(folder, tmp_path, "TBOT", 1, lambda file: None)
    (tmp_path / "clmforc.Daymet4.1km.1d.PSRF.2001-11.nc").unlink()
    with pytest.raises(InputError, match=r"PSRF\.2001-11"):
        source(tmp_path)


def test_a_missing_stream_is_named(folder: Path) -> None:
    methods = {name: method for name, method in DATM_METHODS.items() if name != "WIND"}
    with pytest.raises(InputError, match="WIND"):
        StreamSource.open(daymet_streams(folder, CYCLE, methods), domain(), ORBIT)


def test_default_shortwave_is_that_of_the_data_atmosphere() -> None:
    assert isinstance(DATM_METHODS["FSDS"], CosineZenith)


@pytest.mark.oracle
def test_genuine_header_on_a_grid(shared: Path) -> None:
    with open_dataset(shared / "data/daymet/TES_NORTHACCESS_domain.nc") as dataset:
        variable = dataset["FSDS"]
        places = Places(np.array([-119.0, 241.04, 296.0]), np.array([42.0, 42.05, 60.0]))
        index = locate_cells(dataset, variable, places)
        assert index.rows.tolist() == [0, 1, 432]
        assert index.columns.tolist() == [0, 1, 1320]
        with pytest.raises(InputError, match="outside the grid"):
            locate_cells(dataset, variable, Places(np.array([-100.0]), np.array([61.0])))
        values = variable.values(0)
        row, column = (int(axis[0]) for axis in np.nonzero(np.isfinite(values)))
        here = Places(
            dataset["lon"].read()[[column]].astype(float), dataset["lat"].read()[[row]].astype(float)
        )
        assert locate_cells(dataset, variable, here).read(variable, 0, 1)[0, 0] == values[row, column]
