"""Cells as polygons for ParaView and VisIt: one VTK XML file of quadrilaterals (``.vtu``).

Points are the exact corners of the cells on the map (m of Daymet's projection, or degrees), each once; the
variables are data of cells. Numbers are base64 in the appended section, so that the file is valid XML.
Format: VTK file formats, chapter "XML File Formats" (version 1.0, 64-bit headers).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from kiloland import __version__
from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.files.stream import StreamWriter
from kiloland.grid.daymet import CORNERS, corner_table
from kiloland.report.export.geotiff import Exported, summary
from kiloland.report.export.placement import Placement, place_cells
from kiloland.report.export.source import Band, Source, variables_over_cells
from kiloland.report.fields import Choice

QUADRILATERAL = 9
"""VTK's number of a polygon with four corners."""
TYPES = {"f4": "Float32", "f8": "Float64", "i4": "Int32", "i8": "Int64", "u1": "UInt8"}
PART = 3 * 2**20
"""Bytes that are encoded at once: a multiple of three, so that the parts join without padding."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """Quadrilaterals: points [point, 3], and the points of each cell [cell, 4], counter-clockwise."""

    points: NDArray[np.float64]
    corners: NDArray[np.int64]


@dataclass(frozen=True)
class Layer:
    """One array of the file: where it comes from and what it is called."""

    name: str
    source: Source
    band: Band


def export_vtk(
    path: Path,
    variables: Sequence[str],
    output: Path,
    choice: Choice | None = None,
    *,
    domain: Path | None = None,
    mean: bool = False,
) -> Exported:
    """Write variables of a file as cells with data; parameters as for ``export_geotiff``.

    A variable with several times or layers becomes one array for each. Cells, corners and one array are in
    memory: about 200 bytes a cell. Raises ``InputError`` and ``OutputError``.
    """
    if output.suffix != ".vtu":
        raise InputError("cells for ParaView and VisIt are .vtu files", file=output, expected="NAME.vtu")
    with open_dataset(path) as dataset:
        names = variables or variables_over_cells(dataset)
        sources = [Source.of(dataset, name, choice or Choice(), mean) for name in names]
        placement = one_placement(dataset, sources, domain)
        mesh = mesh_of(placement)
        layers = layers_of(sources)
        with StreamWriter(output) as writer:
            write_vtu(writer, placement, mesh, layers)
    return summary(output, placement, len(layers))


def one_placement(dataset: Dataset, sources: Sequence[Source], domain: Path | None) -> Placement:
    """Where the cells of all variables lie; they must be the same cells."""
    for source in sources[1:]:
        if prod(source.shape) != prod(sources[0].shape):
            raise InputError(
                "lies on other cells than the first variable",
                file=dataset.path,
                variable=source.variable.name,
                found=source.shape,
                expected=sources[0].shape,
            )
    return place_cells(dataset, sources[0].shape, domain)


def layers_of(sources: Sequence[Source]) -> list[Layer]:
    """All arrays with names that both programs take: letters, digits and underscores."""
    layers = []
    for source in sources:
        for band in source.bands():
            name = re.sub(r"\W+", "_", band.name.replace(".", "p"), flags=re.ASCII).strip("_")
            layers.append(Layer(name, source, band))
    names = [layer.name for layer in layers]
    return [
        Layer(layer.name if names.count(layer.name) == 1 else f"{layer.name}_{i}", layer.source, layer.band)
        for i, layer in enumerate(layers)
    ]


def mesh_of(placement: Placement) -> Mesh:
    """The corners of all cells that have a place, in the order of the file."""
    pixel = pixels_of(placement)
    row, column = np.divmod(pixel[pixel >= 0], placement.columns)
    table = corner_table(row, column)
    grid = placement.raster_grid
    x = grid.left + grid.step_x * table.columns
    y = grid.first + grid.step_y * table.rows
    corners = np.stack([table.index(row + down, column + right) for down, right in CORNERS], axis=1)
    return Mesh(np.stack([x, y, np.zeros_like(x)], axis=1), corners.astype(np.int64))


def pixels_of(placement: Placement) -> NDArray[np.int64]:
    """Pixel of every cell, -1 without a place."""
    if placement.pixel is None:
        return np.arange(prod(placement.shape), dtype=np.int64)
    return placement.pixel


def write_vtu(writer: StreamWriter, placement: Placement, mesh: Mesh, layers: Sequence[Layer]) -> None:
    """Write the file: a description of every array, then the arrays one after the other."""
    cells = mesh.corners.shape[0]
    where = pixels_of(placement) >= 0
    arrays = [
        ("Points", "<f8", mesh.points.size),
        ("connectivity", "<i8", mesh.corners.size),
        ("offsets", "<i8", cells),
        ("types", "|u1", cells),
        *((layer.name, cell_type(layer), cells) for layer in layers),
    ]
    offsets = np.cumsum([0, *(encoded_size(np.dtype(kind).itemsize * n) for _, kind, n in arrays)])
    lines = header(placement, mesh, layers, [int(offset) for offset in offsets])
    writer.write("\n".join(lines).encode())
    for array in (
        mesh.points.astype("<f8"),
        mesh.corners.astype("<i8"),
        np.arange(4, 4 * cells + 1, 4, dtype="<i8"),
        np.full(cells, QUADRILATERAL, dtype="|u1"),
    ):
        encode(writer, array)
    for layer in layers:
        values = layer.source.cells(layer.band, slice(0, where.size))[where]
        encode(writer, values.astype(cell_type(layer)))
    writer.write(b"\n  </AppendedData>\n</VTKFile>\n")


def cell_type(layer: Layer) -> str:
    """Little-endian type of an array: that of the variable where its values cannot be missing."""
    dtype = layer.source.dtype
    return "<f4" if dtype == np.float32 else "<f8"


def header(placement: Placement, mesh: Mesh, layers: Sequence[Layer], offsets: Sequence[int]) -> list[str]:
    """The XML before the numbers."""
    crs = escape(placement.crs.to_wkt().replace("--", "- -"))
    fixed = [
        '<?xml version="1.0"?>',
        '<VTKFile type="UnstructuredGrid" version="1.0" byte_order="LittleEndian" header_type="UInt64">',
        f"  <!-- kiloland {__version__}; coordinates of the points: {crs} -->",
        "  <UnstructuredGrid>",
        f'    <Piece NumberOfPoints="{mesh.points.shape[0]}" NumberOfCells="{mesh.corners.shape[0]}">',
        "      <Points>",
        data_array("Points", "<f8", offsets[0], components=3),
        "      </Points>",
        "      <Cells>",
        data_array("connectivity", "<i8", offsets[1]),
        data_array("offsets", "<i8", offsets[2]),
        data_array("types", "|u1", offsets[3]),
        "      </Cells>",
        "      <CellData>",
    ]
    data = [
        data_array(
            layer.name,
            cell_type(layer),
            offsets[4 + i],
            str(layer.source.variable.attributes.get("units", "")),
        )
        for i, layer in enumerate(layers)
    ]
    end = ["      </CellData>", "    </Piece>", "  </UnstructuredGrid>", '  <AppendedData encoding="base64">']
    return [*fixed, *data, *end, "  _"]


def data_array(name: str, kind: str, offset: int, units: str = "", components: int = 1) -> str:
    """The element that describes one appended array; units as VTK's own key for them."""
    more = f' NumberOfComponents="{components}"' if components > 1 else ""
    start = (
        f'        <DataArray type="{TYPES[kind[1:]]}" Name={quoteattr(name)}{more} '
        f'format="appended" offset="{offset}"'
    )
    if not units:
        return start + "/>"
    key = f'<InformationKey name="UNITS_LABEL" location="vtkDataArray">{escape(units)}</InformationKey>'
    return f"{start}>{key}</DataArray>"


def encoded_size(size: int) -> int:
    """Characters of an array of ``size`` bytes with its length before it."""
    return -(-(size + 8) // 3) * 4


def encode(writer: StreamWriter, array: NDArray[Any]) -> None:
    """Append one array: the number of its bytes and these bytes, in one stream of base64."""
    content = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
    head = len(content).to_bytes(8, "little")
    # The length takes eight bytes: with the first of the data a multiple of three.
    first = bytes(content[: PART - 8])
    writer.write(base64.b64encode(head + first))
    for start in range(PART - 8, len(content), PART):
        writer.write(base64.b64encode(content[start : start + PART]))
