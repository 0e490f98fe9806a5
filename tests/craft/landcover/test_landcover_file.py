"""The file of shares: sums, climate splits, coverage, resuming, the surface file made with it, bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from landcover_samples import aligned_raster, around, block, random_raster, write_climate, write_raster

from kiloland.cli.main import main
from kiloland.craft.landcover import (
    ClimateRequest,
    LandCoverRequest,
    LandCoverSummary,
    RasterPlan,
    craft_landcover,
    landcover_product,
    read_legend,
    write_land_cover,
)
from kiloland.craft.landcover import make as making
from kiloland.craft.landcover.areas import Counter
from kiloland.craft.surface.fractions import ordered_sum
from kiloland.craft.synthetic import synthetic_domain
from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset
from kiloland.files.raster import open_raster
from kiloland.grid import write_domain
from kiloland.grid.daymet import PROJECTION

UNITS = ("PCT_NATVEG", "PCT_CROP", "PCT_WETLAND", "PCT_LAKE", "PCT_GLACIER", "PCT_URBAN")


def make(folder: Path, **options: Any) -> LandCoverSummary:
    climate = options.pop("climate", ClimateRequest(str(folder / "climate.nc")))
    names = {"raster": folder / "r.tif", "domain": folder / "domain.nc", "output": folder / "out.nc"}
    return craft_landcover(LandCoverRequest(**names, climate=climate, **options))


def read(folder: Path) -> dict[str, np.ndarray]:
    with open_dataset(folder / "out.nc") as dataset:
        return {name: dataset[name].read() for name in dataset}


def prepared(folder: Path, celsius: Any = -10.0) -> Any:
    domain = block(folder)
    write_climate(folder / "climate.nc", domain, celsius)
    return domain


def test_shares_sum_as_elm_checks(tmp_path: Path) -> None:
    domain = prepared(tmp_path, np.linspace(-30.0, 10.0, 48))
    random_raster(tmp_path / "r.tif", domain, 70.0)
    summary = make(tmp_path)
    values = read(tmp_path)
    units = np.concatenate([np.atleast_2d(values[name]) for name in UNITS])
    for parts in (units, values["PCT_NAT_PFT"]):
        assert np.abs(ordered_sum(parts / 100.0) - 1.0).max() < 1e-14
    assert summary.known == 48
    assert summary.class_areas.sum() == pytest.approx(values["class_area"].sum(), rel=1e-14)
    assert summary.missing_area == pytest.approx(0.05 * domain.area_km2.sum(), rel=0.15)


@pytest.mark.parametrize(
    ("code", "celsius", "expected"),
    [
        (1, -19.0, {2: 100}),
        (1, -10.5, {2: 50, 1: 50}),
        (1, -2.0, {1: 100}),
        (5, -15.0, {8: 100}),
        (5, 0.0, {8: 25, 7: 75}),
        (6, -40.0, {2: 50, 8: 50}),
        (6, -7.0, {2: 0.5 * 500 / 17, 1: 0.5 * 1200 / 17, 8: 25, 7: 25}),
        (8, 5.0, {10: 100}),
        (8, -20.0, {11: 100}),
        (10, -19.0, {12: 100}),
        (10, -18.99, {13: 100}),
        (13, 20.0, {12: 100}),
        (15, 0.0, {15: 100}),
        (16, 0.0, {0: 100}),
    ],
)
def test_classes_split_by_the_coldest_month(
    tmp_path: Path, code: int, celsius: float, expected: dict[int, float]
) -> None:
    """Arctic grass (12) and the boreal types are those of the cold side."""
    domain = prepared(tmp_path, celsius)
    aligned_raster(tmp_path / "r.tif", domain, np.full(48, code, np.uint8))
    make(tmp_path)
    wanted = np.zeros(17)
    for plant, share in expected.items():
        wanted[plant] = share
    values = read(tmp_path)
    assert values["PCT_NAT_PFT"][:, 20] == pytest.approx(wanted, abs=1e-12)
    assert (values["PCT_NATVEG"] == 100.0).all()


@pytest.mark.parametrize(("code", "unit"), [(17, "PCT_URBAN"), (18, "PCT_LAKE"), (19, "PCT_GLACIER")])
def test_classes_that_are_land_units(tmp_path: Path, code: int, unit: str) -> None:
    domain = prepared(tmp_path)
    aligned_raster(tmp_path / "r.tif", domain, np.full(48, code, np.uint8))
    make(tmp_path)
    values = read(tmp_path)
    assert (np.atleast_2d(values[unit]).sum(axis=0) == 100.0).all()
    assert (values["PCT_NATVEG"] == 0.0).all()
    if unit == "PCT_URBAN":
        assert (values[unit][2] == 100.0).all()


def test_every_class_of_nalcms_is_in_the_legend() -> None:
    legend = read_legend("nalcms")
    assert legend.codes.tolist() == list(range(1, 20))
    assert "2020" in legend.title
    assert legend.source


def test_pixels_without_data_are_no_class_and_little_coverage_is_left_to_the_source(tmp_path: Path) -> None:
    domain = prepared(tmp_path)
    codes = np.full((12, 16), 12, np.uint8)
    codes[0, :3] = 0
    codes[1, 0] = 0
    fine = np.kron(codes, np.ones((4, 4), np.uint8))
    left, top = float(domain.x.min() - 500.0), float(domain.y.max() + 500.0)
    write_raster(tmp_path / "r.tif", fine, left, top, 125.0, PROJECTION)
    summary = make(tmp_path)
    values = read(tmp_path)
    assert values["coverage"][:3] == pytest.approx([0.25, 0.75, 1.0], abs=1e-6)
    assert values["known"][:3].tolist() == [0, 1, 1]
    assert np.isnan(values["PCT_NATVEG"][0])
    assert values["PCT_NAT_PFT"][12, 1] == 100.0
    assert summary.uncovered == 1
    assert summary.missing_area == pytest.approx(domain.area_km2[:2].mean(), rel=1e-4)


def test_cells_beyond_the_raster_are_left_to_the_source(tmp_path: Path) -> None:
    domain = prepared(tmp_path)
    left, top, _, _ = around(domain, 200.0, "EPSG:32603")
    write_raster(tmp_path / "r.tif", np.full((30, 30), 12, np.uint8), left, top, 200.0, "EPSG:32603")
    make(tmp_path)
    values = read(tmp_path)
    assert 0 < values["known"].sum() < 48
    assert (values["known"] == (values["coverage"] >= 0.5)).all()
    assert values["coverage"].max() <= 1.0


def test_sea_is_no_land(tmp_path: Path) -> None:
    domain = prepared(tmp_path)
    (tmp_path / "legend.toml").write_text(
        'title = "three"\n'
        '[[class]]\ncode = 1\nname = "sea"\npart = [{ unit = "sea" }]\n'
        '[[class]]\ncode = 2\nname = "grass"\npart = [{ plant = 13 }]\n'
        '[[class]]\ncode = 3\nname = "swamp"\npart = [{ unit = "wetland" }]\n'
    )
    codes = np.full((12, 16), 2, np.uint8)
    codes[0, :2], codes[1, 0], codes[0, 2:4] = 1, 3, 1
    codes[1, 2:4] = 1
    write_raster_2x(tmp_path, domain, codes)
    make(tmp_path, legend=str(tmp_path / "legend.toml"), climate=None)
    values = read(tmp_path)
    assert values["LANDFRAC_LANDCOVER"][:3] == pytest.approx([0.5, 0.0, 1.0], abs=1e-4)
    assert values["PCT_WETLAND"][0] == pytest.approx(50.0, abs=1e-2)
    assert values["known"][:3].tolist() == [1, 0, 1]


def write_raster_2x(folder: Path, domain: Any, codes: np.ndarray) -> None:
    left, top = float(domain.x.min() - 500.0), float(domain.y.max() + 500.0)
    write_raster(folder / "r.tif", codes, left, top, 500.0, PROJECTION)


def test_an_interrupted_work_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    domain = prepared(tmp_path)
    random_raster(tmp_path / "r.tif", domain, 100.0)
    make(tmp_path)
    whole = (tmp_path / "out.nc").read_bytes()
    (tmp_path / "out.nc").unlink()
    monkeypatch.setattr("kiloland.craft.landcover.pixels.TILE_CELLS", 4)
    count, done = Counter.count, []

    def stopped(self: Counter, cells: Any) -> Any:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(cells)
        return count(self, cells)

    monkeypatch.setattr(Counter, "count", stopped)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path)
    assert not (tmp_path / "out.nc").exists()
    monkeypatch.setattr(Counter, "count", count)
    monkeypatch.setattr(making, "BLOCK", 7)
    assert make(tmp_path).kept == 2
    assert (tmp_path / "out.nc").read_bytes() == whole
    assert not (tmp_path / "out.nc.parts").exists()


def test_the_surface_file_takes_the_shares_where_they_are_known(tmp_path: Path) -> None:
    domain = synthetic_domain(60)
    write_domain(tmp_path / "domain.nc", domain)
    write_land_cover(tmp_path / "r.tif", domain, RasterPlan(300.0))
    with open_raster(tmp_path / "r.tif") as raster:
        assert "ynthetic" in raster.tags["comment"]
    write_climate(tmp_path / "climate.nc", domain, -20.0)
    make(tmp_path)
    half_degree(tmp_path / "source.nc")
    arguments = ["--source", "source.nc", "--domain", "domain.nc", "--landcover", "out.nc", "-o", "surf.nc"]
    assert main(["craft", "surface", *(str(tmp_path / a) if "." in a else a for a in arguments)]) == 0
    cover = read(tmp_path)
    with open_dataset(tmp_path / "surf.nc") as surface:
        known = cover["known"] == 1
        for name in (*UNITS, "PCT_NAT_PFT"):
            values = surface[name].read()
            if name != "PCT_URBAN":
                assert np.abs(values - cover[name])[..., known].max() < 1e-12, name


def half_degree(path: Path) -> None:
    """A small surface source of one kind everywhere, with towns."""
    latitude, longitude = np.arange(60.25, 70, 0.5), np.arange(190.25, 205, 0.5)
    shape = latitude.size, longitude.size
    lead = {"PCT_URBAN": 3, "PCT_NAT_PFT": 17}
    names = (*UNITS, "PCT_NAT_PFT")
    values = {name: np.zeros((*([lead[name]] if name in lead else []), *shape)) for name in names}
    values["PCT_NATVEG"][:] = 99.0
    values["PCT_URBAN"][2] = 1.0
    values["PCT_NAT_PFT"][2] = 100.0
    values["URBAN_REGION_ID"] = np.full(shape, 3, np.int32)
    values["PFTDATA_MASK"] = np.ones(shape, np.int32)
    dims = {2: ("lsmlat", "lsmlon")}
    variables = [
        VariableSchema(
            name, array.dtype,
            dims[2] if array.ndim == 2 else ("numurbl" if name == "PCT_URBAN" else "natpft", *dims[2]),
        )
        for name, array in values.items()
    ]  # fmt: skip
    values["LONGXY"], values["LATIXY"] = np.meshgrid(longitude, latitude)
    variables += [VariableSchema(name, "f8", dims[2]) for name in ("LONGXY", "LATIXY")]
    sizes = {"lsmlat": shape[0], "lsmlon": shape[1], "numurbl": 3, "natpft": 17}
    write_dataset(path, FileSchema(sizes, None, tuple(variables)), values)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("code", r"r.tif: band_1: row \d+, column \d+ .*code 77 is no class.*\d+ pixels with it"),
        ("no crs", "the raster has no coordinate system"),
        ("elsewhere", "the raster does not cover the domain"),
        ("tenths", "monthly temperatures that do not occur.*climate-scale"),
        ("units", "has no unit of temperature"),
        ("missing cell", "no temperature for 1 land cells"),
        ("percent", "least coverage out of range.*not percent"),
        ("no climate", "splits classes by the coldest month"),
        ("no raster", "no such file"),
    ],
)
def test_bad_input_is_one_message_and_leaves_nothing(tmp_path: Path, fault: str, message: str) -> None:
    domain = prepared(tmp_path)
    pixels = random_raster(tmp_path / "r.tif", domain, 250.0)
    left, top, _, _ = around(domain, 250.0, "ESRI:102008")
    options: dict[str, Any] = {}
    if fault == "code":
        pixels[pixels.shape[0] // 2, pixels.shape[1] // 2] = 77
        write_raster(tmp_path / "r.tif", pixels, left, top, 250.0, "ESRI:102008")
    elif fault == "no crs":
        write_raster(tmp_path / "r.tif", pixels, left, top, 250.0, None)
    elif fault == "elsewhere":
        write_raster(tmp_path / "r.tif", pixels, 0.0, 0.0, 250.0, "ESRI:102008")
    elif fault == "tenths":
        write_climate(tmp_path / "climate.nc", domain, -250.0)
    elif fault == "units":
        write_climate(tmp_path / "climate.nc", domain, -25.0, units="mm")
    elif fault == "missing cell":
        write_climate(tmp_path / "climate.nc", domain.take(slice(1, None)), -25.0)
    elif fault == "percent":
        options["minimum"] = 50.0
    elif fault == "no climate":
        options["climate"] = None
    elif fault == "no raster":
        (tmp_path / "r.tif").unlink()
    with pytest.raises(InputError, match=message):
        make(tmp_path, **options)
    assert not list(tmp_path.glob("out*"))


def test_shares_given_as_fractions_are_told_apart_from_percent(tmp_path: Path) -> None:
    domain = prepared(tmp_path)
    random_raster(tmp_path / "r.tif", domain, 500.0)
    make(tmp_path)
    half_degree(tmp_path / "source.nc")
    with pytest.raises(InputError, match="given as fractions"):
        landcover_product(divided(tmp_path), tmp_path / "source.nc")


def divided(folder: Path) -> Path:
    """The land-cover file with fractions."""
    with open_dataset(folder / "out.nc") as given:
        variables = tuple(VariableSchema(name, given[name].dtype, given[name].dims) for name in given)
        arrays = {n: given[n].read() / (100.0 if n.startswith("PCT") else 1) for n in given}
        arrays = {n: values.astype(given[n].dtype) for n, values in arrays.items()}
        write_dataset(folder / "fractions.nc", FileSchema(given.dimensions, None, variables), arrays)
    return folder / "fractions.nc"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("part = [{ plant = 17 }]", "no such plant type"),
        ("part = [{ share = 0.7, plant = 1 }]", "shares of a class are not 1"),
        ('part = [{ unit = "towns" }]', "unknown land unit"),
        ("part = [{ cold = 2, warm = 1, below = 3.0, above = -3.0 }]", "bounds in the wrong order"),
        ("part = [{ cold = 2, warm = 1 }]", "needs plant, or cold, warm, below and above"),
        ("part = [{ plants = 2 }]", "unknown key"),
        ('part = [{ plant = 1 }]\n[[class]]\ncode = 1\nname = "b"\npart = [{ plant = 1 }]', "stands twice"),
    ],
)
def test_a_legend_that_cannot_be_right_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "legend.toml").write_text(f'[[class]]\ncode = 1\nname = "a"\n{text}\n')
    with pytest.raises(InputError, match=message):
        read_legend(str(tmp_path / "legend.toml"))
