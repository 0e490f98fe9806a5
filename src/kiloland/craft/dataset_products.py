"""The products that go into surface data, and land use by year, as functions to ``xarray.Dataset``.

As in :mod:`kiloland.craft.datasets` each runs the code of its command: what it returns holds, bit for bit,
what the command writes. Rasters and tables are read from their files.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import xarray

from kiloland.craft.dataset_files import Source, file_of, read_dataset, working_folder
from kiloland.errors import InputError

Named = str | os.PathLike[str]


def make_landcover(
    raster: Named,
    domain: Source,
    *,
    climate: Named | None = None,
    climate_scale: float = 1.0,
    legend: Named = "nalcms",
    crs: str | None = None,
    minimum: float = 0.5,
    limit_km: float | None = None,
) -> xarray.Dataset:
    """Shares of land units and plant types from a raster of classes: ``kiloland craft landcover``.

    Args:
        raster: class codes, a file that GDAL reads.
        domain: as :func:`~kiloland.craft.datasets.make_domain` gives it.
        climate: FILE, FILE:VARIABLE or a folder of forcing: temperatures that split classes.
        climate_scale: multiplies what the climate file holds.
        legend: ``nalcms`` or a TOML file.
        minimum: share of a cell (0 to 1) that must have a class.

    Raises:
        InputError: as the command; codes that are not in the legend, a raster without coordinate system.
    """
    from kiloland.craft.landcover import ClimateRequest, LandCoverRequest, craft_landcover

    chosen = None if climate is None else ClimateRequest(os.fspath(climate), climate_scale, limit_km)
    with working_folder() as folder:
        output, cells = folder / "landcover.nc", file_of(domain, folder, "domain.nc")
        craft_landcover(
            LandCoverRequest(Path(raster), cells, output, chosen, os.fspath(legend), crs, minimum)
        )
        return read_dataset(output)


def make_elevation(
    raster: Named, domain: Source, *, crs: str | None = None, minimum: float = 0.5
) -> xarray.Dataset:
    """Elevation [m], its standard deviation and slopes from a raster: ``kiloland craft elevation``.

    Raises:
        InputError: as the command; a raster without coordinate system, or in other units than metres.
    """
    from kiloland.craft.products import ElevationRequest, craft_elevation

    with working_folder() as folder:
        output, cells = folder / "elevation.nc", file_of(domain, folder, "domain.nc")
        craft_elevation(ElevationRequest(Path(raster), cells, output, crs, minimum))
        return read_dataset(output)


def make_points(
    table: Named,
    domain: Source,
    limit_km: float,
    *,
    method: str = "nearest",
    neighbours: int = 8,
    power: float = 2.0,
    columns: Sequence[str] | None = None,
) -> xarray.Dataset:
    """Values of cells from scattered points in a table (CSV): ``kiloland craft points``.

    Args:
        limit_km: points farther than this from a centre do not count.
        method: ``nearest``, ``linear`` or ``inverse-distance``: of ``neighbours`` by 1 / distance^``power``.
        columns: None for all.

    Raises:
        InputError: as the command; no such method, no coordinates, no point near a cell.
    """
    from kiloland.craft.products import PointMethod, PointRequest, craft_points

    methods = {one.value: one for one in PointMethod}
    if method not in methods:
        raise InputError("no such method", found=method, expected=", ".join(methods))
    chosen = None if columns is None else tuple(columns)
    with working_folder() as folder:
        output, cells = folder / "points.nc", file_of(domain, folder, "domain.nc")
        kind = methods[method]
        craft_points(PointRequest(Path(table), cells, output, limit_km, kind, neighbours, power, chosen))
        return read_dataset(output)


def make_landuse(
    source: Source,
    domain: Source,
    *,
    surface: Source | None = None,
    adjust_first_year: bool = False,
    natural: Source | None = None,
    method: str = "conservative",
    years: tuple[int, int] | None = None,
    single: bool = False,
    limit_km: float | None = None,
) -> xarray.Dataset:
    """Plant types and harvest by year: ``kiloland craft landuse``.

    Args:
        source: a series on a longitude/latitude grid.
        surface: surface data of the domain, which the first year must equal, or from which the series
            begins with ``adjust_first_year``.
        natural: surface data on the grid of the source, whose natural vegetation weighs plant types.
        years: first and last, both included; None for all.
        single: single precision, shares exact in steps of 2^-17 percent.

    Raises:
        InputError: as the command.
    """
    from kiloland.craft.landuse import LandUseRequest, craft_landuse

    def given(one: Source | None, folder: Path, name: str) -> Path | None:
        return None if one is None else file_of(one, folder, name)

    with working_folder() as folder:
        output = folder / "landuse.nc"
        craft_landuse(
            LandUseRequest(
                file_of(source, folder, "source.nc"),
                file_of(domain, folder, "domain.nc"),
                output,
                given(surface, folder, "surfdata.nc"),
                adjust_first_year,
                given(natural, folder, "natural.nc"),
                method,
                years,
                single,
                limit_km,
            )
        )
        return read_dataset(output)
