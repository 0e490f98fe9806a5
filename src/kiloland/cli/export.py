"""``kiloland export``: files for map programs, for CF-aware tools, for ParaView and VisIt."""

from __future__ import annotations

import argparse
from pathlib import Path

from kiloland.errors import ExitCode, InputError

DESCRIPTION = """\
Write variables of a domain, surface, forcing, history or restart file in a form that other tools read.

  geotiff     cloud-optimised GeoTIFF of one variable: a band for each time and layer
  netcdf-2d   maps of a list of cells: rows and columns with coordinates and grid mapping (CF)
  vtk         cells with exact corners for ParaView and VisIt (.vtu)

Cells of the Daymet grid keep its projection, cells of a regular grid become EPSG:4326. Variables on
landunits, columns and patches are averaged to cells with their weights.
"""

EPILOG = """\
examples:
  kiloland export surfdata.nc PCT_SAND --to geotiff -o sand.tif
  kiloland export run.elm.h0.0016-07.nc TSOI --to geotiff --level 3 --mean -o soil.tif
  kiloland export surfdata.nc --to netcdf-2d -o surfdata_map.nc
  kiloland export domain.nc area frac --to vtk -o domain.vtu
"""
FORMS = {"geotiff": ".tif", "netcdf-2d": ".nc", "vtk": ".vtu"}


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "export",
        help="write GeoTIFF, maps in netCDF, or cells for ParaView",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "variables", nargs="*", metavar="VARIABLE", help="without any: all over cells (not for geotiff)"
    )
    parser.add_argument("--to", choices=list(FORMS), required=True, help="what to write")
    parser.add_argument(
        "--level",
        action="append",
        type=int,
        default=[],
        metavar="K",
        help="one layer, from 0 (default: all); again for a second dimension of layers",
    )
    parser.add_argument(
        "--time", metavar="T", help="record from 0, from the end if negative, or YYYY-MM-DD (default: all)"
    )
    parser.add_argument("--mean", action="store_true", help="mean over the records instead of all of them")
    parser.add_argument("--patch-type", type=int, metavar="P", help="only patches of this vegetation type")
    parser.add_argument(
        "--domain", type=Path, metavar="D.nc", help="domain file, for files without coordinates"
    )
    parser.add_argument(
        "--whole-grid", action="store_true", help="the whole grid, not the rectangle around the cells"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT")
    parser.set_defaults(handler=export)


def export(options: argparse.Namespace) -> ExitCode:
    """Write the file and say what is in it."""
    # The libraries of other formats take a second to load; other commands do without.
    from kiloland.report import Choice
    from kiloland.report.export import export_geotiff, export_netcdf, export_vtk

    choice = Choice(options.time, tuple(options.level), options.patch_type)
    path, names, output = options.file, options.variables, options.output
    more = {"domain": options.domain, "mean": options.mean}
    if options.to == "geotiff":
        if len(names) != 1:
            raise InputError("a GeoTIFF holds one variable", found=len(names), expected="one VARIABLE")
        done = export_geotiff(path, names[0], output, choice, whole_grid=options.whole_grid, **more)
    elif options.to == "netcdf-2d":
        done = export_netcdf(path, names, output, choice, whole_grid=options.whole_grid, **more)
    elif options.whole_grid:
        raise InputError("cells without data have no place in a list of cells", found="--whole-grid")
    else:
        done = export_vtk(path, names, output, choice, **more)
    print(done.line())
    return ExitCode.OK
