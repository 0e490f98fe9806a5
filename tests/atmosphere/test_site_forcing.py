"""ELM's site forcing: every step of every tape bit for bit, and each fault of a file as one message."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np
import pytest
from forcing_files import Fault, write_site

from kiloland.atmosphere.calendar import ModelTimes, seconds_of_date
from kiloland.atmosphere.forcing import Places
from kiloland.atmosphere.site import SiteSource, choose_samples, read_site_record
from kiloland.atmosphere.site_sun import interpolation_factor
from kiloland.errors import InputError
from kiloland.files import Variable, open_dataset

STEP = 1800
TAPE_FIELDS = {
    "TBOT": "temperature",
    "THBOT": "potential_temperature",
    "PBOT": "pressure",
    "QBOT": "specific_humidity",
    "WIND": "wind",
    "FLDS": "longwave_down",
    "RAIN": "rain",
    "SNOW": "snow",
    "FSDS": "shortwave_down",
    "FSDSVD": "shortwave_direct_visible",
    "FSDSND": "shortwave_direct_near_infrared",
    "FSDSVI": "shortwave_diffuse_visible",
    "FSDSNI": "shortwave_diffuse_near_infrared",
    "ZBOT": "reference_height",
}
SITE_RUNS = [
    *(
        (f"{run}/{tape}.nc.gz", "inputs/met", domain)
        for run, domain in (
            ("s5_summer5day_perstep", "inputs/domain.nc"),
            ("w5_winter5day_perstep", "inputs/domain.nc"),
            ("a5_cold5day_perstep", "inputs/domain.nc"),
            ("q5d_4cells_summer_steps", "inputs/domain_4.nc"),
            ("q5w_4cells_winter_steps", "inputs/domain_4.nc"),
        )
        for tape in ("h0", "h1")
    ),
    *(
        (
            f"zoo/{climate}/{run}/{tape}.*.nc.gz",
            f"zoo/{climate}/inputs/met",
            f"zoo/{climate}/inputs/domain.nc",
        )
        for climate in ("temperate", "tropics_wet", "tundra")
        for run in ("zjan", "zjul", "vjan", "vjul")
        for tape in ("h0", "h1")
    ),
]


def places_of(domain: Path) -> Places:
    with open_dataset(domain) as dataset:
        return Places(dataset["xc"].read().reshape(-1), dataset["yc"].read().reshape(-1))


def cells_of(variable: Variable, tape: dict[str, np.ndarray]) -> np.ndarray:
    """Cell of every entry of a tape's variable."""
    prefix = {"pft": "pfts1d_ixy", "column": "cols1d_ixy"}.get(variable.dims[1])
    return np.arange(variable.shape[1]) if prefix is None else tape[prefix] - 1


def needle(tape: Path, shared: Path) -> Path:
    (found,) = sorted(tape.parent.glob(tape.name))
    return found


@pytest.mark.oracle
@pytest.mark.parametrize(("tape", "met", "domain"), SITE_RUNS)
def test_every_step_of_the_tapes(shared: Path, tape: str, met: str, domain: str) -> None:
    root = shared / "data/elm"
    places = places_of(root / domain)
    source = SiteSource.open(root / met, places)
    with open_dataset(needle(root / tape, shared)) as history:
        ends = [
            seconds_of_date(int(ymd), int(tod))
            for ymd, tod in zip(history["mcdate"].read(), history["mcsec"].read(), strict=True)
        ]
        # The first record of a cold start is the initial state at time 0, not a step.
        skip = 1 if ends[0] == 0 else 0
        forcing = source.load(ModelTimes(ends[skip] - STEP, STEP, len(ends) - skip), np.arange(places.count))
        index = {name: history[name].read() for name in ("pfts1d_ixy", "cols1d_ixy") if name in history}
        compared = 0
        for name, attribute in TAPE_FIELDS.items():
            if name not in history or history[name].dtype != np.float64:
                continue
            variable = history[name]
            found = variable.values()[skip:]
            ours = getattr(forcing, attribute)[:, cells_of(variable, index)]
            known = np.isfinite(found)
            # Means over patches of grid-cell tapes round once more; everything else is exact.
            rounded = name.startswith("FSDS") and name != "FSDS" and variable.dims[1] == "lndgrid"
            np.testing.assert_allclose(ours[known], found[known], rtol=1e-15 if rounded else 0.0, atol=0.0)
            compared += int(known.sum())
        assert compared > 0


@pytest.mark.parametrize(
    ("start_year", "years", "model_year", "data_year"),
    [
        # ELM, per-step output: model year k has 2013 + (k - 1 + 5) mod 7.
        (2013, 7, 1, 5),
        (2013, 7, 8, 5),
        (2013, 7, 16, 6),
        (2011, 7, 1, 0),
        (2012, 2, 2, 1),
        (2013, 7, 2015, 2),
        (2013, 7, 1850, (1850 - 2013) % 7),
    ],
)
def test_year_of_the_record(
    tmp_path: Path, start_year: int, years: int, model_year: int, data_year: int
) -> None:
    path = write_site(tmp_path / "all_hourly.nc", years=years, start_year=start_year, samples_per_day=2)
    record = read_site_record(path)
    times = ModelTimes(seconds_of_date(model_year * 10000 + 702), 43200, 2)
    choice = choose_samples(record, times)
    assert choice.flux.tolist() == [data_year * 730 + 182 * 2, data_year * 730 + 182 * 2 + 1]


def test_steps_longer_than_samples_take_the_first_of_each_step(tmp_path: Path) -> None:
    record = read_site_record(write_site(tmp_path / "all_hourly.nc", samples_per_day=24, start_year=1850))
    choice = choose_samples(record, ModelTimes(seconds_of_date(10101), 7200, 4))
    assert choice.upper.tolist() == [0, 2, 4, 6]


def test_steps_shorter_than_samples_are_interpolated(tmp_path: Path) -> None:
    record = read_site_record(write_site(tmp_path / "all_hourly.nc", samples_per_day=8, start_year=1850))
    choice = choose_samples(record, ModelTimes(seconds_of_date(10101), 1800, 8))
    assert choice.flux.tolist() == [0] * 6 + [1] * 2
    assert choice.upper.tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    assert choice.lower.tolist() == [record.samples - 1] * 3 + [0] * 5
    expected = [1 / 3, 1 / 6, 1.0, 5 / 6, 2 / 3, 1 / 2, 1 / 3, 1 / 6]
    np.testing.assert_allclose(choice.lower_weight, expected, atol=1e-15)


def test_shortwave_of_long_samples_follows_the_sun() -> None:
    times = ModelTimes(seconds_of_date(10701), 1800, 48)
    factor = interpolation_factor(times, np.array([0.0]), np.array([45.0]), 6)
    np.testing.assert_allclose(factor[12:36].reshape(4, 6).mean(axis=1), 1.0, rtol=1e-12)
    assert factor[:6].max() == 0.0
    assert factor.max() <= 10.0


def test_a_step_that_fits_no_sample_is_refused(tmp_path: Path) -> None:
    record = read_site_record(write_site(tmp_path / "all_hourly.nc", samples_per_day=8))
    with pytest.raises(InputError, match="neither divides"):
        choose_samples(record, ModelTimes(0, 7200, 2))


def test_blocks_of_steps_and_of_cells_give_the_same_bits(tmp_path: Path) -> None:
    places = Places(np.array([266.5, 266.6, 266.7]), np.array([47.5, 47.6, 47.4]))
    source = SiteSource.open(write_site(tmp_path / "all_hourly.nc"), places)
    start = seconds_of_date(11230)
    whole = source.load(ModelTimes(start, 3600, 72), np.arange(3))
    for first in (0, 1, 24, 47):
        part = source.load(ModelTimes(start + 3600 * first, 3600, 24), np.array([2, 0]))
        for name in TAPE_FIELDS.values():
            expected = getattr(whole, name)[first : first + 24][:, [2, 0]]
            np.testing.assert_array_equal(getattr(part, name), expected)


def units(name: str, value: str) -> Fault:
    return lambda file: file[name].setncattr("units", value)


def stored(name: str, shift: float, scale: float = 1.0) -> Fault:
    def change(file: netCDF4.Dataset) -> None:
        file[name].scale_factor = file[name].scale_factor * scale
        file[name].add_offset = file[name].add_offset * scale + shift

    return change


def marked_missing(file: netCDF4.Dataset) -> None:
    file["TBOT"].missing_value = np.int16(-32001)
    file["TBOT"].set_auto_maskandscale(False)
    file["TBOT"][0, 10:13] = -32001


def gap(file: netCDF4.Dataset) -> None:
    file["DTIME"][100:] += 1.0


def standard_calendar(file: netCDF4.Dataset) -> None:
    file["DTIME"].units = "days since 2012-01-01"
    file["DTIME"].calendar = "standard"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (units("TBOT", "degC"), ["TBOT", "wrong units", "'degC'", "'K'"]),
        (stored("TBOT", -273.15), ["TBOT", "look like degrees Celsius"]),
        (units("PSRF", "hPa"), ["PSRF", "wrong units", "'hPa'"]),
        (stored("PSRF", 0.0, 0.01), ["PSRF", "look like hPa"]),
        (stored("RH", 0.0, 0.01), ["RH", "look like a fraction"]),
        (stored("FSDS", -10.0), ["FSDS", "negative downward shortwave", "2013-01-01 00:00:00"]),
        (marked_missing, ["TBOT", "missing", "samples 10 to 12", "2013-01-02 06:00:00"]),
        (gap, ["DTIME", "gap in time", "samples 99 and 100"]),
        (standard_calendar, ["DTIME", "29 February", "noleap"]),
        (lambda file: file.renameVariable("WIND", "WINDS"), ["WIND", "missing", "WINDS"]),
        (lambda file: file["end_year"].__setitem__(0, 2020), ["DTIME", "ends before its end_year"]),
    ],
)
def test_a_faulty_file_is_one_clear_error(tmp_path: Path, fault: Fault, words: list[str]) -> None:
    path = write_site(tmp_path / "all_hourly.nc", fault=fault)
    with pytest.raises(InputError) as caught:
        read_site_record(path)
    for word in ["all_hourly.nc", *words]:
        assert word in str(caught.value)


def test_a_missing_folder_or_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no site forcing"):
        read_site_record(tmp_path)
    with pytest.raises(InputError, match="absent"):
        read_site_record(tmp_path / "absent.nc")


def test_forcing_of_another_place_is_refused(tmp_path: Path) -> None:
    path = write_site(tmp_path / "all_hourly.nc")
    far = Places(np.array([266.5, 200.0]), np.array([47.5, 47.5]))
    with pytest.raises(InputError, match="another place") as caught:
        SiteSource.open(path, far)
    assert "cell 1" in str(caught.value)
    assert SiteSource.open(path, far, maximum_distance=None).places is far


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("tape", "met", "domain", "step", "records"),
    [
        ("b20_cold20yr/h0.monthly.nc.gz", "inputs/met", "inputs/domain.nc", 1800, 239),
        ("b4_4cells8yr/h0.monthly.nc.gz", "inputs/met", "inputs/domain_4.nc", 1800, 95),
        ("ad_spinup105yr/spr.elm.h0.0001-01-01-00000.nc.gz", "inputs/met1h", "inputs/domain.nc", 3600, 104),
        ("final_spinup/spr.elm.h0.0131-01-01-00000.nc.gz", "inputs/met1h", "inputs/domain.nc", 3600, 9),
    ],
)
def test_means_over_decades_and_cycles(
    shared: Path, tape: str, met: str, domain: str, step: int, records: int
) -> None:
    """Monthly and annual means of ELM in single precision, over many turns of the seven-year cycle."""
    root = shared / "data/elm"
    places = places_of(root / domain)
    source = SiteSource.open(root / met, places)
    with open_dataset(root / tape) as history:
        bounds = np.rint(history["time_bounds"].read() * 86400).astype(np.int64)
        names = [
            name
            for name in ("TBOT", "QBOT", "PBOT", "WIND", "FLDS", "RAIN", "SNOW", "FSDS")
            if name in history
        ]
        means = {name: history[name].values() for name in names}
    # A cold start's first interval holds the state at time 0 as well.
    whole = [record for record, (begin, end) in enumerate(bounds.tolist()) if 0 <= begin < end]
    assert len(whole) >= records
    assert "TBOT" in names
    for record in whole:
        begin, end = bounds[record].tolist()
        forcing = source.load(ModelTimes(begin, step, (end - begin) // step), np.arange(places.count))
        for name in names:
            ours = getattr(forcing, TAPE_FIELDS[name]).mean(axis=0)
            np.testing.assert_allclose(ours, means[name][record], rtol=6e-8, atol=1e-20)
