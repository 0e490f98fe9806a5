"""A case: everything one run needs to know, read from one TOML file.

See ``docs/run.md`` for the file with all its keys; :func:`read_case` is the only way in.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import Any

from kiloland.errors import InputError
from kiloland.land.fields import FIELDS
from kiloland.land.full_fields import FULL_FIELDS
from kiloland.land.full_other_fields import MEAN_FIELDS, THAW_FIELDS
from kiloland.land.ice_fields import ICE_FIELDS
from kiloland.land.lake_fields import LAKE_FIELDS
from kiloland.land.urban_fields import URBAN_FIELDS
from kiloland.run.case_tables import (
    AtmosphereKind,
    AtmosphereTable,
    CaseTable,
    ComputeTable,
    CouplerTable,
    HistoryTable,
    InputTable,
    LeafArea,
    Precision,
    RanksTable,
    RestartTable,
    StreamRule,
    StreamsTable,
    SurfaceFlux,
)
from kiloland.run.clock import date_label, parse_date
from kiloland.run.configuration import decode, parse_toml, read_toml

__all__ = [
    "STREAM_KEYS",
    "AtmosphereKind",
    "AtmosphereTable",
    "Case",
    "CaseTable",
    "ComputeTable",
    "CouplerTable",
    "HistoryTable",
    "InputTable",
    "LeafArea",
    "Precision",
    "RanksTable",
    "RestartTable",
    "StreamRule",
    "StreamsTable",
    "SurfaceFlux",
    "check_case_text",
    "known_fields",
    "read_case",
]


STREAM_KEYS = {
    "NDEP_TO_SMINN": "streams.nitrogen",
    "PDEP_TO_SMINP": "streams.phosphorus",
    "HDM": "streams.population",
    "LNFM": "streams.lightning",
    "BCDEP": "input.deposition",
    "OCDEP": "input.deposition",
    "DSTDEP": "input.deposition",
}
"""History fields of streams and the keys of the files that they need."""


@dataclass(frozen=True)
class Case:
    """A whole case; ``file`` and ``text`` are the source."""

    case: CaseTable
    input: InputTable
    atmosphere: AtmosphereTable
    streams: StreamsTable = field(default_factory=StreamsTable)
    ranks: RanksTable = field(default_factory=RanksTable)
    compute: ComputeTable = field(default_factory=ComputeTable)
    restart: RestartTable = field(default_factory=RestartTable)
    history: tuple[HistoryTable, ...] = ()
    coupler: tuple[CouplerTable, ...] = ()

    def file_of(self, key: str) -> Path | None:
        """The file at a key such as ``streams.nitrogen``."""
        table, _, name = key.partition(".")
        path: Path | None = getattr(getattr(self, table), name)
        return path

    @property
    def start(self) -> int:
        """Start in seconds since 0001-01-01."""
        return parse_date(self.case.start)

    @property
    def stop(self) -> int:
        """End in seconds since 0001-01-01."""
        return parse_date(self.case.stop)

    def decisive(self) -> dict[str, str]:
        """The keys that decide the bits of the results, with their values.

        Not among them: the end, files and folders, ranks, blocks, chunks, restart intervals.
        """
        chosen = {
            "case": ("name", "step_seconds", "surface_flux", "orbital_year"),
            "input": ("leaf_area",),
            "atmosphere": (
                *("kind", "prefix", "year_first", "year_last", "year_align"),
                *("conserve_shortwave", "fill", "carbon_dioxide"),
            ),
            "streams": ("rule", "align", *(f.name for f in fields(StreamsTable) if "years" in f.name)),
        }
        values = {
            f"{table}.{key}": _text(getattr(getattr(self, table), key))
            for table, keys in chosen.items()
            for key in keys
        }
        values["case.start"] = date_label(self.start)
        for number, tape in enumerate(self.history):
            values |= {f"history[{number}].{f.name}": _text(getattr(tape, f.name)) for f in fields(tape)}
        for number, exchange in enumerate(self.coupler):
            keys = (f.name for f in fields(exchange))
            values |= {f"coupler[{number}].{key}": _text(getattr(exchange, key)) for key in keys}
        return values

    def identity(self) -> str:
        """Hash of all that decides the bits of the results."""
        return hashlib.sha256(json.dumps(self.decisive(), sort_keys=True).encode()).hexdigest()


def _text(value: object) -> str:
    """A value of the case file in words."""
    if isinstance(value, Enum):
        return str(value.value)
    return ", ".join(str(item) for item in value) if isinstance(value, tuple) else str(value)


def read_case(path: str | Path) -> Case:
    """Read and check a case file; paths in it are taken from the folder of the file.

    Raises:
        InputError: see :mod:`kiloland.run.configuration`; also a history field that does not exist.
    """
    file = Path(path).resolve()
    return _checked(read_toml(file), file)


def check_case_text(text: str, path: str | Path) -> None:
    """Check the text of a case file that is to be written to ``path``.

    Raises:
        InputError: as :func:`read_case`.
    """
    file = Path(path).resolve()
    _checked(parse_toml(text, file), file)


def _checked(table: dict[str, Any], file: Path) -> Case:
    case = decode(Case, table, file)
    _check_tables(case, file)
    known = known_fields(case.case.surface_flux)
    for number, tape in enumerate(case.history):
        _check_fields(tape, known, file, f"history[{number}].fields")
        _check_streams(case, tape, file, f"history[{number}].fields")
    _check_coupler(case, file)
    return case


def known_fields(flux: SurfaceFlux) -> tuple[str, ...]:
    """The history fields that a case can have: those of any kind of column."""
    if flux is SurfaceFlux.BARE_GROUND:
        return (*FIELDS, *STREAM_KEYS)
    kinds = (FULL_FIELDS, MEAN_FIELDS, THAW_FIELDS, LAKE_FIELDS, ICE_FIELDS, URBAN_FIELDS)
    return tuple(dict.fromkeys(name for kind in (*kinds, STREAM_KEYS) for name in kind))


def _check_tables(case: Case, file: Path) -> None:
    """Refuse a case of all processes without the tables that they need."""
    if case.case.surface_flux is not SurfaceFlux.FULL:
        return
    for key in ("snow_optics", "snow_ageing"):
        if getattr(case.input, key) is None:
            raise InputError(
                "key missing",
                file=file,
                where=f"input.{key}",
                expected='the path of a table, which surface_flux = "full" needs',
            )


def _check_coupler(case: Case, file: Path) -> None:
    """Refuse an exchange that the processes cannot give, or two whose files would have one name."""
    if case.coupler and case.case.surface_flux is not SurfaceFlux.FULL:
        raise InputError(
            "this set of processes does not know all that the coupler gets",
            file=file,
            where="coupler",
            found=f'surface_flux = "{case.case.surface_flux.value}"',
            expected='surface_flux = "full"',
        )
    kinds = [table.averaging for table in case.coupler]
    if len(set(kinds)) < len(kinds):
        raise InputError(
            "two tables of the coupler with the same averaging",
            file=file,
            where="coupler",
            hint="their files would have the same names: one may be of means, one instantaneous",
        )


def _check_streams(case: Case, tape: HistoryTable, file: Path, where: str) -> None:
    """Refuse fields of streams whose file the case does not name."""
    for variable in tape.variables():
        key = STREAM_KEYS.get(variable.name)
        if key is not None and case.file_of(key) is None:
            raise InputError(
                "this field needs a file that the case does not name",
                file=file,
                variable=variable.name,
                where=where,
                expected=f"{key}, the path of the file",
            )


def _check_fields(tape: HistoryTable, fields_known: Collection[str], file: Path, where: str) -> None:
    """Refuse fields that are unknown, not computed, or twice on one tape."""
    try:
        names = [variable.name for variable in tape.variables()]
    except ValueError as error:
        raise InputError(str(error), file=file, where=where) from None
    except InputError as error:
        raise InputError(
            error.problem, file=file, variable=error.variable, where=where, hint=error.hint
        ) from None
    for name in names:
        if name not in fields_known:
            near = difflib.get_close_matches(name, fields_known, n=3, cutoff=0.6)
            raise InputError(
                "this field is not computed yet",
                file=file,
                variable=name,
                where=where,
                expected=f"one of {', '.join(fields_known)}",
                hint=f"did you mean {', '.join(near)}?" if near else None,
            )
        if names.count(name) > 1:
            raise InputError(
                "the same field twice on one tape",
                file=file,
                variable=name,
                where=where,
                hint="another averaging of it needs another tape",
            )
