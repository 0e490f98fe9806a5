"""Cells for ParaView and VisIt: valid XML, exact corners, the values of the file."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import netCDF4
import numpy as np
import pytest
from picture_samples import GRID, cell_ids, history

from kiloland.cli.main import main
from kiloland.errors import InputError
from kiloland.grid import RegularGrid, build_domain, write_domain
from kiloland.report import Choice
from kiloland.report.export import export_vtk, vtk

NUMPY = {"Float32": "<f4", "Float64": "<f8", "Int32": "<i4", "Int64": "<i8", "UInt8": "u1"}


def arrays(path: Path) -> tuple[dict[str, Any], dict[str, str], ElementTree.Element]:
    """All arrays of a file by name, the units of those that have some, and the piece, by an XML parser."""
    root = ElementTree.parse(path).getroot()
    assert root.attrib["header_type"] == "UInt64"
    appended = root.find("AppendedData")
    assert appended is not None
    assert appended.attrib["encoding"] == "base64"
    assert appended.text is not None
    text = appended.text.strip().removeprefix("_")
    found, units = {}, {}
    for element in root.iter("DataArray"):
        start = int(element.attrib["offset"])
        size = int.from_bytes(base64.b64decode(text[start : start + 12])[:8], "little")
        content = base64.b64decode(text[start : start + -(-(size + 8) // 3) * 4], validate=True)[8:]
        values = np.frombuffer(content, NUMPY[element.attrib["type"]])
        columns = int(element.attrib.get("NumberOfComponents", "1"))
        found[element.attrib["Name"]] = values.reshape(-1, columns) if columns > 1 else values
        key = element.find("InformationKey")
        if key is not None:
            units[element.attrib["Name"]] = str(key.text)
    piece = root.find("UnstructuredGrid/Piece")
    assert piece is not None
    return found, units, piece


def test_cells_are_squares_of_the_projection_around_their_centres(tmp_path: Path) -> None:
    ids = cell_ids()
    write_domain(tmp_path / "d.nc", build_domain(GRID, ids))
    export_vtk(tmp_path / "d.nc", ["gridID", "area"], tmp_path / "d.vtu")
    found, units, piece = arrays(tmp_path / "d.vtu")
    corners = found["Points"][found["connectivity"].reshape(-1, 4)]
    x, y = GRID.centres_xy(ids)
    # Counter-clockwise from the lower left.
    for corner, (right, up) in enumerate(((-500, -500), (500, -500), (500, 500), (-500, 500))):
        np.testing.assert_array_equal(corners[:, corner, 0], x + right)
        np.testing.assert_array_equal(corners[:, corner, 1], y + up)
    assert (found["types"] == 9).all()
    assert found["offsets"].tolist() == list(range(4, 4 * ids.size + 1, 4))
    assert int(piece.attrib["NumberOfCells"]) == ids.size
    assert int(piece.attrib["NumberOfPoints"]) == len(np.unique(found["Points"], axis=0)) == 13 * 21
    assert found["gridID"].tolist() == ids.tolist()
    assert units["area"] == "radian2"


@pytest.mark.parametrize("part", [12, 300, 3 * 2**20])
def test_values_are_those_of_the_file_however_they_are_cut(
    tmp_path: Path, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vtk, "PART", part)
    path = history(tmp_path / "h.nc", records=2)
    export_vtk(path, ["TSOI", "FLUX"], tmp_path / "h.vtu", Choice("1"))
    found, units, _ = arrays(tmp_path / "h.vtu")
    layers = [name for name in found if name.startswith("TSOI")]
    assert len(layers) == 15
    assert all(name.isidentifier() for name in layers)
    with netCDF4.Dataset(path) as given:
        for layer, name in enumerate(layers):
            expected = np.ma.filled(given["TSOI"][1, layer], np.nan)
            np.testing.assert_array_equal(found[name], expected)
    assert units[layers[0]] == "K"


def test_cells_of_a_regular_grid_are_boxes_in_degrees(tmp_path: Path) -> None:
    write_domain(tmp_path / "d.nc", build_domain(RegularGrid(190.0, 200.0, 5, 60.0, 66.0, 3), np.array([6])))
    with pytest.raises(InputError, match=r"\.vtu"):
        export_vtk(tmp_path / "d.nc", ["frac"], tmp_path / "d.vtk")
    export_vtk(tmp_path / "d.nc", ["frac"], tmp_path / "d.vtu")
    points = arrays(tmp_path / "d.vtu")[0]["Points"]
    np.testing.assert_allclose(points[:, 0].min(), -168.0, rtol=1e-15)
    np.testing.assert_allclose(sorted(set(points[:, 1])), [62.0, 64.0], rtol=1e-15)


def test_without_names_all_variables_over_cells_are_written(tmp_path: Path) -> None:
    path = history(tmp_path / "h.nc", records=1)
    assert main(["export", str(path), "--to", "vtk", "--mean", "-o", str(tmp_path / "h.vtu")]) == 2
    assert main(["export", str(path), "--to", "vtk", "-o", str(tmp_path / "h.vtu")]) == 0
    names = set(arrays(tmp_path / "h.vtu")[0])
    assert {"area", "landmask", "FLUX_0016_07_02"} <= names
