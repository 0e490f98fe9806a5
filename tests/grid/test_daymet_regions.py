"""Daymet's other regions: grids of other extents in the same projection, from a file of theirs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyproj
import pytest

from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, write_dataset
from kiloland.grid import DaymetGrid, build_domain, grid_from_text, select_box, select_points
from kiloland.grid.mask import all_land

REGIONS = {"hi": (-157.8, 20.8, 284, 224), "pr": (-66.4, 18.2, 180, 100)}
"""A place in the middle, and columns and rows of about the extent of the islands."""
TRUE = "+proj=lcc +lat_1=25 +lat_2=60 +lat_0=42.5 +lon_0=-100 +x_0=0 +y_0=0 +ellps=WGS84"


def region_grid(region: str) -> DaymetGrid:
    longitude, latitude, columns, rows = REGIONS[region]
    x, y = pyproj.Proj(TRUE)(longitude, latitude)
    left, top = np.round(x / 1000 - columns / 2) * 1000 + 250.0, np.round(y / 1000 + rows / 2) * 1000 + 500.0
    return DaymetGrid(rows, columns, float(left), float(top))


def write_region(path: Path, grid: DaymetGrid, *, northward: bool = False, **mapping: object) -> Path:
    """Axes as in Daymet's own files: x and y in single precision and a grid mapping."""
    _, known = grid.mapping()
    schema = FileSchema(
        {"x": grid.columns, "y": grid.rows},
        None,
        (
            VariableSchema("x", "f4", ("x",), {"units": "m"}),
            VariableSchema("y", "f4", ("y",), {"units": "m"}),
            VariableSchema("lambert_conformal_conic", "i4", (), {**known, **mapping}),
        ),
    )
    y = grid.y_centres[::-1] if northward else grid.y_centres
    arrays = {"x": grid.x_centres.astype("f4"), "y": y.astype("f4"), "lambert_conformal_conic": 0}
    write_dataset(path, schema, arrays)
    return path


@pytest.mark.parametrize("northward", [False, True])
@pytest.mark.parametrize("region", sorted(REGIONS))
def test_the_grid_of_a_file_of_the_islands(tmp_path: Path, region: str, northward: bool) -> None:
    grid = region_grid(region)
    found = grid_from_text(str(write_region(tmp_path / "region.nc", grid, northward=northward)))
    assert found == grid
    assert grid_from_text(found.name) == grid


@pytest.mark.parametrize("region", sorted(REGIONS))
def test_places_and_areas_on_the_islands_agree_with_proj(region: str) -> None:
    grid = region_grid(region)
    ids = np.arange(0, grid.number_of_cells, 97)
    domain = build_domain(grid, ids)
    projection = pyproj.Proj(TRUE)
    longitude, latitude = projection(domain.x, domain.y, inverse=True)
    assert np.abs(domain.longitude - longitude % 360.0).max() < 1e-10
    assert np.abs(domain.latitude - latitude).max() < 1e-10
    scale = np.asarray(projection.get_factors(longitude, latitude).areal_scale)
    assert np.abs(domain.area_km2 * scale - 1.0).max() < 1e-7


@pytest.mark.parametrize("region", sorted(REGIONS))
def test_cells_on_the_islands_are_found_by_point_and_box(region: str) -> None:
    grid = region_grid(region)
    longitude, latitude, _, _ = REGIONS[region]
    point = select_points(grid, all_land(grid), np.array([longitude]), np.array([latitude]))
    assert point.ids.size == 1
    box = select_box(grid, all_land(grid), longitude - 0.1, latitude - 0.1, longitude + 0.1, latitude + 0.1)
    assert point.ids[0] in box.ids
    # A box of 0.2 degrees, in cells of less than 1.1 km2 (the scale is smallest near 42N).
    assert 0.9 * 0.2**2 * 111.0**2 * np.cos(np.deg2rad(latitude)) < box.ids.size


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"standard_parallel": np.array([20.0, 60.0])}, "another projection"),
        ({"longitude_of_central_meridian": -96.0}, "another projection"),
    ],
)
def test_another_projection_is_refused(tmp_path: Path, changed: dict[str, object], message: str) -> None:
    path = write_region(tmp_path / "other.nc", region_grid("pr"), **changed)
    with pytest.raises(InputError, match=message):
        grid_from_text(str(path))
