"""The commands of ``kiloland craft`` as functions from and to ``xarray.Dataset``.

Each function runs the code of its command on files in a temporary folder: what it returns holds, bit for
bit, what the command writes, and :func:`write` gives the same file. Values are as stored (times are numbers
with units); ``xarray.decode_cf`` decodes them. A source is a Dataset or the path of a file; for files larger
than memory use the commands.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray
from numpy.typing import ArrayLike

from kiloland.craft import identify
from kiloland.craft import join as joining
from kiloland.craft import subset as subsetting
from kiloland.craft.areas import Area, Box, IdFile, region_of
from kiloland.craft.dataset_files import Source, file_of, id_list, read_dataset, working_folder, write
from kiloland.craft.domain import DomainRequest, craft_domain
from kiloland.craft.duplicate import Times
from kiloland.craft.monthly_files import open_forcing
from kiloland.craft.virtual import duplicate
from kiloland.errors import InputError

__all__ = [
    "make_copies",
    "make_domain",
    "make_forcing",
    "make_join",
    "make_subset",
    "make_surface",
    "write",
]


def make_domain(
    grid: str = "daymet",
    *,
    land_mask: str | os.PathLike[str] | None = None,
    areas: Sequence[Area] = (),
    ids: ArrayLike | None = None,
    lakes: str | os.PathLike[str] | None = None,
    two_dimensional: bool = False,
    drop_outside: bool = False,
) -> xarray.Dataset:
    """The domain of land cells: ``kiloland craft domain``.

    Args:
        grid: ``daymet``, ``regular:...`` or a netCDF file, as ``--grid``.
        land_mask: FILE or FILE:VARIABLE; None: every cell is land.
        areas: boxes, files of points, ids or polygons (:mod:`kiloland.craft.areas`); none: all land.
        ids: gridcell ids, one more area.
        lakes: FILE or FILE:VARIABLE of lakes that count as land.

    Returns:
        ``xc, yc`` [degrees], ``area`` [radian²], ``mask``, ``frac``, ids, corners, over ``(nj, ni)``.

    Raises:
        InputError: as the command; no cell, a point off land.

    Examples:
        >>> domain = make_domain("regular:0,4,4,50,52,2", ids=[1, 6])
        >>> domain.gridID.values.tolist()
        [[1, 6]]
    """
    with working_folder() as folder:
        chosen = list(areas)
        if ids is not None:
            chosen.append(IdFile(id_list(ids, folder)))
        output = folder / "domain.nc"
        named = None if land_mask is None else os.fspath(land_mask)
        water = None if lakes is None else os.fspath(lakes)
        region = region_of(chosen)
        craft_domain(DomainRequest(grid, named, region, output, two_dimensional, drop_outside, water))
        return read_dataset(output)


def make_surface(
    source: Source,
    domain: Source,
    *,
    methods: Mapping[str, str] | None = None,
    two_dimensional: bool | None = None,
    limit_km: float | None = None,
    keep_urban: bool = False,
) -> xarray.Dataset:
    """Surface data of a domain from data on a longitude/latitude grid: ``kiloland craft surface``.

    Args:
        source: ELM surface data ``[..., lsmlat, lsmlon]``.
        domain: as :func:`make_domain` gives it.
        methods: other methods than the default, by variable.
        two_dimensional: rows and columns; None: as the domain is.
        limit_km: distance from which a value may be taken where the source has none [km].

    Returns:
        Variables ``[..., gridcell]`` (or ``[..., lsmlat, lsmlon]``) in ELM's units, with their mapping and
        the ledgers of sums as attributes.

    Raises:
        InputError: as the command.
    """
    from kiloland.craft.surface import SurfaceRequest, craft_surface

    with working_folder() as folder:
        output = folder / "surfdata.nc"
        craft_surface(
            SurfaceRequest(
                file_of(source, folder, "source.nc"),
                file_of(domain, folder, "domain.nc"),
                output,
                dict(methods or {}),
                two_dimensional=two_dimensional,
                limit_km=limit_km,
                keep_urban=keep_urban,
            )
        )
        return read_dataset(output)


def make_forcing(
    source: str | os.PathLike[str],
    domain: Source,
    years: tuple[int, int],
    output: str | os.PathLike[str],
    *,
    memory: int = 128,
) -> xarray.Dataset:
    """Three-hourly weather over the land cells of a domain: ``kiloland craft forcing``.

    Writes the monthly files to ``output`` (finished ones are kept) and opens them; see
    :func:`~kiloland.craft.monthly_files.open_forcing`.

    Args:
        source: folder of daily files and a reanalysis, or of three-hourly maps.
        years: first and last year, both included.
        memory: for blocks of cells [MB].

    Returns:
        TBOT [K], QBOT [kg/kg], PSRF [Pa], FLDS, FSDS [W/m2], WIND [m/s], PRECTmms [mm/s], ``[time, nj, ni]``,
        read when they are used.

    Raises:
        InputError: as the command. OutputError: the folder cannot be written.
    """
    from kiloland.craft.forcing import ForcingRequest, craft_forcing

    with working_folder() as folder:
        cells = file_of(domain, folder, "domain.nc")
        craft_forcing(ForcingRequest(Path(source), cells, years[0], years[1], Path(output), memory=memory))
    return open_forcing(output)


def make_subset(
    source: Source,
    *,
    domain: Source | None = None,
    ids: ArrayLike | None = None,
    box: tuple[float, float, float, float] | None = None,
    period: str | None = None,
    source_domain: Source | None = None,
) -> xarray.Dataset:
    """Some cells and times of a domain, surface or forcing file: ``kiloland craft subset``.

    Args:
        domain, ids, box: at most one of a domain (its cells in its order), gridcell ids, or west, south,
            east, north [degrees]; none: all cells, as a list.
        period: ``A:B`` of years, months or days, both included.
        source_domain: the domain of a source without ``gridID``.

    Raises:
        InputError: as the command; more than one choice of cells.
    """
    if sum(one is not None for one in (domain, ids, box)) > 1:
        raise InputError("cells are chosen by a domain, by ids or by a box", found="more than one of them")
    with working_folder() as folder:
        cells: identify.Request = identify.AllCells()
        if domain is not None:
            cells = identify.DomainFile(file_of(domain, folder, "cells.nc"))
        elif ids is not None:
            cells = IdFile(id_list(ids, folder))
        elif box is not None:
            cells = Box(*box)
        request = subsetting.SubsetRequest(
            file_of(source, folder, "source.nc"),
            cells,
            folder / "subset.nc",
            None if period is None else subsetting.Period.from_text(period),
            None if source_domain is None else file_of(source_domain, folder, "source_domain.nc"),
        )
        subsetting.subset(request)
        return read_dataset(request.output)


def make_copies(source: Source, times: int | str) -> xarray.Dataset:
    """The same cells N times, with ids of their own: ``kiloland craft duplicate``.

    Args:
        times: number of copies, or factors such as ``"10x10x3"``.

    Raises:
        InputError: as the command; cells in rows and columns.

    Examples:
        >>> make_copies(make_domain("regular:0,4,4,50,52,2", ids=[1, 6]), 2).gridID.values.tolist()
        [[1, 6, 7, 12]]
    """
    with working_folder() as folder:
        output = folder / "copies.nc"
        duplicate(file_of(source, folder, "source.nc"), Times.from_text(str(times)), output)
        return read_dataset(output)


def make_join(sources: Sequence[Source], source_domains: Sequence[Source] = ()) -> xarray.Dataset:
    """Different cells as one list, ordered by id: ``kiloland craft join``.

    Args:
        source_domains: domains of sources without ``gridID``, in their order.

    Raises:
        InputError: as the command; the same cell twice.
    """
    with working_folder() as folder:
        paths = [file_of(one, folder, f"part{n}.nc") for n, one in enumerate(sources)]
        domains = [file_of(one, folder, f"domain{n}.nc") for n, one in enumerate(source_domains)]
        output = folder / "joined.nc"
        joining.join(joining.JoinRequest(paths, output, domains))
        return read_dataset(output)
