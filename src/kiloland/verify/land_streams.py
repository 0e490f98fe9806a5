"""Evidence for the streams: what the tapes of ELM have of deposition, people and lightning, every record."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kiloland.atmosphere.forcing import Places
from kiloland.atmosphere.land_streams import LandInputs, LandStreams, site_streams
from kiloland.errors import InputError
from kiloland.run.land_streams import find_stream_files
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.rows import Finding, Skipped
from kiloland.verify.oracle.tapes import StepTape
from kiloland.verify.radiation import FILL, Difference, difference
from kiloland.verify.temperature import Values

FIELDS = {
    "lndgrid": ("HDM", "LNFM"),
    "column": ("NDEP_TO_SMINN", "PDEP_TO_SMINP", "BCDEP", "OCDEP", "DSTDEP"),
}
"""Fields by the dimension on which the tapes have the value of each member, not a mean."""
_COORDINATES = {"lndgrid": ("lon", "lat"), "column": ("cols1d_lon", "cols1d_lat")}


def land_streams(bench: Bench) -> Iterator[Finding]:
    """Every field of the streams on every double per-step tape of the run itself.

    Raises:
        InputError: no such tape, or a file of the streams is missing.
    """
    run = bench.run
    paths = [tape.path for tape in run.tapes if tape.double and bench.shelf.records(tape.path, run.timestep)]
    if not paths:
        raise InputError("no per-step tape in double precision", file=run.folder)
    files = find_stream_files(run.namelist, bench.folders)
    seen = set()
    for path in paths:
        tape = bench.shelf.tape(path, run.timestep)
        for dim, names in _COORDINATES.items():
            if all(name in tape.dataset for name in names):
                longitude, latitude = (np.asarray(tape.dataset[name].read(), np.float64) for name in names)
                streams = site_streams(files, Places(longitude, latitude))
                for found in tape_differences(tape, dim, streams):
                    seen.add(found.variable)
                    yield found
    for name in (*FIELDS["lndgrid"], *FIELDS["column"]):
        if name not in seen:
            yield Skipped(f"on no tape: {name}", 1, name)


def tape_differences(tape: StepTape, dim: str, streams: LandStreams) -> Iterator[Difference]:
    """The fields of a tape on one dimension; those that exist on soil only are compared there."""
    dataset = tape.dataset
    names = [name for name in FIELDS[dim] if name in dataset and dataset[name].dims == ("time", dim)]
    if not names:
        return
    ends = sorted(tape.records)
    inputs = [streams.at(end) for end in ends]
    records = [tape.records[end] for end in ends]
    for name in names:
        reference = np.asarray(dataset[name].read(), np.float64)[records]
        used = np.abs(reference) < FILL
        if name.endswith(("SMINN", "SMINP")):
            used &= (dataset["cols1d_itype_lunit"].read() == 1) & (dataset["cols1d_active"].read() == 1)
        yield difference(name, np.stack([tape_value(name, item) for item in inputs]), reference, used)


def tape_value(name: str, inputs: LandInputs) -> Values:
    """A field of the tapes from the streams; deposition is the sum of the fields of its kind."""
    particles = inputs.particles
    values: dict[str, Values] = {
        "HDM": inputs.people,
        "LNFM": inputs.lightning,
        "NDEP_TO_SMINN": inputs.nitrogen,
        "PDEP_TO_SMINP": inputs.phosphorus,
        "BCDEP": np.asarray(particles[:3].sum(axis=0)),
        "OCDEP": np.asarray(particles[3:6].sum(axis=0)),
        "DSTDEP": np.asarray(particles[6:].sum(axis=0)),
    }
    return values[name]
