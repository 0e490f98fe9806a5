"""Mapping of layers to many cells: weights made once, against one ``griddata`` call for each layer.

    python benchmarks/mapping_speed.py [--layers 100] [--targets 1000000] [--peer-layers 2]

Half-degree source cells of North America, cells of the Daymet grid as targets. The peer is
``scipy.interpolate.griddata`` (nearest and linear), called anew for each layer, as public scripts do; a
few of its layers are timed and the mean stands for all. Time of this package includes its weights. Values
are compared: nearest in degrees and nearest by great circle differ for some cells, linear on triangles and
bilinear within a source cell differ inside it, so a plane in longitude and latitude must agree.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from typing import Any

import numpy as np
import scipy
from scipy.interpolate import griddata

from kiloland.craft.surface import Mapper, Method, SourceGrid
from kiloland.grid import DaymetGrid, Domain, build_domain
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


def ours(domain: Domain, fields: list[np.ndarray], method: Method) -> tuple[float, float, np.ndarray]:
    """Seconds for weights and all layers, seconds for the weights alone, and the last layer."""
    start = time.perf_counter()
    mapper = Mapper(SOURCE, domain, 100.0)
    valid = np.ones(SOURCE.cells, dtype=bool)
    mapper.weights(method, valid)
    weights_made = time.perf_counter() - start
    for field in fields:
        values = mapper.map(field, method)
    return time.perf_counter() - start, weights_made, values


def peer(domain: Domain, fields: list[np.ndarray], method: Method) -> tuple[float, np.ndarray]:
    """Seconds of one layer (mean), and the last layer."""
    row, column = np.divmod(np.arange(SOURCE.cells), SOURCE.columns)
    points = np.stack([SOURCE.column_longitude(column), SOURCE.row_latitude(row)], axis=-1)
    targets = np.stack([domain.longitude, domain.latitude], axis=-1)
    start = time.perf_counter()
    for field in fields:
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
        "Nearest differs where degrees and great circles do not agree on what is near.",
        "",
        f"Machine: {described(results['machine'])}.",
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    """Measure, write the results, and fail where the bar is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--layers", type=int, default=100)
    parser.add_argument("--targets", type=int, default=1_000_000)
    parser.add_argument("--peer-layers", type=int, default=2)
    options = parser.parse_args()
    facts = machine(scipy=scipy.__version__)
    domain = target_cells(options.targets)
    methods = [
        measure(domain, options.layers, options.peer_layers, method)
        for method in (Method.NEAREST, Method.LINEAR)
    ]
    results: dict[str, Any] = {
        "layers": options.layers,
        "targets": domain.number_of_cells,
        "peer_layers": options.peer_layers,
        "resident_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        "methods": methods,
        "machine": facts,
    }
    text = page(results)
    save_results("mapping_speed", results, text)
    print(text)
    return int(any(row["ratio"] < BAR for row in methods))


if __name__ == "__main__":
    sys.exit(main())
