"""How fast forcing is made, beside raw reads and writes of the same bytes in the same run.

    python benchmarks/forcing_speed.py --folder DIR [--repeats 3] [--prepare]

Synthetic sources over real cells of the Seward Peninsula. They are made in DIR unless they are there
(``--prepare`` does only that). *Maps*: a month of three-hourly maps, seven variables, to the list of all
72,083 cells, with the source outside and inside the system's page cache; as in netCDF-4 files one variable,
plain and deflated, against the time that its library takes to read it; and the way of the public scripts,
which mask and flatten blocks of 30 times. *Days*: a year of daily files and a reanalysis to three hours for
all cells, by one process on one core and by two ranks, beside a raw write of the same files on one core.

Other work on the machine lengthens walls, so processor seconds are noted too, and every measurement is
repeated: the table has the best of them.
"""

from __future__ import annotations

import argparse
import gzip
import os
import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from kiloland.craft.forcing.samples import write_daymet, write_reanalysis, write_three_hourly
from kiloland.grid import DaymetGrid, RegularGrid, build_domain, write_domain
from machine import described, machine, save_results

GRID = DaymetGrid()
ROWS, COLUMNS = slice(1191, 1607), slice(1603, 1998)
"""The window of the Daymet grid that holds all cells."""
YEAR = 2003
BLOCK = 4 << 20
CELLS = 72_083
STATES = ("cold", "warm")
FORMATS = {
    "classic": "CDF-5",
    "plain": "netCDF-4",
    "deflated": "netCDF-4, deflate 1, chunks of a day",
}


def cell_ids(file: Path) -> np.ndarray:
    """Ids of the cells of the Seward Peninsula from the list of their x and y [m]."""
    with gzip.open(file, "rt") as stream:
        x, y = np.loadtxt(stream, delimiter=",", usecols=(2, 3), unpack=True)
    column = np.rint((x - GRID.left) / GRID.cell_size - 0.5).astype(np.int64)
    row = np.rint((GRID.top - y) / GRID.cell_size - 0.5).astype(np.int64)
    return np.sort(row * GRID.columns + column)


def prepare(folder: Path, points: Path) -> None:
    """The sources, each unless it is there."""
    ids = cell_ids(points)
    if not (folder / "maps").exists():
        write_domain(folder / "all.nc", build_domain(GRID, ids))
        write_three_hourly(folder / "maps", GRID, ROWS, COLUMNS, YEAR, 1)
    if not (folder / "hdf").exists():
        (folder / "hdf").mkdir()
        for kind, options in (("plain", {}), ("deflated", {"zlib": True, "complevel": 1, "shuffle": True})):
            rewrite(
                folder / f"maps/clmforc.Daymet4.1km.TBOT.{YEAR}-01.nc", folder / f"hdf/{kind}.nc", options
            )
    if not (folder / "year").exists():
        write_daymet(folder / "year", GRID, ROWS, COLUMNS, YEAR)
        write_reanalysis(folder / "year", RegularGrid(188.0, 203.0, 30, 61.0, 70.0, 18), YEAR)


def rewrite(source: Path, target: Path, options: dict[str, Any]) -> None:
    """A map file as netCDF-4, plain or compressed by days."""
    with netCDF4.Dataset(source) as old, netCDF4.Dataset(target, "w") as new:
        for name, dimension in old.dimensions.items():
            new.createDimension(name, dimension.size)
        for name, variable in old.variables.items():
            chunks = (8, *variable.shape[1:]) if variable.ndim == 3 and options else None
            made = new.createVariable(
                name, variable.dtype, variable.dimensions, chunksizes=chunks, fill_value=None, **options
            )
            made.setncatts(
                {k: variable.getncattr(k) for k in variable.ncattrs() if k not in ("_FillValue", "checksum")}
            )
            made[:] = variable[:]


def forget(files: list[Path]) -> None:
    """Ask the system to drop files from its page cache."""
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def raw_read(files: list[Path]) -> None:
    """All bytes in order through one buffer."""
    buffer = bytearray(BLOCK)
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        while os.readv(descriptor, [buffer]):
            pass
        os.close(descriptor)


def raw_write(folder: Path, sizes: list[int]) -> None:
    """Files of these sizes, each with one sync."""
    block = memoryview(np.random.default_rng(1).integers(0, 255, BLOCK, dtype=np.uint8)).cast("B")
    for size in sizes:
        path = folder / "raw.bin"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        left = size
        while left > 0:
            left -= os.write(descriptor, block[: min(left, BLOCK)])
        os.fsync(descriptor)
        os.close(descriptor)
        path.unlink()


def library_read(files: list[Path]) -> None:
    """The maps as arrays of this machine, 31 times at once, by netCDF4: the least that a script does."""
    for file in files:
        with netCDF4.Dataset(file) as dataset:
            variable = next(one for one in dataset.variables.values() if one.ndim == 3)
            variable.set_auto_maskandscale(False)
            for start in range(0, variable.shape[0], 31):
                variable[start : start + 31]


def read_beside_write(files: list[Path], folder: Path, sizes: list[int]) -> None:
    """The raw read while another thread does the raw write: what the disk allows."""
    writing = threading.Thread(target=raw_write, args=(folder, sizes))
    writing.start()
    raw_read(files)
    writing.join()


def public_way(source: Path, target: Path, mask: np.ndarray) -> None:
    """Blocks of 30 times, masked with NaN and flattened, through netCDF4."""
    with netCDF4.Dataset(source) as old, netCDF4.Dataset(target, "w", format="NETCDF3_64BIT_DATA") as new:
        old.set_auto_mask(False)
        times = old["TBOT"].shape[0]
        new.createDimension("time", times)
        new.createDimension("ni", int(mask.sum()))
        made = new.createVariable("TBOT", "f4", ("time", "ni"))
        lack = np.where(mask, np.float32(1.0), np.float32(np.nan))
        for start in range(0, times, 30):
            block = old["TBOT"][start : start + 30] * lack
            made[start : start + 30] = block[~np.isnan(block)].reshape(len(block), -1)
    descriptor = os.open(target, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def both_seconds_of(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds."""
    start = time.process_time()
    wall = seconds_of(work)
    return wall, time.process_time() - start


def command(
    words: list[str], ranks: int = 1, core: bool = False
) -> tuple[float, float, float, dict[str, float]]:
    """Wall and processor seconds, the largest memory [MB] of a process, and what the summary says."""
    python = [sys.executable, "-m", "kiloland.cli.main", "craft", "forcing", *words]
    launcher = [str(Path(sys.executable).with_name("mpiexec")), "-n", str(ranks)] if ranks > 1 else []
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(
        [*(["taskset", "-c", "0"] if core else []), *launcher, *python],
        check=True,
        capture_output=True,
        text=True,
    )
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    words = done.stdout.split(" MB in ")
    made = {"megabytes": float(words[0].split()[-1]), "seconds": float(words[1].split()[0])}
    return wall, processor, after.ru_maxrss / 1024, made


def maps(folder: Path, repeats: int) -> dict[str, Any]:
    """A month of maps to a list: in one process, as the command does it."""
    from kiloland.craft.forcing import ForcingRequest, craft_forcing

    files = sorted((folder / "maps").glob("*.nc"))
    out = folder / "out"
    request = ForcingRequest(folder / "maps", folder / "all.nc", YEAR, YEAR, out, last_month=1)
    rows: dict[str, list[tuple[float, float]]] = {}

    def note(name: str, work: Callable[[], object], cold: bool) -> None:
        shutil.rmtree(out, ignore_errors=True)
        # Read first in both cases: pages that a virtual machine gets anew from its host cost far more.
        raw_read(files)
        if cold:
            forget(files)
        rows.setdefault(name, []).append(both_seconds_of(work))

    craft_forcing(request)
    sizes = [path.stat().st_size for path in out.glob("*.nc")]
    for _ in range(repeats):
        for state in ("cold", "warm"):
            note(f"read {state}", lambda: raw_read(files), state == "cold")
            note(f"library {state}", lambda: library_read(files), state == "cold")
            note(f"both {state}", lambda: read_beside_write(files, folder, sizes), state == "cold")
            note(f"made {state}", lambda: craft_forcing(request), state == "cold")
        note("write", lambda: raw_write(folder, sizes), False)
    shutil.rmtree(out, ignore_errors=True)
    peak = command(
        [
            "--source",
            str(request.source),
            "--domain",
            str(request.domain),
            "--years",
            f"{YEAR}-01",
            "-o",
            str(out),
        ]
    )[2]
    shutil.rmtree(out, ignore_errors=True)
    return {
        "bytes_read": sum(file.stat().st_size for file in files),
        "bytes_written": sum(sizes),
        "seconds": rows,
        "peak_megabytes": peak,
    }


def formats(folder: Path, repeats: int) -> dict[str, Any]:
    """One variable, by file format: reading alone by its own library, gathering the cells, the public way."""
    from kiloland.craft.forcing.maps import read_maps
    from kiloland.craft.forcing.places import match_cells
    from kiloland.files import open_dataset
    from kiloland.grid import read_domain

    domain = read_domain(folder / "all.nc")
    classic = folder / f"maps/clmforc.Daymet4.1km.TBOT.{YEAR}-01.nc"
    with open_dataset(classic) as dataset:
        places = match_cells(dataset, dataset["TBOT"], domain, GRID)
    mask = np.zeros(places.shape, dtype=bool)
    mask[places.rows, places.columns] = True

    def gathered(path: Path) -> None:
        with open_dataset(path) as dataset:
            samples = np.arange(dataset["TBOT"].shape[0])
            for _ in read_maps(dataset["TBOT"], places, samples, 64 << 20):
                pass

    def library(path: Path) -> None:
        with netCDF4.Dataset(path) as dataset:
            dataset.set_auto_maskandscale(False)
            for start in range(0, dataset["TBOT"].shape[0], 8):
                dataset["TBOT"][start : start + 8]

    result = {}
    for name, path in (
        ("classic", classic),
        ("plain", folder / "hdf/plain.nc"),
        ("deflated", folder / "hdf/deflated.nc"),
    ):
        raw_read([path])
        own, floor = [], []
        for _ in range(repeats):
            floor.append(seconds_of(partial(library, path)))
            own.append(seconds_of(partial(gathered, path)))
        result[name] = {"library": floor, "gathered": own, "bytes": path.stat().st_size}
    target = folder / "public.nc"
    result["public"] = [seconds_of(lambda: public_way(classic, target, mask)) for _ in range(repeats)]
    target.unlink()
    return result


def days(folder: Path, repeats: int, months: int) -> dict[str, Any]:
    """Some months of days to three hours by one process on one core, and by two ranks."""
    years = f"{YEAR}-01:{YEAR}-{months:02d}"
    words = ["--source", str(folder / "year"), "--domain", str(folder / "all.nc"), "--years", years]
    result: dict[str, Any] = {"cells": CELLS, "months": months, "1": [], "2": [], "raw_write": []}
    out = folder / "out"
    # Once for the programs that are kept.
    command([*words[:-1], f"{YEAR}-01-01", "-o", str(out)])
    for _ in range(repeats):
        for ranks in (1, 2):
            shutil.rmtree(out, ignore_errors=True)
            wall, processor, peak, made = command([*words, "-o", str(out)], ranks, core=ranks == 1)
            row = {"wall": wall, "processor": processor, "peak_megabytes": peak, **made}
            result[str(ranks)].append(row)
        sizes = [path.stat().st_size for path in out.glob("*.nc")]
        shutil.rmtree(out, ignore_errors=True)
        result["bytes"] = sum(sizes)
        result["raw_write"].append(both_seconds_of(partial(raw_write, folder, sizes)))
    return result


def best(rows: list[tuple[float, float]]) -> tuple[float, float]:
    """The least wall and the least processor seconds."""
    walls, processors = zip(*rows, strict=True)
    return min(walls), min(processors)


def page(result: dict[str, Any]) -> str:
    """The results in words."""
    found, year = result["maps"], result["days"]
    seconds = {name: best(values) for name, values in found["seconds"].items()}
    lines = ["# Forcing", "", "Synthetic sources over real cells of the Seward Peninsula; the best of"]
    lines += [f"{len(found['seconds']['write'])} repeats (days: {len(year['1'])}).", ""]
    lines += maps_lines(found, seconds)
    lines += format_lines(result["formats"], seconds["made warm"][0] / 7)
    lines += days_lines(year)
    lines += [f"Machine: {described(result['machine'])}.", ""]
    return "\n".join(lines)


def maps_lines(found: dict[str, Any], seconds: dict[str, tuple[float, float]]) -> list[str]:
    """A month of maps, cold and warm; ``seconds``: the best walls and processor seconds."""
    lines = [
        "## Maps to a list of cells",
        "",
        f"One month, seven variables: {found['bytes_read'] / 1e6:.0f} MB of maps read, "
        f"{found['bytes_written'] / 1e6:.0f} MB of {CELLS:,} cells written, with sync, checksums and "
        "verification. "
        f"Largest memory of the process {found['peak_megabytes']:.0f} MB.",
        "",
        "| page cache | raw read [s] | library read [s] | raw write of the output [s] "
        "| read and write at once [s] | made [s] | raw read / made | library read / made "
        "| both at once / made | processor: read, library, write, made [s] |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(maps_row(state, seconds) for state in STATES),
        "",
        "Raw read: all bytes of the seven files through one buffer. Library read: netCDF4 to arrays. Cold: "
        "the files were dropped from the page cache (`posix_fadvise`); warm: they were read just before.",
    ]
    pairs = zip(found["seconds"]["read cold"], found["seconds"]["made cold"], strict=True)
    each = ", ".join(f"{read[0] / made[0]:.2f}" for read, made in pairs)
    return [*lines, "", f"Cold, repeat by repeat, of the raw read rate: {each}.", ""]


def maps_row(state: str, seconds: dict[str, tuple[float, float]]) -> str:
    """One state of the page cache as a row of the table."""
    read, library, both, made = (seconds[f"{what} {state}"] for what in ("read", "library", "both", "made"))
    write = seconds["write"]
    return (
        f"| {state} | {read[0]:.2f} | {library[0]:.2f} | {write[0]:.2f} | {both[0]:.2f} | {made[0]:.2f} "
        f"| {read[0] / made[0]:.2f} | {library[0] / made[0]:.2f} | {both[0] / made[0]:.2f} "
        f"| {read[1]:.2f}, {library[1]:.2f}, {write[1]:.2f}, {made[1]:.2f} |"
    )


def format_lines(kinds: dict[str, Any], made: float) -> list[str]:
    """One variable by file format, and the public way beside what is ``made`` in one file here [s]."""
    lines = [
        "One variable, warm, without writing:",
        "",
        "| file | its library reads all [s] | cells gathered and checked for nothing [s] | ratio |",
        "|---|---|---|---|",
    ]
    for name, label in FORMATS.items():
        floor, own = min(kinds[name]["library"]), min(kinds[name]["gathered"])
        lines.append(f"| {label} | {floor:.3f} | {own:.3f} | {floor / own:.2f} |")
    public = statistics.median(kinds["public"])
    text = f"The public way (read, mask, flatten, write one variable): {public:.2f} s; here {made:.2f} s."
    return [*lines, "", text, ""]


def days_lines(year: dict[str, Any]) -> list[str]:
    """Some months of days to three hours."""
    write = best(year["raw_write"])
    # 20 bytes a cell of each file are its id and its place.
    values = (year["bytes"] - 20 * 7 * year["months"] * year["cells"]) / 4
    least = min(row["processor"] for row in year["1"]) / values * 2920 * 7
    return [
        "## Days to three hours",
        "",
        f"{year['months']} months, {year['cells']:,} cells, {year['bytes'] / 1e6:.0f} MB written; raw write "
        f"of the same bytes with one sync a file {write[0]:.2f} s "
        f"({year['bytes'] / 1e6 / write[0]:.0f} MB/s), {write[1]:.2f} s of the processor. "
        "Times of the whole command, start included.",
        "",
        "| processes | wall [s] | processor [s] | MB/s | of the raw write rate | MB per processor second "
        "| nanoseconds of the processor a value | largest memory [MB] |",
        "|---|---|---|---|---|---|---|---|",
        *(days_row(year, ranks, write[0], values) for ranks in ("1", "2")),
        "",
        f"By extrapolation with the number of cells: {least * 21_552_672 / 3600:.1f} core-hours a year for "
        "North America.",
        "",
    ]


def days_row(year: dict[str, Any], ranks: str, write: float, values: float) -> str:
    """One number of processes as a row of the table; ``write``: the raw write [s] of so many ``values``."""
    wall, processor = (min(row[key] for row in year[ranks]) for key in ("wall", "processor"))
    peak = max(row["peak_megabytes"] for row in year[ranks])
    label = "1, one core" if ranks == "1" else "2 ranks"
    return (
        f"| {label} | {wall:.1f} | {processor:.1f} | {year['bytes'] / 1e6 / wall:.0f} "
        f"| {write / wall:.2f} | {year['bytes'] / 1e6 / processor:.0f} "
        f"| {processor / values * 1e9:.1f} | {peak:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True, help="sources and outputs, about 10 GB")
    parser.add_argument("--points", type=Path, required=True, help="daymet_AK_all2.csv.gz")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--months", type=int, default=12, help="of the days (default 12)")
    parser.add_argument("--prepare", action="store_true", help="make the sources, nothing more")
    parser.add_argument("--print-only", action="store_true", help="leave the stored results as they are")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    prepare(options.folder, options.points)
    if options.prepare:
        return
    facts = machine(netCDF4=netCDF4.__version__)
    result = {
        "machine": facts,
        "maps": maps(options.folder, options.repeats),
        "formats": formats(options.folder, options.repeats),
        "days": days(options.folder, max(1, options.repeats - 1), options.months),
    }
    print(page(result))
    if not options.print_only:
        save_results("forcing_speed", result, page(result))


if __name__ == "__main__":
    main()
