"""Restart sets of a run: ELM's restart, the unfinished history, manifest and pointer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from kiloland.errors import InputError
from kiloland.files import DatasetWriter, FileSchema, VariableSchema, open_dataset
from kiloland.files.dataset import Dataset
from kiloland.files.manifest import Manifest
from kiloland.files.restart_set import write_restart_set
from kiloland.land.ledger import BUDGETS
from kiloland.run.balance import LEDGER_NAMES, join_parts, split_ledgers
from kiloland.run.case import Case, SurfaceFlux
from kiloland.run.clock import date_label, date_of_seconds
from kiloland.run.distribute import MemberWriter
from kiloland.run.history_file import HistoryContext, expand_members
from kiloland.run.kinds import SOIL
from kiloland.run.model import Model
from kiloland.run.restart import restart_schema, with_date
from kiloland.run.tape import Record, Tape
from kiloland.variables import SUBGRID_DIMENSIONS, HistoryVariable, restart_variables

RESTART, HISTORY_RESTART = "elm.r", "elm.rh0"


def write_set(model: Model, context: HistoryContext, folder: Path) -> None:
    """Write the restart set of this moment; all ranks together, the pointer flips last.

    Raises:
        OutputError: a file cannot be written; the earlier sets are untouched.
    """
    label, name = date_label(model.time), model.case.case.name
    restart_path = folder / f"{name}.elm.r.{label}.nc"
    history_path = folder / f"{name}.elm.rh0.{label}.nc"
    _write_restart(model, restart_path)
    _write_history_restart(model, context, history_path)
    with model.ranks.agreement():
        _seal(model, folder, {RESTART: restart_path, HISTORY_RESTART: history_path})


def _seal(model: Model, folder: Path, members: dict[str, Path]) -> None:
    """Manifest and pointer of a set whose members are written; the root does it."""
    if model.ranks.is_root:
        label, name = date_label(model.time), model.case.case.name
        write_restart_set(
            folder,
            label,
            members,
            configuration=json.dumps(model.case.decisive(), indent=1),
            metadata={"case": name, "identity": model.case.identity(), "date": label},
            keep=model.case.restart.keep,
        )


def check_settings(manifest: Manifest, case: Case) -> None:
    """Refuse a set of a run with other settings.

    Raises:
        InputError: the set was made with a case that would give other results; the first key is named.
    """
    try:
        of_set = dict(json.loads(manifest.content["configuration"]["text"]))
    except (KeyError, TypeError, ValueError):
        raise InputError("the restart set does not say which settings made it", file=manifest.path) from None
    now = case.decisive()
    for key in {**now, **of_set}:
        if now.get(key) != of_set.get(key):
            raise InputError(
                "the case file has another setting than the run in this directory",
                file=manifest.path,
                where=key,
                found=now.get(key, "nothing"),
                expected=of_set.get(key, "nothing"),
                hint="restore the case file, or start a new run in another directory from this set's restart",
            )


def _write_restart(model: Model, path: Path) -> None:
    ymd, tod = date_of_seconds(model.time)
    steps = (model.time - model.restart.begun) // model.case.case.step_seconds
    dated = with_date(model.restart, ymd, tod, steps)
    values = dict(dated.values)
    for part in model.parts:
        part.kind.lay(dated, values, part.group, part.blocks, part.states)
    soil = next((part for part in model.parts if part.kind.name == SOIL), None)
    if model.leaf_area is not None and soil is not None:
        model.leaf_area.lay(values, soil.group, model.time)
    schema = restart_schema(dated, context_attributes(model))
    with (
        DatasetWriter(path, schema, model.ranks.communicator) as writer,
        MemberWriter(writer, model.members) as members,
    ):
        for name, array in values.items():
            level = restart_variables()[name].level
            if level:
                members.put_leading(name, level, array)
            else:
                members.put_whole(name, array)


def context_attributes(model: Model) -> dict[str, str]:
    """Global attributes that every file of a run carries."""
    return {
        "source": "Kiloland",
        "case_id": model.case.case.name,
        "comment": COMMENTS[model.case.case.surface_flux],
    }


COMMENTS = {
    SurfaceFlux.BARE_GROUND: (
        "soil columns only: radiation, temperature of soil and snow, freezing and melting; bare-ground "
        "fluxes below a canopy that only intercepts radiation; soil water and snow as in the initial state "
        "but for their phase; melt of a snowpack without layers runs off"
    ),
    SurfaceFlux.FULL: (
        "water and energy of soil with canopies, lakes, land ice, wetlands and towns; "
        "vegetation does not grow"
    ),
}
"""What a run computes, in words."""


def _record_level(tape: Tape, variable: HistoryVariable) -> str:
    return variable.level if tape.table.subgrid and variable.level in ("column", "pft") else "gridcell"


def _write_history_restart(model: Model, context: HistoryContext, path: Path) -> None:
    """Accumulators and waiting records of all tapes, each vector with its member first."""
    schema = _history_schema(model)
    with (
        DatasetWriter(path, schema, model.ranks.communicator) as writer,
        MemberWriter(writer, model.members) as members,
    ):
        for name, values in join_parts(model.parts).items():
            members.put_leading(name, "column", np.moveaxis(expand_members(values, "column", context), -1, 0))
        for tape in model.tapes:
            prefix = tape.stream
            members.put_whole(f"{prefix}_interval", np.array([tape.begin, tape.steps], np.int64))
            for variable, values in zip(tape.variables, tape.collect(model.parts, model.layout), strict=True):
                level = tape.level(variable)
                full = expand_members(values, level, context)
                members.put_leading(f"{prefix}_{variable.name}", level, np.moveaxis(full, -1, 0))
            for number, record in enumerate(tape.pending):
                members.put_whole(f"{prefix}_{number}_bounds", np.array([record.begin, record.end], np.int64))
                for variable, values in zip(tape.variables, record.values, strict=True):
                    level = _record_level(tape, variable)
                    full = values if level == "gridcell" else expand_members(values, level, context)
                    members.put_leading(f"{prefix}_{number}_{variable.name}", level, np.moveaxis(full, -1, 0))


def _history_schema(model: Model) -> FileSchema:
    real, whole = np.dtype(np.float64), np.dtype(np.int64)
    variables, sizes = [], {"pair": 2, "budget": len(BUDGETS)}
    variables += [
        VariableSchema(name, real, ("column", "budget"), {"budgets": " ".join(BUDGETS)})
        for name in LEDGER_NAMES
    ]
    for tape in model.tapes:
        prefix = tape.stream
        variables.append(VariableSchema(f"{prefix}_interval", whole, ("pair",)))
        for number in range(len(tape.pending)):
            variables.append(VariableSchema(f"{prefix}_{number}_bounds", whole, ("pair",)))
        for position, (variable, shape) in enumerate(zip(tape.variables, tape.shapes, strict=True)):
            levels = tuple(variable.dims)
            sizes |= dict(zip(levels, shape, strict=True))
            level = tape.level(variable)
            attributes = {"averaging": variable.averaging}
            pair = ("pair",) * (len(tape.accumulator_levels(position)) - len(shape))
            variables.append(
                VariableSchema(f"{prefix}_{variable.name}", real, (level, *pair, *levels), attributes)
            )
            level = _record_level(tape, variable)
            variables += [
                VariableSchema(f"{prefix}_{number}_{variable.name}", real, (level, *levels))
                for number in range(len(tape.pending))
            ]
    dimensions = sizes | {level: model.members.totals[level] for level in SUBGRID_DIMENSIONS}
    records = {f"{tape.stream}_records": np.int32(len(tape.pending)) for tape in model.tapes}
    title = {"title": "Unfinished history", "case_id": model.case.case.name}
    return FileSchema(dimensions, None, tuple(variables), {**title, **records})


def load_tapes(model: Model, path: Path) -> None:
    """Give tapes and ledgers what a restart set holds of them.

    Raises:
        InputError: unreadable, or of other tapes than the case has.
    """
    layout = model.layout
    with open_dataset(path) as dataset:
        for part in model.parts:
            columns = model.members.rows["column"][part.group.column_row]
            found = {name: _members(dataset, name, columns) for name in LEDGER_NAMES}
            part.ledgers = split_ledgers(found, part.blocks)
        for tape in model.tapes:
            prefix = tape.stream
            interval = dataset[f"{prefix}_interval"].read()
            tape.begin, tape.steps = int(interval[0]), int(interval[1])
            joined = []
            for variable in tape.variables:
                level = tape.level(variable)
                rows = model.members.rows[level][layout.rows(level)]
                joined.append(_members(dataset, f"{prefix}_{variable.name}", rows))
            tape.distribute(joined, model.parts, layout)
            tape.pending = [
                _read_record(dataset, tape, number, model)
                for number in range(int(dataset.attributes[f"{prefix}_records"]))
            ]


def _read_record(dataset: Dataset, tape: Tape, number: int, model: Model) -> Record:
    values = []
    begin, end = dataset[f"{tape.stream}_{number}_bounds"].read()
    for variable in tape.variables:
        level = _record_level(tape, variable)
        rows = model.members.rows[level]
        if level != "gridcell":
            rows = rows[model.layout.rows(level)]
        values.append(_members(dataset, f"{tape.stream}_{number}_{variable.name}", rows))
    return Record(int(begin), int(end), tuple(values))


def _members(dataset: Dataset, name: str, rows: np.ndarray) -> np.ndarray:
    """Some members of a vector stored with its member first, as ``[*levels, member]``."""
    return np.moveaxis(dataset[name].read(rows), 0, -1)
