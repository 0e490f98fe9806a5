"""How fast the cells of a variable are repeated, beside a rewrite of the whole variable for each layer.

    python benchmarks/duplicate_speed.py [--folder DIR] [--cells 3000] [--times 10] [--repeats 3]

The peer is re-created from its description: for every one of the 12 x 17 layers of a monthly variable the
whole variable is read, grown copy by copy with ``np.concatenate``, and assigned as a whole to the variable of
a netCDF-4 file. The straight pass repeats all layers in memory and assigns them once, into CDF-5. A raw copy
writes the bytes of the result without a format. Every method ends with the data on the disk (fsync), and the
values of all files are compared.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np

from kiloland.craft.duplicate import Times
from kiloland.craft.virtual import duplicate
from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset
from machine import described, machine, save_results

NAME = "MONTHLY_LAI"
MONTHS, TYPES = 12, 17


def make_source(path: Path, cells: int) -> None:
    """A surface variable of made-up numbers."""
    values = np.random.default_rng(1).random((MONTHS, TYPES, cells))
    schema = FileSchema(
        {"time": MONTHS, "lsmpft": TYPES, "gridcell": cells},
        None,
        (VariableSchema(NAME, "f8", ("time", "lsmpft", "gridcell"), {"units": "m2/m2"}),),
    )
    write_dataset(path, schema, {NAME: values})


def created(path: Path, cells: int, kind: str) -> netCDF4.Dataset:
    dataset = netCDF4.Dataset(path, "w", format=kind)
    for dim, length in (("time", MONTHS), ("lsmpft", TYPES), ("gridcell", cells)):
        dataset.createDimension(dim, length)
    dataset.createVariable(NAME, "f8", ("time", "lsmpft", "gridcell"))
    return dataset


def synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    os.fsync(descriptor)
    os.close(descriptor)


def per_layer(source: Path, target: Path, times: int) -> None:
    """The whole variable is read, repeated and assigned once for each of its layers."""
    with (
        netCDF4.Dataset(source) as reader,
        created(target, reader[NAME].shape[2] * times, "NETCDF4") as writer,
    ):
        for _ in range(MONTHS * TYPES):
            values = reader[NAME][:]
            whole = np.copy(values)
            for _ in range(times - 1):
                whole = np.concatenate((whole, values), axis=2)
            writer[NAME][:] = whole
    synced(target)


def straight(source: Path, target: Path, times: int) -> None:
    with netCDF4.Dataset(source) as reader:
        whole = np.tile(np.asarray(reader[NAME][:]), (1, 1, times))
    with created(target, whole.shape[2], "NETCDF3_64BIT_DATA") as writer:
        writer.set_fill_off()
        writer[NAME][:] = whole
    synced(target)


def raw(source: Path, target: Path, times: int) -> None:
    with open_dataset(source) as dataset:
        view = dataset[NAME].raw()
        data = np.tile(view, (1, 1, times)).tobytes()
    target.write_bytes(data)
    synced(target)


def kiloland(source: Path, target: Path, times: int) -> None:
    duplicate(source, Times((times,)), target)


METHODS: dict[str, Callable[[Path, Path, int], None]] = {
    "per-layer rewrite (netCDF4)": per_layer,
    "one assignment (netCDF4)": straight,
    "raw bytes": raw,
    "kiloland craft duplicate": kiloland,
}
OURS = "kiloland craft duplicate"


def measured(folder: Path, source: Path, times: int, repeats: int) -> dict[str, list[float]]:
    """Seconds of every method in turn, on fresh files."""
    seconds: dict[str, list[float]] = {name: [] for name in METHODS}
    with open_dataset(source) as dataset:
        expected = np.tile(dataset[NAME].read(), (1, 1, times))
    for repeat in range(repeats):
        for name in list(METHODS)[repeat % len(METHODS) :] + list(METHODS)[: repeat % len(METHODS)]:
            target = folder / "copies.nc"
            target.unlink(missing_ok=True)
            started = time.perf_counter()
            METHODS[name](source, target, times)
            seconds[name].append(time.perf_counter() - started)
            if name != "raw bytes":
                with open_dataset(target) as dataset:
                    np.testing.assert_array_equal(dataset[NAME].read(), expected)
    return seconds


def page(results: dict[str, object], seconds: dict[str, list[float]], ratios: dict[str, float]) -> str:
    rows = "\n".join(
        f"| {name} | {statistics.median(times):.3f} | {ratios[name]:.2f} |" for name, times in seconds.items()
    )
    return (
        f"# Repeating cells\n\nA variable of {MONTHS} x {TYPES} x {results['cells']} cells, "
        f"x{results['times']} ({results['megabytes']} MB). Median of {results['repeats']} repeats; the ratio "
        "is formed within a repeat. All methods end with an fsync; kiloland also sums up and verifies what "
        "it wrote.\n\n| method | seconds | seconds per second of kiloland |\n|---|---|---|\n"
        f"{rows}\n\nMachine: {described(results['machine'])}.\n"  # type: ignore[arg-type]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--cells", type=int, default=3000)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    facts = machine(netCDF4=netCDF4.__version__)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        make_source(folder / "source.nc", options.cells)
        METHODS[OURS](folder / "source.nc", folder / "warm.nc", 2)
        seconds = measured(folder, folder / "source.nc", options.times, options.repeats)
    ratios = {
        method: statistics.median(own / ours for own, ours in zip(times, seconds[OURS], strict=True))
        for method, times in seconds.items()
    }
    size = round(MONTHS * TYPES * options.cells * options.times * 8 / 1e6, 1)
    results: dict[str, object] = {
        "cells": options.cells,
        "times": options.times,
        "repeats": options.repeats,
        "megabytes": size,
        "seconds": {name: [round(one, 4) for one in times] for name, times in seconds.items()},
        "ratio_to_kiloland": {name: round(ratio, 2) for name, ratio in ratios.items()},
        "machine": facts,
    }
    text = page(results, seconds, ratios)
    print(text)
    save_results("duplicate_speed", results, text)


if __name__ == "__main__":
    main()
