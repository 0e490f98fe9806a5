"""Files of what land and coupler exchange, as E3SM's coupler writes them: `x2l_` received, `l2x_` sent.

A tape of the coupler accumulates history fields as any other; when its file is full, the fields of the
coupler are made of their means over cells.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kiloland.files import DatasetWriter, FileSchema, VariableSchema
from kiloland.land.coupler import FromCoupler, ToCoupler, coupler_fields
from kiloland.run.case import Case, CouplerTable, HistoryTable, Precision
from kiloland.run.clock import DAY, date_label
from kiloland.run.coupler_means import (
    HISTORY_FIELDS,
    NOT_SENT,
    received_fields,
    sent_fields,
    units_of,
)
from kiloland.run.distribute import MemberWriter
from kiloland.run.history_file import HistoryContext
from kiloland.run.stream_fields import StreamSource
from kiloland.run.tape import Record, Tape
from kiloland.variables import FILL_VALUE

_SUFFIX = {"mean": "ha", "instantaneous": "hi"}
_DOMAIN = {
    "doml_lon": "degrees_east",
    "doml_lat": "degrees_north",
    "doml_area": "radian2",
    "doml_frac": "1",
    "doml_mask": "1",
}


def coupler_tape(table: CouplerTable) -> HistoryTable:
    """The history fields that an exchange is made of."""
    return HistoryTable(
        fields=HISTORY_FIELDS,
        every=table.every,
        averaging=table.averaging,
        records_per_file=table.records_per_file,
        precision=table.precision,
    )


def stream_name(table: CouplerTable) -> str:
    """Name of the tape in files: ``cpl.ha`` of means, ``cpl.hi`` of moments."""
    return f"cpl.{_SUFFIX[table.averaging]}"


def write_coupler(
    folder: Path, tape: Tape, context: HistoryContext, case: Case, streams: StreamSource
) -> Path:
    """Write the waiting records of a tape of the coupler as one file.

    Raises:
        OutputError: the file cannot be written; an earlier one of that name is untouched.
    """
    begin = date_label(tape.pending[0].begin)
    path = folder / f"{context.case_name}.{tape.stream}.{begin}.nc"
    dtype = np.dtype(np.float32 if tape.table.precision is Precision.SINGLE else np.float64)
    with (
        DatasetWriter(
            path, _schema(tape, context, case, dtype), context.members.ranks.communicator
        ) as writer,
        MemberWriter(writer, context.members) as members,
    ):
        _write_domain(members, context)
        for number, record in enumerate(tape.pending):
            members.put_whole("time", record.end / DAY, (number,))
            members.put_whole("time_bnds", np.array([record.begin, record.end]) / DAY, (number,))
            for name, values in _exchanged(record, tape, case, streams).items():
                filled = np.where(np.isfinite(values), values, FILL_VALUE).astype(dtype)
                members.put_trailing(name, "gridcell", filled[None], (number,))
    return path


def _exchanged(record: Record, tape: Tape, case: Case, streams: StreamSource) -> dict[str, np.ndarray]:
    """Both lists with the prefixes of the coupler."""
    means = {v.name: values for v, values in zip(tape.variables, record.values, strict=True)}
    averaging = tape.variables[0].averaging
    particles = streams.samples("input.deposition", averaging, record.begin, record.end)
    received = received_fields(means, case.atmosphere.carbon_dioxide, particles)
    return {f"x2l_{name}": values for name, values in received.items()} | {
        f"l2x_{name}": values for name, values in sent_fields(means).items()
    }


def _schema(tape: Tape, context: HistoryContext, case: Case, dtype: np.dtype[Any]) -> FileSchema:
    real, fill = (
        np.dtype(np.float64),
        {key: dtype.type(FILL_VALUE) for key in ("_FillValue", "missing_value")},
    )
    averaging = tape.variables[0].averaging
    method = {"cell_methods": f"time: {'mean' if averaging == 'mean' else 'point'}"}
    variables = [
        VariableSchema(
            "time",
            real,
            ("time",),
            {
                "long_name": "time at the end of the interval",
                "units": "days since 0001-01-01 00:00:00",
                "calendar": "noleap",
                "bounds": "time_bnds",
            },
        ),
        VariableSchema("time_bnds", real, ("time", "ntb"), {}),
        *(
            VariableSchema(name, real, ("doml_ny", "doml_nx"), {"units": units})
            for name, units in _DOMAIN.items()
        ),
    ]
    for prefix, kind, names in (("x2l", FromCoupler, received_names()), ("l2x", ToCoupler, sent_names())):
        units = units_of(kind)
        variables += [
            VariableSchema(
                f"{prefix}_{name}",
                dtype,
                ("time", f"{prefix}_ny", f"{prefix}_nx"),
                {"units": units[name], "long_name": _meaning(kind, name), **method, **fill},
            )
            for name in names
        ]
    cells = context.members.totals["gridcell"]
    sizes = {
        f"{prefix}_{axis}": n for prefix in ("doml", "x2l", "l2x") for axis, n in (("nx", cells), ("ny", 1))
    }
    attributes = {
        "title": "Kiloland coupler exchange: x2l_ received by the land, l2x_ sent by it",
        **context.attributes,
        "case": context.case_name,
        "fluxes": "Fall_ and Faxa_ count downwards, Flrl_ towards the rivers",
        "averaging": averaging,
    }
    return FileSchema({**sizes, "ntb": 2}, ("time", len(tape.pending)), tuple(variables), attributes)


def received_names() -> list[str]:
    """Names in the coupler of what a run writes of the fields that the land receives: all but the rivers'."""
    return [item.name for item in coupler_fields(FromCoupler).values() if not item.name.startswith("Flrr_")]


def sent_names() -> list[str]:
    """Names in the coupler of what a run writes of the fields that the land sends."""
    return [item.name for key, item in coupler_fields(ToCoupler).items() if key not in NOT_SENT]


def _meaning(kind: type[FromCoupler] | type[ToCoupler], name: str) -> str:
    attribute = next(key for key, item in coupler_fields(kind).items() if item.name == name)
    return attribute.replace("_", " ")


def _write_domain(members: MemberWriter, context: HistoryContext) -> None:
    domain = context.domain
    for name, values in (
        ("doml_lon", domain.longitude),
        ("doml_lat", domain.latitude),
        ("doml_area", domain.area),
        ("doml_frac", domain.fraction),
        ("doml_mask", domain.mask.astype(np.float64)),
    ):
        members.put_trailing(name, "gridcell", np.asarray(values, np.float64)[None])
