"""North America in a sample: domain and nearest-neighbour surface data of every 20th land cell.

    python benchmarks/north_america.py [--shared DIR] [--folder DIR] [--every 20]

`kiloland craft domain` and `kiloland craft surface` run as processes of their own, on every 20th land cell of
Daymet's mask and on every 80th. Time is that of the whole process, start and sync to disk included; memory
the largest anonymous part and the largest resident set (which counts pages of mapped files). The line through
both samples of the surface is drawn on to all land cells: an extrapolation, no measurement. The source is
synthetic, half a degree, with all variables that ELM may read but those of topounits; what may be is mapped
by nearest.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from domain import anonymous_memory
from kiloland.craft.plan import plan_job
from kiloland.craft.surface import Method, surface_table
from kiloland.files import write_bytes, write_text
from kiloland.grid import DaymetGrid, read_land_mask
from machine import described, machine, save_results

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "craft"))
from surface_samples import Layout, write_source

COARSER = 4
"""How many times fewer cells the second sample has."""


def timed(words: list[str]) -> dict[str, float]:
    """Seconds and largest memory (bytes) of one command."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "kiloland.cli.main", "-q", "craft", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    anonymous = 0
    while True:
        done, status, usage = os.wait4(process.pid, os.WNOHANG)
        if done:
            break
        anonymous = max(anonymous, anonymous_memory(process.pid))
        time.sleep(0.02)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"failed: kiloland craft {' '.join(words)}")
    return {
        "seconds": time.perf_counter() - start,
        "processor_seconds": usage.ru_utime + usage.ru_stime,
        "resident_bytes": usage.ru_maxrss * 1024,
        "anonymous_bytes": anonymous,
    }


def methods() -> list[str]:
    """``--method VAR=nearest`` for every variable that may be mapped so and is not by default."""
    chosen = [
        name
        for name, variable in surface_table().items()
        if Method.NEAREST in variable.allowed and variable.method is not Method.NEAREST
    ]
    return [word for name in chosen for word in ("--method", f"{name}=nearest")]


def without_topounits(name: str, values: np.ndarray) -> np.ndarray | None:
    """All variables but those of topounits."""
    return None if "topounit" in surface_table()[name].dims else values


def write_mask(path: Path, ids: np.ndarray) -> None:
    """A land mask of Daymet's grid with these cells alone, in the form of the real one."""
    text = np.full(2 * DaymetGrid().number_of_cells, ord(","), dtype=np.uint8)
    text[::2] = ord("0")
    text[2 * ids] = ord("1")
    text[-1] = ord("\n")
    write_bytes(path, text.tobytes())


def sample(folder: Path, mask: Path, source: Path, every: int) -> list[dict[str, Any]]:
    """Domain and surface data of every so many-th land cell."""
    ids = read_land_mask(mask, DaymetGrid()).ids[::every]
    write_mask(folder / "mask.csv", ids)
    domain, surface = folder / "domain.nc", folder / "surfdata.nc"
    jobs = {
        "domain": ["domain", "--grid", "daymet", "--land-mask", str(folder / "mask.csv")],
        "surface": ["surface", "--source", str(source), "--domain", str(domain), *methods()],
    }
    rows = []
    for name, words in jobs.items():
        output = domain if name == "domain" else surface
        row: dict[str, Any] = {"product": name, "every": every, "cells": int(ids.size)}
        row |= timed([*words, "-o", str(output)])
        rows.append(row | {"bytes": output.stat().st_size})
    for path in (domain, surface):
        path.unlink()
    return rows


def extrapolated(small: dict[str, Any], large: dict[str, Any], cells: int) -> dict[str, Any]:
    """The line through two samples at so many cells; never below the larger sample."""
    row: dict[str, Any] = {"product": large["product"], "cells": cells}
    for key in ("seconds", "processor_seconds", "resident_bytes", "anonymous_bytes", "bytes"):
        slope = (large[key] - small[key]) / (large["cells"] - small["cells"])
        row[key] = max(large[key], large[key] + slope * (cells - large["cells"]))
    return row


def planned(folder: Path, cells: int) -> dict[str, dict[str, float]]:
    """What `craft plan` says of so many cells, by product."""
    text = (
        f'[job]\nname = "sample"\ndirectory = "."\n[domain]\nplanned = true\nland_cells = {cells}\n'
        f'[surface]\nsource = "source.nc"\nmethods = {[word for word in methods() if "=" in word]}\n'
    )
    write_text(folder / "job.toml", text.replace("'", '"'))
    products = plan_job(folder / "job.toml").products
    return {
        one.name: {"bytes": one.written_bytes, "memory": one.memory_per_rank, "seconds": one.seconds}
        for one in products
    }


def page(results: dict[str, Any]) -> str:
    """The results as a page."""
    lines = [
        "# North America in a sample",
        "",
        f"Domain and nearest-neighbour surface data ({results['variables']} variables, synthetic half-degree "
        "source), each a process of its own. Rows without a sample are the line through both samples, drawn "
        "on to all land cells: an extrapolation. In brackets what `craft plan` says with its own rates.",
        "",
        "| product | sample | cells | seconds | cpu s | anonymous MB | resident MB | file GB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in results["rows"]:
        which = f"1/{row['every']}" if "every" in row else "all, extrapolated"
        plan = row.get("plan")
        said = ["", "", ""]
        if plan:
            said = [
                f" ({plan['seconds']:.0f})",
                f" ({plan['memory'] / 1e6:,.0f})",
                f" ({plan['bytes'] / 1e9:.3f})",
            ]
        lines.append(
            f"| {row['product']} | {which} | {row['cells']:,} | {row['seconds']:.1f}{said[0]} "
            f"| {row['processor_seconds']:.1f} | {row['anonymous_bytes'] / 1e6:,.0f}{said[1]} "
            f"| {row['resident_bytes'] / 1e6:,.0f} | {row['bytes'] / 1e9:.3f}{said[2]} |"
        )
    lines += [
        "",
        "The domain of all land cells is measured whole in domain.md, so its samples are not drawn on: cells "
        "that lie apart share no corners and cost more than neighbours do. The resident set counts the "
        "mapped pages of the file while it is verified; the system takes them back when others need them.",
        "",
        f"Machine: {described(results['machine'])}. Other work ran on it; compare processor seconds.",
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    """Measure both samples, extrapolate, and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    beside = Path(__file__).resolve().parents[2] / "shared"
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("KILOLAND_SHARED", beside)))
    parser.add_argument("--folder", type=Path, help="where files are written (default: a temporary folder)")
    parser.add_argument("--every", type=int, default=20, help="the larger sample is 1 in so many cells")
    parser.add_argument("--write-source", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write_source:
        write_source(options.write_source, Layout(rows=360, columns=720), without_topounits)
        return 0
    facts = machine()
    mask = options.shared / "data" / "daymet" / "Daymet_NA_landmask.csv.gz"
    land = int(read_land_mask(mask, DaymetGrid()).ids.size)
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        folder = Path(made)
        source = folder / "source.nc"
        # A process of its own: the largest memory of this one would count for its children.
        words = [sys.executable, __file__, "--write-source", str(source)]
        subprocess.run(words, check=True)
        small, large = (
            sample(folder, mask, source, every) for every in (COARSER * options.every, options.every)
        )
        rows = [
            *small,
            *large,
            extrapolated(small[1], large[1], land),
        ]
        for row in rows:
            row["plan"] = planned(folder, row["cells"])[row["product"]]
    results = {
        "variables": sum("topounit" not in one.dims for one in surface_table().values()),
        "rows": rows,
        "machine": facts,
    }
    text = page(results)
    save_results("north_america", results, text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
