"""A correction says which file it cannot use and why, writes nothing then, and guesses no length of a run."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from operator_world import write_run
from restart_world import small_restart

from kiloland.cli.main import main
from kiloland.errors import ExitCode, InputError
from kiloland.spinup.operator.source import RunPaths
from kiloland.spinup.solve.correction import correct_run

END = 39
"""Year of the end of the run."""
WRITTEN = {"spinup_pools": "pools.nc", "spinup_restart_before": "r.0041.nc"}
"""What `kiloland spinup restart` says in its restarts."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    return write_run(tmp_path_factory.mktemp("run"), accelerated=False, year=END)


@pytest.fixture(scope="module")
def correction(run: RunPaths, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("before") / "correction.nc"
    correct_run(run, run.restart, path, 4.0)
    return path


def changed(original: Path, path: Path, change: Callable[[netCDF4.Dataset], None]) -> Path:
    shutil.copy(original, path)
    with netCDF4.Dataset(path, "r+") as file:
        file.set_auto_mask(False)
        change(file)
    return path


def with_entry(name: str, place: tuple[int, ...] | int, value: float) -> Callable[[netCDF4.Dataset], None]:
    def change(file: netCDF4.Dataset) -> None:
        file[name][place] = value

    return change


Case = Callable[[RunPaths, Path, Path], tuple[Path, list[object], Path]]
"""(run, correction, folder) -> --since, further options, file that the message names."""


def missing_file(run: RunPaths, correction: Path, folder: Path) -> tuple[Path, list[object], Path]:
    return folder / "none.nc", [], folder / "none.nc"


def history(run: RunPaths, correction: Path, folder: Path) -> tuple[Path, list[object], Path]:
    return run.history[0], [], run.history[0]


def other_world(run: RunPaths, correction: Path, folder: Path) -> tuple[Path, list[object], Path]:
    other = small_restart(folder / "other.nc", 3, state=0, year=35)
    return other, [], other


def negative_length(run: RunPaths, correction: Path, folder: Path) -> tuple[Path, list[object], Path]:
    return run.restart, ["--run-years", "-3"], run.restart


def endless(run: RunPaths, correction: Path, folder: Path) -> tuple[Path, list[object], Path]:
    return run.restart, ["--run-years", "inf"], run.restart


def hole_in_soil(run: RunPaths, correction: Path, folder: Path) -> tuple[Path, list[object], Path]:
    path = changed(run.restart, folder / "hole.nc", with_entry("soil3n_vr", (2, 2), np.nan))
    return path, [], path


def hole_in_wood(run: RunPaths, correction: Path, folder: Path) -> tuple[Path, list[object], Path]:
    path = changed(run.restart, folder / "hole.nc", with_entry("deadstemc", 18 + 4, np.nan))
    return path, [], path


def correction_of_others(run: RunPaths, correction: Path, folder: Path) -> tuple[Path, list[object], Path]:
    path = changed(correction, folder / "others.nc", with_entry("column_gridcell", 3, 9))
    return run.restart, ["--previous", path], path


def correction_with_hole(run: RunPaths, correction: Path, folder: Path) -> tuple[Path, list[object], Path]:
    path = changed(correction, folder / "hole.nc", with_entry("wood_tendency", 1, np.nan))
    return run.restart, ["--previous", path], path


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (missing_file, "cannot be read"),
        (history, "is no restart"),
        (other_world, "columns or patches differ"),
        (negative_length, r"--run-years: no time between the restarts \(found -3 years"),
        (endless, r"--run-years: no time between the restarts \(found inf years"),
        (hole_in_soil, "soil3n_vr: gridcell 2, layer 3: is not a number"),
        (hole_in_wood, "deadstemc: gridcell 2, plant type 4: is not a number"),
        (correction_of_others, "of other columns"),
        (correction_with_hole, "wood_tendency: gridcell 2: is not a number"),
    ],
)
def test_bad_input_is_one_message_that_names_the_file(
    case: Case,
    message: str,
    run: RunPaths,
    correction: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    since, options, named = case(run, correction, tmp_path)
    before = sorted(tmp_path.iterdir())
    files = [
        *("--restart", run.restart, "--history", *run.history),
        *("--surface", run.surface, "--parameters", run.parameters, "--since", since),
    ]
    words = ["spinup", "solve", *files, "--run-years", "4", *options, "-o", tmp_path / "pools.nc"]
    assert main([str(word) for word in words]) == ExitCode.BAD_INPUT
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"kiloland spinup: {named}: ")
    assert re.search(message, lines[0])
    assert sorted(tmp_path.iterdir()) == before


def dated(run: RunPaths, folder: Path, name: str, year: int, calendar: int, **attributes: str) -> Path:
    """The restart of the run in another year, of a calendar that began in year ``calendar``."""

    def change(file: netCDF4.Dataset) -> None:
        file["timemgr_rst_curr_ymd"][...] = 10000 * year + 101
        file["timemgr_rst_start_ymd"][...] = 10000 * calendar + 101
        file.setncatts(attributes)

    return changed(run.restart, folder / name, change)


ELM = {"case_id": "elm"}


@pytest.mark.parametrize(
    ("year", "calendars", "start", "end", "years"),
    [
        (35, (1, 1), ELM, ELM, 4.0),  # went on with its dates
        (35, (1, 1), {**ELM, **WRITTEN}, {"case_id": "other", **WRITTEN}, 4.0),  # kiloland's own run did so
        (101, (1, 1), ELM, ELM, 38.0),  # was given year 1
        (39, (1, 1), {**ELM, **WRITTEN}, ELM, 38.0),
        (35, (1, 20), {**ELM, **WRITTEN}, ELM, 19.0),  # was given year 20
        (5, (1, 30), ELM, ELM, 9.0),
        (30, (1, 30), {**ELM, **WRITTEN}, {"case_id": "other"}, 9.0),
    ],
)
def test_the_dates_tell_how_long_the_run_was(
    year: int,
    calendars: tuple[int, int],
    start: dict[str, str],
    end: dict[str, str],
    years: float,
    run: RunPaths,
    tmp_path: Path,
) -> None:
    since = dated(run, tmp_path, "start.nc", year, calendars[0], **start)
    last = replace(run, restart=dated(run, tmp_path, "end.nc", END, calendars[1], **end))
    assert correct_run(last, since, tmp_path / "pools.nc")["years"] == pytest.approx(years, rel=1e-12)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ({**ELM, **WRITTEN}, ELM),  # given to ELM: with year 1, or with its dates?
        (ELM, {"case_id": "branch"}),
        ({**ELM, **WRITTEN}, {**ELM, **WRITTEN, "spinup_pools": "older.nc"}),
    ],
)
def test_a_length_that_the_dates_leave_open_is_asked_for(
    start: dict[str, str], end: dict[str, str], run: RunPaths, tmp_path: Path
) -> None:
    since = dated(run, tmp_path, "start.nc", 35, 1, **start)
    last = replace(run, restart=dated(run, tmp_path, "end.nc", END, 1, **end))
    with pytest.raises(InputError, match=r"end\.nc.*4 years if .*start\.nc, 38 if .*--run-years"):
        correct_run(last, since, tmp_path / "pools.nc")
    assert not (tmp_path / "pools.nc").exists()
    assert correct_run(last, since, tmp_path / "pools.nc", 38.0)["years"] == pytest.approx(38.0)
