"""The job file of a plan: what it may say, and what is refused with its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiloland.cli.main import main
from kiloland.craft.plan import read_job
from kiloland.errors import InputError

JOB = """
[job]
name = "here"
directory = "made"

[domain]
planned = true
land_cells = 1000
"""


def job(folder: Path, text: str) -> Path:
    path = folder / "job.toml"
    path.write_text(text)
    return path


def test_paths_are_taken_from_the_folder_of_the_job(tmp_path: Path) -> None:
    read = read_job(job(tmp_path, JOB + '[surface]\nsource = "s.nc"\n'))
    assert read.job.directory == tmp_path / "made"
    assert read.surface is not None
    assert read.surface.source == tmp_path / "s.nc"
    assert read.options.memory == 128


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (JOB + "[forcng]\n", "did you mean forcing"),
        (JOB + '[forcing]\nsource = "d"\nfirst_yaer = 2000\n', "did you mean forcing.first_year"),
        (JOB + '[forcing]\nsource = "d"\nfirst_year = 2000\n', "last_year"),
        (JOB + '[forcing]\nsource = "d"\nfirst_year = 2001\nlast_year = 2000\n', "not after last_year"),
        (
            JOB + '[forcing]\nsource = "d"\nfirst_year = 2\nlast_year = 2\nkind = "hourly"\n',
            "daily, three-hourly",
        ),
        (JOB + '[duplicate]\ntimes = "10x"\n', "not a number of copies"),
        (JOB + '[surface]\nsource = "s.nc"\nmethods = ["SOIL_COLOR=linear"]\n', "Classes are never averaged"),
        (JOB + '[surface]\nsource = "s.nc"\nmethods = ["SOIL_COLOR"]\n', "VAR=METHOD"),
        (JOB + '[surface]\nsource = "s.nc"\nvariables = ["PCT_LAND"]\n', "no variable of a surface file"),
        (JOB + "[options]\nmemory = 1\n", "at least 64 MB"),
        (JOB + "[options]\nranks = 0\n", "at least 1"),
        (JOB.replace("land_cells = 1000", ""), "needs land_cells"),
        (JOB.replace("planned = true\nland_cells = 1000", 'land_mask = "absent.csv"'), "how many cells"),
        (JOB.replace('name = "here"', ""), "key missing"),
        (JOB + "[domain]\n", "not valid TOML"),
    ],
)
def test_mistakes_are_named_with_their_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    assert main(["craft", "plan", str(job(tmp_path, text))]) == 2
    assert message in capsys.readouterr().err


def test_a_job_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_job(tmp_path / "absent.toml")
