"""Faults that files of this field are known to have, planted and named; and what craft makes is clean."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from good_inputs import GRID, IDS, planted, stream_file

from kiloland.cli.main import main
from kiloland.craft.check import CheckRequest, Finding, check_inputs

sys.path.insert(0, str(Path(__file__).parents[1]))


def findings(inputs: Path) -> list[Finding]:
    request = CheckRequest(inputs / "domain.nc", inputs / "surface.nc", inputs / "forcing")
    return check_inputs(request).findings


def named(inputs: Path, check: str, words: str = "") -> bool:
    return any(one.check == check and words in one.problem for one in findings(inputs))


def test_rows_counted_by_the_wrong_length(inputs: Path) -> None:
    planted(inputs / "domain.nc", values={"gridYID": lambda v: (IDS // 8075).astype(v.dtype)[None]})
    assert named(inputs, "domain-row-column", "disagrees")


def test_metres_in_the_place_of_degrees(inputs: Path) -> None:
    x, y = GRID.centres_xy(IDS)
    planted(inputs / "domain.nc", values={"xc": lambda v: x[None], "yc": lambda v: y[None]})
    assert named(inputs, "domain-range", "latitude")


def test_a_point_snapped_to_a_far_cell(inputs: Path) -> None:
    far = np.array([0, 0, 0, 0, 0, 59.0])
    planted(inputs / "domain.nc", values={"xc": lambda v: v + far[None]})
    assert named(inputs, "domain-place", "other cells")


def test_two_points_in_one_cell(inputs: Path) -> None:
    planted(inputs / "domain.nc", values={"gridID": lambda v: np.where(v == IDS[1], IDS[0], v)})
    assert named(inputs, "domain-ids", "twice")


def test_coordinates_cut_from_corners(inputs: Path) -> None:
    x, y = GRID.centres_xy(IDS)
    lon, lat = GRID.to_longitude_latitude(x - 500.0, y + 500.0)
    planted(inputs / "domain.nc", values={"xc": lambda v: lon[None], "yc": lambda v: lat[None]})
    assert named(inputs, "domain-place", "corners")


def test_old_and_new_cells_in_one_surface_file(inputs: Path) -> None:
    planted(
        inputs / "surface.nc", values={"time": lambda v: v}, rename={"nlevsoi": "lsmlon", "time": "lsmlat"}
    )
    assert named(inputs, "surface-dims", "two sets")


def test_areas_of_one_for_every_surface_cell(inputs: Path) -> None:
    planted(inputs / "surface.nc", values={"AREA": lambda v: np.full_like(v, 1.5)})
    assert named(inputs, "surface-area")


def test_interpolated_land_units_that_miss_a_hundred(inputs: Path) -> None:
    planted(inputs / "surface.nc", values={"PCT_LAKE": lambda v: v + 0.3})
    assert named(inputs, "surface-landunits")


def test_holes_at_the_hull_of_a_linear_mapping(inputs: Path) -> None:
    planted(inputs / "surface.nc", values={"LABILE_P": lambda v: np.where(np.arange(v.size) == 3, np.nan, v)})
    (one,) = [one for one in findings(inputs) if one.check == "surface-missing"]
    assert (one.variable, one.place.cell, one.cells) == ("LABILE_P", 3, 1)


def test_fill_values_that_lost_their_attribute(inputs: Path) -> None:
    path = stream_file(inputs, "FLDS", 2)
    planted(
        path, values={"FLDS": lambda v: np.where(np.arange(v.shape[-1]) == 1, -9999.0, v).astype(v.dtype)}
    )
    assert named(inputs, "forcing-longwave")


def test_all_variables_stamped_in_the_middle_of_the_interval(inputs: Path) -> None:
    for month in range(1, 13):
        planted(stream_file(inputs, "FSDS", month), values={"time": lambda t: t + 0.0625})
        planted(stream_file(inputs, "PRECTmms", month), values={"time": lambda t: t + 900 / 86400})
    problems = [one.problem for one in findings(inputs) if one.check == "forcing-stamps"]
    assert any("90 minutes late" in problem for problem in problems)
    assert any("sample before" in problem for problem in problems)


def test_february_of_29_days(inputs: Path) -> None:
    planted(
        stream_file(inputs, "WIND", 2),
        values={
            "time": lambda t: np.concatenate((t, t[-8:] + 1.0)),
            "WIND": lambda v: np.concatenate((v, v[-8:])),
        },
    )
    checks = {one.check for one in findings(inputs)}
    assert "forcing-time" in checks, "the first of March twice"
    assert "forcing-dims" in checks


def test_the_31st_of_december_left_out(inputs: Path) -> None:
    for path in (inputs / "forcing").glob("*-12.nc"):
        name = path.name.split(".")[4]
        planted(path, values={"time": lambda t: t[:-8], name: lambda v: v[:-8]})
    assert named(inputs, "forcing-time", "begins again")


def test_forcing_in_the_order_of_its_source(inputs: Path) -> None:
    turn = np.array([1, 0, 2, 3, 4, 5])
    for name in ("domain.nc", "surface.nc"):
        path = inputs / name
        planted(path, values=dict.fromkeys(_over_cells(path), lambda v: np.take(v, turn, axis=-1)))
    assert named(inputs, "forcing-cells", "another order")
    assert named(inputs, "domain-ids", "ascend")


def _over_cells(path: Path) -> list[str]:
    """Variables whose last dimension is the cell."""
    from kiloland.files import open_dataset

    with open_dataset(path) as dataset:
        return [name for name in dataset if dataset[name].dims[-1:] in (("ni",), ("gridcell",))]


def test_a_crafted_surface_is_clean(inputs: Path, tmp_path: Path) -> None:
    from surface_samples import write_source

    def plausible(name: str, values: np.ndarray) -> np.ndarray:
        """Sand and clay that fit together, canopies from the ground, two layers of roads."""
        if name in ("PCT_SAND", "PCT_CLAY"):
            return 0.45 * values
        if name == "NLEV_IMPROAD":
            return np.where(values > 0, 2, 0).astype(values.dtype)
        return 0.0 * values if name == "MONTHLY_HEIGHT_BOT" else values

    write_source(tmp_path / "globe.nc", change=plausible)
    words = ["craft", "surface", "--source", tmp_path / "globe.nc", "--domain", inputs / "domain.nc"]
    words += ["-o", tmp_path / "crafted.nc", "--limit-km", "2000"]
    assert main([str(word) for word in words]) == 0
    report = check_inputs(CheckRequest(inputs / "domain.nc", tmp_path / "crafted.nc"))
    assert report.findings == []


@pytest.mark.slow
def test_crafted_forcing_is_clean(inputs: Path, tmp_path: Path) -> None:
    from forcing_sources import make_source

    make_source(tmp_path / "source")
    words = ["craft", "forcing", "--source", tmp_path / "source", "--domain", inputs / "domain.nc"]
    words += ["--years", "2004:2004", "-o", tmp_path / "crafted"]
    assert main([str(word) for word in words]) == 0
    assert check_inputs(CheckRequest(inputs / "domain.nc", forcing=tmp_path / "crafted")).findings == []
