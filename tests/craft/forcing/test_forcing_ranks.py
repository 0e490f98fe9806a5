"""Ranks share the work: the same bytes for any number, and one message where one fails."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kiloland.grid import Domain, write_domain

pytestmark = pytest.mark.mpi


def launched(ranks: int, *words: str) -> subprocess.CompletedProcess[str]:
    launcher = Path(sys.executable).with_name("mpiexec")
    command = [str(launcher), "-n", str(ranks), sys.executable, "-m", "kiloland.cli.main"]
    return subprocess.run([*command, "craft", "forcing", *words], capture_output=True, text=True, timeout=240)


def test_two_ranks_make_the_same_bytes(
    daily_source: Path, set_of_cells: tuple[Path, Domain], tmp_path: Path
) -> None:
    folder, _ = set_of_cells
    words = [
        "--source",
        str(daily_source),
        "--domain",
        str(folder / "domain.nc"),
        "--years",
        "2004-01:2004-03",
    ]
    done = launched(2, *words, "-o", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "21 files written" in done.stdout
    files = sorted((folder / "out").glob("*.nc"))
    assert len(files) == 21
    for path in files:
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


def test_three_ranks_share_variables_of_one_month(set_of_cells: tuple[Path, Domain], tmp_path: Path) -> None:
    folder, domain = set_of_cells
    write_domain(tmp_path / "sub.nc", domain.take(slice(0, 2)))
    words = ["--source", str(folder / "out"), "--domain", str(tmp_path / "sub.nc"), "--years", "2004-02"]
    for ranks in (1, 3):
        done = launched(ranks, *words, "-o", str(tmp_path / str(ranks)))
        assert done.returncode == 0, done.stderr
    files = sorted((tmp_path / "1").glob("*.nc"))
    assert len(files) == 7
    for path in files:
        assert (tmp_path / "3" / path.name).read_bytes() == path.read_bytes()


def test_a_failing_rank_ends_all_with_one_message(set_of_cells: tuple[Path, Domain], tmp_path: Path) -> None:
    folder, _ = set_of_cells
    source = tmp_path / "source"
    shutil.copytree(folder / "out", source)
    broken = source / "clmforc.Daymet4.1km.1d.WIND.2004-02.nc"
    content = bytearray(broken.read_bytes())
    content[-8:-4] = b"\xc7\x80\x00\x00"  # a wind of -65536 m/s in the last sample
    broken.write_bytes(content)
    words = ["--source", str(source), "--domain", str(folder / "domain.nc"), "--years", "2004-01:2004-03"]
    done = launched(2, *words, "-o", str(tmp_path / "out"))
    assert done.returncode != 0
    assert done.stderr.count("WIND.2004-02.nc") == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "out").glob("*WIND.2004-02*"))
    assert list((tmp_path / "out").glob("*TBOT.2004-01*"))
