"""Polygons from GeoJSON and shapefiles, as shapely polygons in longitude and latitude (degrees)."""

from __future__ import annotations

import json
import logging
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapefile
import shapely
from shapely.geometry import shape as shapely_shape

from kiloland.errors import InputError

logger = logging.getLogger(__name__)

LONGITUDE_LATITUDE_NAMES = ("CRS84", "EPSG:4326", "EPSG::4326")


def read_polygons(path: Path) -> list[shapely.Polygon]:
    """All polygons of a GeoJSON file or a shapefile, holes kept, parts of multipolygons listed one by one.

    Longitudes may be of either convention; a polygon across the dateline is written with longitudes beyond
    180 (or below -180), or cut there. A shapefile in a projection is brought to WGS84 by its ``.prj``.

    Raises InputError for files without polygons, coordinates that are no degrees or in the wrong order, and
    rings that jump across the dateline.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("there is no such file", file=path)
    shapes = list(_from_shapefile(path) if path.suffix.lower() == ".shp" else _from_geojson(path))
    polygons = [part for geometry in shapes for part in _polygon_parts(geometry, path)]
    if not polygons:
        raise InputError("no polygon in the file", file=path)
    for number, polygon in enumerate(polygons, start=1):
        _check_coordinates(polygon, path, number)
    return polygons


def _from_geojson(path: Path) -> Iterator[shapely.Geometry]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError) as error:
        raise InputError(f"is no GeoJSON: {error}", file=path) from error
    if not isinstance(document, dict) or "type" not in document:
        raise InputError("is no GeoJSON object", file=path)
    system = str(document.get("crs", {}).get("properties", {}).get("name", "CRS84"))
    if not system.endswith(LONGITUDE_LATITUDE_NAMES):
        raise InputError(
            "GeoJSON in another coordinate system",
            file=path,
            variable="crs",
            found=system,
            expected="WGS84 lon, lat",
        )
    for geometry in _geojson_geometries(document):
        try:
            yield shapely_shape(geometry)
        except (ValueError, TypeError, KeyError, AttributeError, shapely.errors.ShapelyError) as error:
            raise InputError(f"a geometry cannot be used: {error}", file=path) from error


def _geojson_geometries(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The geometries of a FeatureCollection, a Feature, a GeometryCollection or a geometry."""
    inner = {"FeatureCollection": "features", "GeometryCollection": "geometries"}.get(item["type"])
    if inner:
        for member in item.get(inner, []):
            yield from _geojson_geometries(member)
    elif item["type"] == "Feature":
        if item.get("geometry"):
            yield from _geojson_geometries(item["geometry"])
    else:
        yield item


def _from_shapefile(path: Path) -> Iterator[shapely.Geometry]:
    _check_length(path)
    to_degrees = _shapefile_transformer(path)
    try:
        with shapefile.Reader(str(path)) as reader:
            for record in reader.iterShapes():
                if record.shapeType == shapefile.NULL:
                    continue
                geometry = shapely.force_2d(shapely_shape(record.__geo_interface__))
                yield _to_degrees(geometry, to_degrees) if to_degrees else geometry
    except (shapefile.ShapefileException, struct.error, ValueError, IndexError, OSError) as error:
        raise InputError(f"is no usable shapefile: {error}", file=path) from error


def _check_length(path: Path) -> None:
    """A shapefile says its length in 16-bit words at byte 24 (ESRI white paper 1998, table 1)."""
    with path.open("rb") as file:
        header = file.read(100)
    found = path.stat().st_size
    if len(header) < 100 or 2 * int.from_bytes(header[24:28], "big") != found:
        raise InputError("is no shapefile, or not all of one", file=path, found=f"{found} bytes")


def _shapefile_transformer(path: Path) -> pyproj.Transformer | None:
    """The way from the coordinates of a shapefile to WGS84 degrees; None where they are such already."""
    companion = next((p for p in (path.with_suffix(".prj"), path.with_suffix(".PRJ")) if p.is_file()), None)
    if companion is None:
        logger.warning("%s: no .prj file; coordinates are taken as WGS84 longitude and latitude", path.name)
        return None
    try:
        system = pyproj.CRS.from_wkt(companion.read_text())
    except pyproj.exceptions.CRSError as error:
        raise InputError(f"the coordinate system cannot be understood: {error}", file=companion) from error
    return pyproj.Transformer.from_crs(system, "OGC:CRS84", always_xy=True)


def _to_degrees(geometry: shapely.Geometry, transformer: pyproj.Transformer) -> shapely.Geometry:
    """A geometry in degrees, with points added first so that edges straight in its projection stay so."""
    if transformer.source_crs is not None and transformer.source_crs.is_projected:
        west, south, east, north = geometry.bounds
        geometry = shapely.segmentize(geometry, max(east - west, north - south) / 500.0)
    return shapely.transform(geometry, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))


def _polygon_parts(geometry: shapely.Geometry, path: Path) -> Iterator[shapely.Polygon]:
    if not shapely.is_valid(geometry):
        logger.warning(
            "%s: a polygon is not valid (%s) and was repaired", path.name, shapely.is_valid_reason(geometry)
        )
        geometry = shapely.make_valid(geometry)
    for part in shapely.get_parts(geometry, return_index=False):
        if isinstance(part, shapely.Polygon) and not part.is_empty:
            yield shapely.force_2d(part)
        elif isinstance(part, (shapely.MultiPolygon, shapely.GeometryCollection)):
            yield from _polygon_parts(part, path)


def _check_coordinates(polygon: shapely.Polygon, path: Path, number: int) -> None:
    west, south, east, north = polygon.bounds
    where = f"polygon {number}"
    if max(abs(south), abs(north)) > 90.0:
        swapped = max(abs(south), abs(north)) <= 360.0 and max(abs(west), abs(east)) <= 90.0
        raise InputError(
            "latitudes beyond the poles",
            file=path,
            where=where,
            found=f"{south:.6g} to {north:.6g}",
            expected="-90 to 90",
            hint="The order is longitude, latitude; here it looks like latitude, longitude"
            if swapped
            else "Coordinates must be degrees; these look like metres",
        )
    if not -360.0 <= west <= east <= 540.0:
        raise InputError(
            "longitudes out of range",
            file=path,
            where=where,
            found=f"{west:.6g} to {east:.6g}",
            expected="-360 to 540",
        )
    for ring in (polygon.exterior, *polygon.interiors):
        step = np.abs(np.diff(shapely.get_coordinates(ring)[:, 0]))
        if (step > 180.0).any():
            raise InputError(
                "a ring jumps by more than 180 degrees of longitude",
                file=path,
                where=where,
                found=f"{step.max():.6g} degrees",
                hint="Write longitudes on beyond 180, or cut the polygon at the dateline",
            )
