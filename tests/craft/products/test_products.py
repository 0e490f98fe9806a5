"""Terrain of analytic landscapes, values of scattered points, and bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
from rasterio.transform import from_origin

from kiloland.craft.landcover.pixels import PixelMap
from kiloland.craft.products import (
    ElevationRequest,
    PointMethod,
    PointRequest,
    PointSummary,
    craft_elevation,
    craft_points,
)
from kiloland.craft.products.moments import Moments
from kiloland.craft.products.terrain import ground_ways, terrain
from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.files.raster import open_raster
from kiloland.grid import DaymetGrid, Domain, build_domain, write_domain


def block(folder: Path, rows: int = 3, columns: int = 4) -> Domain:
    grid = DaymetGrid()
    row, column = np.divmod(np.arange(rows * columns), columns)
    domain = build_domain(grid, (1337 + row) * grid.columns + 1704 + column)
    write_domain(folder / "domain.nc", domain)
    return domain


def write_dem(folder: Path, domain: Domain, step: float, crs: str, height: Any, **more: Any) -> Any:
    """A raster around a domain of ``height(x, y)``; returns x and y of the centre of the domain."""
    forward = pyproj.Transformer.from_crs("OGC:CRS84", crs, always_xy=True)
    x, y = forward.transform(domain.vertex_longitude.ravel(), domain.vertex_latitude.ravel())
    left, top = min(x) - 5 * step, max(y) + 5 * step
    width, rows = int((max(x) - left) / step) + 5, int((top - min(y)) / step) + 5
    centre = float(np.mean(x)), float(np.mean(y))
    grid_x = left + step * (np.arange(width) + 0.5) - centre[0]
    grid_y = top - step * (np.arange(rows) + 0.5) - centre[1]
    pixels = height(*np.meshgrid(grid_x, grid_y)).astype("f8")
    with rasterio.open(
        folder / "dem.tif", "w", driver="GTiff", width=width, height=rows, count=1, dtype="float64",
        crs=None if more.pop("no_crs", False) else pyproj.CRS(crs).to_wkt(),
        transform=from_origin(left, top, step, step), **more,
    ) as target:  # fmt: skip
        target.write(pixels, 1)
    return centre


def made(folder: Path, **options: Any) -> dict[str, np.ndarray]:
    craft_elevation(ElevationRequest(folder / "dem.tif", folder / "domain.nc", folder / "out.nc", **options))
    with open_dataset(folder / "out.nc") as dataset:
        return {name: dataset[name].read() for name in dataset}


@pytest.mark.parametrize("step", [30.0, 120.0])
def test_a_plane_has_its_slope_and_its_aspect(tmp_path: Path, step: float) -> None:
    """A plane that rises to the east of UTM zone 4: true directions differ by the convergence."""
    domain = block(tmp_path)
    write_dem(tmp_path, domain, step, "EPSG:32604", lambda x, y: 1000.0 + 0.1 * x)
    values = made(tmp_path)
    projection = pyproj.Proj("EPSG:32604")
    factors = projection.get_factors(domain.longitude, domain.latitude)
    # One metre of the map is 1 / k metres on the ground.
    steep = 0.1 * np.asarray(factors.meridional_scale)
    assert values["SLOPE"] == pytest.approx(np.rad2deg(np.arctan(steep)), rel=1e-5)
    faces = np.arctan2(values["SINSL_SINAS"], values["SINSL_COSAS"])
    # The map's west, seen from true north.
    expected = np.deg2rad(270.0 + np.asarray(factors.meridian_convergence))
    assert np.abs(np.angle(np.exp(1j * (faces - expected)))).max() < 1e-3
    sine = np.hypot(values["SINSL_SINAS"], values["SINSL_COSAS"])
    assert sine == pytest.approx(np.sin(np.arctan(steep)), rel=1e-5)


def test_mean_and_spread_of_a_plane(tmp_path: Path) -> None:
    """Across a square of side L a plane of slope s has a standard deviation of s L / sqrt(12)."""
    domain = block(tmp_path)
    crs = "+proj=lcc +lat_1=25 +lat_2=60 +lat_0=42.5 +lon_0=-100 +ellps=WGS84 +units=m"
    x, _ = write_dem(tmp_path, domain, 25.0, crs, lambda x, y: 500.0 + 0.05 * x)
    values = made(tmp_path)
    assert values["TOPO"] == pytest.approx(500.0 + 0.05 * (domain.x - x), abs=0.7)
    assert values["STD_ELEV"] == pytest.approx(np.full(12, 50.0 / np.sqrt(12.0)), rel=0.03)
    assert values["coverage"] == pytest.approx(np.ones(12), abs=0.06)


def test_a_cone_faces_away_from_its_top_on_all_sides(tmp_path: Path) -> None:
    domain = block(tmp_path, 5, 5)
    write_dem(tmp_path, domain, 50.0, "EPSG:32604", lambda x, y: 1500.0 - 0.2 * np.hypot(x, y))
    values = made(tmp_path)
    away = np.arange(25) != 12
    assert values["SLOPE"][away] == pytest.approx(np.full(24, np.rad2deg(np.arctan(0.2))), rel=2e-2)
    assert values["TOPO"].argmax() == 12
    east = domain.longitude - domain.longitude[12]
    north = domain.latitude - domain.latitude[12]
    expected = np.arctan2(east * np.cos(np.deg2rad(domain.latitude)), north)
    faces = np.arctan2(values["SINSL_SINAS"], values["SINSL_COSAS"])
    assert np.abs(np.angle(np.exp(1j * (faces - expected))))[away].max() < 0.05
    # At the top all directions cancel.
    assert np.hypot(values["SINSL_SINAS"], values["SINSL_COSAS"])[12] < 0.03


def test_flat_land_has_no_spread_however_high(tmp_path: Path) -> None:
    domain = block(tmp_path)
    write_dem(tmp_path, domain, 0.001, "EPSG:4326", lambda x, y: np.full_like(x, 4321.123))
    values = made(tmp_path)
    assert np.abs(values["TOPO"] - 4321.123).max() < 1e-9
    assert values["STD_ELEV"].max() < 1e-9
    assert values["SLOPE"].max() < 1e-9


def test_degrees_and_metres_give_the_same_slope() -> None:
    """A plane of 0.1 m a metre to the north, on a raster of degrees at 65 north."""
    longitude, latitude = np.meshgrid(-165.0 + 0.001 * np.arange(9), 65.0 - 0.001 * np.arange(9))
    metres = pyproj.Geod(ellps="WGS84").inv(-165.0, 65.0, -165.0, 65.001)[2] * 1000.0
    found = terrain(0.1 * metres * (latitude - 65.0), ground_ways(longitude, latitude))
    assert found.slope == pytest.approx(np.full((7, 7), np.rad2deg(np.arctan(0.1))), rel=1e-5)
    assert (found.north_facing < 0.0).all()
    assert np.abs(found.east_facing).max() < 1e-12


def test_moments_join_as_if_all_were_there_at_once() -> None:
    random = np.random.default_rng(1)
    cell, value, weight = random.integers(0, 3, 900), 1e6 + random.random(900), random.random(900)
    moments = Moments(3)
    for part in np.split(np.arange(900), [100, 110, 700]):
        moments.add(cell[part], value[part], weight[part])
    for number in range(3):
        here = cell == number
        mean = np.average(value[here], weights=weight[here])
        spread = np.sqrt(np.average((value[here] - mean) ** 2, weights=weight[here]))
        assert moments.means[number] == pytest.approx(mean, rel=1e-15)
        assert moments.deviations[number] == pytest.approx(spread, rel=1e-9)


def test_a_cell_has_the_same_terrain_in_a_smaller_domain(tmp_path: Path) -> None:
    domain = block(tmp_path)
    write_dem(tmp_path, domain, 60.0, "EPSG:32604", lambda x, y: 300.0 + 99.0 * np.sin(x / 700.0 + y / 300.0))
    whole = made(tmp_path)
    write_domain(tmp_path / "domain.nc", domain.take(np.array([2, 9])))
    part = made(tmp_path)
    for name in ("TOPO", "STD_ELEV", "SLOPE", "SINSL_COSAS", "SINSL_SINAS"):
        assert np.array_equal(part[name], whole[name][[2, 9]]), name


@pytest.mark.parametrize(
    ("height", "more", "message"),
    [
        (
            lambda x, y: np.full_like(x, -9999.0),
            {},
            "elevations that do not occur.*without saying so",
        ),
        (lambda x, y: x * 0.0, {"no_crs": True}, "no coordinate system"),
    ],
)
def test_bad_rasters_are_one_message(tmp_path: Path, height: Any, more: Any, message: str) -> None:
    domain = block(tmp_path)
    write_dem(tmp_path, domain, 100.0, "EPSG:32604", height, **more)
    with pytest.raises(InputError, match=message):
        made(tmp_path)
    assert not (tmp_path / "out.nc").exists()


def test_a_raster_elsewhere_is_refused(tmp_path: Path) -> None:
    far = build_domain(DaymetGrid(), np.array([30_000_000]))
    block(tmp_path)
    write_dem(tmp_path, far, 100.0, "EPSG:32614", lambda x, y: x * 0.0)
    with pytest.raises(InputError, match="the raster does not cover the domain"):
        made(tmp_path)


def test_the_place_of_the_pixels_is_that_of_the_cells(tmp_path: Path) -> None:
    domain = block(tmp_path)
    write_dem(tmp_path, domain, 40.0, "EPSG:32604", lambda x, y: x * 0.0)
    with open_raster(tmp_path / "dem.tif") as raster:
        assert PixelMap(raster, domain, tmp_path / "domain.nc").inside(np.arange(12)).all()


def table(
    folder: Path, domain: Domain, header: str = "lon,lat,DEPTH [m],NOTE [1]", lines: Any = None
) -> Path:
    """Points of a field that is linear on the map of Daymet."""
    random = np.random.default_rng(2)
    x = random.uniform(domain.x.min() - 3000, domain.x.max() + 3000, 400)
    y = random.uniform(domain.y.min() - 3000, domain.y.max() + 3000, 400)
    longitude, latitude = DaymetGrid().to_longitude_latitude(x, y)
    value = 10.0 + 1e-3 * (x - domain.x.mean()) - 2e-3 * (y - domain.y.mean())
    rows = [
        f"{a!r},{b!r},{c!r},"
        for a, b, c in zip(longitude.tolist(), latitude.tolist(), value.tolist(), strict=True)
    ]
    rows[0] += "1.5"
    (folder / "points.csv").write_text("\n".join([header, *(lines if lines is not None else rows)]) + "\n")
    return folder / "points.csv"


def points(folder: Path, **options: Any) -> tuple[dict[str, np.ndarray], PointSummary]:
    options.setdefault("limit_km", 5.0)
    summary = craft_points(
        PointRequest(folder / "points.csv", folder / "domain.nc", folder / "out.nc", **options)
    )
    with open_dataset(folder / "out.nc") as dataset:
        return {name: dataset[name].read() for name in dataset}, summary


def test_linear_recovers_a_linear_field(tmp_path: Path) -> None:
    domain = block(tmp_path)
    table(tmp_path, domain)
    values, summary = points(tmp_path, method=PointMethod.LINEAR, columns=("DEPTH",))
    expected = 10.0 + 1e-3 * (domain.x - domain.x.mean()) - 2e-3 * (domain.y - domain.y.mean())
    assert values["DEPTH"] == pytest.approx(expected, abs=1e-4)
    assert summary.filled == {"DEPTH": 12}
    assert 0.0 < summary.median_km <= summary.farthest_km < 1.5
    with open_dataset(tmp_path / "out.nc") as dataset:
        assert dataset["DEPTH"].attributes["units"] == "m"


def test_nearest_and_inverse_distance_agree_with_a_search_of_all_points(tmp_path: Path) -> None:
    domain = block(tmp_path)
    text = table(tmp_path, domain).read_text().splitlines()[1:]
    lon, lat, value = np.array([line.split(",")[:3] for line in text], float).T
    geod = pyproj.Geod(a=6_371_220.0, b=6_371_220.0)
    near = np.stack([geod.inv(*np.broadcast_arrays(a, b, lon, lat))[2]
                     for a, b in zip(domain.longitude, domain.latitude, strict=True)])  # fmt: skip
    values, _ = points(tmp_path, columns=("DEPTH",))
    assert np.array_equal(values["DEPTH"], value[near.argmin(axis=1)])
    assert values["point_distance"] == pytest.approx(near.min(axis=1) / 1000.0, rel=1e-7)
    values, _ = points(
        tmp_path, columns=("DEPTH",), method=PointMethod.INVERSE_DISTANCE, neighbours=5, power=3.0
    )
    order = np.argsort(near, axis=1)[:, :5]
    weight = np.take_along_axis(near, order, 1) ** -3.0
    assert values["DEPTH"] == pytest.approx((weight * value[order]).sum(1) / weight.sum(1), rel=1e-7)


def test_cells_beyond_the_limit_have_no_value(tmp_path: Path) -> None:
    domain = block(tmp_path)
    table(tmp_path, domain)
    values, summary = points(tmp_path, limit_km=0.25, columns=("DEPTH",))
    assert np.array_equal(np.isnan(values["DEPTH"]), np.isnan(values["point_distance"]))
    assert 0 < summary.filled["DEPTH"] < 12
    assert summary.farthest_km <= 0.25


def test_metres_of_the_projection_are_understood(tmp_path: Path) -> None:
    domain = block(tmp_path)
    lines = [
        f"{x!r},{y!r},{n}" for n, (x, y) in enumerate(zip(domain.x.tolist(), domain.y.tolist(), strict=True))
    ]
    table(tmp_path, domain, "x,y,number", lines)
    for method in PointMethod:
        values, summary = points(tmp_path, method=method, limit_km=0.1)
        assert values["number"] == pytest.approx(np.arange(12.0), abs=1e-5)
        assert summary.farthest_km < 1e-6


@pytest.mark.parametrize(
    ("header", "lines", "message"),
    [
        ("lon,lat,DEPTH", ["195.3,65.1,deep"], r"points.csv: DEPTH: line 2: is no number \(found 'deep'"),
        ("lon,lat,DEPTH", ["195.3,65.1"], "line 2: another number of fields"),
        ("lon,lat", ["195.3,65.1"], "no columns of values"),
        ("a,b,DEPTH", ["195.3,65.1,1"], "no columns of coordinates"),
        ("lon,lat,DEPTH", ["-2800000,3500000,1"], "point 1 .*no place on the Earth"),
        ("lon,lat,DEPTH", ["195.3,65.1,"], "DEPTH: holds no number"),
        ("lon,lat,DEPTH", [], "a table without points"),
        ("lon,lat,DEPTH", ["10.0,20.0,1"], "no point within 5 km of any cell"),
    ],
)
def test_bad_tables_are_one_message(tmp_path: Path, header: str, lines: list[str], message: str) -> None:
    table(tmp_path, block(tmp_path), header, lines)
    with pytest.raises(InputError, match=message):
        points(tmp_path)
    assert not (tmp_path / "out.nc").exists()
