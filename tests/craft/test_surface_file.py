"""The surface file: what the model reads, exact sums, every variable accounted for, bad sources."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from changed_files import replaced
from surface_samples import Change, Layout, regular_domain, write_source

from kiloland.cli.main import main
from kiloland.craft.surface import Kind, Status, SurfaceRequest, SurfaceSummary, craft_surface, surface_table
from kiloland.craft.surface.fractions import ordered_sum, renormalise
from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.grid import Domain, read_domain
from kiloland.run.surface import read_surface

UNITS = ("PCT_NATVEG", "PCT_CROP", "PCT_WETLAND", "PCT_LAKE", "PCT_GLACIER", "PCT_URBAN")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("surface")
    write_source(folder / "source.nc")
    regular_domain(folder / "domain.nc")
    craft_surface(SurfaceRequest(folder / "source.nc", folder / "domain.nc", folder / "surface.nc"))
    return folder


def variables(path: Path) -> dict[str, np.ndarray]:
    with open_dataset(path) as dataset:
        return {name: dataset[name].read() for name in dataset}


def make(tmp_path: Path, change: Change | None = None, **options: object) -> SurfaceSummary:
    write_source(tmp_path / "source.nc", change=change)
    if not (tmp_path / "domain.nc").exists():
        regular_domain(tmp_path / "domain.nc", "regular:200,206,8,60,66,8")
    request = SurfaceRequest(tmp_path / "source.nc", tmp_path / "domain.nc", tmp_path / "out.nc", **options)  # type: ignore[arg-type]
    return craft_surface(request)


def changed(name: str, edit: Callable[[np.ndarray], np.ndarray]) -> Change:
    return lambda variable, values: edit(values.copy()) if variable == name else values


def elm_sums(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Sums of land units and of plant types as ELM makes them: parts divided by 100, one after the other."""
    with open_dataset(path) as dataset:
        units = np.concatenate([np.atleast_2d(dataset[name].read()) for name in UNITS])
        return ordered_sum(units / 100.0), ordered_sum(dataset["PCT_NAT_PFT"].read() / 100.0)


def test_the_model_reads_it_for_the_same_domain(folder: Path) -> None:
    domain = read_domain(folder / "domain.nc")
    number = domain.number_of_cells
    surface = read_surface(
        folder / "surface.nc", np.arange(number), domain.longitude, domain.latitude, number
    )
    assert surface.sand.shape == (10, number)
    assert surface.leaf_area is not None


def test_sums_hold_to_elms_tolerance_and_better(folder: Path) -> None:
    for total in elm_sums(folder / "surface.nc"):
        assert np.abs(total - 1.0).max() < 1e-14
    values = variables(folder / "surface.nc")
    assert (np.abs(ordered_sum(values["PCT_NAT_PFT"]) - 100.0) <= np.spacing(100.0)).all()


def test_geometry_comes_from_the_domain(folder: Path) -> None:
    domain, values = read_domain(folder / "domain.nc"), variables(folder / "surface.nc")
    assert np.array_equal(values["LONGXY"], domain.longitude)
    assert np.array_equal(values["LATIXY"], domain.latitude)
    assert np.array_equal(values["AREA"], domain.area_km2)
    assert np.array_equal(values["PFTDATA_MASK"], domain.mask)
    assert np.array_equal(values["LANDFRAC_PFT"], domain.fraction)
    assert np.array_equal(values["gridID"], domain.gridcell_id)


@pytest.mark.parametrize(
    "layout", [Layout(southward=True), Layout(west=-180.0), Layout(southward=True, west=-180.0)]
)
def test_the_layout_of_the_source_does_not_change_a_bit(folder: Path, tmp_path: Path, layout: Layout) -> None:
    write_source(tmp_path / "other.nc", layout)
    craft_surface(SurfaceRequest(tmp_path / "other.nc", folder / "domain.nc", tmp_path / "out.nc"))
    expected, found = variables(folder / "surface.nc"), variables(tmp_path / "out.nc")
    assert [name for name in expected if not np.array_equal(expected[name], found[name])] == []


def test_two_dimensions_hold_the_same_values(folder: Path, tmp_path: Path) -> None:
    regular_domain(tmp_path / "domain.nc", rectangle=True)
    request = SurfaceRequest(
        folder / "source.nc", tmp_path / "domain.nc", tmp_path / "out.nc", two_dimensional=True
    )
    craft_surface(request)
    flat, found = variables(folder / "surface.nc"), variables(tmp_path / "out.nc")
    assert found["PCT_SAND"].shape == (10, 24, 24)
    assert found["MONTHLY_LAI"].shape == (12, 17, 24, 24)
    assert [name for name in flat if not np.array_equal(flat[name].ravel(), found[name].ravel())] == []


def test_a_list_of_cells_is_not_called_two_dimensional(folder: Path, tmp_path: Path) -> None:
    request = SurfaceRequest(
        folder / "source.nc", folder / "domain.nc", tmp_path / "out.nc", two_dimensional=True
    )
    with pytest.raises(InputError, match="cannot become two-dimensional"):
        craft_surface(request)


def test_every_variable_of_the_table_has_a_fate(tmp_path: Path) -> None:
    without = ("FMAX", "LAKEFETCH", "PCT_CFT")
    summary = make(tmp_path, lambda name, values: None if name in without else values)
    assert len(surface_table()) == 132
    assert [report.name for report in summary.variables] == list(surface_table())
    absent = {report.name: report.detail for report in summary.of(Status.ABSENT)}
    assert absent == {name: surface_table()[name].absent for name in without}
    assert all(absent.values())
    with open_dataset(tmp_path / "out.nc") as dataset:
        assert "FMAX: ELM stops" in dataset.attributes["absent_variables"]
        present = {report.name for report in summary.variables if report.status is not Status.ABSENT}
        assert set(dataset.variables) == present | {"gridID"}


@pytest.mark.oracle
def test_the_table_holds_every_variable_that_elm_reads(shared: Path) -> None:
    with (shared / "reference" / "surfdata_variables.csv").open() as lines:
        rows = {row["name"]: row for row in csv.DictReader(lines)}
    assert set(rows) == set(surface_table())
    for name, variable in surface_table().items():
        assert variable.requirement == rows[name]["requirement"], name
        assert variable.dtype in rows[name]["dtype"], name
        if variable.kind not in (Kind.COPIED,) and "," in rows[name]["dims_C_order"]:
            assert ",".join(variable.dims) == rows[name]["dims_C_order"], name


def test_classes_are_those_of_the_source_and_soil_stays_within_its_neighbours(folder: Path) -> None:
    source, made = variables(folder / "source.nc"), variables(folder / "surface.nc")
    for name, variable in surface_table().items():
        if variable.kind is Kind.CLASS and name != "URBAN_REGION_ID":
            assert set(np.unique(made[name])) <= set(np.unique(source[name])), name
        if variable.kind is Kind.SOIL_PERCENT:
            assert made[name].min() >= 0.0, name
            assert made[name].max() <= 100.0, name


def test_directions_are_averaged_on_the_circle(tmp_path: Path) -> None:
    """Between 350 and 10 degrees lies north, not south."""

    def edit(values: np.ndarray) -> np.ndarray:
        values[:] = np.where(np.arange(values.shape[-1]) % 2 == 0, 350.0, 10.0)
        return values

    make(tmp_path, changed("ASPECT_DEG", edit))
    aspect = variables(tmp_path / "out.nc")["ASPECT_DEG"]
    assert ((aspect >= 350.0 - 1e-9) | (aspect <= 10.0 + 1e-9)).all()


def test_no_empty_towns_are_made(tmp_path: Path) -> None:
    def no_towns(values: np.ndarray) -> np.ndarray:
        values[..., :41] = 0.0
        return values

    def rest(name: str, values: np.ndarray) -> np.ndarray:
        if name == "PCT_URBAN":
            return no_towns(values.copy())
        if name == "PCT_NATVEG":
            return np.where(np.arange(values.shape[-1]) < 41, 66.0, values)
        return values

    regular_domain(tmp_path / "domain.nc", "regular:190,206,16,60,66,8")
    make(tmp_path, rest)
    made = variables(tmp_path / "out.nc")
    town = made["PCT_URBAN"].sum(axis=0) > 0.0
    assert 0 < town.sum() < town.size
    assert np.array_equal(made["URBAN_REGION_ID"] > 0, town)
    for name, variable in surface_table().items():
        if variable.kind is Kind.URBAN:
            assert (made[name][..., ~town] == 0.0).all(), name
    assert (made["T_BUILDING_MIN"][:, town] > 0.0).any()
    make(tmp_path, rest, keep_urban=True)
    kept = variables(tmp_path / "out.nc")
    assert (kept["URBAN_REGION_ID"][~town] > 0).any()


def test_shares_of_plants_conserve_their_area(tmp_path: Path) -> None:
    """The mean of two cells counts each with its vegetated area, not one as much as the other."""
    rng = np.random.default_rng(8)
    share = rng.random((36, 72)) * 60.0

    def uneven(name: str, values: np.ndarray) -> np.ndarray:
        if name == "PCT_NATVEG":
            return share
        if name == "PCT_LAKE":
            return 75.0 - share
        return values

    regular_domain(tmp_path / "domain.nc", "regular:180,240,4,30,60,2")
    make(tmp_path, uneven)
    made, given = variables(tmp_path / "out.nc"), variables(tmp_path / "source.nc")
    domain = read_domain(tmp_path / "domain.nc")
    edges = np.sin(np.deg2rad(np.linspace(-90.0, 90.0, 37)))
    area = np.repeat(np.deg2rad(5.0) * np.diff(edges)[:, None], 72, 1)[24:30, 36:48]
    for kind in (0, 5, 16):
        before = (area * given["PCT_NATVEG"][24:30, 36:48] * given["PCT_NAT_PFT"][kind, 24:30, 36:48]).sum()
        after = (domain.area * made["PCT_NATVEG"] * made["PCT_NAT_PFT"][kind]).sum()
        assert abs(after / before - 1.0) < 1e-9


def test_the_ledger_counts_what_renormalising_changed(tmp_path: Path) -> None:
    def too_much(values: np.ndarray) -> np.ndarray:
        return values + 0.5

    summary = make(tmp_path, changed("PCT_LAKE", too_much))
    with open_dataset(tmp_path / "out.nc") as dataset:
        text = dataset.attributes["ledger_landunits"]
    assert text in summary.lines()
    assert "64 of 64 cells changed" in text
    assert "largest change 0.299 percent points" in text
    for total in elm_sums(tmp_path / "out.nc"):
        assert np.abs(total - 1.0).max() < 1e-14


def test_renormalised_shares_sum_to_100_to_the_last_bit() -> None:
    rng = np.random.default_rng(0)
    shares = rng.random((17, 20_000)) ** rng.integers(1, 12, (17, 20_000))
    shares[:, 5] = 0.0
    exact, empty = renormalise(shares)
    assert (np.abs(ordered_sum(exact) - 100.0) <= np.spacing(100.0)).all()
    assert np.flatnonzero(empty).tolist() == [5]
    assert exact[0, 5] == 100.0
    again, _ = renormalise(exact)
    assert np.array_equal(again, exact)


def test_missing_values_are_filled_from_near_and_counted(tmp_path: Path) -> None:
    def hole(values: np.ndarray) -> np.ndarray:
        values[30, 40] = np.nan
        return values

    summary = make(tmp_path, changed("FMAX", hole))
    report = next(report for report in summary.variables if report.name == "FMAX")
    assert "cells over partly missing values" in report.detail
    assert np.isfinite(variables(tmp_path / "out.nc")["FMAX"]).all()


def _at_cell(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def edit(values: np.ndarray) -> np.ndarray:
        values[..., 30, 40] = value
        return values

    return edit


BAD = {
    "land units as fractions": (lambda n, v: v / 100.0 if n in UNITS else v, "land units are given as fra"),
    "texture as fraction": (changed("PCT_SAND", lambda v: v / 100.0), "PCT_SAND: is given as a fraction"),
    "plants as fractions": (changed("PCT_NAT_PFT", lambda v: v / 100.0), "PCT_NAT_PFT: is given as a frac"),
    "fraction as percent": (changed("FMAX", lambda v: v * 100.0), "FMAX: .*is given in percent"),
    "colour 0": (changed("SOIL_COLOR", _at_cell(0)), "SOIL_COLOR: source cell at 202.5000 E, 62.5000 N"),
    "colour 21": (changed("SOIL_COLOR", _at_cell(21)), "is no code of this class .*a whole number from 1 to"),
    "no vegetation": (changed("PCT_NAT_PFT", _at_cell(0.0)), "all shares are zero where PCT_NATVEG is not"),
    "sum of 130": (changed("PCT_LAKE", _at_cell(45.0)), "land units do not sum to 100 percent"),
    "negative": (changed("LABILE_P", _at_cell(-1.0)), "LABILE_P: .*out of range"),
    "all missing": (changed("FMAX", lambda v: v * np.nan), "FMAX: holds no value near the domain"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_source_is_told_and_nothing_is_written(tmp_path: Path, case: str) -> None:
    change, message = BAD[case]
    with pytest.raises(InputError, match=message):
        make(tmp_path, change)
    assert not (tmp_path / "out.nc").exists()


def test_characters_in_the_place_of_numbers_are_told(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "out.nc").unlink()
    with open_dataset(tmp_path / "source.nc") as dataset:
        dims = dataset["PCT_SAND"].dims
    replaced(tmp_path / "source.nc", "PCT_SAND", "S1", dims, "x")
    with pytest.raises(InputError, match=r"source.nc: PCT_SAND: is not a number \(found \|S1"):
        craft_surface(SurfaceRequest(tmp_path / "source.nc", tmp_path / "domain.nc", tmp_path / "out.nc"))
    assert not (tmp_path / "out.nc").exists()


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"SOIL_COLOR": "linear"}, "Classes are never averaged"),
        ({"FMAX": "spline"}, "expected conservative or linear or nearest"),
        ({"FMAXX": "nearest"}, "no variable of a surface file"),
        ({"AREA": "nearest"}, "no method at all"),
    ],
)
def test_unfit_methods_are_refused(tmp_path: Path, choice: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make(tmp_path, methods=choice)


def test_a_domain_outside_a_regional_source_is_refused(tmp_path: Path) -> None:
    regular_domain(tmp_path / "near.nc", "regular:200,206,6,60,66,6")
    craft = SurfaceRequest(write_source(tmp_path / "globe.nc"), tmp_path / "near.nc", tmp_path / "region.nc")
    regular_domain(tmp_path / "near.nc", "regular:200,206,6,60,66,6", rectangle=True)
    craft_surface(SurfaceRequest(craft.source, craft.domain, craft.output, two_dimensional=True))
    regular_domain(tmp_path / "far.nc", "regular:230,236,6,60,66,6")
    with pytest.raises(InputError, match="The source does not cover the domain"):
        craft_surface(SurfaceRequest(tmp_path / "region.nc", tmp_path / "far.nc", tmp_path / "out.nc"))


def test_the_command_chooses_methods_and_writes_the_table(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "craft",
        "surface",
        "--source",
        str(folder / "source.nc"),
        "--domain",
        str(folder / "domain.nc"),
    ]
    options = [
        "--method",
        "SOIL_COLOR=majority",
        "--method",
        "FMAX=nearest",
        "--table",
        str(tmp_path / "t.csv"),
    ]
    assert main([*arguments, *options, "-o", str(tmp_path / "out.nc")]) == 0
    text = capsys.readouterr().out
    assert "132 variables: 5 made, 121 mapped, 6 copied, 0 absent" in text
    assert "majority: SOIL_COLOR" in text
    with (tmp_path / "t.csv").open() as lines:
        rows = {row["name"]: row for row in csv.DictReader(lines)}
    assert (len(rows), rows["FMAX"]["method"]) == (132, "nearest")
    source, made = variables(folder / "source.nc"), variables(tmp_path / "out.nc")
    assert set(made["FMAX"]) <= set(source["FMAX"].ravel())
    assert main([*arguments, "--method", "FMAX", "-o", str(tmp_path / "no.nc")]) == 2


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["inputs/surfdata_4.nc.gz", "zoo/tundra/inputs/surfdata.nc.gz"])
def test_a_real_surface_file_comes_back_from_its_own_cells(shared: Path, tmp_path: Path, name: str) -> None:
    """A row of four cells of 0.02 degrees mapped onto itself: values stay, but for exact sums and towns."""
    path = shared / "data" / "elm" / name
    given = variables(path)
    west, south = float(given["LONGXY"][0, 0]) - 0.01, float(given["LATIXY"][0, 0]) - 0.01
    domain: Domain = regular_domain(
        tmp_path / "domain.nc", f"regular:{west!r},{west + 0.08!r},4,{south!r},{south + 0.02!r},1"
    )
    craft_surface(SurfaceRequest(path, tmp_path / "domain.nc", tmp_path / "out.nc"))
    made = variables(tmp_path / "out.nc")
    number = domain.number_of_cells
    read_surface(tmp_path / "out.nc", np.arange(number), domain.longitude, domain.latitude, number)
    urban = {n for n, v in surface_table().items() if v.kind is Kind.URBAN}
    for variable in set(given) - urban - {"AREA", "LANDFRAC_PFT", "PFTDATA_MASK"}:
        expected = given[variable].reshape(made[variable].shape)
        np.testing.assert_allclose(made[variable], expected, rtol=1e-7, atol=1e-9, err_msg=variable)
