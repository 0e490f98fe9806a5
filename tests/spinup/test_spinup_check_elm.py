"""The check on ELM's own spinups: numbers known from the runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiloland.cli.main import main
from kiloland.errors import ExitCode
from kiloland.spinup.criteria import SpinupCheck, check_spinup
from kiloland.spinup.criteria.measure import drift_history

pytestmark = pytest.mark.oracle


def carbon(check: SpinupCheck) -> float:
    judged = check.of("TOTECOSYSC")
    assert judged is not None
    return judged.measured.mean


def test_a_peat_forest_still_gains_after_three_centuries(shared: Path) -> None:
    files = sorted((shared / "data/elm/final_spinup_continued").glob("h0.*.nc.gz"))
    check = check_spinup(files, cycle=21)
    assert check.equilibrium is False
    judged = check.of("TOTECOSYSC")
    assert judged is not None
    course = dict(drift_history(judged.measured, check.windows))
    assert course[348] == pytest.approx(1.8, abs=0.05)
    assert 1.5 < carbon(check) < 1.7
    assert all(
        before > after for before, after in zip(course.values(), list(course.values())[1:], strict=False)
    )
    assert check.missing == ("TOTSOMN", "TOTVEGN", "TOTSOMP", "TOTVEGP")


def test_forcing_of_seven_years_is_found(shared: Path) -> None:
    files = sorted((shared / "data/elm/final_spinup").glob("*.h0.*.nc.gz"))
    check = check_spinup(files)
    assert "cycles of 7 years" in check.windows.found_by
    assert check.windows.text == "years 113-126 and 127-140"
    assert carbon(check) == pytest.approx(8.7, abs=0.1)


def test_two_tapes_of_two_cells_are_judged_together(shared: Path) -> None:
    """At year 100 the forest gains about 70 gC m-2 yr-1 and the herbs are near rest."""
    files = sorted((shared / "data/elm/zoo/temperate/final").glob("h*.nc.gz"))
    check = check_spinup(files)
    biome = {one.name: one.mean for one in check.groups if one.kind == "biome"}
    assert biome["temperate forest"] == pytest.approx(69.0, abs=1.0)
    assert abs(biome["grassland"]) < 5.0
    plants = {(one.field, one.plant): one.mean for one in check.plants}
    assert plants[("TOTVEGC", 7)] > 50.0
    assert abs(plants[("TOTVEGC", 13)]) < 2.0
    leaves = check.of("TLAI")
    assert leaves is not None
    assert leaves.measured.from_patches


def test_a_tape_without_exchange_cannot_be_judged(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = shared / "data/elm/zoo/temperate/vad/h0.0001-01-01.nc.gz"
    assert main(["spinup", "check", "--history", str(file)]) == ExitCode.BAD_INPUT
    assert "hist_fincl1 = 'NEE', 'TOTECOSYSC'" in capsys.readouterr().err
