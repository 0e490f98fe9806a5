"""Is a run in equilibrium: the limits, whole cycles, areas, and what cannot be judged."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from kiloland.cli.main import main
from kiloland.errors import ExitCode, InputError
from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset
from kiloland.spinup.criteria import check_lines, check_spinup
from kiloland.spinup.criteria.definitions import CRITERIA, per_area
from kiloland.spinup.criteria.judge import Verdict

UNITS = {one.field: one.units for one in CRITERIA} | {"TBOT": "K"}
LEVEL = {"TOTECOSYSC": 20000.0, "TOTSOMC": 12000.0, "TOTVEGC": 6000.0, "TWS": 4000.0, "TOTECOSYSP": 1500.0}
Values = Callable[[str, int, np.ndarray], np.ndarray]
"""Field, year and the numbers of cells (or patches) to its means."""


def still(name: str, year: int, cells: np.ndarray) -> np.ndarray:
    """A run that does not change, under weather of three years."""
    if name in ("NEE", "GPP"):
        return np.where(name == "GPP", 1.0e-5, 0.0) + 0.0 * cells
    if name == "TBOT":
        return 280.0 + np.array([0.0, 1.5, -2.0])[year % 3] + 0.1 * cells
    swing = np.array([0.0, 10.0, -10.0])[year % 3]
    return LEVEL.get(name, 100.0) + cells + swing * (name == "TOTECOSYSC")


def drifting(field: str, rate: float) -> Values:
    """As ``still``, but one field grows by ``rate`` a year."""
    return lambda name, year, cells: still(name, year, cells) + rate * year * (name == field)


def history(
    path: Path,
    first: int,
    years: int,
    values: Values = still,
    *,
    fields: tuple[str, ...] = tuple(UNITS),
    cells: int = 4,
    months: bool = False,
    cold: bool = False,
    area: np.ndarray | None = None,
    plants: np.ndarray | None = None,
    units: Mapping[str, str] | None = None,
    dtype: str = "f4",
    span: int = 1,
) -> Path:
    """A history file of annual (or monthly) means; of patches where ``plants`` gives type and weight."""
    edges = [365.0 * (first - 1 + year) for year in range(0, years + 1, span)]
    if months:
        steps = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30])
        edges = [start + float(step) for start in edges[:-1] for step in steps] + [edges[-1]]
    bounds = list(pairwise(edges))
    if cold:
        bounds = [(-1.0 / 24.0, 0.0), *bounds]
    interval = np.array(bounds)
    dim = "lndgrid" if plants is None else "pft"
    count = cells if plants is None else plants.shape[1]
    data: dict[str, np.ndarray] = {"time": interval[:, 1], "time_bounds": interval}
    where = np.arange(count, dtype=float)
    for name in fields:
        rows = [values(name, int(low // 365.0) + 1, where) if high else 1e9 + where for low, high in bounds]
        data[name] = np.array(rows).astype(dtype)
    place = np.arange(cells)
    land = np.full(cells, 3.0e4) if area is None else area
    data |= {"lon": 10.0 + place, "lat": 60.0 - 20.0 * place, "area": land, "landfrac": np.full(cells, 0.8)}
    said = {"units": "days since 0001-01-01 00:00:00", "calendar": "noleap", "bounds": "time_bounds"}
    schema = [
        VariableSchema("time", "f8", ("time",), said),
        VariableSchema("time_bounds", "f8", ("time", "hist_interval")),
        *(VariableSchema(name, "f8", ("lndgrid",)) for name in ("lon", "lat", "landfrac")),
        VariableSchema("area", "f8", ("lndgrid",), {"units": "km^2"}),
    ]
    known = UNITS | dict(units or {})
    for name in fields:
        about = {"units": known[name], "cell_methods": "time: mean"}
        schema.append(VariableSchema(name, dtype, ("time", dim), about))
    sizes = {"lndgrid": cells, "hist_interval": 2}
    if plants is not None:
        data |= subgrid(plants, cells)
        sizes |= {"gridcell": cells, "column": cells, "pft": count}
        for name in subgrid(plants, cells):
            level = {"grid1d": "gridcell", "cols1d": "column", "pfts1d": "pft"}[name.split("_")[0]]
            schema.append(VariableSchema(name, data[name].dtype, (level,)))
    write_dataset(path, FileSchema(sizes, ("time", len(bounds)), tuple(schema)), data)
    return path


def subgrid(plants: np.ndarray, cells: int) -> dict[str, np.ndarray]:
    """Index vectors of a tape of patches; ``plants``: cell, type and weight on the cell."""
    east = np.arange(1, cells + 1, dtype=np.int32)
    owner = plants[0].astype(np.int32) + 1
    return {
        "grid1d_ixy": east,
        "grid1d_jxy": np.ones(cells, np.int32),
        "pfts1d_ixy": owner,
        "pfts1d_jxy": np.ones(owner.size, np.int32),
        "pfts1d_itype_veg": plants[1].astype(np.int32),
        "pfts1d_itype_lunit": np.ones(owner.size, np.int32),
        "pfts1d_wtgcell": plants[2].astype(float),
    }


def test_a_run_that_does_not_change_is_in_equilibrium(tmp_path: Path) -> None:
    check = check_spinup([history(tmp_path / "h.nc", 1, 40)])
    assert check.equilibrium is True
    assert check.windows.years == 18
    assert "6 cycles of 3 years, found from the forcing" in check.windows.found_by
    assert all(one.verdict is Verdict.MET for one in check.judged)
    assert len(check.judged) == len(CRITERIA)


@pytest.mark.parametrize("field", [one.field for one in CRITERIA if one.decides and one.field != "NEE"])
def test_drift_of_any_field_alone_is_seen(tmp_path: Path, field: str) -> None:
    criterion = next(one for one in CRITERIA if one.field == field)
    rate = 2.0 * (criterion.limit or per_area(0.02)) / criterion.factor
    check = check_spinup([history(tmp_path / "h.nc", 1, 40, drifting(field, rate), dtype="f8")])
    missed = {one.criterion.field for one in check.judged if one.verdict is Verdict.MISSED}
    assert missed == {field}
    assert check.equilibrium is False


def test_drift_is_measured_in_grams_a_year(tmp_path: Path) -> None:
    check = check_spinup([history(tmp_path / "h.nc", 1, 40, drifting("TOTECOSYSC", 1.7), dtype="f8")])
    carbon = check.of("TOTECOSYSC")
    assert carbon is not None
    assert carbon.measured.mean == pytest.approx(1.7, rel=1e-9)
    assert carbon.measured.total == pytest.approx(1.7 * 4 * 3.0e10 * 0.8 / 1.0e15, rel=1e-9)
    assert check.share == 1.0


def test_exchange_of_carbon_counts_as_it_is(tmp_path: Path) -> None:
    per_second = 2.0 / (365.0 * 86400.0)

    def breathing(name: str, year: int, cells: np.ndarray) -> np.ndarray:
        return still(name, year, cells) + per_second * (name == "NEE")

    check = check_spinup([history(tmp_path / "h.nc", 1, 40, breathing)])
    exchange = check.of("NEE")
    assert exchange is not None
    assert exchange.verdict is Verdict.MISSED
    assert exchange.measured.mean == pytest.approx(2.0, rel=1e-6)


def test_means_and_shares_are_by_area_of_land(tmp_path: Path) -> None:
    def one_cell(name: str, year: int, cells: np.ndarray) -> np.ndarray:
        return still(name, year, cells) + 5.0 * year * (name == "TOTECOSYSC") * (cells == 2)

    area = np.array([40.0, 30.0, 2.0, 28.0])
    check = check_spinup([history(tmp_path / "h.nc", 1, 40, one_cell, area=area, dtype="f8")])
    carbon = check.of("TOTECOSYSC")
    assert carbon is not None
    assert carbon.measured.mean == pytest.approx(0.02 * 5.0, rel=1e-9)
    assert check.share == pytest.approx(0.02, rel=1e-9)
    assert check.equilibrium is True
    parts = {one.name: one for one in check.groups}
    assert parts["tropics, below 23.5"].share == pytest.approx(2.0 / 30.0)


def test_a_global_domain_is_held_to_the_global_sum(tmp_path: Path) -> None:
    """Where the land is larger than the Earth's, the sum decides although the mean would pass."""
    area = np.full(4, 1.0e8)
    values = drifting("TOTSOMC", 0.1)
    check = check_spinup([history(tmp_path / "h.nc", 1, 40, values, area=area, dtype="f8")])
    soil = check.of("TOTSOMC")
    assert soil is not None
    assert abs(soil.measured.mean) < soil.limit  # type: ignore[operator]
    assert soil.verdict is Verdict.MISSED
    assert "PgC over the land" in soil.reason


def test_weather_alone_is_no_drift_over_whole_cycles(tmp_path: Path) -> None:
    file = history(tmp_path / "h.nc", 1, 12)
    assert check_spinup([file]).equilibrium is True
    assert check_spinup([file], cycle=3).equilibrium is True
    assert check_spinup([file], cycle=4).equilibrium is False


def test_several_files_and_months_give_the_same_verdict(tmp_path: Path) -> None:
    values = drifting("TOTVEGC", 0.4)
    whole = check_spinup([history(tmp_path / "a.nc", 1, 24, values, dtype="f8")])
    parts = [
        history(tmp_path / f"{first}.nc", first, 8, values, months=True, dtype="f8") for first in (17, 1, 9)
    ]
    monthly = check_spinup(parts)
    for one, other in zip(whole.judged, monthly.judged, strict=True):
        assert one.measured.mean == pytest.approx(other.measured.mean, rel=1e-9, abs=1e-12)
        assert one.verdict is other.verdict


def test_means_of_twenty_years_are_one_cycle_each(tmp_path: Path) -> None:
    values = drifting("TOTECOSYSC", 0.6)
    files = [
        history(tmp_path / f"{first}.nc", first, 20, values, span=20, dtype="f8") for first in (1, 21, 41)
    ]
    check = check_spinup(files)
    carbon = check.of("TOTECOSYSC")
    assert check.windows.text == "years 21-40 and 41-60"
    assert carbon is not None
    assert abs(carbon.measured.mean - 0.6) < 1.1


def test_rows_and_columns_are_judged_as_a_list_of_cells(tmp_path: Path) -> None:
    values = drifting("TOTECOSYSC", 0.8)
    as_list = check_spinup([history(tmp_path / "list.nc", 1, 12, values)])
    with open_dataset(tmp_path / "list.nc") as dataset:
        data = {name: dataset[name].read() for name in dataset}
        schema = []
        for variable in dataset.variables.values():
            dims = variable.dims
            if dims[-1:] == ("lndgrid",):
                data[variable.name] = data[variable.name].reshape(*data[variable.name].shape[:-1], 2, 2)
                dims = (*dims[:-1], "lat", "lon")
            about = {key: value for key, value in variable.attributes.items() if key != "checksum"}
            schema.append(VariableSchema(variable.name, variable.dtype, dims, about))
    for name, values_of in (("lon", [10.0, 11.0]), ("lat", [60.0, 40.0])):
        data[name] = np.array(values_of)
        schema = [one for one in schema if one.name != name] + [VariableSchema(name, "f8", (name,))]
    sizes = {"lat": 2, "lon": 2, "hist_interval": 2}
    write_dataset(tmp_path / "grid.nc", FileSchema(sizes, ("time", 12), tuple(schema)), data)
    as_grid = check_spinup([tmp_path / "grid.nc"])
    assert as_grid.cells.shape == (2, 2)
    for one, other in zip(as_list.judged, as_grid.judged, strict=True):
        assert one.measured.mean == other.measured.mean


def test_the_first_sample_of_a_cold_start_is_left_out(tmp_path: Path) -> None:
    check = check_spinup([history(tmp_path / "h.nc", 1, 12, cold=True)])
    assert check.equilibrium is True
    assert any("is no mean" in note for note in check.notes)


def test_fields_come_from_the_tape_of_patches(tmp_path: Path) -> None:
    """Two patches a cell; trees gain, grass does not; leaf area is on that tape alone."""
    plants = np.array([[0, 0, 1, 1, 2, 2, 3, 3], [1, 13] * 4, [0.75, 0.25] * 4])

    def trees(name: str, year: int, cells: np.ndarray) -> np.ndarray:
        return 100.0 + 2.0 * year * (name == "TOTVEGC") * (cells % 2 == 0)

    cell = history(tmp_path / "h0.nc", 1, 12, fields=tuple(name for name in UNITS if name != "TLAI"))
    patch = history(tmp_path / "h1.nc", 1, 12, trees, fields=("TOTVEGC", "TLAI"), plants=plants, dtype="f8")
    check = check_spinup([cell, patch])
    leaves = check.of("TLAI")
    assert leaves is not None
    assert leaves.measured.from_patches
    assert leaves.measured.stock == pytest.approx(100.0)
    drift = {(one.field, one.plant): one.mean for one in check.plants}
    assert drift[("TOTVEGC", 1)] == pytest.approx(2.0)
    assert drift[("TOTVEGC", 13)] == pytest.approx(0.0)
    assert {one.name for one in check.groups if one.kind == "biome"} == {"temperate forest"}


def test_fields_not_on_file_are_named_with_their_line(tmp_path: Path) -> None:
    fields = tuple(name for name in UNITS if name not in ("TOTSOMN", "H2OSNO"))
    check = check_spinup([history(tmp_path / "h.nc", 1, 12, fields=fields)])
    assert check.equilibrium is True
    assert check.missing == ("TOTSOMN", "H2OSNO")
    assert "  hist_fincl1 = 'TOTSOMN', 'H2OSNO'" in list(check_lines(check))


def test_without_the_needed_fields_nothing_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = tuple(name for name in UNITS if name not in ("NEE", "TOTVEGC"))
    file = history(tmp_path / "h.nc", 1, 12, fields=fields)
    assert main(["spinup", "check", "--history", str(file)]) == ExitCode.BAD_INPUT
    text = capsys.readouterr().err
    assert "NEE, TOTVEGC" in text
    assert "hist_fincl1 = 'NEE', 'TOTVEGC'" in text


@pytest.mark.parametrize(
    ("files", "problem"),
    [(((1, 8), (8, 8)), "time is counted twice"), (((1, 8), (10, 8)), "time is missing between records")],
)
def test_years_twice_or_missing_are_errors(
    tmp_path: Path, files: tuple[tuple[int, int], ...], problem: str
) -> None:
    paths = [history(tmp_path / f"{first}.nc", first, years) for first, years in files]
    with pytest.raises(InputError, match=problem):
        check_spinup(paths)


def test_the_same_file_twice_is_an_error(tmp_path: Path) -> None:
    file = history(tmp_path / "h.nc", 1, 12)
    with pytest.raises(InputError, match="time is counted twice"):
        check_spinup([file, file])


def test_less_than_two_cycles_cannot_be_judged(tmp_path: Path) -> None:
    file = history(tmp_path / "h.nc", 1, 12)
    with pytest.raises(InputError, match=r"too short for two whole forcing cycles \(found 12 whole years"):
        check_spinup([file], cycle=7)


def test_other_units_and_other_cells_are_errors(tmp_path: Path) -> None:
    file = history(tmp_path / "h.nc", 1, 12, units={"GPP": "umol/m2/s"})
    with pytest.raises(InputError, match="GPP: unexpected units"):
        check_spinup([file])
    one = history(tmp_path / "a.nc", 1, 6)
    other = history(tmp_path / "b.nc", 7, 6, cells=5)
    with pytest.raises(InputError, match="has other cells than the files before"):
        check_spinup([one, other])


def test_single_precision_that_hides_a_drift_is_said(tmp_path: Path) -> None:
    def huge(name: str, year: int, cells: np.ndarray) -> np.ndarray:
        return still(name, year, cells) + 4.0e7 * (name == "TOTSOMC")

    check = check_spinup([history(tmp_path / "h.nc", 1, 12, huge)])
    assert check.equilibrium is None


def test_json_and_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = history(tmp_path / "h.nc", 1, 40, drifting("TOTECOSYSC", 0.5))
    assert main(["spinup", "check", "--history", str(file), "--json"]) == ExitCode.FINDINGS
    facts = json.loads(capsys.readouterr().out)
    assert facts["equilibrium"] is False
    assert facts["criteria"]["TOTECOSYSC"]["verdict"] == "missed"
    assert facts["criteria"]["TOTECOSYSC"]["drift_by_cycle"][-1]["drift"] == pytest.approx(0.5, rel=1e-3)
    assert main(["spinup", "check", "--history", str(history(tmp_path / "s.nc", 1, 40))]) == ExitCode.OK


def test_the_page_holds_maps_and_tables(tmp_path: Path) -> None:
    file = history(tmp_path / "h.nc", 1, 12, drifting("TOTECOSYSC", 0.5))
    code = main(["spinup", "check", "--history", str(file), "--page", str(tmp_path / "page")])
    page = (tmp_path / "page" / "index.html").read_text()
    assert code == ExitCode.FINDINGS
    assert page.count("data:image/png") == 8
    assert "Not in equilibrium: " in page
    assert "TOTECOSYSC" in page.split("</p>")[0]
    for text in ("Criteria", "Drift from cycle to cycle", "TOTECOSYSC: drift, gC m-2 yr-1"):
        assert text in page
