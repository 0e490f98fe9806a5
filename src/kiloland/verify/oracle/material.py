"""The list of runs, ``oracle.json``: what each offers and where its files and inputs lie."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kiloland.errors import InputError

FILE_NAME = "oracle.json"
VARIABLE = "KILOLAND_SHARED"


@dataclass(frozen=True)
class TapeEntry:
    """A history tape; ``subgrid``: columns and patches as vectors, ``double``: in double precision."""

    path: Path
    subgrid: bool
    double: bool


@dataclass(frozen=True)
class RunEntry:
    """A run of the Fortran model.

    ``timestep`` in s; ``inputs``: folders as the list names them; ``dates``: the list's date (YYYYMMDD,
    seconds) of each restart; ``pairs``: names of restarts one step apart, None where the list has none.
    """

    id: str
    folder: Path
    timestep: int
    inputs: tuple[str, ...]
    namelist: Path
    surface: str
    forcing: str
    restarts: tuple[Path, ...]
    dates: tuple[tuple[int, int], ...]
    pairs: tuple[tuple[str, str], ...] | None
    tapes: tuple[TapeEntry, ...]

    def same_case(self, other: RunEntry) -> bool:
        """Whether another run has the same cells, inputs and step, and so may hold tapes of this one."""
        return (self.inputs, self.surface, self.forcing, self.timestep) == (
            other.inputs,
            other.surface,
            other.forcing,
            other.timestep,
        )


@dataclass(frozen=True)
class Material:
    """All runs of a folder; ``fallback``: where inputs are looked for that the folder lacks.

    ``refused``: entries that cannot be understood, as pairs of a name and the reason.
    """

    root: Path
    fallback: Path | None
    runs: tuple[RunEntry, ...]
    refused: tuple[tuple[str, str], ...]

    def input_folders(self, run: RunEntry) -> list[Path]:
        """Existing input folders of a run, those of the material first."""
        roots = [self.root] if self.fallback is None else [self.root, self.fallback]
        return [root / name for root in roots for name in run.inputs if (root / name).is_dir()]


def default_folder() -> Path | None:
    """The reference runs: ``data/elm`` below ``KILOLAND_SHARED``, else below ``../shared``; None if absent.

    ``../shared`` is looked for from the working directory and from the repository.
    """
    beside = [Path.cwd().parent / "shared", Path(__file__).resolve().parents[5] / "shared"]
    given = os.environ.get(VARIABLE)
    for candidate in [Path(given)] if given else beside:
        if (candidate / "data" / "elm" / FILE_NAME).is_file():
            return candidate / "data" / "elm"
    return None


def read_material(root: Path, fallback: Path | None = None) -> Material:
    """Read the list of runs of a folder.

    Raises:
        InputError: no such list, or not one. A single entry that makes no sense is kept in ``refused``.
    """
    path = root / FILE_NAME
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            "no list of runs", file=path, found=error, hint="each run is described there"
        ) from None
    except json.JSONDecodeError as error:
        raise InputError(
            "the list of runs is not JSON", file=path, where=f"line {error.lineno}", found=error.msg
        ) from None
    runs = document.get("runs") if isinstance(document, dict) else None
    if not isinstance(runs, list):
        raise InputError('the list of runs has no "runs"', file=path)
    entries, refused = [], []
    for number, item in enumerate(runs):
        name = str(item.get("id", number)) if isinstance(item, dict) else str(number)
        try:
            entries.append(_run(item, root))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            refused.append(
                (name, f"{path}: run {name}: entry not understood: {type(error).__name__} {error}")
            )
    same = fallback is not None and fallback.resolve() == root.resolve()
    return Material(root, None if same else fallback, tuple(entries), tuple(refused))


def _run(item: Mapping[str, Any], root: Path) -> RunEntry:
    folder = root / str(item["id"])
    restarts: Sequence[Mapping[str, Any]] = item.get("restarts", [])
    pairs = item.get("one_step_pairs")
    return RunEntry(
        id=str(item["id"]),
        folder=folder,
        timestep=int(item["dtime"]),
        inputs=tuple(str(name) for name in item.get("inputs", [])),
        namelist=folder / str(item.get("namelist", "lnd_in")),
        surface=str(item.get("surface", "")),
        forcing=str(item.get("forcing", "")),
        restarts=tuple(folder / str(entry["file"]) for entry in restarts),
        dates=tuple((int(entry["ymd"]), int(entry["tod"])) for entry in restarts),
        pairs=None if pairs is None else tuple((str(first), str(second)) for first, second in pairs),
        tapes=tuple(
            TapeEntry(
                folder / str(entry["file"]),
                bool(entry.get("subgrid")),
                str(entry.get("dtype")) == "float64",
            )
            for entry in item.get("tapes", [])
        ),
    )
