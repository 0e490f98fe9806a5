"""Restarts that do not fit, damaged sets, directories that are taken or cannot be written."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from faults import Change, drop, one_message, spoken
from run_cases import (
    NAME,
    Arrays,
    Table,
    assert_same_results,
    case_table,
    case_text,
    command,
    kiloland,
    restart_of,
    rewrite,
    run,
    take_cells,
    write_case,
)


def scalar(variable: str, value: int) -> Change:
    def change(arrays: Arrays, attributes: dict[str, Table]) -> None:
        arrays[variable] = np.array(value, np.int32)

    return change


def unknown_variable(arrays: Arrays, attributes: dict[str, Table]) -> None:
    arrays["T_SOISNOW"] = arrays["T_SOISNO"]
    attributes["T_SOISNOW"] = {"dims": ("column", "levtot")}


def light_patches(arrays: Arrays, attributes: dict[str, Table]) -> None:
    arrays["pfts1d_wtcol"][...] *= 0.9


def lost_patch(arrays: Arrays, attributes: dict[str, Table]) -> None:
    arrays["pfts1d_column_index"][4] = 77


def shifted_cell(arrays: Arrays, attributes: dict[str, Table]) -> None:
    arrays["grid1d_lon"][6] += 0.5


def no_soil(arrays: Arrays, attributes: dict[str, Table]) -> None:
    arrays["cols1d_active"][...] = 0


@pytest.mark.parametrize(
    ("change", "case", "says"),
    [
        pytest.param(
            None, {"case__start": "0001-07-03"}, ("another date", "0001-07-02", "0001-07-03"), id="date"
        ),
        pytest.param(
            None,
            {"case__step_seconds": 3600},
            ("timemgr_rst_step_sec", "time step", "1800", "3600"),
            id="step",
        ),
        pytest.param(
            scalar("timemgr_rst_curr_ymd", 10229),
            {},
            ("timemgr_rst_curr_ymd", "not a date of a 365-day year", "found 10229 0"),
            id="29 February",
        ),
        pytest.param(unknown_variable, {}, ("T_SOISNO", "T_SOISNOW"), id="unknown variable"),
        pytest.param(drop("T_SOISNO"), {}, ("T_SOISNO: variable missing",), id="variable missing"),
        pytest.param(drop("grid1d_lon"), {}, ("grid1d_lon: variable missing",), id="coordinates missing"),
        pytest.param(
            drop("pfts1d_gridcell_index"),
            {},
            ("pfts1d_gridcell_index: variable missing",),
            id="index missing",
        ),
        pytest.param(
            light_patches,
            {},
            ("pfts1d_wtcol: column 0", "do not sum to one", "0.9", "1 within"),
            id="weights",
        ),
        pytest.param(lost_patch, {}, ("pfts1d_column_index: entry 4", "found 77"), id="index"),
        pytest.param(shifted_cell, {}, ("grid1d_lon", "cell 6", "differ in their cells"), id="other place"),
        pytest.param(no_soil, {}, ("no active soil column",), id="no soil"),
    ],
)
def test_a_restart_that_does_not_fit_the_case_is_told(
    few: Path,
    two_sets: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Change | None,
    case: dict[str, object],
    says: tuple[str, ...],
) -> None:
    restart = restart_of(two_sets, "0001-07-02")
    if change is not None:
        restart = rewrite(restart, change, target=tmp_path / "initial.nc")
    file = write_case(
        few,
        tmp_path / "run",
        **{"input__restart": restart, "case__start": "0001-07-02", "case__stop": "0001-07-05", **case},
    )
    for verb in ("check", "run"):
        code, text = spoken(capsys, verb, file)
        assert code == 2
        message = one_message(text)
        for words in (restart.name, *says):
            assert words in message
    assert not (tmp_path / "run").exists()


def test_a_restart_of_other_cells_is_told(
    few: Path, two_sets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nine = take_cells(few, tmp_path / "nine", np.arange(9), np.arange(9))
    case = write_case(
        nine, tmp_path / "run", case__start="0001-07-02", input__restart=restart_of(two_sets, "0001-07-02")
    )
    code, text = spoken(capsys, "run", case)
    assert code == 2
    assert "restart and domain differ in the number of cells (found 12, expected 9 land cells)" in text


def copied(directory: Path, target: Path) -> Path:
    """A copy of a run directory."""
    target.mkdir()
    for path in directory.iterdir():
        if path.is_file():
            (target / path.name).write_bytes(path.read_bytes())
    return target


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [cut, flip, empty, Path.unlink], ids=lambda d: d.__name__)
@pytest.mark.parametrize("member", ["r", "rh0"])
def test_a_damaged_set_is_passed_over_and_the_earlier_one_serves(
    few: Path,
    two_sets: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[Path], object],
    member: str,
) -> None:
    directory = copied(two_sets, tmp_path / "run")
    file = directory / f"{NAME}.elm.{member}.0001-07-03-00000.nc"
    damage(file)
    result = run(few, directory, case__stop="0001-07-03", restart__every="1 day", resume=True)
    assert result.steps == 48, "the day after the earlier set is computed again"
    assert "restart set passed over" in caplog.text
    assert file.name in caplog.text
    assert_same_results(two_sets, directory)


def test_without_any_whole_set_a_resumed_run_says_what_is_wrong(
    few: Path, two_sets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = copied(two_sets, tmp_path / "run")
    for date in ("0001-07-02", "0001-07-03"):
        flip(restart_of(directory, date))
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    code, text = spoken(capsys, "resume", write_case(few, directory, case__stop="0001-07-03"))
    assert code == 2
    message = one_message(text)
    assert "no restart set is complete" in message
    assert "sha256" in message
    assert before == {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"case__name": "u"}, ("case.name", "found u, expected t")),
        ({"case__step_seconds": 3600}, ("case.step_seconds", "found 3600, expected 1800")),
        ({"case__start": "0001-06-30"}, ("case.start", "0001-06-30-00000", "0001-07-01-00000")),
        ({"case__orbital_year": 2000}, ("case.orbital_year", "found 2000, expected 1990")),
        ({"input__leaf_area": "initial"}, ("input.leaf_area", "found initial, expected surface")),
        ({"atmosphere__year_align": 3}, ("atmosphere.year_align", "found 3, expected 1")),
        ({"history": [{"fields": ["TG"]}]}, ("history[0].fields", "found TG, expected TSOI")),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_case_that_changed_cannot_be_resumed(
    few: Path,
    two_sets: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, object],
    says: tuple[str, ...],
) -> None:
    directory = copied(two_sets, tmp_path / "run")
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    code, text = spoken(capsys, "resume", write_case(few, directory, **changes))
    assert code == 2
    message = one_message(text)
    for words in ("manifest.0001-07-03-00000.json", *says):
        assert words in message
    assert before == {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize("name", [NAME, "other"], ids=["same name", "other name"])
def test_a_second_run_in_a_directory_is_refused(
    few: Path, two_sets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    directory = copied(two_sets, tmp_path / "run")
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    code, text = spoken(capsys, "run", write_case(few, directory, case__name=name))
    assert code == 2
    message = one_message(text)
    for words in (str(directory), "two runs in one directory", "kiloland resume"):
        assert words in message
    assert before == {path.name: path.read_bytes() for path in directory.iterdir()}


def test_two_runs_at_the_same_time_in_one_directory_are_refused(few: Path, tmp_path: Path) -> None:
    case = write_case(few, tmp_path / "run", case__stop="0031-07-01", restart__every="1 year")
    first = subprocess.Popen(command("-q", "run", case), stderr=subprocess.PIPE, text=True)
    try:
        lock = tmp_path / "run/.kiloland-lock"
        limit = time.monotonic() + 60.0
        while not (lock.is_file() and lock.stat().st_size) and time.monotonic() < limit:
            time.sleep(0.02)
        for verb in ("run", "resume"):
            second = kiloland(verb, case)
            assert second.returncode == 2
            message = one_message(second.stderr)
            for words in (str(tmp_path / "run"), "two runs in one directory", f"process {first.pid}"):
                assert words in message
        assert first.poll() is None, "the first run goes on"
    finally:
        first.terminate()
        text = first.communicate(timeout=120)[1]
    assert first.returncode == 75
    assert "kiloland resume continues" in one_message(text)


@pytest.mark.parametrize("kind", ["file in the way", "no permission", "folder is a file"])
def test_a_directory_that_cannot_be_written_is_told(
    few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    directory = tmp_path / "place/run"
    case = write_case(few, directory)
    if kind == "file in the way":
        directory.write_text("mine")
    elif kind == "folder is a file":
        directory = tmp_path / "place/file/run"
        (tmp_path / "place/file").write_text("mine")
        case.write_text(case_text(case_table(few, directory)))
    else:
        directory = Path("/proc/kiloland")
        case.write_text(case_text(case_table(few, directory)))
    code, text = spoken(capsys, "run", case)
    assert code == 4
    message = one_message(text)
    assert f"{directory}: the run directory cannot be made" in message
