"""The driver: from a case file to history and restart files, in one process or on many ranks."""

from __future__ import annotations

import contextlib
import glob
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from kiloland.errors import BalanceError, InputError, Interrupted, OutputError
from kiloland.files import newest_complete_set, remove_stale_temporaries, write_text
from kiloland.files.manifest import Manifest, manifests_in
from kiloland.files.run_lock import RunLock
from kiloland.land.ledger import UNITS
from kiloland.run.balance import balance_summary, violation
from kiloland.run.case import Case, read_case
from kiloland.run.clock import DAY, Interval, date_label
from kiloland.run.compilation import set_up_jax as set_up_jax
from kiloland.run.compilation import told_when_slow
from kiloland.run.coupler_file import write_coupler
from kiloland.run.engine import advance_block
from kiloland.run.history_file import HistoryContext, write_history
from kiloland.run.model import Model, open_model
from kiloland.run.parts import Part
from kiloland.run.progress import Progress
from kiloland.run.ranks import Ranks, join_ranks
from kiloland.run.restart_files import (
    HISTORY_RESTART,
    RESTART,
    check_settings,
    context_attributes,
    load_tapes,
    write_set,
)
from kiloland.run.signals import StopRequest
from kiloland.run.tape import Tape
from kiloland.run.timers import Timer, Timers
from kiloland.run.weather import Wanted, WeatherReader, batches_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunResult:
    """What a run tells its caller, on every rank."""

    is_root: bool
    case_name: str
    directory: Path
    steps: int
    simulated_days: float
    cells: int
    columns: int
    patches: int
    balance: dict[str, float]
    """Largest balance errors over all columns and steps of this run."""
    history: tuple[Path, ...]
    timers: tuple[Timer, ...]
    """Timers of all ranks."""


def run_case(path: str | Path, *, resume: bool = False) -> RunResult:
    """Run a case from its start, or resume it from its newest complete restart set.

    Raises:
        InputError: see :func:`~kiloland.run.case.read_case`, :func:`~kiloland.run.model.open_model`; also a
            directory that holds a run of this name already.
        OutputError, BalanceError: the last restart set stays; resume continues from it.
        Interrupted: a signal came; a restart set of that moment was written.
    """
    ranks, timers = join_ranks(), Timers()
    set_up_jax()
    with ranks.ending_together():
        with ranks.agreement():
            case = read_case(path)
        with _locked(case.case.directory, ranks), StopRequest() as stop:
            with timers("INIT"):
                model = _open(case, ranks, resume)
            run = Run(model, timers, stop)
            with timers("RUN_LOOP"), run.reader:
                run.loop()
            return run.result()


@contextlib.contextmanager
def _locked(folder: Path, ranks: Ranks) -> Iterator[None]:
    """Hold the run directory, on the root; one that was made here and stayed empty goes again."""
    made, lock = False, RunLock(folder)
    try:
        with ranks.agreement():
            if ranks.is_root:
                made = _make_folder(folder)
                lock.acquire()
        yield
    finally:
        lock.release()
        if made:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _make_folder(folder: Path) -> bool:
    """Make a directory; True where it was not there before.

    Raises:
        OutputError: it cannot be made.
    """
    there = folder.is_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(f"{folder}: the run directory cannot be made: {problem.strerror}") from None
    return not there


def _open(case: Case, ranks: Ranks, resume: bool) -> Model:
    """The model at its start, or at the newest complete restart set."""
    manifest: Manifest | None = None
    with ranks.agreement():
        if ranks.is_root:
            remove_stale_temporaries(case.case.directory)
            manifest = _find_start(case, case.case.directory, resume)
    manifest = ranks.broadcast(manifest)
    if manifest is None:
        return open_model(case, ranks)
    model = open_model(case, ranks, manifest.file(RESTART))
    with ranks.agreement():
        load_tapes(model, manifest.file(HISTORY_RESTART))
    return model


def _find_start(case: Case, folder: Path, resume: bool) -> Manifest | None:
    """The set to resume from, None for a start."""
    if resume:
        manifest = newest_complete_set(folder)
        if manifest is None:
            logger.warning("no restart set in %s yet: starting from the beginning", folder)
        else:
            check_settings(manifest, case)
        return manifest
    files = [*folder.glob(f"{glob.escape(case.case.name)}.elm.*.nc"), *manifests_in(folder)]
    if files:
        raise InputError(
            "two runs in one directory: it holds files of another run",
            file=folder,
            found=min(file.name for file in files),
            hint="use kiloland resume to continue that run, or another directory",
        )
    return None


class Run:
    """A model on its way from one moment to the end of its case."""

    def __init__(self, model: Model, timers: Timers, stop: StopRequest) -> None:
        self.model = model
        self.timers = timers
        self.stop = stop
        self.case = model.case
        self.step = self.case.case.step_seconds
        self.folder = self.case.case.directory
        self.plans = [tuple(tape.plan(number) for tape in model.tapes) for number in range(len(model.parts))]
        self.context = HistoryContext(
            case_name=self.case.case.name,
            origin=self.case.start,
            timestep=self.step,
            domain=model.domain,
            restart=model.restart,
            layout=model.layout,
            members=model.members,
            attributes=context_attributes(model),
        )
        self.batches = batches_of(model.parts)
        self.reader = WeatherReader(model, self.batches)
        self.steps_done = 0
        self.balance: dict[str, float] = {}
        self.history: list[Path] = []
        self.last_set = model.time
        self.compiled: set[str] = set()
        """Kinds of columns whose step has been called."""

    def loop(self) -> None:
        """Advance to the end; at each event write what is due."""
        total = (self.case.stop - self.case.start) // self.step
        done = (self.model.time - self.case.start) // self.step
        progress = Progress(total, self.model.ranks.is_root, done)
        if self.model.time >= self.case.stop:
            logger.warning("the run is complete already: %s", date_label(self.model.time))
        while self.model.time < self.case.stop:
            with self.model.ranks.agreement():
                self.advance(self.next_event(self.model.time))
            self.record_history()
            if self.restart_is_due():
                self.write_set()
            done = (self.model.time - self.case.start) // self.step
            progress.update(done, date_label(self.model.time))
            if self.model.time < self.case.stop and self.model.ranks.any(self.stop.received is not None):
                progress.close()
                self.interrupt()
        progress.close()
        self.finish()

    def next_event(self, now: int) -> int:
        """The end of the chunk that begins now: the nearest of everything to be done between steps."""
        ends = [self.case.stop, now + self.case.compute.steps_per_chunk * self.step]
        intervals = [tape.interval for tape in self.model.tapes] + [Interval.parse(self.case.restart.every)]
        ends += [e for e in (i.next_end(now, self.case.start, self.step) for i in intervals) if e is not None]
        if self.model.leaf_area is not None:
            ends.append((now // DAY + 1) * DAY)
        # An event between two steps happens at the end of the step that reaches it.
        return min(now + -(-(end - now) // self.step) * self.step for end in ends)

    def advance(self, end: int) -> None:
        """Compute all steps up to a moment."""
        model, count = self.model, (end - self.model.time) // self.step
        for position, batch in enumerate(self.batches):
            with self.timers("ATM_RUN"):
                weather = self.reader.take(*self.wanted(position, end))
            with self.timers("LND_RUN"):
                for number, series in zip(batch.blocks, weather, strict=True):
                    self.advance_block(batch.part, number, series, count)
        for tape in model.tapes:
            tape.steps += count
        model.time = end
        self.steps_done += count

    def wanted(self, position: int, end: int) -> tuple[Wanted, Wanted | None]:
        """The weather of a batch in the chunk that ends then, and the one after it; None at the end."""
        now = self.model.time
        this = Wanted(position, now, (end - now) // self.step)
        if position + 1 < len(self.batches):
            return this, this._replace(batch=position + 1)
        if end >= self.case.stop:
            return this, None
        return this, Wanted(0, end, (self.next_event(end) - end) // self.step)

    def advance_block(self, part_number: int, number: int, series: Any, count: int) -> None:
        """Compute the steps of a chunk on one block of a part."""
        model = self.model
        part = model.parts[part_number]
        state = part.states[number]
        if model.time % DAY == 0:
            state = model.impose_leaf_area(part, number, state)
        first = (model.time - self.case.start) // self.step + 1
        name = part.kind.name
        waiting = contextlib.nullcontext() if name in self.compiled else told_when_slow(f"{name} columns")
        self.compiled.add(name)
        with self.timers("STEP"), self.timers(name.upper().replace(" ", "_")), waiting:
            state, sums, part.ledgers[number] = advance_block(
                state,
                tuple(tape.accumulators[part_number][number] for tape in model.tapes),
                part.ledgers[number],
                series,
                jnp.asarray(first, jnp.int32),
                jnp.asarray(count, jnp.int32),
                part.prepared.constants[number],
                physics=part.kind.physics,
                plans=self.plans[part_number],
                settings=model.settings,
            )
            jax.block_until_ready(state)
        part.states[number] = state
        for tape, accumulators in zip(model.tapes, sums, strict=True):
            tape.accumulators[part_number][number] = accumulators
        self.check_balance(part, number)

    def check_balance(self, part: Part, number: int) -> None:
        """Compare the largest errors since the start with the bars.

        Raises:
            BalanceError: an error beyond its bar, or not a number; cell, column, step and terms are named.
        """
        found = violation(part, number)
        if found is None:
            return
        cell, end = int(self.model.domain.gridcell_id[found.cell]), self.case.start + found.step * self.step
        column = int(self.model.members.rows["column"][found.column_row])
        raise BalanceError(
            f"the {found.budget} balance does not close in {found.count} columns: gridcell {cell}, "
            f"{part.kind.name} column {column}, step {found.step} that ends {date_label(end)}: "
            f"entered {found.entering:.17g}, accounted {found.accounted:.17g}, "
            f"found {found.error:.3g} {UNITS[found.budget]}, expected at most {found.bar:g}; "
            f"the restart set of {date_label(self.last_set)} is intact"
        )

    def record_history(self) -> None:
        """Close the intervals that end now and write the files that are full."""
        model = self.model
        for tape in model.tapes:
            due = tape.interval.next_end(tape.begin, self.case.start, self.step)
            if due is None or model.time < due:
                continue
            with self.timers("HIST"):
                tape.close_interval(model.time, model.parts, model.layout, model.streams)
                if tape.file_is_full:
                    self.write_history(tape)

    def write_history(self, tape: Tape) -> None:
        """Write the waiting records of a tape as a file; a full file's records are then forgotten."""
        if tape.of_coupler:
            path = write_coupler(self.folder, tape, self.context, self.case, self.model.streams)
        else:
            path = write_history(self.folder, tape, self.context)
        self.history.append(path)
        if tape.file_is_full:
            tape.pending = []

    def restart_is_due(self) -> bool:
        """True at the ends of restart intervals and at the end of the run."""
        if self.model.time >= self.case.stop:
            return True
        due = Interval.parse(self.case.restart.every).next_end(self.last_set, self.case.start, self.step)
        return due is not None and self.model.time >= due

    def write_set(self) -> None:
        """Write a restart set."""
        with self.timers("REST"):
            write_set(self.model, self.context, self.folder)
        self.last_set = self.model.time

    def interrupt(self) -> None:
        """Write a restart set and leave."""
        if self.last_set != self.model.time:
            self.write_set()
        raise Interrupted(
            f"stopped by a signal at {date_label(self.model.time)}; a restart set was written, "
            "kiloland resume continues"
        )

    def finish(self) -> None:
        """Write files that are not full yet and the summary of the balances."""
        for tape in self.model.tapes:
            if tape.pending:
                self.write_history(tape)
        summary = balance_summary(self.model)
        self.balance = {name: entry["largest_error"] for name, entry in summary.items()}
        with self.model.ranks.agreement():
            if self.model.ranks.is_root:
                file = self.folder / f"{self.case.case.name}.balance.json"
                write_text(file, json.dumps(summary, indent=2) + "\n")

    def result(self) -> RunResult:
        """What the caller is told."""
        ranks, groups = self.model.ranks, self.model.layout.groups
        return RunResult(
            is_root=ranks.is_root,
            case_name=self.case.case.name,
            directory=self.folder,
            steps=self.steps_done,
            simulated_days=self.steps_done * self.step / DAY,
            cells=self.model.cells.land_cells,
            columns=sum(ranks.gather(sum(group.columns for group in groups))),
            patches=sum(ranks.gather(sum(group.patches for group in groups))),
            balance=self.balance,
            history=tuple(self.history),
            timers=tuple(ranks.gather(self.timers.stop())),
        )
