"""Rate of comparing two large CDF-5 files, against reading both with ``cat`` in the same run.

    python benchmarks/compare_speed.py [--folder DIR] [--patches N] [--repeats N]

Two identical restart-like files are compared bit for bit: 80 double variables on 2.3 million patches, one of
columns by layers, and small ones. ``cat A B > /dev/null`` and the comparison alternate; the medians are set
against each other. Both find the files in the cache of the system, so that the disk does not decide; what is
left is the cost of the comparison itself. The time of the whole command, with the start of Python, stands
beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kiloland.files import FileSchema, VariableSchema, write_dataset, write_text
from kiloland.verify import compare_copies, compare_files
from machine import machine

RESULTS = Path(__file__).parent / "results"
BAR = 0.5
VARIABLES = 80
LAYERS = 20


def write_pair(folder: Path, patches: int) -> tuple[Path, Path]:
    """Two files with the same values."""
    columns = patches // 4
    names = [f"patch_{number:02d}" for number in range(VARIABLES)]
    schema = FileSchema(
        dimensions={"column": columns, "pft": patches, "levtot": LAYERS},
        variables=(
            *(VariableSchema(name, "f8", ("pft",), {"units": "1", "_FillValue": 1e36}) for name in names),
            VariableSchema("T_SOISNO", "f8", ("column", "levtot"), {"units": "K"}),
            VariableSchema("step", "i4", ()),
        ),
    )
    random = np.random.default_rng(1)
    values: dict[str, Any] = {name: random.random(patches) for name in names}
    values |= {"T_SOISNO": random.random((columns, LAYERS)), "step": np.int32(1)}
    paths = folder / "a.nc", folder / "b.nc"
    for path in paths:
        write_dataset(path, schema, values)
    return paths


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def measure(paths: tuple[Path, Path], repeats: int) -> dict[str, list[float]]:
    """Seconds of each way, interleaved."""
    first, second = (str(path) for path in paths)

    def cat() -> None:
        with open(os.devnull, "wb") as sink:
            subprocess.run(["cat", first, second], stdout=sink, check=True)

    def compare() -> None:
        if not compare_files(first, second).identical:
            raise RuntimeError("the files differ")

    def copies() -> None:
        if not compare_copies(first, second, 1).identical:
            raise RuntimeError("the file is no copy")

    def command() -> None:
        subprocess.run(
            [sys.executable, "-m", "kiloland.cli.main", "compare", first, second],
            stdout=subprocess.DEVNULL,
            check=True,
        )

    ways = {"cat": cat, "compare": compare, "compare --copies 1": copies, "whole command": command}
    for action in ways.values():
        action()
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, action in ways.items():
            times[name].append(seconds(action))
    return times


def report(result: dict[str, Any], rows: list[tuple[str, float, float, float]]) -> str:
    facts = result["machine"]
    lines = [
        "# Rate of comparison",
        "",
        f"Two files of {result['bytes_per_file']:,} bytes; {facts['cores']} cores of {facts['cpu']}, "
        f"Python {facts['python']}, numpy {facts['numpy']}; median of {result['repeats']} alternating runs.",
        "",
        "| way | seconds | GB/s | share of cat |",
        "|---|---:|---:|---:|",
        *(f"| {name} | {time:.3f} | {rate:.2f} | {share:.2f} |" for name, time, rate, share in rows),
        "",
        f"Bar: {BAR} of the rate of cat; {'met' if result['met'] else 'MISSED'}.",
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--folder", type=Path, help="where the files are made (default: the temporary folder)"
    )
    parser.add_argument("--patches", type=int, default=2_331_447)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        paths = write_pair(Path(folder), options.patches)
        size = paths[0].stat().st_size
        times = measure(paths, options.repeats)
    medians = {name: statistics.median(values) for name, values in times.items()}
    rows = [(name, t, 2 * size / t / 1e9, medians["cat"] / t) for name, t in medians.items()]
    result: dict[str, Any] = {
        "machine": machine(),
        "bytes_per_file": size,
        "repeats": options.repeats,
        "seconds": times,
        "share_of_cat": {name: share for name, _, _, share in rows},
        "bar": BAR,
        "met": medians["cat"] / medians["compare"] >= BAR,
    }
    text = report(result, rows)
    RESULTS.mkdir(exist_ok=True)
    write_text(RESULTS / "compare_speed.json", json.dumps(result, indent=1) + "\n")
    write_text(RESULTS / "compare_speed.md", text)
    print(text)
    return 0 if result["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
