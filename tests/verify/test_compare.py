"""What a user relies on when two files are said to be identical, or not."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from kiloland.cli.main import main
from kiloland.errors import InputError
from kiloland.verify import Options, Tolerance, compare_files, to_json, to_table

FILL = 1.0e36
COLUMNS, LAYERS = 7, 5


def write(path: Path, change: Callable[[netCDF4.Dataset], None] | None = None, **options: Any) -> Path:
    """A small restart-like file by the netCDF library, changed in place by ``change`` at the end."""
    with netCDF4.Dataset(path, "w", format=options.get("format", "NETCDF3_64BIT_DATA")) as file:
        file.set_fill_off()
        for dim, length in (
            ("gridcell", 3),
            ("column", options.get("columns", COLUMNS)),
            ("levgrnd", LAYERS),
        ):
            file.createDimension(options.get("rename", {}).get(dim, dim), length)
        file.createDimension("time", None)
        columns = len(file.dimensions["column"])
        values = 270.0 + np.arange(columns * LAYERS, dtype=float).reshape(columns, LAYERS)
        values[2, 3] = FILL
        values[3, 0] = 0.0
        values[4, 4] = np.nan
        variables: dict[str, tuple[str, tuple[str, ...], Any]] = {
            "T_SOISNO": (options.get("dtype", "f8"), ("column", "levgrnd"), values),
            "cols1d_lon": ("f8", ("column",), 200.0 + np.arange(columns)),
            "cols1d_lat": ("f8", ("column",), np.full(columns, 65.0)),
            "cols1d_gridcell_index": ("i4", ("column",), np.arange(columns) // 3 + 1),
            "SNLSNO": ("i4", ("column",), -np.arange(columns)),
            "flux": ("f4", ("time", "gridcell"), np.arange(6.0).reshape(2, 3)),
            "date_written": ("S1", ("gridcell",), np.array([b"a", b"b", b"c"])),
            "step": ("i4", (), np.int32(4)),
        }
        for name, (dtype, dims, data) in variables.items():
            if name == options.get("without"):
                continue
            fill = {"fill_value": FILL} if dtype in ("f8", "f4") else {}
            dims = tuple(options.get("rename", {}).get(dim, dim) for dim in dims)
            variable = file.createVariable(name, dtype, dims, **fill)
            variable.units = "K"
            variable.set_auto_mask(False)
            variable[...] = data
        file.setncattr("history", "created by the test")
        file.setncattr("ltype_crop", np.int32(2))
        if change:
            change(file)
    return path


def set_element(name: str, index: Any, value: Any) -> Callable[[netCDF4.Dataset], None]:
    def change(file: netCDF4.Dataset) -> None:
        file[name].set_auto_mask(False)
        data = file[name][...]
        data[index] = value
        file[name][...] = data

    return change


def set_attribute(name: str | None, attribute: str, value: Any) -> Callable[[netCDF4.Dataset], None]:
    return lambda file: (file[name] if name else file).setncattr(attribute, value)


def other_nan() -> np.float64:
    return np.uint64(0x7FF8000000000001).view(np.float64)


DATA_CASES: dict[str, tuple[Callable[[netCDF4.Dataset], None], str, dict[str, int]]] = {
    # case: change, variable that differs, what its elements must say
    "one ULP": (set_element("T_SOISNO", (1, 2), np.nextafter(277.0, 300)), "T_SOISNO", {"different": 1}),
    "NaN payload": (
        set_element("T_SOISNO", (4, 4), other_nan()),
        "T_SOISNO",
        {"different": 1, "nan_bits": 1},
    ),
    "minus zero": (set_element("T_SOISNO", (3, 0), -0.0), "T_SOISNO", {"different": 1, "zero_signs": 1}),
    "fill for a number": (set_element("T_SOISNO", (0, 0), FILL), "T_SOISNO", {"different": 1, "masks": 1}),
    "number for a fill": (set_element("T_SOISNO", (2, 3), 1.0), "T_SOISNO", {"different": 1, "masks": 1}),
    "NaN for a number": (set_element("T_SOISNO", (0, 1), np.nan), "T_SOISNO", {"different": 1, "masks": 1}),
    "integer": (set_element("SNLSNO", 3, 9), "SNLSNO", {"different": 1}),
    "letter": (set_element("date_written", 1, b"x"), "date_written", {"different": 1}),
    "scalar": (set_element("step", ..., 5), "step", {"different": 1}),
    "record": (set_element("flux", (1, 2), 5.5), "flux", {"different": 1}),
}


@pytest.mark.parametrize("case", DATA_CASES)
def test_any_changed_bit_of_data_is_found(tmp_path: Path, case: str) -> None:
    change, name, expected = DATA_CASES[case]
    outcome = compare_files(write(tmp_path / "a.nc"), write(tmp_path / "b.nc", change))
    assert [variable.name for variable in outcome.different] == [name]
    elements = outcome.different[0].elements
    assert {key: getattr(elements, key) for key in expected} == expected
    assert outcome.exit_code == 1


STRUCTURE_CASES: dict[str, tuple[dict[str, Any], str]] = {
    "missing in B": ({"without": "SNLSNO"}, "only in A: SNLSNO"),
    "type": ({"dtype": "f4"}, "T_SOISNO: type float64 in A, float32 in B"),
    "dimension length": ({"columns": 8}, "dimension column 7 in A, 8 in B"),
    "dimension name": ({"rename": {"levgrnd": "levsoi"}}, "(column, levgrnd) in A, (column, levsoi) in B"),
    "units": (
        {"change": set_attribute("T_SOISNO", "units", "degC")},
        "attribute units 'K' in A, 'degC' in B",
    ),
    "new attribute": ({"change": set_attribute("flux", "note", "x")}, "attribute note only in B: 'x'"),
    "global number": (
        {"change": set_attribute(None, "ltype_crop", np.int32(3))},
        "ltype_crop 2 (int32) in A",
    ),
}


@pytest.mark.parametrize("case", STRUCTURE_CASES)
def test_structure_and_meaning_count_as_data_do(tmp_path: Path, case: str) -> None:
    options, sentence = STRUCTURE_CASES[case]
    outcome = compare_files(write(tmp_path / "a.nc"), write(tmp_path / "b.nc", **options))
    assert outcome.exit_code == 1
    assert sentence in to_table(outcome)
    swapped = compare_files(tmp_path / "b.nc", tmp_path / "a.nc")
    assert swapped.exit_code == 1


def test_the_same_file_is_identical_whatever_its_container(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.nc")
    packed = tmp_path / "a.nc.gz"
    with plain.open("rb") as source, gzip.open(packed, "wb") as target:
        shutil.copyfileobj(source, target)
    netcdf4 = write(tmp_path / "a4.nc", format="NETCDF4")
    for other in (plain, packed, netcdf4, write(tmp_path / "a1.nc", format="NETCDF3_CLASSIC")):
        outcome = compare_files(plain, other)
        assert outcome.identical, to_table(outcome)
        assert len(outcome.variables) == 8


def test_history_text_is_reported_but_does_not_decide_unless_strict(tmp_path: Path) -> None:
    a = write(tmp_path / "a.nc")
    b = write(tmp_path / "b.nc", set_attribute(None, "history", "created later"))
    outcome = compare_files(a, b)
    assert outcome.identical
    assert any("history" in note for note in outcome.notes)
    assert not compare_files(a, b, Options(strict=True)).identical


def test_attributes_and_variables_can_be_left_out_on_request(tmp_path: Path) -> None:
    a = write(tmp_path / "a.nc")
    b = write(tmp_path / "b.nc", set_attribute("flux", "units", "W"))
    assert compare_files(a, b, Options(ignore_attributes=True)).identical
    assert compare_files(a, b, Options(ignore=("fl*",))).ignored == ("flux",)
    assert compare_files(a, b, Options(ignore=("fl*",))).identical


def test_worst_differences_come_with_size_place_and_values(tmp_path: Path) -> None:
    def change(file: netCDF4.Dataset) -> None:
        set_element("T_SOISNO", (1, 2), 277.0 + 1e-6)(file)
        set_element("T_SOISNO", (6, 4), 304.0 - 3.0)(file)
        set_element("T_SOISNO", (3, 0), 1e-12)(file)

    outcome = compare_files(write(tmp_path / "a.nc"), write(tmp_path / "b.nc", change))
    found = outcome.different[0]
    assert found.elements.absolute is not None
    assert found.elements.relative is not None
    assert found.elements.ulp is not None
    assert (found.elements.absolute.size, found.elements.absolute.index) == (3.0, (6, 4))
    assert (found.elements.relative.size, found.elements.relative.index) == (1.0, (3, 0))
    assert found.elements.ulp.size == int(np.float64(1e-12).view(np.int64))
    assert found.places["absolute"] == "column 6, levgrnd 4 (gridcell 3; 206E 65N)"
    assert (found.elements.absolute.a, found.elements.absolute.b) == (304.0, 301.0)


@pytest.mark.parametrize(
    ("tolerance", "identical"),
    [
        (Tolerance(relative=1e-9), False),
        (Tolerance(relative=1e-7), True),
        (Tolerance(absolute=1e-7), False),
        (Tolerance(absolute=1e-5), True),
    ],
)
def test_tolerances_apply_only_when_asked_and_only_to_their_size(
    tmp_path: Path, tolerance: Tolerance, identical: bool
) -> None:
    a = write(tmp_path / "a.nc")
    b = write(tmp_path / "b.nc", set_element("T_SOISNO", (1, 2), 277.0 + 5e-6))
    assert not compare_files(a, b).identical
    assert compare_files(a, b, Options(tolerance=tolerance)).identical is identical


@pytest.mark.parametrize(
    ("change", "identical"),
    [
        (set_element("T_SOISNO", (4, 4), other_nan()), True),
        (set_element("T_SOISNO", (3, 0), -0.0), True),
        (set_element("T_SOISNO", (0, 0), np.nan), False),
        (set_element("T_SOISNO", (2, 3), 1e30), False),
        (set_element("SNLSNO", 3, -4), False),
    ],
    ids=["NaN agrees with NaN", "zeros agree", "NaN is no number", "fill is no number", "integers exact"],
)
def test_a_tolerance_never_hides_masks_or_integers(
    tmp_path: Path, change: Callable[[netCDF4.Dataset], None], identical: bool
) -> None:
    a, b = write(tmp_path / "a.nc"), write(tmp_path / "b.nc", change)
    generous = Options(tolerance=Tolerance(relative=0.5, absolute=10.0))
    assert compare_files(a, b, generous).identical is identical


def test_the_outcome_does_not_depend_on_the_block_size(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=(COLUMNS, LAYERS))
    a = write(tmp_path / "a.nc", set_element("T_SOISNO", ..., values))
    b = write(tmp_path / "b.nc", set_element("T_SOISNO", ..., values + rng.normal(size=values.shape)))
    outcomes = [to_json(compare_files(a, b, Options(block_bytes=size))) for size in (8, 24, 40, 1 << 20)]
    assert len(set(outcomes)) == 1


def test_files_that_cannot_be_compared_say_why(tmp_path: Path) -> None:
    a = write(tmp_path / "a.nc")
    (tmp_path / "cut.nc").write_bytes(a.read_bytes()[:-40])
    (tmp_path / "text.nc").write_text("not a file of numbers")
    with netCDF4.Dataset(tmp_path / "other.nc", "w") as file:
        file.createDimension("x", 1)
        file.createVariable("something_else", "f8", ("x",))
    for name, words in (
        ("cut.nc", "cut off"),
        ("text.nc", "not a netCDF file"),
        ("absent.nc", "cannot be read"),
        ("other.nc", "no variable in common"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            compare_files(a, tmp_path / name)
        assert name in str(caught.value)


def test_exit_codes_of_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = write(tmp_path / "a.nc")
    b = write(tmp_path / "b.nc", set_element("flux", (0, 0), 8.0))
    assert main(["compare", str(a), str(a)]) == 0
    assert "identical: 8 variables" in capsys.readouterr().out
    assert main(["compare", str(a), str(b)]) == 1
    assert "flux" in capsys.readouterr().out
    assert main(["compare", str(a), str(b), "--atol", "8"]) == 0
    assert main(["compare", str(a), str(tmp_path / "absent.nc")]) == 2
    assert main(["compare", str(a), str(b), "--rtol", "-1"]) == 2


def test_json_is_valid_and_complete(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = write(tmp_path / "a.nc")
    b = write(tmp_path / "b.nc", set_element("T_SOISNO", (1, 1), np.inf), without="step")
    assert main(["compare", str(a), str(b), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["identical"] is False
    assert document["only_in_a"] == ["step"]
    (variable,) = document["variables_different"]
    assert variable["max_absolute"]["index"] == [1, 1]
    assert variable["max_absolute"]["size"] == "inf"
