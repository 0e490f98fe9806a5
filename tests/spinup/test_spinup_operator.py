"""The operator that files were made of is read back from them, in both qualities; wrong files are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from operator_world import (
    ACCELERATION,
    CELLS,
    LITTER_NITROGEN,
    history_file,
    history_values,
    parameter_file,
    restart_file,
    true_operator,
    write_run,
)
from restart_world import small_restart

from kiloland.cli.main import main
from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.spinup.operator.read import read_block
from kiloland.spinup.operator.source import Quality, RunPaths, Source

EVERYTHING = slice(0, CELLS)
UPPER_LAYERS = slice(0, 8)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    return write_run(tmp_path_factory.mktemp("run"))


def arguments(paths: RunPaths) -> list[str]:
    files = ["--restart", str(paths.restart), "--history", *map(str, paths.history)]
    return [*files, "--surface", str(paths.surface), "--parameters", str(paths.parameters)]


def refusal(paths: RunPaths) -> str:
    with pytest.raises(InputError) as refused:
        Source(paths).close()
    return str(refused.value)


@pytest.mark.parametrize(
    ("full", "accelerated"), [(True, True), (False, True), (True, False), (False, False)]
)
def test_the_operator_comes_back_from_the_files(tmp_path: Path, full: bool, accelerated: bool) -> None:
    truth = true_operator()
    with Source(write_run(tmp_path, full=full, accelerated=accelerated)) as source:
        assert source.quality is (Quality.FULL if full else Quality.DEFAULT)
        made = read_block(source, EVERYTHING).operator
    tolerance = 1e-6 if full else 2e-3
    for name in ("decay", "litter_input"):
        found, wanted = np.asarray(getattr(made, name)), np.asarray(getattr(truth, name))
        np.testing.assert_allclose(
            found[:, UPPER_LAYERS], wanted[:, UPPER_LAYERS], rtol=tolerance, atol=1e-20
        )
    np.testing.assert_allclose(made.diffusivity, truth.diffusivity, rtol=1e-12)


def test_litter_brings_the_nitrogen_of_its_budget(run: RunPaths) -> None:
    with Source(run) as source:
        made = read_block(source, EVERYTHING).operator
    ratio = np.asarray(made.litter_input / np.where(made.litter_input_n > 0, made.litter_input_n, 1.0))
    np.testing.assert_allclose(ratio[[0, 3], :6], LITTER_NITROGEN, rtol=1e-6)


def test_the_order_of_columns_on_file_does_not_matter(tmp_path: Path, run: RunPaths) -> None:
    shuffled = restart_file(tmp_path / "r.nc", true_operator(), ACCELERATION, state=1, year=39, shuffle=3)
    with Source(run) as one, Source(replace(run, restart=shuffled)) as other:
        place = np.argsort(other.subgrid.keys.column_gridcell)
        first, second = read_block(one, EVERYTHING).operator, read_block(other, EVERYTHING).operator
    assert np.array_equal(np.asarray(first.decay), np.asarray(second.decay)[..., place])


def test_years_after_the_restart_are_not_read(tmp_path: Path, run: RunPaths) -> None:
    values = history_values(true_operator(), ACCELERATION)
    wrong = {name: 7.0 * value for name, value in values.items()}
    later = history_file(tmp_path / "later.nc", wrong, range(39, 45))
    with Source(run) as one, Source(replace(run, history=(*run.history, later))) as other:
        first, second = read_block(one, EVERYTHING).operator, read_block(other, EVERYTHING).operator
    assert np.array_equal(first.decay, second.decay)


def test_years_in_which_nutrients_were_supplied_are_left_out(tmp_path: Path, run: RunPaths) -> None:
    values = history_values(true_operator(), ACCELERATION)
    history = history_file(tmp_path / "h.nc", values, range(20, 39), supplied=range(20, 26))
    with Source(replace(run, history=(history,))) as source:
        assert source.window.years == tuple(range(26, 39))
        assert source.window.supplemented == tuple(range(20, 26))


def test_the_command_writes_the_file_and_says_quality_and_closure(
    tmp_path: Path, run: RunPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "operator.nc"
    assert main(["spinup", "operator", *arguments(run), "-o", str(output), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["quality"] == "full"
    assert max(said["pools"][pool]["residual"] for pool in ("soil1", "soil2", "soil3", "soil4")) < 1e-6
    assert said["mixing"] < 1e-6
    assert said["respiration"] < 1e-6
    with open_dataset(output) as file:
        assert file["decay"].dims == ("column", "pool", "levdecomp")
        assert file.attributes["quality"] == "full"


def test_fields_of_neither_quality_are_asked_for_with_namelist_lines(tmp_path: Path, run: RunPaths) -> None:
    values = history_values(true_operator(), ACCELERATION)
    for name in ("SOIL4_HR", "T_SCALAR"):
        values.pop(name)
    history = history_file(tmp_path / "h.nc", values, range(30, 39))
    said = refusal(replace(run, history=(history,)))
    assert "hist_fincl1 = " in said
    assert "'K_SOIL4'" in said


def test_other_cells_are_refused(tmp_path: Path, run: RunPaths) -> None:
    def moved(values: dict[str, np.ndarray]) -> None:
        values["grid1d_ixy"] = np.array([2, 1, 3, 4], np.int32)
        values["grid1d_jxy"] = np.ones(4, np.int32)
        values["timemgr_rst_step_sec"] = np.asarray(3600, np.int32)

    restart = small_restart(tmp_path / "r.nc", year=39, change=moved)
    assert "different runs" in refusal(replace(run, restart=restart))


def test_other_dates_are_refused(tmp_path: Path, run: RunPaths) -> None:
    restart = restart_file(tmp_path / "r.nc", true_operator(), ACCELERATION, state=1, year=80)
    said = refusal(replace(run, restart=restart))
    assert "different runs or dates" in said
    assert "year 79" in said


def test_pools_of_another_run_are_refused(tmp_path: Path, run: RunPaths) -> None:
    richer = true_operator()
    richer = replace(richer, litter_input=10.0 * richer.litter_input)
    restart = restart_file(tmp_path / "r.nc", richer, ACCELERATION, state=1, year=39)
    assert "soil 2 carbon differs" in refusal(replace(run, restart=restart))


def test_a_run_before_the_averaged_scalars_is_refused(tmp_path: Path, run: RunPaths) -> None:
    restart = restart_file(tmp_path / "r.nc", true_operator(), ACCELERATION, state=1, year=15)
    assert "before the averaged scalars exist" in refusal(replace(run, restart=restart))


def test_a_restart_without_soil_is_refused(tmp_path: Path, run: RunPaths) -> None:
    def drowned(values: dict[str, np.ndarray]) -> None:
        values["cols1d_ityplun"] = np.full_like(values["cols1d_ityplun"], 5)

    restart = small_restart(tmp_path / "r.nc", change=drowned)
    assert "no column with natural vegetation" in refusal(replace(run, restart=restart))


def test_a_value_that_is_no_number_is_named(tmp_path: Path, run: RunPaths) -> None:
    values = history_values(true_operator(), ACCELERATION)
    values["SOIL3_HR_vr"] = values["SOIL3_HR_vr"].copy()
    values["SOIL3_HR_vr"][4, 1] = np.nan
    history = history_file(tmp_path / "h.nc", values, range(29, 39))
    with Source(replace(run, history=(history,))) as source, pytest.raises(InputError) as refused:
        read_block(source, EVERYTHING)
    assert "SOIL3_HR_vr" in str(refused.value)
    assert "gridcell 2, layer 5" in str(refused.value)


@pytest.mark.parametrize(
    ("changed", "lost", "problem"),
    [({}, ("k_s3",), "k_s3"), ({"rf_s1s2": 1.5}, (), "rf_s1s2"), ({"k_l1": -1.0}, (), "k_l1")],
)
def test_parameters_that_cannot_be_are_named(
    tmp_path: Path, run: RunPaths, changed: dict[str, float], lost: tuple[str, ...], problem: str
) -> None:
    parameters = parameter_file(tmp_path / "p.nc", lost, **changed)
    assert problem in refusal(replace(run, parameters=parameters))
