"""Nitrogen, phosphorus, people and lightning in a run: read, interpolated, written; bad files are told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from faults import one_message, spoken
from run_cases import NAME, Table, assert_same_results, at_the_end, run, write_case

from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset

SECONDS = 365 * 86400.0
FILES = {
    # key: variable, units, data years, value of a sample by its date in years
    "nitrogen": ("NDEP_year", "g(N)/m2/yr", (1850, 1850), 0.2),
    "phosphorus": ("PDEP_year", "g(P)/m2/yr", (2000, 2000), 0.01),
    "population": ("hdm", "counts/km^2", (1850, 1851), 3.0),
    "lightning": ("lnfm", "counts/km^2/hr", (1, 1), 0.5),
}
FIELDS = ["NDEP_TO_SMINN", "PDEP_TO_SMINP", "HDM", "LNFM", "TG"]


def stream_file(
    path: Path, key: str, units: str | None = None, name: str | None = None, months: int = 24
) -> Path:
    """Months from the first data year on a coarse grid; a sample grows by its number and with longitude."""
    variable, own_units, (first, _), value = FILES[key]
    longitude, latitude = 30.0 * np.arange(12), np.linspace(-90.0, 90.0, 7)
    samples = value * (1.0 + 0.01 * np.arange(months))[:, None, None] * (1.0 + longitude / 3600.0)
    schema = FileSchema(
        {"lon": 12, "lat": 7},
        ("time", months),
        (
            VariableSchema("lon", np.dtype("f8"), ("lon",), {"units": "degrees_east"}),
            VariableSchema("lat", np.dtype("f8"), ("lat",), {"units": "degrees_north"}),
            VariableSchema(
                "time",
                np.dtype("f8"),
                ("time",),
                {"units": "days since 0001-01-01 00:00:00", "calendar": "noleap"},
            ),
            VariableSchema(
                name or variable, np.dtype("f8"), ("time", "lat", "lon"), {"units": units or own_units}
            ),
        ),
    )
    write_dataset(
        path,
        schema,
        {
            "lon": longitude,
            "lat": latitude,
            "time": 365.0 * (first - 1) + 365.0 / 12.0 * (np.arange(months) + 0.5),
            name or variable: np.broadcast_to(samples, (months, 7, 12)).copy(),
        },
    )
    return path


def changes(folder: Path, **more: object) -> Table:
    """Of a case: all four files and their fields, as means of cells and as vectors."""
    folder.mkdir(parents=True, exist_ok=True)
    streams = {f"streams__{key}": stream_file(folder / f"{key}.nc", key) for key in FILES}
    tapes = [
        {"fields": FIELDS, "every": "6 hours", "precision": "double", "records_per_file": 4},
        {"fields": FIELDS, "every": "5 hours", "subgrid": True, "averaging": "instantaneous"},
    ]
    years = {"streams__population_years": [1850, 1851]}
    return {"case__stop": "0001-07-02", "history": tapes, **streams, **years, **more}


@pytest.fixture(scope="module")
def whole(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streams")
    run(few, folder / "run", **changes(folder))
    return folder / "run"


def history(directory: Path, tape: str) -> Path:
    return min(directory.glob(f"{NAME}.elm.{tape}.*.nc"))


def test_samples_are_mixed_by_their_dates_and_between_grid_points(whole: Path) -> None:
    with open_dataset(history(whole, "h0")) as tape:
        east = 1.0 + tape["lon"].read() / 3600.0
        # 1 July is 181 days into the year; the first record is the mean of the ends of twelve steps.
        days = 181.0 + (np.arange(12) + 1.0) / 48.0
        sample = float(np.mean(1.0 + 0.01 * (days / (365.0 / 12.0) - 0.5)))
        for name, factor in (
            ("NDEP_TO_SMINN", 0.2 / SECONDS),
            ("PDEP_TO_SMINP", 0.01 / SECONDS),
            ("LNFM", 0.5),
        ):
            np.testing.assert_allclose(tape[name].read(0), factor * sample * east, rtol=1e-12, err_msg=name)
        # People are those of the nearer sample, that of June.
        np.testing.assert_allclose(tape["HDM"].read(0), 3.0 * 1.05 * east, rtol=1e-12)
        assert tape["NDEP_TO_SMINN"].attributes["units"] == "gN/m^2/s"
        assert tape["HDM"].attributes["units"] == "counts/km^2"


def test_fields_of_columns_are_vectors_on_vector_tapes(whole: Path) -> None:
    with open_dataset(history(whole, "h1")) as tape:
        assert tape["NDEP_TO_SMINN"].dims == ("time", "column")
        assert tape["HDM"].dims == ("time", "lndgrid")
        np.testing.assert_allclose(
            tape["NDEP_TO_SMINN"].read(0) / tape["PDEP_TO_SMINP"].read(0), 20.0, rtol=1e-6
        )


def test_a_run_cut_in_two_has_the_same_bytes(few: Path, whole: Path, tmp_path: Path) -> None:
    run(few, tmp_path / "run", **changes(tmp_path, case__stop="0001-07-01-27000"))
    run(few, tmp_path / "run", resume=True, **changes(tmp_path))
    assert_same_results(whole, tmp_path / "run", at_the_end(whole))


def test_the_site_mode_takes_the_nearest_point_and_its_own_calendar(few: Path, tmp_path: Path) -> None:
    files = changes(tmp_path)
    stream_file(tmp_path / "lightning.nc", "lightning", months=2920)
    run(few, tmp_path / "run", **files, streams__rule="site")
    with open_dataset(history(tmp_path / "run", "h0")) as tape:
        nearest = 30.0 * np.floor(tape["lon"].read() / 30.0 + 0.5)
        number = 1.0 + 0.01 * ((181 * 86400 + 1800.0 * (np.arange(12) + 1.0)) // 10800)
        expected = 0.5 * number.mean() * (1.0 + nearest / 3600.0)
        np.testing.assert_allclose(tape["LNFM"].read(0), expected, rtol=1e-12)


Break = Callable[[Path], object]
FAULTS: list[tuple[str, Table | None, Break | None, tuple[str, ...]]] = [
    (
        "another unit",
        None,
        lambda folder: stream_file(folder / "nitrogen.nc", "nitrogen", units="kg/ha/yr"),
        ("nitrogen.nc", "NDEP_year", "wrong units", "kg/ha/yr", "g(N)/m2/yr"),
    ),
    (
        "another variable",
        None,
        lambda folder: stream_file(folder / "lightning.nc", "lightning", name="flashes"),
        ("lightning.nc", "lnfm"),
    ),
    (
        "no sample of the years",
        {"streams__nitrogen_years": [1900, 1910]},
        None,
        ("nitrogen.nc", "no sample in the years of the stream", "1850 to 1851", "1900 to 1910"),
    ),
    (
        "too few samples",
        {"streams__rule": "site"},
        lambda folder: stream_file(folder / "lightning.nc", "lightning", months=12),
        ("lightning.nc", "lnfm", "no such sample", "12 samples"),
    ),
    ("no such file", {"streams__phosphorus": "nowhere.nc"}, None, ("nowhere.nc",)),
    (
        "years upside down",
        {"streams__nitrogen_years": [1860, 1850]},
        None,
        ("streams: nitrogen_years must be the first and the last year", "[1860, 1850]"),
    ),
    (
        "a field without its file",
        {"streams__nitrogen": None},
        None,
        ("history[0].fields", "NDEP_TO_SMINN", "needs a file", "streams.nitrogen"),
    ),
]


@pytest.mark.parametrize(("change", "break_", "says"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_fault_is_told_in_one_message(
    few: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Table | None,
    break_: Break | None,
    says: tuple[str, ...],
) -> None:
    case = changes(tmp_path)
    if break_ is not None:
        break_(tmp_path)
    case = {key: value for key, value in (case | (change or {})).items() if value is not None}
    code, text = spoken(capsys, "run", write_case(few, tmp_path / "run", **case))
    assert code == 2
    message = one_message(text)
    for words in says:
        assert words in message, message
    assert not (tmp_path / "run").exists()
