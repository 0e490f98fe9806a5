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

from kiloland.atmosphere.orbit import VALID_YEARS
from kiloland.errors import InputError
from kiloland.grid.partition import Partition
from kiloland.land.fields import FIELDS
from kiloland.land.full_fields import FULL_FIELDS
from kiloland.land.full_other_fields import MEAN_FIELDS, THAW_FIELDS
from kiloland.land.ice_fields import ICE_FIELDS
from kiloland.land.lake_fields import LAKE_FIELDS
from kiloland.land.subgrid import LANES
from kiloland.land.urban_fields import URBAN_FIELDS
from kiloland.run.clock import Interval, date_label, parse_date
from kiloland.run.configuration import decode, parse_toml, read_toml
from kiloland.variables import Averaging, HistoryVariable, history_variable


class AtmosphereKind(Enum):
    """Where the weather comes from."""

    ELM_SITE = "elm-site"
    STREAMS = "streams"
    SITE = "site"


class SurfaceFlux(Enum):
    """Where the heat flux into the ground comes from."""

    BARE_GROUND = "bare-ground"
    """Turbulent fluxes of the bare ground, below a canopy that only intercepts radiation."""
    FULL = "full"
    """All of water and energy: canopies, snow, ponds, soil heat and soil water."""


class LeafArea(Enum):
    """Where leaf and stem area come from."""

    INITIAL = "initial"
    """Constant, as in the initial state."""
    SURFACE = "surface"
    """Monthly values of the surface file, interpolated between mid-months."""


class Precision(Enum):
    """Precision of a history file."""

    SINGLE = "single"
    DOUBLE = "double"


@dataclass(frozen=True)
class CaseTable:
    """``[case]``: name, where it runs, from when to when."""

    name: str
    directory: Path
    start: str
    stop: str
    step_seconds: int = 1800
    surface_flux: SurfaceFlux = SurfaceFlux.BARE_GROUND
    orbital_year: int = 1990

    def __post_init__(self) -> None:
        """Check what the types cannot say."""
        if not self.name or any(c in self.name for c in "/\\ \t\n"):
            raise ValueError(f"case.name must be a word without spaces or slashes, found {self.name!r}")
        if self.step_seconds < 1 or 86_400 % self.step_seconds:
            raise ValueError(f"case.step_seconds must divide a day, found {self.step_seconds}")
        for key, text in (("start", self.start), ("stop", self.stop)):
            try:
                parse_date(text)
            except ValueError as error:
                raise ValueError(f"case.{key}: {error}") from None
        if parse_date(self.stop) <= parse_date(self.start):
            raise ValueError(f"case.stop must be later than case.start, found {self.start} to {self.stop}")
        if (parse_date(self.stop) - parse_date(self.start)) % self.step_seconds:
            raise ValueError("case.stop is not a whole number of steps after case.start")
        if abs(self.orbital_year - 1950) > VALID_YEARS:
            raise ValueError(
                f"case.orbital_year must be within {VALID_YEARS} years of 1950, found {self.orbital_year}"
            )


@dataclass(frozen=True)
class InputTable:
    """``[input]``: domain, surface and parameter files, and the initial restart if there is one."""

    domain: Path
    surface: Path
    parameters: Path
    restart: Path | None = None
    leaf_area: LeafArea = LeafArea.INITIAL
    snow_optics: Path | None = None
    snow_ageing: Path | None = None
    """ELM's tables of snow optics and of the ageing of grains, for ``surface_flux = "full"``."""
    deposition: Path | None = None
    """Particles that fall on snow; without it none do."""


@dataclass(frozen=True)
class AtmosphereTable:
    """``[atmosphere]``: kind and files of the weather, and how it is interpolated in time."""

    kind: AtmosphereKind
    path: Path
    prefix: str = "clmforc.Daymet4.1km.1d"
    year_first: int = 0
    year_last: int = 0
    year_align: int = 1
    conserve_shortwave: bool = False
    """Interpolate sunshine so that the energy of every sample is kept exactly."""
    fill: bool = False
    """Replace the bad samples of a measured record instead of refusing it."""
    carbon_dioxide: float = 284.7
    """Share of CO2 in the air, 1e-6."""
    anywhere: bool = False
    """Use the weather of a site farther than half a degree from the cells."""

    def __post_init__(self) -> None:
        """Check what the types cannot say."""
        if not 10.0 <= self.carbon_dioxide <= 1.0e4:
            raise ValueError(
                f"carbon_dioxide must be a share of the air in 1e-6, 10 to 10000, found {self.carbon_dioxide}"
            )
        years = f"found {self.year_first} to {self.year_last}"
        if self.kind is AtmosphereKind.STREAMS and self.year_first < 1:
            raise ValueError(f"streams need year_first and year_last, the years of their files, {years}")
        if self.year_first < 0 or self.year_last < self.year_first:
            raise ValueError(f"year_last must not be before year_first, nor a year before 1, {years}")


@dataclass(frozen=True)
class RanksTable:
    """``[ranks]``: how cells are dealt to ranks."""

    partition: Partition = Partition.ROUND_ROBIN
    segments: int = 20

    def __post_init__(self) -> None:
        """Check what the types cannot say."""
        if self.segments < 1:
            raise ValueError(f"segments must be at least 1, found {self.segments}")


@dataclass(frozen=True)
class ComputeTable:
    """``[compute]``: sizes of blocks and chunks; no result depends on them."""

    columns_per_block: int = 1024
    steps_per_chunk: int = 48

    def __post_init__(self) -> None:
        """Check what the types cannot say."""
        if self.columns_per_block < LANES or self.columns_per_block % LANES:
            raise ValueError(
                f"columns_per_block must be a multiple of {LANES}, found {self.columns_per_block}"
            )
        if self.steps_per_chunk < 1:
            raise ValueError(f"steps_per_chunk must be at least 1, found {self.steps_per_chunk}")


@dataclass(frozen=True)
class RestartTable:
    """``[restart]``: how often a restart set is written and how many are kept."""

    every: str = "1 year"
    keep: int = 2

    def __post_init__(self) -> None:
        """Check what the types cannot say."""
        Interval.parse(self.every)
        if self.keep < 1:
            raise ValueError(f"restart.keep must be at least 1, found {self.keep}")


@dataclass(frozen=True)
class HistoryTable:
    """One ``[[history]]`` tape: fields (``NAME`` or ``NAME:maximum``), interval, layout."""

    fields: tuple[str, ...]
    every: str = "1 month"
    averaging: str = ""
    records_per_file: int = 1
    subgrid: bool = False
    precision: Precision = Precision.SINGLE

    def __post_init__(self) -> None:
        """Check what the types cannot say."""
        Interval.parse(self.every)
        if self.records_per_file < 1:
            raise ValueError(f"records_per_file must be at least 1, found {self.records_per_file}")
        if not self.fields:
            raise ValueError("fields is empty: a tape needs at least one field")

    def variables(self) -> tuple[HistoryVariable, ...]:
        """The fields as registry entries with their way of averaging.

        Raises:
            InputError: a name that the registry does not know; ValueError: an unknown way of averaging.
        """
        return tuple(self._variable(entry) for entry in self.fields)

    def _variable(self, entry: str) -> HistoryVariable:
        name, _, method = entry.partition(":")
        known: tuple[Averaging, ...] = ("mean", "instantaneous", "maximum", "minimum")
        wanted = method or self.averaging
        variable = history_variable(name)
        if not wanted:
            return variable
        for averaging in known:
            if averaging == wanted:
                return variable.with_averaging(averaging)
        raise ValueError(f"unknown averaging {wanted!r} of {name}, expected one of {', '.join(known)}")


@dataclass(frozen=True)
class Case:
    """A whole case; ``file`` and ``text`` are the source."""

    case: CaseTable
    input: InputTable
    atmosphere: AtmosphereTable
    ranks: RanksTable = field(default_factory=RanksTable)
    compute: ComputeTable = field(default_factory=ComputeTable)
    restart: RestartTable = field(default_factory=RestartTable)
    history: tuple[HistoryTable, ...] = ()

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
        }
        values = {
            f"{table}.{key}": _text(getattr(getattr(self, table), key))
            for table, keys in chosen.items()
            for key in keys
        }
        values["case.start"] = date_label(self.start)
        for number, tape in enumerate(self.history):
            values |= {f"history[{number}].{f.name}": _text(getattr(tape, f.name)) for f in fields(tape)}
        return values

    def identity(self) -> str:
        """Hash of all that decides the bits of the results."""
        return hashlib.sha256(json.dumps(self.decisive(), sort_keys=True).encode()).hexdigest()


def _text(value: object) -> str:
    """A value of the case file in words."""
    if isinstance(value, Enum):
        return str(value.value)
    return ", ".join(value) if isinstance(value, tuple) else str(value)


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
    return case


def known_fields(flux: SurfaceFlux) -> tuple[str, ...]:
    """The history fields that a case can have: those of any kind of column."""
    if flux is SurfaceFlux.BARE_GROUND:
        return tuple(FIELDS)
    kinds = (FULL_FIELDS, MEAN_FIELDS, THAW_FIELDS, LAKE_FIELDS, ICE_FIELDS, URBAN_FIELDS)
    return tuple(dict.fromkeys(name for kind in kinds for name in kind))


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
