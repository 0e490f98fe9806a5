"""Runs that are interrupted at random moments, and what has to be true afterwards."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from run_cases import (
    assert_same_results,
    at_the_end,
    command,
    kiloland,
    launcher,
    leftovers,
    run,
    write_case,
)

SITE = Path(__file__).parent / "fault_site"
CHANGES = {"case__stop": "0001-07-03", "restart__every": "5 hours"}
"""Of the case: ten restart sets, and history of all kinds, in two days."""
AT_CALLS = ("kill", "after", "full", "stop")
AT_TIMES = ("SIGKILL", "SIGTERM")
LIMIT = 30_000
"""Bytes of the longest file in trials of the kind ``limit``: less than a restart has."""
EXPECTED = {
    # exit codes; 0 where the fault came too late to matter
    "kill": {-signal.SIGKILL},
    "after": {-signal.SIGKILL},
    "full": {4},
    "stop": {75, 0},
    "SIGKILL": {-signal.SIGKILL, 0},
    "SIGTERM": {75, -signal.SIGTERM, 0},
    "limit": {4},
}


@dataclass(frozen=True)
class Reference:
    """A run without a fault: its directory, how many calls of the system it makes, and how long it takes."""

    inputs: Path
    directory: Path
    calls: int
    seconds: float


@dataclass
class Trial:
    """One trial: what happened in each attempt, from the first run to the last resume."""

    number: int
    faults: list[str]
    exits: list[int]


def make_reference(inputs: Path, folder: Path) -> Reference:
    """Run without a fault, in a process of its own that counts its calls."""
    run(inputs, folder / "warm", **CHANGES)  # compiles
    case = write_case(inputs, folder / "run", **CHANGES)
    start = time.monotonic()
    done = kiloland("run", case, environment=environment("count", 0, folder / "run", folder / "note"))
    assert done.returncode == 0, done.stderr
    calls = int((folder / "note").read_text().split()[-1])
    return Reference(inputs, folder / "run", calls, time.monotonic() - start)


def environment(kind: str, number: int, directory: Path, note: Path) -> dict[str, str]:
    """Environment of a process with a fault at a call of the system."""
    paths = [str(SITE), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "PYTHONPATH": os.pathsep.join(paths),
        "KILOLAND_FAULT": f"{kind}:{number}:{directory}",
        "KILOLAND_FAULT_NOTE": str(note),
    }


def interrupted_run(reference: Reference, folder: Path, number: int, kind: str, ranks: int = 0) -> Trial:
    """Run with a fault, resume until done (the first resume may have a fault as well), check the results."""
    rng = random.Random(f"{number} {kind} {ranks}")
    directory = folder / "run"
    case = write_case(reference.inputs, directory, **CHANGES)
    trial = Trial(number, [], [])
    attempt(reference, trial, rng, "run", case, directory, kind, ranks)
    if rng.random() < 0.3 and trial.exits[-1] != 0:
        attempt(reference, trial, rng, "resume", case, directory, rng.choice(AT_CALLS), ranks)
    if trial.exits[-1] != 0:
        done = kiloland("resume", case, ranks=ranks)
        trial.exits.append(done.returncode)
        assert done.returncode == 0, f"{trial}: {done.stderr}"
    assert_same_results(reference.directory, directory, at_the_end(reference.directory))
    assert leftovers(directory) == [], trial
    if "KILOLAND_CAMPAIGN" in os.environ:
        with open(os.environ["KILOLAND_CAMPAIGN"], "a", encoding="utf-8") as stream:
            stream.write(json.dumps({**asdict(trial), "ranks": max(1, ranks)}) + "\n")
    return trial


def attempt(
    reference: Reference,
    trial: Trial,
    rng: random.Random,
    verb: str,
    case: Path,
    directory: Path,
    kind: str,
    ranks: int,
) -> None:
    """One process with one fault, and how it ended."""
    note = directory.with_suffix(f".note{len(trial.exits)}")
    number = LIMIT if kind == "limit" else rng.randint(1, reference.calls)
    faulty = environment(kind, number, directory, note)
    words = command("-q", verb, case)
    if ranks:
        words = [launcher(), "-n", str(ranks), *words]
    process = subprocess.Popen(
        words,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **({} if kind in AT_TIMES else faulty)},
    )
    if kind in AT_TIMES:
        trial.faults.append(f"{kind} {disturb(process, directory, rng, reference.seconds, kind)}")
    text = process.communicate(timeout=300)[1]
    trial.exits.append(process.returncode)
    if kind in AT_CALLS:
        told = note.read_text().splitlines() if note.exists() else []
        trial.faults.append(next((line for line in told if not line.startswith("calls")), "none reached"))
    elif kind == "limit":
        trial.faults.append(f"no file longer than {LIMIT} bytes")
    assert "Traceback" not in text, f"{trial}: {text}"
    if not ranks or kind in ("full", "stop"):
        # A resumed run and each of several ranks make fewer calls: the fault may come never.
        allowed = EXPECTED[kind] | ({0} if ranks or verb == "resume" else set())
        assert process.returncode in allowed, f"{trial}: {text}"


def disturb(
    process: subprocess.Popen[str], directory: Path, rng: random.Random, seconds: float, kind: str
) -> str:
    """Send a signal at a random moment after the run has taken its directory."""
    limit = time.monotonic() + 120.0
    while not (directory / ".kiloland-lock").exists() and process.poll() is None:
        assert time.monotonic() < limit, "the run does not start"
        time.sleep(0.005)
    wait = rng.uniform(0.0, 0.6 * seconds)
    time.sleep(wait)
    process.send_signal(getattr(signal, kind))
    return f"after {wait:.2f} s"
