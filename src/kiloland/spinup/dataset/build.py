"""Data sets from folders of ELM's files: the short run, its operator, and the restart in equilibrium.

A folder is one run (a member), or holds several as ``member_*``. A run has

    surface.nc, parameters.nc          the surface and the parameter file
    ad/r.*.nc, ad/h*.nc                restart and history of the short run
    final/r.*.nc                       the restart in equilibrium (needed for training)

each possibly gzipped. If there are several restarts, the last by name counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.files.manifest import file_sha256
from kiloland.spinup.dataset.fields import LAYER_POOLS, PATCH_POOLS
from kiloland.spinup.dataset.operators import operator_columns, operator_values
from kiloland.spinup.dataset.run import RunFiles, ShortRun
from kiloland.spinup.dataset.table import BLOCK, CellTable, Column, write_table
from kiloland.spinup.operator.read import read_block
from kiloland.spinup.operator.source import RunPaths, Source
from kiloland.spinup.restart.acceleration import restart_scale
from kiloland.spinup.subgrid import restart_subgrid
from kiloland.spinup.tables import POOLS

Report = Callable[[int, int, str], None]

HISTORY: Final = ("ad/h*.nc", "ad/h*.nc.gz")
RESTART: Final = ("ad/r.*.nc", "ad/r.*.nc.gz")
TRUTH: Final = ("final/r.*.nc", "final/r.*.nc.gz")


def build_dataset(folders: Sequence[Path], output: Path, report: Report | None = None) -> int:
    """Write the data set of all runs in these folders; returns the number of cells.

    Read and written in blocks of cells. Raises InputError where files are missing, lack fields or are of
    different runs; then nothing is written.
    """
    members = [found for folder in folders for found in run_folders(folder)]
    runs = [member_files(folder) for folder in members]
    counts, columns, states = [], None, set()
    for files in runs:
        with ShortRun(files) as run:
            made = dataset_columns(run)
            if columns is not None and list(made) != list(columns):
                odd = sorted(set(made) ^ set(columns))
                raise InputError(
                    "runs with different fields", file=files.restart, variable=odd[0] if odd else None
                )
            columns = made
            counts.append(run.rows)
            states.add(int(np.ravel(run.restart["spinup_state"].read())[0]))
    if columns is None:
        raise InputError("no folder was given")
    if len(states) > 1:
        raise InputError("runs with and without accelerated spinup cannot share a data set")
    cells = sum(counts)
    attributes = {
        "source_spinup_state": states.pop(),
        "members": json.dumps(
            [described(folder, files) for folder, files in zip(members, runs, strict=True)]
        ),
        "label": label(folders),
    }
    write_table(output, columns, all_blocks(runs, cells, report), cells, len(runs), attributes)
    return cells


def run_folders(folder: Path) -> list[Path]:
    """The runs in a folder: its ``member_*``, or itself. Raises InputError where there is none."""
    if not folder.is_dir():
        raise InputError("is no folder", file=folder)
    members = sorted(path for path in folder.glob("member_*") if path.is_dir())
    return members or [folder]


def member_files(folder: Path) -> RunFiles:
    """The files of a run. Raises InputError naming what is missing."""
    return RunFiles(
        restart=last(folder, RESTART),
        history=tuple(every(folder, HISTORY)),
        surface=last(folder, ("surface.nc", "surface.nc.gz")),
        parameters=last(folder, ("parameters.nc", "parameters.nc.gz")),
        truth=last(folder, TRUTH),
    )


def every(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """All files of these names. Raises InputError where there is none."""
    found = sorted(path for pattern in patterns for path in folder.glob(pattern))
    if not found:
        raise InputError("a file of the run is missing", file=folder, expected=" or ".join(patterns))
    return found


def last(folder: Path, patterns: Sequence[str]) -> Path:
    """The last file of these names."""
    return every(folder, patterns)[-1]


def described(folder: Path, files: RunFiles) -> dict[str, str]:
    """Where a member comes from."""
    return {
        "name": folder.name,
        "restart_sha256": file_sha256(files.restart),
        "parameters_sha256": file_sha256(files.parameters),
    }


def label(folders: Sequence[Path]) -> str:
    """What the world's manifest says that it is; empty where there is none."""
    texts = set()
    for folder in folders:
        manifest = folder / "manifest.json"
        if manifest.exists():
            content = json.loads(manifest.read_text(encoding="utf-8"))
            size = content.get("settings", {}).get("cells", "?")
            texts.add(f"model world of kiloland spinup generate, {size} cells, not ELM")
    return "; ".join(sorted(texts))


def dataset_columns(run: ShortRun) -> dict[str, Column]:
    """All variables of a training data set."""
    columns = {**run.columns(), **operator_columns()}
    for name in (*LAYER_POOLS, *PATCH_POOLS):
        dims = ("cell", "layer" if POOLS[name].layered else "pft")
        columns[f"Y_{name}"] = Column(f"Y_{name}", dims, POOLS[name].units, f"{name} at equilibrium")
    return columns


def all_blocks(runs: Sequence[RunFiles], cells: int, report: Report | None) -> Iterator[CellTable]:
    """Blocks of all runs, one after the other."""
    done = 0
    for number, files in enumerate(runs):
        for block in run_blocks(files):
            done += block.cells
            if report is not None:
                report(done, cells, f"run {number + 1} of {len(runs)}")
            member = np.full(block.cells, number, np.int64)
            yield replace(block, values={**block.values, "member": member})


def run_blocks(files: RunFiles, size: int = BLOCK) -> Iterator[CellTable]:
    """Blocks of one run with operator and, where given, truth."""
    paths = RunPaths(files.restart, files.history, files.surface, files.parameters)
    with ShortRun(files) as run, Source(paths) as source:
        truth = opened_truth(files, run)
        columns = dataset_columns(run)
        try:
            for rows, block in run.blocks(size):
                values = {**block.values, **operator_values(read_block(source, rows).operator)}
                if truth is not None:
                    scale = restart_scale(truth, run.factors)
                    pools = run.pools(truth, rows, scale)
                    values |= {f"Y_{name}": array for name, array in pools.items()}
                yield CellTable(columns, values, attributes_of(run))
        finally:
            if truth is not None:
                truth.close()


def attributes_of(run: ShortRun) -> Mapping[str, Any]:
    """What the base of a network depends on besides the arrays."""
    return {"source_spinup_state": int(np.ravel(run.restart["spinup_state"].read())[0])}


def opened_truth(files: RunFiles, run: ShortRun) -> Dataset | None:
    """The restart in equilibrium. Raises InputError where its columns or patches are others."""
    if files.truth is None:
        return None
    truth = open_dataset(files.truth)
    keys, own = restart_subgrid(truth).keys, run.subgrid.keys
    if not (
        np.array_equal(keys.column_codes(), own.column_codes())
        and np.array_equal(keys.patch_codes(), own.patch_codes())
    ):
        truth.close()
        raise InputError(
            "the restart in equilibrium has other columns or patches than the short run",
            file=files.truth,
            variable="pfts1d_itypveg",
            expected=f"those of {files.restart}",
        )
    return truth
