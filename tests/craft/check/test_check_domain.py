"""Faults of a domain are named; a sound one has none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyproj
import pytest
from good_inputs import GRID, IDS, planted

from kiloland.cli.main import main
from kiloland.craft.check import CheckRequest, Finding, check_inputs
from kiloland.craft.check.daymet_places import SPHERE
from kiloland.grid import EARTH_RADIUS, build_domain
from kiloland.grid.base import KM2_PER_RADIAN2


def found(path: Path, check: str) -> list[Finding]:
    return [one for one in check_inputs(CheckRequest(domain=path)).findings if one.check == check]


def test_a_sound_domain_has_no_finding(sound: Path) -> None:
    report = check_inputs(CheckRequest(domain=sound / "domain.nc"))
    assert report.findings == []
    assert report.totals["domain"]["land_area_km2"] == pytest.approx(5.52, abs=0.02)


def half_turns(inputs: Path) -> np.ndarray:
    domain = build_domain(GRID, IDS)
    lon, lat = domain.vertex_longitude, domain.vertex_latitude
    width = 0.5 * (lon[1] - lon[0] + lon[2] - lon[3])
    height = 0.5 * (lat[3] - lat[0] + lat[2] - lat[1])
    return np.abs(width / 180 * height / 180)[None]


AREAS = {
    "degree2 instead": lambda a: a * np.degrees(1.0) ** 2,
    "degree2 without the cosine": lambda a: a * np.degrees(1.0) ** 2 / np.cos(np.radians(64.9)),
    "km2 instead": lambda a: a * KM2_PER_RADIAN2,
    "m2 instead": lambda a: a * EARTH_RADIUS**2,
    "1 for every cell": np.ones_like,
    "nominal 1 km2": lambda a: np.full_like(a, 1.0 / KM2_PER_RADIAN2),
    "no number": lambda a: np.full_like(a, np.nan),
    "pi": lambda a: np.full_like(a, np.pi),
    "not the area": lambda a: 2.0 * a,
}


@pytest.mark.parametrize("name", AREAS)
def test_a_wrong_area_is_named_by_its_ratio(inputs: Path, name: str) -> None:
    (one,) = found(planted(inputs / "domain.nc", values={"area": AREAS[name]}), "domain-area")
    assert name in one.problem
    assert one.cells == 6


def test_the_area_of_half_turns_is_named(inputs: Path) -> None:
    (one,) = found(
        planted(inputs / "domain.nc", values={"area": lambda a: half_turns(inputs)}), "domain-area"
    )
    assert "(dlon/180)(dlat/180)" in one.problem


def test_cells_on_a_sphere_are_named(inputs: Path) -> None:
    x, y = GRID.centres_xy(IDS)
    lon, lat = pyproj.Proj(SPHERE)(x, y, inverse=True)
    path = planted(
        inputs / "domain.nc",
        values={"xc": lambda v: np.asarray(lon)[None] % 360, "yc": lambda v: np.asarray(lat)[None]},
    )
    (one,) = found(path, "domain-place")
    assert "sphere" in one.problem
    assert 7000 < float(one.found.split(" m")[0].replace(",", "")) < 8200
    assert found(path, "domain-corners"), "the centre lies outside of its own corners"


def swap(v: np.ndarray) -> np.ndarray:
    return v[:, ::-1].copy()


CASES = {
    "domain-units": {"attributes": {("area", "units"): "km2"}},
    "domain-range": {"values": {"yc": lambda v: v + 40.0}},
    "domain-mask": {"values": {"frac": lambda v: 0.0 * v}},
    "domain-ids": {"values": {"gridID": lambda v: np.full_like(v, v[0, 0])}},
    "domain-row-column": {"values": {"gridXID": lambda v: v + 1}},
    "domain-place": {"values": {"xc": lambda v: v + 0.01}},
    "domain-variables": {"drop": ("area",)},
    "domain-projection": {
        "attributes": {("lambert_conformal_conic", "proj4"): "+proj=lcc +R=6378137 +f=298.257223563"}
    },
}


@pytest.mark.parametrize("check", CASES)
def test_a_planted_fault_is_found(inputs: Path, check: str) -> None:
    findings = found(planted(inputs / "domain.nc", **CASES[check]), check)
    assert findings
    assert findings[0].consequence


def test_percent_in_frac_is_named(inputs: Path) -> None:
    findings = found(planted(inputs / "domain.nc", values={"frac": lambda v: 100.0 * v}), "domain-mask")
    assert "percent" in findings[0].problem


def test_unsorted_ids_are_named(inputs: Path) -> None:
    every = (
        "gridID",
        "gridXID",
        "gridYID",
        "xc",
        "yc",
        "xc_LCC",
        "yc_LCC",
        "area",
        "mask",
        "frac",
        "xv",
        "yv",
    )
    findings = found(planted(inputs / "domain.nc", values=dict.fromkeys(every, swap)), "domain-ids")
    assert "ascend" in findings[0].problem


def test_ids_beyond_the_grid_are_named(inputs: Path) -> None:
    path = planted(inputs / "domain.nc", values={"gridID": lambda v: v + 60_000_000})
    assert any("no cell" in one.problem for one in found(path, "domain-ids"))


def test_duplicated_cells_are_no_fault(inputs: Path) -> None:
    assert (
        main(
            ["craft", "duplicate", str(inputs / "domain.nc"), "--times", "3", "-o", str(inputs / "copies.nc")]
        )
        == 0
    )
    assert check_inputs(CheckRequest(domain=inputs / "copies.nc")).findings == []
