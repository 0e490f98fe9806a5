"""Batches of AI4BGC and LandSim (pickled pandas tables) as data sets; nothing but arrays is unpickled.

A pickle can run any code when it is read. Here only the names in ``ALLOWED`` are looked up, all from pandas
and numpy, all for building tables of arrays; any other name stops the reading.

What these tables have lost stays lost: which plant type a list entry is (entry i counts as type i), which
landunit a column is (the first counts), units (those of ELM are taken), the averaged scalars of accelerated
spinup (1 is taken). They hold no operator and hardly any fluxes, so closures cannot be trained on them alone.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.spinup.cascade import LAYERS
from kiloland.spinup.dataset.fields import FORCING, MONTHS, PLANT_TYPES, SURFACE_CELL, SURFACE_LAYERS
from kiloland.spinup.dataset.table import CellTable, Column, write_table
from kiloland.spinup.restart.acceleration import Scale, default_factors
from kiloland.spinup.tables import POOLS

Float = NDArray[np.float64]

ALLOWED: Final = frozenset(
    {
        ("pandas", "DataFrame"),
        ("pandas", "Index"),
        ("pandas", "RangeIndex"),
        ("pandas", "StringDtype"),
        ("pandas.arrays", "StringArray"),
        ("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"),
        ("pandas.core.frame", "DataFrame"),
        ("pandas.core.internals.managers", "BlockManager"),
        ("pandas._libs.internals", "_unpickle_block"),
        ("pandas.core.indexes.base", "_new_Index"),
        ("pandas.core.indexes.base", "Index"),
        ("pandas.core.indexes.range", "RangeIndex"),
        ("builtins", "slice"),
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy.core.numeric", "_frombuffer"),
        ("numpy._core.numeric", "_frombuffer"),
    }
)
"""Module and name of everything that may be looked up."""
LARGEST: Final = 1.0e30
"""Beyond this a number is a fill value."""
FREEZING: Final = 273.15
_SCALARS: Final = ("GPP", "NPP", "AR", "HR")
_WEATHER: Final = {"FLDS": "FLDS", "FSDS": "FSDS", "QBOT": "QBOT", "TBOT": "TBOT", "PSRF": "PBOT"}


class _Restricted(pickle.Unpickler):
    """Looks up only what is allowed."""

    def __init__(self, content: bytes, file: Path) -> None:
        super().__init__(io.BytesIO(content))
        self._file = file

    def find_class(self, module: str, name: str) -> Any:
        """The object of an allowed name. Raises InputError for any other."""
        if (module, name) not in ALLOWED:
            raise InputError(
                "the pickle asks for code that is not a table of arrays",
                file=self._file,
                found=f"{module}.{name}",
                hint="It is not read: a pickle can run any program",
            )
        return super().find_class(module, name)


DAMAGED: Final = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
)
"""What reading damaged bytes as a pickle may raise: the documented ones, and those of the arrays in it."""


def read_pickle(path: Path) -> Mapping[str, NDArray[Any]]:
    """Columns of a pickled table by name. Raises InputError where it is none or asks for other code."""
    try:
        table = _Restricted(path.read_bytes(), path).load()
    except InputError:
        raise
    except OSError as error:
        raise InputError("cannot be read", file=path, found=error.strerror) from None
    except DAMAGED as error:
        raise InputError("is not a pickled table", file=path, found=type(error).__name__) from None
    if not hasattr(table, "columns"):
        raise InputError("is not a pickled table", file=path, found=type(table).__name__)
    return {str(name): table[name].to_numpy() for name in table.columns}


def convert_pickles(paths: Sequence[Path], output: Path) -> int:
    """Write a data set from batches of one generation; returns the number of cells.

    Raises InputError where batches have different columns or a column has no meaning here.
    """
    tables = [cell_table(read_pickle(path), path) for path in paths]
    for path, table in zip(paths, tables, strict=True):
        if list(table.columns) != list(tables[0].columns):
            odd = sorted(set(table.columns) ^ set(tables[0].columns))
            raise InputError("batches with different columns", file=path, variable=odd[0] if odd else None)
    cells = sum(table.cells for table in tables)

    def blocks() -> Iterator[CellTable]:
        yield from tables

    attributes = {
        "source_spinup_state": 1,
        "label": "converted from pickled batches; plant types by position, averaged scalars taken as 1",
    }
    write_table(output, tables[0].columns, blocks(), cells, 1, attributes)
    return cells


def cell_table(raw: Mapping[str, NDArray[Any]], file: Path) -> CellTable:
    """The cells of one batch."""
    cells = len(next(iter(raw.values())))
    columns: dict[str, Column] = {}
    values: dict[str, NDArray[Any]] = {}

    def add(name: str, array: NDArray[Any], units: str, *dims: str, first: str = "cell") -> None:
        columns[name] = Column(name, (first, *dims), units, name, name in ("member", "biome", "gridcell"))
        values[name] = array

    add("latitude", numbers(raw, "Latitude", file), "degrees_north")
    add("longitude", np.mod(numbers(raw, "Longitude", file), 360.0), "degrees_east")
    area = numbers(raw, "AREA", file) * 1.0e6 if "AREA" in raw else np.full(cells, np.nan)
    add("area", area, "m2")
    add("gridcell", np.arange(cells) + 1, "1")
    add("member", np.zeros(cells, np.int64), "1")
    cover = [numbers(raw, f"PCT_NAT_PFT_{i}", file) for i in range(PLANT_TYPES) if f"PCT_NAT_PFT_{i}" in raw]
    known = len(cover) == PLANT_TYPES
    shares = np.stack(cover, axis=1) if known else np.full((cells, PLANT_TYPES), np.nan)
    add("biome", np.argmax(np.nan_to_num(shares), axis=1), "1")
    add("pft_cover", shares, "%", "pft")
    for name, array in weather(raw, file).items():
        add(f"forcing_{name}", array, "ELM's", "month")
    for name in (*raw,):
        plain, letter = name.removeprefix("Y_"), "Y" if name.startswith("Y_") else "X"
        if plain in POOLS:
            pool = POOLS[plain]
            array = pool_values(raw, name, plain, file)
            add(f"{letter}_{plain}", array, pool.units, "layer" if pool.layered else "pft")
        elif plain in _SCALARS:
            word = "target" if letter == "Y" else "flux"
            add(f"{word}_{plain}", numbers(raw, name, file), "gC m-2 s-1")
        elif name.startswith("pft_"):
            trait = lists(raw, name, PLANT_TYPES, file)[:1]
            add(f"trait_{name[4:]}", trait, "1", "pft", first="member")
        elif name in SURFACE_CELL:
            add(f"surface_{name}", numbers(raw, name, file), "ELM's")
    for name in SURFACE_LAYERS:
        parts = [f"{name}_{layer}" for layer in range(LAYERS)]
        if all(part in raw for part in parts):
            stacked = np.stack([numbers(raw, part, file) for part in parts], axis=1)
            add(f"surface_{name}", stacked, "%", "layer")
    return CellTable(columns, values, {})


def numbers(raw: Mapping[str, NDArray[Any]], name: str, file: Path) -> Float:
    """A column of numbers. Raises InputError where it is missing or not numeric."""
    if name not in raw:
        raise InputError("the table lacks a column", file=file, variable=name)
    try:
        array = raw[name].astype(np.float64)
    except (TypeError, ValueError):
        raise InputError("is not a column of numbers", file=file, variable=name) from None
    return np.where(np.abs(array) < LARGEST, array, np.nan)


def lists(raw: Mapping[str, NDArray[Any]], name: str, length: int, file: Path) -> Float:
    """A column of lists, cut at ``length``. Raises InputError where a list is shorter."""
    short = [number for number, entry in enumerate(raw[name]) if len(entry) < length]
    if short:
        raise InputError(
            "a list is too short",
            file=file,
            variable=name,
            where=f"row {short[0]}",
            found=len(raw[name][short[0]]),
            expected=f"at least {length}",
        )
    array = np.array([np.asarray(entry[:length], np.float64) for entry in raw[name]])
    return np.where(np.abs(array) < LARGEST, array, np.nan)


def pool_values(raw: Mapping[str, NDArray[Any]], column: str, name: str, file: Path) -> Float:
    """Pools by plant type, or by layer of the first column; X in natural scale by ELM's default factors."""
    pool = POOLS[name]
    if pool.layered:
        first = np.empty(len(raw[column]), object)
        first[:] = [entry[0] if np.ndim(entry[0]) else entry for entry in raw[column]]
        array = lists({column: first}, column, LAYERS, file)
    else:
        array = lists(raw, column, PLANT_TYPES, file)
    if column.startswith("Y_"):
        return array
    scale = Scale(default_factors(), accelerated=True, divides=False)
    return np.asarray(array * scale.factor(pool, np.ones(1)), np.float64)


def weather(raw: Mapping[str, NDArray[Any]], file: Path) -> dict[str, Float]:
    """Monthly climatologies; precipitation is snow in months below freezing.

    Series start with January; entry i is month i modulo 12. Raises InputError for less than a year.
    """
    made = {}
    for name, ours in {**_WEATHER, "PRECTmms": "PRECIPITATION"}.items():
        if name not in raw:
            raise InputError("the table lacks a column", file=file, variable=name)
        length = min(len(entry) for entry in raw[name])
        series = lists(raw, name, max(length, MONTHS), file)
        month = np.arange(series.shape[1]) % MONTHS
        made[ours] = np.stack([series[:, month == m].mean(axis=1) for m in range(MONTHS)], axis=1)
    water, frozen = made.pop("PRECIPITATION"), made["TBOT"] < FREEZING
    made["RAIN"], made["SNOW"] = np.where(frozen, 0.0, water), np.where(frozen, water, 0.0)
    return {name: made[name] for name in FORCING}
