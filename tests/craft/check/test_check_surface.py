"""Faults of a surface file are named; a sound one has none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from good_inputs import planted

from kiloland.craft.check import CheckRequest, Finding, check_inputs


def run(inputs: Path, check: str) -> list[Finding]:
    report = check_inputs(CheckRequest(domain=inputs / "domain.nc", surface=inputs / "surface.nc"))
    return [one for one in report.findings if one.check == check]


def test_a_sound_surface_has_no_finding(sound: Path) -> None:
    report = check_inputs(CheckRequest(domain=sound / "domain.nc", surface=sound / "surface.nc"))
    assert report.findings == []
    assert report.totals["surface"]["PCT_NATVEG_km2"] == pytest.approx(5.52, abs=0.02)
    assert any("PCT_CFT is absent" in note for note in report.notes)


def first(value: float):
    def change(v: np.ndarray) -> np.ndarray:
        v = v.copy()
        v[..., 0] = value
        return v

    return change


CASES = {
    "surface-variables": {"drop": ("PCT_SAND",)},
    "surface-dims": {"order": {"PCT_SAND": ("gridcell", "nlevsoi")}},
    "surface-types": {"values": {"PCT_NAT_PFT": lambda v: v.astype(np.float32)}},
    "surface-units": {"attributes": {("LAKEDEPTH", "units"): "km"}},
    "surface-missing": {"values": {"PCT_CLAY": first(np.nan)}},
    "surface-range": {"values": {"FMAX": first(-0.5)}},
    "surface-code": {"values": {"SOIL_COLOR": first(21)}},
    "surface-landunits": {"values": {"PCT_NATVEG": first(100.0 - 1e-10)}},
    "surface-shares": {"values": {"PCT_NAT_PFT": lambda v: v * (1.0 + 1e-12)}},
    "surface-vegetation": {"values": {"PCT_NAT_PFT": first(0.0)}},
    "surface-crop": {"values": {"PCT_CROP": first(10.0), "PCT_NATVEG": first(90.0)}},
    "surface-soil": {"values": {"PCT_SAND": first(80.0), "PCT_CLAY": first(30.0)}},
    "surface-urban": {"values": {"PCT_URBAN": first(5.0), "PCT_NATVEG": first(85.0)}},
    "surface-urban-region": {"values": {"URBAN_REGION_ID": first(7)}},
    "surface-canopy": {"values": {"MONTHLY_HEIGHT_BOT": lambda v: v + 50.0}},
    "surface-area": {"values": {"AREA": lambda v: 2.0 * v}},
    "surface-cells": {"values": {"LONGXY": lambda v: v + 0.01}},
    "surface-mask": {"values": {"PFTDATA_MASK": lambda v: 0 * v}},
}


@pytest.mark.parametrize("check", CASES)
def test_a_planted_fault_is_found(inputs: Path, check: str) -> None:
    planted(inputs / "surface.nc", **CASES[check])
    findings = run(inputs, check)
    assert findings
    assert findings[0].consequence


@pytest.mark.parametrize(
    ("name", "factor", "words"),
    [
        ("PCT_SAND", 0.01, "percent given as a fraction"),
        ("PCT_NAT_PFT", 0.01, "percent given as a fraction"),
        ("FMAX", 100.0, "fraction given in percent"),
        ("PCT_NATVEG", 0.01, "percent given as fractions"),
    ],
)
def test_percent_and_fraction_mixed_up_are_named(inputs: Path, name: str, factor: float, words: str) -> None:
    planted(inputs / "surface.nc", values={name: lambda v: v * factor})
    assert any(words in one.problem for one in run(inputs, "surface-percent"))


def test_longitudes_of_another_convention_are_no_fault(inputs: Path) -> None:
    planted(inputs / "surface.nc", values={"LONGXY": lambda v: v - 360.0})
    assert (
        check_inputs(CheckRequest(domain=inputs / "domain.nc", surface=inputs / "surface.nc")).findings == []
    )


def test_texture_filled_with_43_is_named(inputs: Path) -> None:
    planted(
        inputs / "surface.nc", values=dict.fromkeys(("PCT_SAND", "PCT_CLAY"), lambda v: np.full_like(v, 43.0))
    )
    assert "filling" in run(inputs, "surface-soil")[0].problem
