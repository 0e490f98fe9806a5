"""The land-use series: sums, first year, conservation, single precision, resuming, bad input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kiloland.craft.landuse import LandUsePlan, LandUseRequest, LandUseSummary, craft_landuse, write_land_use
from kiloland.craft.landuse import work as working
from kiloland.craft.landuse.mapping import YearMapper
from kiloland.craft.landuse.source import HARVESTS
from kiloland.craft.landuse.synthetic import CROP, synthetic_shares
from kiloland.craft.surface.fractions import ordered_sum
from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset
from kiloland.grid import Domain, build_domain, build_rectangle, grid_from_text, write_domain

PLAN = LandUsePlan(1850, 1853)
Change = Callable[[dict[str, np.ndarray]], None]


def domain_of(folder: Path, text: str = "regular:200,206,12,60,66,12", rectangle: bool = False) -> Domain:
    grid = grid_from_text(text)
    domain = (build_rectangle if rectangle else build_domain)(grid, np.arange(grid.number_of_cells))
    write_domain(folder / "domain.nc", domain)
    return domain


def make(folder: Path, **options: Any) -> LandUseSummary:
    if not (folder / "source.nc").exists():
        write_land_use(folder / "source.nc", PLAN)
    if not (folder / "domain.nc").exists():
        domain_of(folder)
    return craft_landuse(
        LandUseRequest(folder / "source.nc", folder / "domain.nc", folder / "out.nc", **options)
    )


def read(path: Path) -> dict[str, np.ndarray]:
    with open_dataset(path) as dataset:
        return {name: dataset[name].read() for name in dataset}


def altered(folder: Path, change: Change) -> None:
    """The source with other numbers."""
    write_land_use(folder / "source.nc", PLAN)
    arrays = read(folder / "source.nc")
    change(arrays)
    with open_dataset(folder / "source.nc") as dataset:
        variables = tuple(
            VariableSchema(name, dataset[name].dtype, dataset[name].dims, {"units": "unitless"})
            for name in dataset
        )
        sizes = {key: size for key, size in dataset.dimensions.items() if key != "time"}
        schema = FileSchema(sizes, ("time", arrays["YEAR"].size), variables)
    write_dataset(folder / "source.nc", schema, arrays)


def surface_with(folder: Path, plants: np.ndarray) -> Path:
    """A surface file of the domain with these plant types ``[type, cell]``."""
    variables = (VariableSchema("PCT_NAT_PFT", "f8", ("natpft", "gridcell")),)
    schema = FileSchema({"natpft": 17, "gridcell": plants.shape[1]}, None, variables)
    write_dataset(folder / "surface.nc", schema, {"PCT_NAT_PFT": plants})
    return folder / "surface.nc"


def test_every_year_sums_to_100_as_elm_checks(tmp_path: Path) -> None:
    summary = make(tmp_path)
    values = read(tmp_path / "out.nc")
    assert values["PCT_NAT_PFT"].shape == (4, 17, 144)
    for shares in values["PCT_NAT_PFT"]:
        assert np.abs(ordered_sum(shares / 100.0) - 1.0).max() < 1e-14
    assert values["YEAR"].tolist() == [1850, 1851, 1852, 1853]
    assert summary.years == (1850, 1853)
    assert (np.diff(values["PCT_NAT_PFT"][:, CROP], axis=0) > 0.0).all()
    for name in HARVESTS:
        assert 0.0 <= values[name].min() <= values[name].max() <= 1.0
    with open_dataset(tmp_path / "out.nc") as dataset:
        assert dataset.unlimited == "time"
        assert dataset["input_pftdata_filename"].text()[0] == "source.nc"
        assert "ynthetic" in dataset.attributes["source_comment"]


def test_the_area_of_every_plant_type_and_the_harvest_are_conserved(tmp_path: Path) -> None:
    """A grid of four cells in each cell of the source covers it whole."""
    domain = domain_of(tmp_path, "regular:200,220,8,40,60,8")
    make(tmp_path)
    values = read(tmp_path / "out.nc")
    source = read(tmp_path / "source.nc")
    latitude, longitude = source["LATIXY"][:, 0], source["LONGXY"][0]
    inside = ((latitude > 40) & (latitude < 60))[:, None] & ((longitude > 200) & (longitude < 220))
    edges = np.sin(np.deg2rad(np.stack([latitude - 2.5, latitude + 2.5])))
    area = np.broadcast_to((np.deg2rad(5.0) * (edges[1] - edges[0]))[:, None], inside.shape)
    for name in ("PCT_NAT_PFT", *HARVESTS):
        before = (source[name] * area * inside).sum(axis=(-2, -1))
        after = (values[name] * domain.area).sum(axis=-1)
        assert after == pytest.approx(before, rel=1e-12), name


def test_nearest_takes_the_source_as_it_is(tmp_path: Path) -> None:
    domain = domain_of(tmp_path)
    make(tmp_path, method="nearest")
    found = read(tmp_path / "out.nc")["PCT_NAT_PFT"][2]
    source = synthetic_shares(np.arange(2.5, 360, 5), np.arange(-87.5, 90, 5), 1852)
    row, column = ((domain.latitude + 90) // 5).astype(int), (domain.longitude // 5).astype(int)
    assert np.array_equal(found, source[:, row, column])


def test_the_first_year_must_be_the_surface_file(tmp_path: Path) -> None:
    make(tmp_path)
    first = read(tmp_path / "out.nc")["PCT_NAT_PFT"][0]
    summary = make(tmp_path, surface=surface_with(tmp_path, first))
    assert "equals the surface file" in summary.notes[0]
    first[3, 7], first[2, 7] = first[3, 7] + 1e-9, first[2, 7] - 1e-9
    with pytest.raises(
        InputError, match=r"first year is not that of the surface file.*gridcell id 7|gridcell id 7"
    ):
        make(tmp_path, surface=surface_with(tmp_path, first))


def test_an_adjusted_series_begins_with_the_surface_file_and_keeps_changes(tmp_path: Path) -> None:
    make(tmp_path)
    plain = read(tmp_path / "out.nc")["PCT_NAT_PFT"]
    surface = np.full_like(plain[0], 6.25)
    surface[5, :72], surface[6, 72:] = 0.0, 3.25
    surface[5, 72:] = 3.0
    make(tmp_path, surface=surface_with(tmp_path, surface), adjust_first_year=True)
    found = read(tmp_path / "out.nc")["PCT_NAT_PFT"]
    assert np.array_equal(found[0], surface)
    assert found.min() >= 0.0
    assert np.abs(ordered_sum(found[3] / 100.0) - 1.0).max() < 1e-14
    change = plain - plain[0]
    kept = (surface + change >= 0.0).all(axis=1)
    assert kept[1:, 72:].all()
    assert not kept[1:, :72].any()
    for year in range(1, 4):
        assert np.abs(found[year] - surface - change[year])[:, kept[year]].max() < 1e-11


def test_single_precision_holds_sums_of_exactly_100(tmp_path: Path) -> None:
    domain_of(tmp_path, "regular:201.3,207.7,12,60.1,66.3,12")
    make(tmp_path)
    double = read(tmp_path / "out.nc")["PCT_NAT_PFT"]
    surface = surface_with(tmp_path, double[0])
    summary = make(tmp_path, single=True, surface=surface)
    single = read(tmp_path / "out.nc")["PCT_NAT_PFT"]
    assert single.dtype == np.float32
    assert (single.astype(np.float64).sum(axis=1) == 100.0).all()
    assert np.abs(single - double).max() < 2.0**-17
    assert "check_dynpft_consistency" in summary.notes[0]
    assert np.abs(ordered_sum(single[1].astype(np.float64) / 100.0) - 1.0).max() < 1e-14


def test_natural_vegetation_weighs_plant_types(tmp_path: Path) -> None:
    """A cell over two source cells has the plants of the one that has natural vegetation."""
    domain_of(tmp_path, "regular:197.5,202.5,1,60,65,1")
    write_land_use(tmp_path / "source.nc", PLAN)
    source = read(tmp_path / "source.nc")
    percent = np.where(source["LONGXY"] < 200.0, 100.0, 0.0)
    cells = ("lsmlat", "lsmlon")
    names = ("LONGXY", "LATIXY", "PCT_NATVEG")
    schema = FileSchema(
        {"lsmlat": 36, "lsmlon": 72}, None, tuple(VariableSchema(n, "f8", cells) for n in names)
    )
    arrays = {"LONGXY": source["LONGXY"], "LATIXY": source["LATIXY"], "PCT_NATVEG": percent}
    write_dataset(tmp_path / "natural.nc", schema, arrays)
    make(tmp_path, natural=tmp_path / "natural.nc")
    found = read(tmp_path / "out.nc")["PCT_NAT_PFT"][1, :, 0]
    assert found == pytest.approx(source["PCT_NAT_PFT"][1, :, 30, 39], abs=1e-12)


def test_rows_and_columns_stay_rows_and_columns(tmp_path: Path) -> None:
    domain_of(tmp_path)
    make(tmp_path)
    flat = read(tmp_path / "out.nc")["PCT_NAT_PFT"]
    domain_of(tmp_path, rectangle=True)
    make(tmp_path)
    with open_dataset(tmp_path / "out.nc") as dataset:
        assert dataset["PCT_NAT_PFT"].dims == ("time", "natpft", "lsmlat", "lsmlon")
        assert np.array_equal(dataset["PCT_NAT_PFT"].read().reshape(flat.shape), flat)


def test_an_interrupted_series_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path)
    whole = (tmp_path / "out.nc").read_bytes()
    (tmp_path / "out.nc").unlink()
    original, done = YearMapper.year, []

    def stopped(self: YearMapper, year: int) -> Any:
        done.append(year)
        if len(done) == 3:
            raise KeyboardInterrupt
        return original(self, year)

    monkeypatch.setattr(YearMapper, "year", stopped)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path)
    assert not (tmp_path / "out.nc").exists()
    monkeypatch.setattr(YearMapper, "year", original)
    monkeypatch.setattr(working, "BLOCK", 5)
    assert make(tmp_path).kept == 2
    assert (tmp_path / "out.nc").read_bytes() == whole
    assert not (tmp_path / "out.nc.parts").exists()


def test_some_years_of_a_series(tmp_path: Path) -> None:
    make(tmp_path)
    whole = read(tmp_path / "out.nc")["PCT_NAT_PFT"]
    make(tmp_path, years=(1851, 1852))
    assert np.array_equal(read(tmp_path / "out.nc")["PCT_NAT_PFT"], whole[1:3])
    with pytest.raises(InputError, match="has not these years"):
        make(tmp_path, years=(1851, 1860))


def gap(arrays: dict[str, np.ndarray]) -> None:
    arrays["YEAR"] = np.array([1850, 1851, 1853, 1854], np.int32)


def fractions(arrays: dict[str, np.ndarray]) -> None:
    arrays["PCT_NAT_PFT"] = arrays["PCT_NAT_PFT"] / 100.0


def short(arrays: dict[str, np.ndarray]) -> None:
    arrays["PCT_NAT_PFT"][2, 0, 30, 40] -= 5.0


def percent_harvest(arrays: dict[str, np.ndarray]) -> None:
    arrays["HARVEST_SH1"] = arrays["HARVEST_SH1"] * 5000.0


def negative_harvest(arrays: dict[str, np.ndarray]) -> None:
    arrays["HARVEST_SH1"][1, 30, 40] = -0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (gap, r"YEAR: years do not follow each other \(found 1851, then 1853"),
        (fractions, "PCT_NAT_PFT: year 1850: shares are given as fractions"),
        (short, "PCT_NAT_PFT: year 1852, .* not 100 percent together"),
        (percent_harvest, "HARVEST_SH1: year 1850.*harvest is given in percent"),
        (negative_harvest, "HARVEST_SH1: year 1851.*harvest out of range"),
    ],
)
def test_bad_series_are_one_message_and_leave_nothing(tmp_path: Path, change: Change, message: str) -> None:
    altered(tmp_path, change)
    with pytest.raises(InputError, match=message):
        make(tmp_path)
    assert not list(tmp_path.glob("out*"))


def test_a_surface_file_of_other_cells_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not one of this domain"):
        make(tmp_path, surface=surface_with(tmp_path, np.full((17, 5), 100.0 / 17.0)))
    with pytest.raises(InputError, match="needs the surface file"):
        make(tmp_path, adjust_first_year=True)
