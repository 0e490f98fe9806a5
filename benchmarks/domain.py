"""Time and memory of making domain files: all North American land, and the Seward Peninsula.

    python benchmarks/domain.py [--shared DIR] [--folder DIR] [--repeats 3]

Each domain is made by the command line in a process of its own. Time is that of the whole process, start and
sync to disk included. Memory is the largest resident set; that counts pages of the file itself while it is
verified through a memory map, so the largest anonymous part (what the process really needs) is given too.
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
from pathlib import Path

import pyproj

from kiloland.files import open_dataset, write_text
from machine import described, machine

RESULTS = Path(__file__).parent / "results"
BARS = {"North America": (60.0, 4.0)}
"""Bars: seconds, and GB of resident memory."""


def cases(shared: Path) -> dict[str, list[str]]:
    """Arguments of ``kiloland craft domain`` for each domain."""
    folder = shared / "data" / "daymet"
    land = ["--grid", "daymet", "--land-mask", str(folder / "Daymet_NA_landmask.csv.gz")]
    points = ["--points", str(folder / "daymet_AK_all2.csv.gz"), "--coordinates", "xy"]
    return {"North America": land, "Seward Peninsula": land + points}


def anonymous_memory(process: int) -> int:
    """Resident memory (bytes) of a process that no file backs; 0 once it has gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(lines[0].split()[1]) * 1024 if lines else 0


def timed(arguments: list[str], output: Path) -> dict[str, float]:
    """Seconds and largest memory (bytes) of one run."""
    command = [
        sys.executable,
        "-m",
        "kiloland.cli.main",
        "-q",
        "craft",
        "domain",
        *arguments,
        "-o",
        str(output),
    ]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    anonymous = 0
    while True:
        done, status, usage = os.wait4(process.pid, os.WNOHANG)
        if done:
            break
        anonymous = max(anonymous, anonymous_memory(process.pid))
        time.sleep(0.02)
    seconds = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"craft domain failed: {arguments}")
    return {
        "seconds": seconds,
        "processor_seconds": usage.ru_utime + usage.ru_stime,
        "resident_bytes": usage.ru_maxrss * 1024,
        "anonymous_bytes": anonymous,
    }


def measure(name: str, arguments: list[str], folder: Path, repeats: int) -> dict[str, object]:
    """Medians of several runs, and what was made."""
    output = folder / "domain.nc"
    runs = [timed(arguments, output) for _ in range(repeats)]
    with open_dataset(output) as dataset:
        cells = dataset.dimensions["ni"] * dataset.dimensions["nj"]
        area = float(dataset["area"].read().sum()) * 6371.22**2
    result: dict[str, object] = {
        "domain": name,
        "cells": cells,
        "area_km2": area,
        "bytes": output.stat().st_size,
    }
    result |= {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    output.unlink()
    return result | {"all_seconds": [run["seconds"] for run in runs]}


def page(results: dict[str, object], rows: list[dict[str, object]]) -> str:
    """The results as a page."""
    lines = [
        "# Domain files",
        "",
        f"`kiloland craft domain`, whole process, medians of {results['repeats']} runs. Bars for North "
        "America: 60 s, 4 GB. The resident set counts pages of the file while it is verified.",
        "",
        "| Domain | cells | area km2 | file MB | seconds | range | cpu s | resident MB | anonymous MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        times = row["all_seconds"]
        assert isinstance(times, list)
        megabytes = [float(str(row[key])) / 1e6 for key in ("bytes", "resident_bytes", "anonymous_bytes")]
        lines.append(
            f"| {row['domain']} | {row['cells']:,} | {row['area_km2']:,.0f} | {megabytes[0]:,.1f} "
            f"| {row['seconds']:.1f} | {min(times):.1f} to {max(times):.1f} | {row['processor_seconds']:.1f} "
            f"| {megabytes[1]:,.0f} | {megabytes[2]:,.0f} |"
        )
    return "\n".join([*lines, "", f"Machine: {described(results['machine'])}.", ""])


def main() -> int:
    """Measure, write the results, and fail where a bar is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    beside = Path(__file__).resolve().parents[2] / "shared"
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("KILOLAND_SHARED", beside)))
    parser.add_argument(
        "--folder", type=Path, help="where the domains are written (default: a temporary folder)"
    )
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    results: dict[str, object] = {"repeats": options.repeats, "machine": machine(pyproj=pyproj.__version__)}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        rows = [
            measure(name, arguments, Path(folder), options.repeats)
            for name, arguments in cases(options.shared).items()
        ]
    results["domains"] = rows
    write_text(RESULTS / "domain.json", json.dumps(results, indent=2) + "\n")
    write_text(RESULTS / "domain.md", page(results, rows))
    print(page(results, rows))
    slow = [
        row["domain"]
        for row in rows
        for seconds, gigabytes in [BARS.get(str(row["domain"]), (float("inf"), float("inf")))]
        if float(str(row["seconds"])) > seconds or float(str(row["resident_bytes"])) > gigabytes * 1e9
    ]
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main())
