"""Whatever is wrong with domain, surface or parameters is told in one message, before anything is done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from faults import Change, attribute, drop, one_message, put, scale, spoken
from run_cases import (
    Arrays,
    Table,
    linked,
    rewrite,
    take_cells,
    write_case,
)


@dataclass(frozen=True)
class FileFault:
    """A fault of an input file: which file, how it is spoiled, and words of the message."""

    name: str
    file: str
    change: Change | None
    says: tuple[str, ...]


def no_land(arrays: Arrays, attributes: dict[str, Table]) -> None:
    arrays["mask"][...] = 0
    arrays["frac"][...] = 0.0


def off_land_but_with_fraction(arrays: Arrays, attributes: dict[str, Table]) -> None:
    arrays["mask"][..., 3] = 0


def swap(variable: str) -> Change:
    """Exchange two cells in one variable."""

    def change(arrays: Arrays, attributes: dict[str, Table]) -> None:
        arrays[variable][..., [2, 11]] = arrays[variable][..., [11, 2]]

    return change


FILE_FAULTS = [
    FileFault("domain missing", "domain.nc", None, ("domain.nc", "No such file")),
    FileFault("domain without xc", "domain.nc", drop("xc"), ("domain.nc", "xc")),
    FileFault("domain without mask", "domain.nc", drop("mask"), ("domain.nc", "mask")),
    FileFault("domain without area", "domain.nc", drop("area"), ("domain.nc", "area")),
    FileFault(
        "area in km2",
        "domain.nc",
        attribute("area", "units", "km^2"),
        ("domain.nc", "area", "km^2", "radian2"),
    ),
    FileFault("area in km2, unsaid", "domain.nc", scale("area", 6371.22**2), ("area", "cell 0", "radian²")),
    FileFault("no land", "domain.nc", no_land, ("domain.nc", "mask", "no land cell")),
    FileFault(
        "fraction without land",
        "domain.nc",
        off_land_but_with_fraction,
        ("domain.nc: frac: cell 3", "mask and frac disagree", "found 1.0"),
    ),
    FileFault(
        "land without fraction", "domain.nc", put("frac", 3, 0.0), ("frac: cell 3", "mask and frac disagree")
    ),
    FileFault(
        "fraction above one", "domain.nc", put("frac", 3, 1.5), ("frac", "cell 3", "out of range", "1.5")
    ),
    FileFault("mask of 2", "domain.nc", put("mask", 4, 2), ("mask: cell 4", "neither 0 nor 1")),
    FileFault("NaN coordinate", "domain.nc", put("yc", 4, np.nan), ("yc", "cell 4", "finite")),
    FileFault("latitude", "domain.nc", put("yc", 4, 95.0), ("yc", "cell 4", "95")),
    FileFault("surface missing", "surfdata.nc", None, ("surfdata.nc", "No such file")),
    FileFault(
        "surface without sand", "surfdata.nc", drop("PCT_SAND"), ("surfdata.nc", "PCT_SAND", "missing")
    ),
    FileFault(
        "surface without leaves",
        "surfdata.nc",
        drop("MONTHLY_LAI"),
        ("surfdata.nc: MONTHLY_LAI: variable missing",),
    ),
    FileFault("sand above 100", "surfdata.nc", put("PCT_SAND", 6, 130.0), ("PCT_SAND: cell 6", "130", "100")),
    FileFault("sand is NaN", "surfdata.nc", put("PCT_SAND", 6, np.nan), ("PCT_SAND: cell 6", "not a number")),
    FileFault(
        "plant types", "surfdata.nc", scale("PCT_NAT_PFT", 1.001), ("PCT_NAT_PFT: cell 0", "100.1", "100")
    ),
    FileFault(
        "land units", "surfdata.nc", put("PCT_LAKE", 2, 7.0), ("PCT_NATVEG+", "cell 2", "107", "do not sum")
    ),
    FileFault("soil colour", "surfdata.nc", put("SOIL_COLOR", 1, 0), ("SOIL_COLOR: cell 1", "1 to 20")),
    FileFault(
        "leaves below zero", "surfdata.nc", put("MONTHLY_LAI", 1, -1.0), ("MONTHLY_LAI: negative value",)
    ),
    FileFault("surface in another order", "surfdata.nc", swap("LONGXY"), ("LONGXY: cell 2", "differs")),
    FileFault("parameters missing", "clm_params_synthetic.nc", None, ("clm_params", "No such file")),
    FileFault("parameters without xl", "clm_params_synthetic.nc", drop("xl"), ("clm_params", "xl")),
]


@pytest.mark.parametrize("verb", ["run", "check"])
@pytest.mark.parametrize("fault", FILE_FAULTS, ids=lambda fault: fault.name)
def test_a_fault_of_a_file_is_told_before_anything_is_done(
    few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: FileFault, verb: str
) -> None:
    folder = linked(few, tmp_path / "inputs")
    if fault.change is None:
        (folder / fault.file).unlink()
    else:
        rewrite(folder / fault.file, fault.change)
    code, text = spoken(capsys, verb, write_case(folder, tmp_path / "run"))
    message = one_message(text)
    assert code == 2
    for words in fault.says:
        assert words in message
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("keep_order", [True, False], ids=["side by side", "far apart"])
def test_the_same_id_twice_is_told(
    few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], keep_order: bool
) -> None:
    folder, one, other = linked(few, tmp_path / "inputs"), 4, 5 if keep_order else 11

    def repeat(arrays: Arrays, attributes: dict[str, Table]) -> None:
        arrays["gridID"][..., other] = arrays["gridID"][..., one]

    rewrite(folder / "domain.nc", repeat)
    code, text = spoken(capsys, "run", write_case(folder, tmp_path / "run"))
    assert code == 2
    assert f"gridID: cells {one} and {other}: the same gridcell id twice" in one_message(text)


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text"])
@pytest.mark.parametrize("file", ["domain.nc", "surfdata.nc", "clm_params_synthetic.nc"])
def test_a_damaged_file_is_told(
    few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, damage: str
) -> None:
    folder = linked(few, tmp_path / "inputs")
    content = (few / file).read_bytes()
    (folder / file).unlink()
    (folder / file).write_bytes(
        {
            "cut": content[: len(content) * 2 // 3],
            "flipped": b"\x00" + content[1:],
            "empty": b"",
            "text": b"not a netCDF file\n",
        }[damage]
    )
    code, text = spoken(capsys, "run", write_case(folder, tmp_path / "run"))
    assert code == 2
    assert file in one_message(text)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ("surfdata.nc", "fewer cells than the domain (found 9, expected at least 12)"),
        ("domain.nc", "differ in the number of cells (found 12, expected 9)"),
    ],
)
def test_domain_and_surface_of_different_cells_are_told(
    few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], other: str, says: str
) -> None:
    """The first cells of one file may agree with the other file and still be those of another domain."""
    folder = linked(few, tmp_path / "inputs")
    fewer = take_cells(few, tmp_path / "fewer", np.arange(9), np.arange(9))
    (folder / other).unlink()
    (folder / other).symlink_to(fewer / other)
    code, text = spoken(capsys, "run", write_case(folder, tmp_path / "run"))
    assert code == 2
    message = one_message(text)
    assert "surfdata.nc" in message
    assert says in message
