"""How fast CDF-5 files are written, beside a raw write of the same bytes with the same sync.

    python benchmarks/write_speed.py [--folder DIR] [--entries 2300000] [--variables 24] [--repeats 7]

Each repeat writes fresh files with every method, in turning order; the ratio is formed within a repeat and
its median is reported. Times run from opening the file to its final name, with one fsync of the data.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np

from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset, write_text
from machine import described, machine

RESULTS = Path(__file__).parent / "results"
Arrays = dict[str, np.ndarray]


def schema_of(arrays: Arrays, checksums: bool) -> FileSchema:
    """A vector of patches with the attributes that restart files carry."""
    entries = next(iter(arrays.values())).size
    variables = tuple(
        VariableSchema(
            name,
            "f8",
            ("pft",),
            {
                "long_name": f"made-up field {name}",
                "units": "W/m^2",
                "_FillValue": 1e36,
                "missing_value": 1e36,
            },
        )
        for name in arrays
    )
    return FileSchema({"pft": entries}, None, variables, {"title": "write benchmark"}, checksums=checksums)


def raw(path: Path, arrays: Arrays) -> None:
    """The bytes as they are in memory, one system call per variable, and the same sync."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    for array in arrays.values():
        data = memoryview(array).cast("B")
        while data:
            data = data[os.write(descriptor, data) :]
    os.fsync(descriptor)
    os.close(descriptor)


def kiloland_checksums(path: Path, arrays: Arrays) -> None:
    write_dataset(path, schema_of(arrays, True), arrays, verify=False)


def kiloland_plain(path: Path, arrays: Arrays) -> None:
    write_dataset(path, schema_of(arrays, False), arrays, verify=False)


def kiloland_verified(path: Path, arrays: Arrays) -> None:
    write_dataset(path, schema_of(arrays, True), arrays)


def netcdf4_library(path: Path, arrays: Arrays) -> None:
    """The same file by netCDF4-python: everything defined first, no fill values."""
    schema = schema_of(arrays, False)
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_DATA") as dataset:
        dataset.set_fill_off()
        dataset.createDimension("pft", schema.dimensions["pft"])
        for variable in schema.variables:
            target = dataset.createVariable(variable.name, "f8", ("pft",), fill_value=1e36)
            target.setncatts({k: v for k, v in variable.attributes.items() if k != "_FillValue"})
        for name, array in arrays.items():
            dataset[name][:] = array
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


METHODS: dict[str, tuple[str, Callable[[Path, Arrays], None]]] = {
    "raw": ("raw write", raw),
    "checksums": ("Kiloland, with checksums", kiloland_checksums),
    "plain": ("Kiloland, without checksums", kiloland_plain),
    "verified": ("Kiloland, with checksums and verification", kiloland_verified),
    "netcdf4": ("netCDF4-python, CDF-5", netcdf4_library),
}


def timed(method: Callable[[Path, Arrays], None], folder: Path, arrays: Arrays) -> float:
    """Seconds of one write of a fresh file."""
    path = folder / "written.nc"
    start = time.perf_counter()
    method(path, arrays)
    seconds = time.perf_counter() - start
    path.unlink()
    return seconds


def measure(folder: Path, arrays: Arrays, repeats: int) -> dict[str, list[float]]:
    """Seconds of every method and repeat; the order turns round from one repeat to the next."""
    seconds: dict[str, list[float]] = {key: [] for key in METHODS}
    for method in ("raw", "checksums"):
        timed(METHODS[method][1], folder, arrays)
    for repeat in range(repeats):
        for key in list(METHODS)[:: 1 if repeat % 2 == 0 else -1]:
            seconds[key].append(timed(METHODS[key][1], folder, arrays))
    return seconds


def check(folder: Path, arrays: Arrays) -> None:
    """What is timed is right: the netCDF4 library reads the same numbers back."""
    path = folder / "checked.nc"
    kiloland_checksums(path, arrays)
    with netCDF4.Dataset(path) as dataset, open_dataset(path, verify=True):
        for name, array in arrays.items():
            if not np.array_equal(dataset[name][:], array):
                raise SystemExit(f"{name} was not written correctly")
    path.unlink()


def report(result: dict) -> str:
    """The result as a markdown page."""
    lines = [
        "# Write speed",
        "",
        f"{result['variables']} double variables of {result['entries']:,} entries with attributes "
        f"({result['bytes'] / 1e6:.0f} MB), {result['repeats']} repeats in turning order, fresh files, "
        "one fsync each; medians. The ratio is that of the rates, formed within each repeat.",
        "",
        "| Method | seconds | MB/s | ratio to raw | ratio, range |",
        "|---|---|---|---|---|",
    ]
    for row in result["methods"].values():
        lines.append(
            f"| {row['name']} | {row['seconds']:.3f} | {row['megabytes_per_second']:.0f} "
            f"| {row['ratio_to_raw']:.2f} | {row['ratio_range'][0]:.2f} to {row['ratio_range'][1]:.2f} |"
        )
    facts = described(result["machine"])
    lines += ["", f"Machine: {facts}. Load at the start: {result['load_at_start']:.1f}."]
    if result["load_at_start"] > 0.5 * result["machine"]["cores"]:
        lines += [
            "",
            "The machine was busy with other work, so the ratios scatter; repeat this on an idle one.",
        ]
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", help="where the files are written (default: the folder for temporaries)")
    parser.add_argument("--entries", type=int, default=2_300_000)
    parser.add_argument("--variables", type=int, default=24)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--print-only", action="store_true", help="leave the stored results as they are")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    random = np.random.default_rng(1)
    arrays = {f"field_{k:02d}": random.normal(280.0, 10.0, options.entries) for k in range(options.variables)}
    size = sum(array.nbytes for array in arrays.values())
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        check(Path(name), arrays)
        seconds = measure(Path(name), arrays, options.repeats)
    methods = {}
    for key, (label, _) in METHODS.items():
        ratios = [base / own for base, own in zip(seconds["raw"], seconds[key], strict=True)]
        median = statistics.median(seconds[key])
        methods[key] = {
            "name": label,
            "seconds": median,
            "megabytes_per_second": size / median / 1e6,
            "ratio_to_raw": statistics.median(ratios),
            "ratio_range": [min(ratios), max(ratios)],
            "all_seconds": seconds[key],
        }
    facts = {
        "entries": options.entries,
        "variables": options.variables,
        "bytes": size,
        "repeats": options.repeats,
    }
    result = {
        **facts,
        "methods": methods,
        "machine": machine(netCDF4=netCDF4.__version__),
        "load_at_start": load,
    }
    print(report(result))
    if not options.print_only:
        write_text(RESULTS / "write_speed.json", json.dumps(result, indent=2) + "\n")
        write_text(RESULTS / "write_speed.md", report(result))


if __name__ == "__main__":
    main()
