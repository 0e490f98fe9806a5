"""Command lines and launchers that cannot work are told in one message."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from faults import one_message, spoken
from run_cases import (
    kiloland,
    restart_of,
    take_cells,
    write_case,
)


@pytest.mark.parametrize(
    "launcher",
    [{"PMI_SIZE": "4", "PMI_RANK": "0"}, {"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "0"}],
    ids=["hydra", "openmpi"],
)
@pytest.mark.mpi
def test_a_launcher_that_does_not_belong_to_the_library_is_told(
    few: Path, tmp_path: Path, launcher: dict[str, str]
) -> None:
    pytest.importorskip("mpi4py")
    done = kiloland("run", write_case(few, tmp_path / "run"), environment=launcher, timeout=120)
    assert done.returncode == 2, done.stderr
    message = one_message(done.stderr)
    for words in ("mismatched mpiexec", "found 1 rank(s)", "expected 4 as launched"):
        assert words in message
    assert not (tmp_path / "run").exists()


@pytest.mark.mpi
def test_only_one_of_four_mismatched_processes_speaks(few: Path, tmp_path: Path) -> None:
    pytest.importorskip("mpi4py")
    other = {"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "2"}
    done = kiloland("run", write_case(few, tmp_path / "run"), environment=other, timeout=120)
    assert done.returncode == 2
    assert "kiloland" not in done.stderr


@pytest.mark.mpi
def test_more_ranks_than_cells_are_told(few: Path, tmp_path: Path) -> None:
    one = take_cells(few, tmp_path / "one", np.arange(1), np.arange(1))
    done = kiloland("run", write_case(one, tmp_path / "run"), ranks=2, timeout=120)
    assert done.returncode == 2
    assert "more ranks than land cells (found 2 ranks, expected at most 1)" in one_message(done.stderr)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("restart", "rewrite", "IN", "OUT", "--set", "T_SOISNO[0,7]"), "not of the form VAR[i,j]=X"),
        (("restart", "rewrite", "IN", "OUT", "--set", "T_SOISNO[0,7]=warm"), "not of the form VAR[i,j]=X"),
        (("restart", "rewrite", "IN", "OUT", "--set", "T_SOISNOW[0,7]=280"), "did you mean T_SOISNO"),
        (("restart", "rewrite", "IN", "OUT", "--set", "T_SOISNO[0,99]=280"), "index out of range"),
        (("restart", "rewrite", "IN", "OUT", "--set", "T_SOISNO[0]=280"), "index out of range"),
        (("restart", "rewrite", "IN", "OUT", "--set", "SNLSNO[0]=0.5"), "does not fit the type"),
        (("restart", "rewrite", "absent.nc", "OUT"), "absent.nc"),
        (("step", "IN", "--inputs", "FOLDER", "--namelist", "absent", "--steps", "1", "-o", "OUT"), "absent"),
        (("step", "IN", "--inputs", "FOLDER", "--namelist", "NL", "--steps", "0", "-o", "OUT"), "at least 1"),
        (
            ("step", "IN", "--inputs", "FOLDER", "--namelist", "NL", "--steps", "1", "-o", "OUT"),
            "not a Fortran namelist",
        ),
        (
            ("case", "from-elm", "NL", "--inputs", "FOLDER", "--stop", "0002-01-01", "-o", "OUT"),
            "not a Fortran namelist",
        ),
        (("check", "CASE", "--ranks", "0"), "--ranks"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_command_that_cannot_be_done_is_told(
    few: Path,
    two_sets: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    says: str,
) -> None:
    (tmp_path / "lnd_in").write_text("no namelist at all")
    places = {
        "IN": restart_of(two_sets, "0001-07-02"),
        "OUT": tmp_path / "out.nc",
        "FOLDER": few,
        "NL": tmp_path / "lnd_in",
        "CASE": write_case(few, tmp_path / "run"),
    }
    code, text = spoken(capsys, *(places.get(word, word) for word in arguments))
    assert code == 2
    assert says in one_message(text)
    assert not (tmp_path / "out.nc").exists()


@pytest.mark.parametrize("arguments", [(), ("rum",), ("run",), ("step",), ("check", "a", "--rank", "x")])
def test_a_wrong_command_line_is_told(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    code, text = spoken(capsys, *arguments)
    assert code == 2
    assert "usage: kiloland" in text
