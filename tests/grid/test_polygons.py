"""Polygons from GeoJSON and shapefiles: holes, parts, projections, and the mistakes people make."""

from __future__ import annotations

import json

import pyproj
import pytest
import shapefile
import shapely

from kiloland.errors import InputError
from kiloland.grid import read_polygons
from kiloland.grid.daymet import PROJECTION

OUTER = [[-166.0, 64.0], [-162.0, 64.0], [-162.0, 66.0], [-166.0, 66.0], [-166.0, 64.0]]
HOLE = [[-165.0, 64.5], [-165.0, 65.5], [-163.0, 65.5], [-163.0, 64.5], [-165.0, 64.5]]
OTHER = [[-170.0, 64.0], [-169.0, 64.0], [-169.0, 65.0], [-170.0, 64.0]]
POLYGON = {"type": "Polygon", "coordinates": [OUTER, HOLE]}
MULTI = {"type": "MultiPolygon", "coordinates": [[OUTER, HOLE], [OTHER]]}


def feature(geometry):
    return {"type": "Feature", "properties": {}, "geometry": geometry}


def geojson(folder, document):
    path = folder / "region.geojson"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("document", "parts", "area"),
    [
        (POLYGON, 1, 6.0),
        (feature(POLYGON), 1, 6.0),
        (MULTI, 2, 6.5),
        (
            {"type": "FeatureCollection", "features": [feature(POLYGON), feature(None), feature(MULTI)]},
            3,
            12.5,
        ),
        (
            {"type": "GeometryCollection", "geometries": [POLYGON, {"type": "Point", "coordinates": [0, 0]}]},
            1,
            6.0,
        ),
        (POLYGON | {"coordinates": [[[*point, 12.0] for point in OUTER]]}, 1, 8.0),
    ],
)
def test_geojson_of_every_kind(tmp_path, document, parts, area):
    polygons = read_polygons(geojson(tmp_path, document))
    assert len(polygons) == parts
    assert sum(polygon.area for polygon in polygons) == pytest.approx(area)


def test_a_polygon_that_crosses_itself_is_repaired_and_said(tmp_path, caplog):
    bow_tie = [[0.0, 0.0], [2.0, 2.0], [2.0, 0.0], [0.0, 2.0], [0.0, 0.0]]
    polygons = read_polygons(geojson(tmp_path, {"type": "Polygon", "coordinates": [bow_tie]}))
    assert sum(polygon.area for polygon in polygons) == pytest.approx(2.0)
    assert "not valid" in caplog.text


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"type": "Polygon", "coordinates": [[[lat, lon] for lon, lat in OUTER]]},
            "looks like latitude, longitude",
        ),
        ({"type": "Polygon", "coordinates": [[[1e5 * a, 1e5 * b] for a, b in OUTER]]}, "look like metres"),
        (
            {"type": "Polygon", "coordinates": [[[179, 60], [-179, 60], [-179, 61], [179, 61], [179, 60]]]},
            "jumps",
        ),
        ({"type": "Point", "coordinates": [0, 0]}, "no polygon"),
        ({"type": "FeatureCollection", "features": []}, "no polygon"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}, "cannot be used"),
        ({"type": "Polygon"}, "cannot be used"),
        (
            POLYGON | {"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3338"}}},
            "coordinate system",
        ),
        ("{", "no GeoJSON"),
        ("[1]", "no GeoJSON"),
    ],
)
def test_mistakes_are_named_with_the_file(tmp_path, document, message):
    with pytest.raises(InputError, match=rf"region\.geojson.*{message}"):
        read_polygons(geojson(tmp_path, document))


def write_shapefile(path, rings, system=None):
    with shapefile.Writer(str(path)) as writer:
        writer.field("name", "C")
        writer.poly(rings)
        writer.record("a")
    if system:
        path.with_suffix(".prj").write_text(pyproj.CRS(system).to_wkt("WKT1_ESRI"))
    return path


def clockwise(ring):
    return ring[::-1] if shapely.LinearRing(ring).is_ccw else ring


@pytest.mark.parametrize("system", [None, "EPSG:4326"])
def test_a_shapefile_with_a_hole_and_two_parts(tmp_path, system, caplog):
    rings = [clockwise(OUTER), clockwise(HOLE)[::-1], clockwise(OTHER)]
    polygons = read_polygons(write_shapefile(tmp_path / "region.shp", rings, system))
    assert sorted(polygon.area for polygon in polygons) == pytest.approx([0.5, 6.0])
    assert ("no .prj" in caplog.text) == (system is None)


def test_a_projected_shapefile_comes_to_its_place(tmp_path):
    x, y = pyproj.Proj(PROJECTION)([p[0] for p in OUTER], [p[1] for p in OUTER])
    ring = clockwise(list(zip(x, y, strict=True)))
    (polygon,) = read_polygons(write_shapefile(tmp_path / "region.shp", [ring], PROJECTION))
    for corner in OUTER[:4]:
        assert polygon.exterior.distance(shapely.Point(corner)) < 1e-6
    # Edges are straight on the map of the shapefile, so points were added between the corners.
    assert len(polygon.exterior.coords) > 100


def test_a_damaged_shapefile_is_refused(tmp_path):
    path = write_shapefile(tmp_path / "region.shp", [clockwise(OUTER)], "EPSG:4326")
    path.write_bytes(path.read_bytes()[:110])
    with pytest.raises(InputError, match=r"region\.shp"):
        read_polygons(path)
    with pytest.raises(InputError, match="no such file"):
        read_polygons(tmp_path / "absent.shp")
