"""Cases for the tests of runs: files, runs in this process or in others, comparison of what they left."""

from __future__ import annotations

import copy
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kiloland.craft.synthetic_weather import PREFIX
from kiloland.files import (
    CHECKSUM_ATTRIBUTE,
    HEADER_CHECKSUM_ATTRIBUTE,
    FileSchema,
    VariableSchema,
    open_dataset,
    write_dataset,
)
from kiloland.run.driver import RunResult, run_case
from kiloland.verify import compare_files, to_table

Table = dict[str, Any]
NAME = "t"
TAPES: list[Table] = [
    # every way of averaging, files of several records
    {
        "fields": ["TSOI", "TG:maximum", "FSA:minimum", "FSH:instantaneous"],
        "every": "6 hours",
        "records_per_file": 3,
    },
    # vectors, intervals that do not end with a day
    {
        "fields": ["TSOI", "SABV", "SABG:maximum", "ELAI:instantaneous"],
        "every": "5 hours",
        "records_per_file": 2,
        "subgrid": True,
        "precision": "double",
    },
    # an interval of the calendar
    {"fields": ["TG", "FIRE"], "every": "1 month"},
]


def case_table(inputs: Path, directory: Path) -> Table:
    """The tables of a case of three days on synthetic inputs."""
    return {
        "case": {
            "name": NAME,
            "directory": str(directory),
            "start": "0001-07-01",
            "stop": "0001-07-04",
        },
        "input": {
            "domain": str(inputs / "domain.nc"),
            "surface": str(inputs / "surfdata.nc"),
            "parameters": str(inputs / "clm_params_synthetic.nc"),
            "leaf_area": "surface",
        },
        "atmosphere": {
            "kind": "streams",
            "path": str(inputs / "weather"),
            "prefix": PREFIX,
            "year_first": 1,
            "year_last": 1,
        },
        "compute": {"columns_per_block": 64},
        "restart": {"every": "never"},
        "history": copy.deepcopy(TAPES),
    }


def case_text(table: Table) -> str:
    """A case as TOML."""
    lines = []
    for name, content in table.items():
        for part in content if isinstance(content, list) else [content]:
            lines.append(f"[[{name}]]" if isinstance(content, list) else f"[{name}]")
            lines += [f"{key} = {_value(value)}" for key, value in part.items()]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    return f'"{value}"' if isinstance(value, str | Path) else str(value)


def write_case(inputs: Path, directory: Path, **changes: object) -> Path:
    """Write a case beside its directory; ``case__stop="..."`` changes one key, ``history=[...]`` a table."""
    table = case_table(inputs, directory)
    for place, value in changes.items():
        name, _, key = place.partition("__")
        if not key:
            table[name] = value
        elif value is None:
            del table[name][key]
        else:
            table.setdefault(name, {})[key] = value
    file = directory.with_suffix(".toml")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(case_text(table), encoding="utf-8")
    return file


def run(inputs: Path, directory: Path, *, resume: bool = False, **changes: object) -> RunResult:
    """Write a case and run it in this process."""
    return run_case(write_case(inputs, directory, **changes), resume=resume)


def command(*arguments: object) -> list[str]:
    """A kiloland command as a process of its own."""
    return [sys.executable, "-m", "kiloland.cli.main", *(str(argument) for argument in arguments)]


def launcher() -> str:
    """The mpiexec of the environment; the test is skipped where there is none."""
    pytest.importorskip("mpi4py")
    found = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
    if found is None:
        pytest.skip("no mpiexec in this environment")
    return found


def kiloland(
    *arguments: object, ranks: int = 0, environment: Mapping[str, str] | None = None, timeout: float = 300.0
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, under mpiexec where ``ranks`` are given."""
    words = command(*arguments)
    if ranks:
        words = [launcher(), "-n", str(ranks), *words]
    return subprocess.run(
        words,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, **(environment or {})},
    )


def results(directory: Path) -> list[str]:
    """Names of the files that hold results: history, restarts, balances."""
    return sorted(path.name for path in directory.glob(f"{NAME}.*"))


def leftovers(directory: Path) -> list[str]:
    """Names of what a run must not leave behind: temporaries and the lock."""
    return sorted(path.name for path in directory.rglob(".*")) + sorted(
        path.name for path in directory.rglob("*.kiloland-tmp-*")
    )


def assert_same_results(expected: Path, found: Path, names: Iterable[str] | None = None) -> None:
    """Every result file of one directory is in the other with the same bytes."""
    names = results(expected) if names is None else list(names)
    assert names, "nothing to compare"
    missing = [name for name in names if not (found / name).is_file()]
    assert not missing, f"missing in {found}: {missing}, there are {results(found)}"
    for name in names:
        if (expected / name).read_bytes() != (found / name).read_bytes():
            detail = to_table(compare_files(expected / name, found / name)) if name.endswith(".nc") else ""
            raise AssertionError(f"{name} differs between {expected} and {found}\n{detail}")


def at_the_end(directory: Path) -> list[str]:
    """Result files of a run but for restarts of earlier moments."""
    restarts = sorted(directory.glob(f"{NAME}.elm.r.*.nc"))
    last = restarts[-1].name.removeprefix(f"{NAME}.elm.r.")
    names = results(directory)
    return [n for n in names if ".elm.r" not in n or n.endswith(last)]


def linked(inputs: Path, folder: Path) -> Path:
    """A folder with links to all inputs, in which single files can be replaced."""
    (folder / "weather").mkdir(parents=True)
    for path in inputs.rglob("*.nc"):
        (folder / path.relative_to(inputs)).symlink_to(path)
    return folder


Arrays = dict[str, np.ndarray]


def rewrite(
    path: Path,
    change: Callable[[Arrays, dict[str, Table]], None],
    *,
    target: Path | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Path:
    """Write a netCDF file again after ``change(arrays, attributes)``; a variable that is gone is left out.

    A new one needs its dimensions as attribute ``dims``.
    Without ``target`` the file, or the link to it, is replaced.
    """
    with open_dataset(path) as dataset:
        arrays = {name: variable.read() for name, variable in dataset.variables.items()}
        dims = {name: variable.dims for name, variable in dataset.variables.items()}
        checksums = (CHECKSUM_ATTRIBUTE, HEADER_CHECKSUM_ATTRIBUTE)
        attributes = {
            name: {k: v for k, v in variable.attributes.items() if k not in checksums}
            for name, variable in dataset.variables.items()
        }
        general = {k: v for k, v in dataset.attributes.items() if k not in checksums}
        dimensions, unlimited = dict(dataset.dimensions) | dict(sizes or {}), dataset.unlimited
    change(arrays, attributes)
    records = None
    if unlimited:
        dimensions.pop(unlimited)
        first = next(name for name in arrays if dims[name][:1] == (unlimited,))
        records = (unlimited, len(arrays[first]))
    schema = FileSchema(
        dimensions,
        records,
        tuple(
            VariableSchema(n, a.dtype, dims[n] if n in dims else attributes[n].pop("dims"), attributes[n])
            for n, a in arrays.items()
        ),
        general,
    )
    target = target or path
    target.unlink(missing_ok=True)
    write_dataset(target, schema, arrays)
    return target


CELL_DIMENSIONS = ("ni", "gridcell")


def take_cells(inputs: Path, folder: Path, cells: np.ndarray, ids: np.ndarray) -> Path:
    """Synthetic inputs again with some cells in any order, as often as wanted, under other ids."""
    (folder / "weather").mkdir(parents=True)
    shutil.copy(inputs / "clm_params_synthetic.nc", folder)
    for path in [inputs / "domain.nc", inputs / "surfdata.nc", *(inputs / "weather").glob("*.nc")]:
        with open_dataset(path) as dataset:
            axes = {
                name: variable.dims.index(dim)
                for name, variable in dataset.variables.items()
                for dim in CELL_DIMENSIONS
                if dim in variable.dims
            }
            sizes = {dim: len(cells) for dim in CELL_DIMENSIONS if dim in dataset.dimensions}

        def change(arrays: Arrays, attributes: dict[str, Table], axes: Mapping[str, int] = axes) -> None:
            for name, axis in axes.items():
                arrays[name] = np.ascontiguousarray(np.take(arrays[name], cells, axis=axis))
            if "gridID" in arrays:
                arrays["gridID"] = ids.astype(arrays["gridID"].dtype).reshape(arrays["gridID"].shape)

        rewrite(path, change, target=folder / path.relative_to(inputs), sizes=sizes)
    return folder


def restart_of(directory: Path, date: str) -> Path:
    return directory / f"{NAME}.elm.r.{date}-00000.nc"
