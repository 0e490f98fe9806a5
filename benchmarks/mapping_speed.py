"""Mapping of layers to many cells: weights made once, against one ``griddata`` call for each layer.

    python benchmarks/mapping_speed.py [--layers 100] [--targets 1000000] [--peer-layers 2] [--cells 150000]

Half-degree source cells of North America, cells of the Daymet grid as targets. The peer is
``scipy.interpolate.griddata`` (nearest and linear), called anew for each layer, as public scripts do; a
few of its layers are timed and the mean stands for all. Time of this package includes its weights. Values
are compared: nearest in degrees and nearest by great circle differ for some cells, linear on triangles and
bilinear within a source cell differ inside it, so a plane in longitude and latitude must agree. The peer of
the spline is ``scipy.interpolate.RectBivariateSpline``, made and evaluated anew for each layer.

Then a whole surface file of ``--cells`` cells is made by one rank and by two, in turns; the best of three
counts for each, and the bytes must be the same.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from scipy.interpolate import RectBivariateSpline, griddata

from kiloland.craft.surface import Mapper, Method, SourceGrid
from kiloland.files import FileSchema, VariableSchema, write_dataset
from kiloland.grid import DaymetGrid, Domain, build_domain, write_domain
from machine import described, machine, save_results

BAR = 25.0
SOURCE = SourceGrid(180.25, 5.25, 0.5, 0.5, 300, 160, cyclic=False)


def target_cells(number: int) -> Domain:
    """Cells of the Daymet grid, spread evenly over those within the source."""
    grid = DaymetGrid()
    spread = np.linspace(0, grid.number_of_cells - 1, 3 * number).astype(np.int64)
    longitude, latitude = grid.centres(spread)
    inside = (longitude > 181.0) & (longitude < 329.0) & (latitude > 6.0) & (latitude < 84.5)
    chosen = spread[inside]
    return build_domain(grid, chosen[np.linspace(0, chosen.size - 1, number).astype(np.int64)])


def layers(number: int) -> list[np.ndarray]:
    """Planes in longitude and latitude, each different."""
    row, column = np.divmod(np.arange(SOURCE.cells), SOURCE.columns)
    longitude, latitude = SOURCE.column_longitude(column), SOURCE.row_latitude(row)
    return [(1.0 + 0.01 * k) * longitude + (2.0 - 0.01 * k) * latitude for k in range(number)]


PROGRAM = """
import sys, time
from pathlib import Path
from kiloland.craft.surface import SurfaceRequest, craft_surface
from kiloland.run.ranks import join_ranks

ranks, folder = join_ranks(), Path(sys.argv[1])
ranks.barrier()
start = time.perf_counter()
craft_surface(SurfaceRequest(folder / "source.nc", folder / "domain.nc", folder / f"{ranks.size}.nc"), ranks)
ranks.barrier()
if ranks.is_root:
    print(time.perf_counter() - start)
"""
"""One rank of a job that makes a surface file and says how long it took."""


def write_source(path: Path) -> None:
    """Land units, plants, soil and monthly leaf area on the source grid: 289 layers."""
    wave = 0.5 + 0.5 * np.sin(np.arange(SOURCE.cells) / 300.0).reshape(SOURCE.rows, SOURCE.columns)
    units = {"PCT_NATVEG": 70.0, "PCT_CROP": 10.0, "PCT_WETLAND": 5.0, "PCT_LAKE": 10.0, "PCT_GLACIER": 5.0}
    arrays = {name: np.full(wave.shape, share) for name, share in units.items()}
    arrays |= {name: 40.0 * np.stack([wave] * 10) for name in ("PCT_SAND", "PCT_CLAY", "ORGANIC")}
    arrays |= {name: wave.copy() for name in ("FMAX", "SLOPE", "STD_ELEV", "ZWT0", "F0", "P3", "LABILE_P")}
    arrays["SOIL_COLOR"] = np.rint(1.0 + 18.0 * wave)
    arrays["PCT_NAT_PFT"] = np.stack([np.full(wave.shape, 100.0 / 17.0)] * 17)
    arrays["MONTHLY_LAI"] = np.broadcast_to(wave, (12, 17, *wave.shape)).copy()
    arrays["MONTHLY_LAI"][:, 0] = 0.0
    latitude, longitude = (
        SOURCE.row_latitude(np.arange(SOURCE.rows)),
        SOURCE.column_longitude(np.arange(SOURCE.columns)),
    )
    arrays["LATIXY"], arrays["LONGXY"] = np.meshgrid(latitude, longitude, indexing="ij")
    lead = {10: ("nlevsoi",), 17: ("natpft",), 12: ("time", "lsmpft")}
    variables = tuple(
        VariableSchema(
            name, "f8", ((*lead[values.shape[0]],) if values.ndim > 2 else ()) + ("lsmlat", "lsmlon")
        )
        for name, values in arrays.items()
    )
    sizes = {
        "lsmlat": SOURCE.rows,
        "lsmlon": SOURCE.columns,
        "nlevsoi": 10,
        "natpft": 17,
        "time": 12,
        "lsmpft": 17,
    }
    write_dataset(path, FileSchema(sizes, None, variables), arrays)


def scaling(cells: int) -> dict[str, Any]:
    """Seconds of one and of two ranks for a whole surface file, the best of three each."""
    launcher = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
    if launcher is None:
        return {}
    best = {1: np.inf, 2: np.inf}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_source(folder / "source.nc")
        write_domain(folder / "domain.nc", target_cells(cells))
        for _ in range(3):
            for ranks in best:
                words = [launcher, "-n", str(ranks), sys.executable, "-c", PROGRAM, name]
                done = subprocess.run(words, capture_output=True, text=True, check=True)
                best[ranks] = min(best[ranks], float(done.stdout.split()[-1]))
        first, second = ((folder / f"{ranks}.nc").read_bytes() for ranks in best)
        if first != second:
            raise SystemExit("the file of two ranks differs")
    return {
        "cells": cells,
        "megabytes": len(first) / 1e6,
        "one_rank_seconds": best[1],
        "two_ranks_seconds": best[2],
        "speedup": best[1] / best[2],
    }


def ours(domain: Domain, fields: list[np.ndarray], method: Method) -> tuple[float, float, np.ndarray]:
    """Seconds for weights and all layers, seconds for the weights alone, and the last layer."""
    start = time.perf_counter()
    mapper = Mapper(SOURCE, domain, 100.0)
    valid = np.ones(SOURCE.cells, dtype=bool)
    mapper.used(method, valid)
    weights_made = time.perf_counter() - start
    for field in fields:
        values = mapper.map(field, method)
    return time.perf_counter() - start, weights_made, values


def peer(domain: Domain, fields: list[np.ndarray], method: Method) -> tuple[float, np.ndarray]:
    """Seconds of one layer (mean), and the last layer."""
    row, column = np.divmod(np.arange(SOURCE.cells), SOURCE.columns)
    points = np.stack([SOURCE.column_longitude(column), SOURCE.row_latitude(row)], axis=-1)
    targets = np.stack([domain.longitude, domain.latitude], axis=-1)
    rows, columns = (
        SOURCE.row_latitude(np.arange(SOURCE.rows)),
        SOURCE.column_longitude(np.arange(SOURCE.columns)),
    )
    start = time.perf_counter()
    for field in fields:
        if method is Method.SPLINE:
            spline = RectBivariateSpline(rows, columns, field.reshape(SOURCE.rows, SOURCE.columns), s=0)
            values = spline.ev(domain.latitude, domain.longitude)
        else:
            values = griddata(points, field, targets, method=method.value)
    return (time.perf_counter() - start) / len(fields), np.asarray(values)


def measure(domain: Domain, number: int, peer_layers: int, method: Method) -> dict[str, Any]:
    """One method: times, ratio and agreement."""
    fields = layers(number)
    seconds, weights, values = ours(domain, fields, method)
    peer_seconds, _ = peer(domain, fields[:peer_layers], method)
    last = peer(domain, fields[-1:], method)[1]
    same = np.abs(values - last) <= 1e-9 * np.abs(last)
    return {
        "method": method.value,
        "seconds": seconds,
        "weights_seconds": weights,
        "milliseconds_a_layer": 1000.0 * (seconds - weights) / number,
        "peer_seconds_a_layer": peer_seconds,
        "ratio": peer_seconds * number / seconds,
        "same_share": float(same.mean()),
    }


def page(results: dict[str, Any]) -> str:
    """The results as a page."""
    lines = [
        "# Mapping of surface layers",
        "",
        f"{results['layers']} layers of {SOURCE.cells:,} half-degree cells to {results['targets']:,} Daymet "
        f"cells, one process. The peer calls `griddata` for each layer ({results['peer_layers']} timed). Bar "
        f"{BAR:g} times. Time includes the weights. Largest resident memory {results['resident_mb']:.0f} MB, "
        "the peer's included.",
        "",
        "| Method | seconds | of these weights | ms a layer | griddata s a layer | ratio | equal cells |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in results["methods"]:
        lines.append(
            f"| {row['method']} | {row['seconds']:.2f} | {row['weights_seconds']:.2f} "
            f"| {row['milliseconds_a_layer']:.1f} | {row['peer_seconds_a_layer']:.2f} | {row['ratio']:.0f} "
            f"| {100 * row['same_share']:.3f} % |"
        )
    lines += [
        "",
        "The peer of the spline is `RectBivariateSpline` for each layer; it has no bar.",
        "Nearest differs where degrees and great circles do not agree on what is near.",
        "",
        *_scaling_lines(results["ranks"]),
        f"Machine: {described(results['machine'])}.",
        "",
    ]
    return "\n".join(lines)


def _scaling_lines(ranks: dict[str, Any]) -> list[str]:
    if not ranks:
        return []
    return [
        f"A surface file of {ranks['cells']:,} cells ({ranks['megabytes']:.0f} MB), written and verified; "
        f"best of three: one rank {ranks['one_rank_seconds']:.1f} s, two ranks "
        f"{ranks['two_ranks_seconds']:.1f} s, {ranks['speedup']:.2f} times as fast, the same bytes.",
        "",
    ]


def main() -> int:
    """Measure, write the results, and fail where the bar is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--layers", type=int, default=100)
    parser.add_argument("--targets", type=int, default=1_000_000)
    parser.add_argument("--peer-layers", type=int, default=2)
    parser.add_argument("--cells", type=int, default=150_000, help="cells of the file made by ranks")
    options = parser.parse_args()
    facts = machine(scipy=scipy.__version__)
    domain = target_cells(options.targets)
    methods = [
        measure(domain, options.layers, options.peer_layers, method)
        for method in (Method.NEAREST, Method.LINEAR, Method.SPLINE)
    ]
    results: dict[str, Any] = {
        "layers": options.layers,
        "targets": domain.number_of_cells,
        "peer_layers": options.peer_layers,
        "resident_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        "methods": methods,
        "ranks": scaling(options.cells),
        "machine": facts,
    }
    text = page(results)
    save_results("mapping_speed", results, text)
    print(text)
    return int(any(row["ratio"] < BAR for row in methods if row["method"] != Method.SPLINE.value))


if __name__ == "__main__":
    sys.exit(main())
