"""What still drifts in a short run tells where the pools come to rest."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from operator_world import true_operator, write_run

from kiloland.cli.main import main
from kiloland.errors import ExitCode, InputError
from kiloland.files import open_dataset
from kiloland.spinup.cascade import CWD, LAYERS, POOLS, SECONDS_PER_YEAR, layers
from kiloland.spinup.operator.read import read_block
from kiloland.spinup.operator.source import RunPaths, Source
from kiloland.spinup.pools import read_pools
from kiloland.spinup.solve import carbon_tendency, steady_carbon
from kiloland.spinup.solve.correction import FIRST_GAIN, LONGEST, correct_run, secant_gain
from kiloland.spinup.subgrid import restart_subgrid

YEARS = 4.0
OFF = 0.03
"""How far the pools are from the equilibrium, relative."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunPaths, Path]:
    """A normal run that ends 3 % above its equilibrium, and the restart that it began with."""
    folder = tmp_path_factory.mktemp("run")
    paths = write_run(folder, accelerated=False)
    balance = np.asarray(steady_carbon(true_operator()))
    end = (1.0 + OFF) * balance
    start = end - YEARS * SECONDS_PER_YEAR * np.asarray(carbon_tendency(true_operator(), end))
    before = restart_with(paths.restart, folder / "start.nc", start)
    return replace(paths, restart=restart_with(paths.restart, folder / "end.nc", end)), before


def restart_with(original: Path, path: Path, carbon: np.ndarray) -> Path:
    """The restart with other carbon, [pool, layer, column]."""
    with open_dataset(original) as file:
        rows = restart_subgrid(file).column_row
    shutil.copy(original, path)
    with netCDF4.Dataset(path, "r+") as changed:
        for number, pool in enumerate(POOLS):
            whole = changed[f"{pool}c_vr"][:]
            whole[rows, :LAYERS] = carbon[number].T
            changed[f"{pool}c_vr"][:] = whole
    return path


def carbon_of(path: Path) -> np.ndarray:
    values = read_pools(path).values
    return np.stack([values[f"{pool}c_vr"].T for pool in POOLS])


def test_a_first_correction_takes_nine_tenths_of_the_way_to_the_equilibrium(
    run: tuple[RunPaths, Path], tmp_path: Path
) -> None:
    correct_run(run[0], run[1], tmp_path / "pools.nc", YEARS)
    balance = np.asarray(steady_carbon(true_operator()))
    off = carbon_of(tmp_path / "pools.nc") / balance - 1.0
    left = (1.0 - FIRST_GAIN) * OFF
    # The step is bounded to ten thousand years: pools that need thousands keep a little more.
    np.testing.assert_allclose(off[:7, :5], left, rtol=0.02)
    assert off[7, :5].min() > left
    assert off[7, :5].max() < 2.0 * left


def test_a_run_that_stands_still_is_left_alone(run: tuple[RunPaths, Path], tmp_path: Path) -> None:
    paths, _ = run
    said = correct_run(paths, paths.restart, tmp_path / "pools.nc", YEARS)
    end = (1.0 + OFF) * np.asarray(steady_carbon(true_operator()))
    np.testing.assert_array_equal(carbon_of(tmp_path / "pools.nc"), end)
    assert said["mean_size_of_drift"] == 0.0


def test_the_next_correction_learns_how_long_its_step_must_be(
    run: tuple[RunPaths, Path], tmp_path: Path
) -> None:
    paths, start = run
    first, second = tmp_path / "first.nc", tmp_path / "second.nc"
    correct_run(paths, start, first, YEARS)
    # The same drift again, turned: the first step was twice too long for such a column.
    balance = np.asarray(steady_carbon(true_operator()))
    end = (1.0 - OFF) * balance
    begin = end - YEARS * SECONDS_PER_YEAR * np.asarray(carbon_tendency(true_operator(), end))
    turned = replace(paths, restart=restart_with(paths.restart, tmp_path / "end.nc", end))
    correct_run(turned, restart_with(paths.restart, tmp_path / "begin.nc", begin), second, YEARS, first)
    np.testing.assert_allclose(read_pools(second).notes["soil_gain"], 0.5 * FIRST_GAIN, rtol=1e-9)


def restart_value(path: Path, name: str) -> np.ndarray:
    """A layered variable of the soil columns, [column, layer], or a pool of the patches."""
    with open_dataset(path) as file:
        grid = restart_subgrid(file)
        if name.endswith("_vr"):
            return np.asarray(file[name].values((grid.column_row, slice(0, LAYERS))))
        return np.asarray(file[name].values()[grid.pft_row])


def test_soil_pools_keep_their_nitrogen_and_phosphorus_to_carbon(
    run: tuple[RunPaths, Path], tmp_path: Path
) -> None:
    correct_run(*run, tmp_path / "pools.nc", YEARS)
    pools = read_pools(tmp_path / "pools.nc").values
    for pool in POOLS[4:]:
        carbon = pools[f"{pool}c_vr"] / restart_value(run[0].restart, f"{pool}c_vr")
        assert carbon.max() < 1.0
        for element in "np":
            name = f"{pool}{element}_vr"
            np.testing.assert_allclose(pools[name] / restart_value(run[0].restart, name), carbon, rtol=1e-12)


def test_wood_that_grows_feeds_the_debris(run: tuple[RunPaths, Path], tmp_path: Path) -> None:
    """Soil at rest, stems that grew by a tenth: dx of debris = more litter / (decay + 1/tau)."""
    paths, _ = run
    start = tmp_path / "start.nc"
    shutil.copy(paths.restart, start)
    with netCDF4.Dataset(start, "r+") as file:
        file["deadstemc"][:] = file["deadstemc"][:] / 1.1
    correct_run(paths, start, tmp_path / "pools.nc", YEARS)
    found = read_pools(tmp_path / "pools.nc")
    grown = restart_value(paths.restart, "deadstemc") > 0.0
    stem, nitrogen = (
        found.values[name][grown] / restart_value(paths.restart, name)[grown]
        for name in ("deadstemc", "deadstemn")
    )
    assert stem.min() > 1.0
    np.testing.assert_allclose(nitrogen, stem, rtol=1e-12)
    with Source(paths) as source:
        operator = read_block(source, slice(0, source.columns)).operator
    litter = np.asarray(operator.litter_input)[CWD]
    stock, more = (amounts_of_wood(paths.restart, found.values["deadstemc"], what) for what in ("all", "new"))
    rate = np.asarray(operator.decay)[CWD] + 1.0 / LONGEST
    expected = litter * (more / stock) / rate
    change = carbon_of(tmp_path / "pools.nc")[CWD] - restart_value(paths.restart, "cwdc_vr").T
    np.testing.assert_allclose(change, expected, rtol=1e-9)


def amounts_of_wood(restart: Path, stems: np.ndarray, what: str) -> np.ndarray:
    """Wood of the columns before the correction, or what it added to the stems, gC m-2."""
    with open_dataset(restart) as file:
        grid = restart_subgrid(file)
    names = ("deadstemc", "deadcrootc", "livestemc", "livecrootc")
    wood = sum((restart_value(restart, name) for name in names), np.zeros(stems.size))
    amount = wood if what == "all" else stems - restart_value(restart, "deadstemc")
    return np.bincount(grid.keys.pft_column, grid.pft_weight * amount, grid.keys.columns)


def test_young_wood_is_trusted_less_than_wood_of_a_long_run(
    run: tuple[RunPaths, Path], tmp_path: Path
) -> None:
    gains = {}
    for years in (4.0, 40.0):
        correct_run(*run, tmp_path / f"{years}.nc", years)
        gains[years] = float(read_pools(tmp_path / f"{years}.nc").notes["wood_gain"][0])
    assert gains[4.0] == pytest.approx(0.9 * (1.0 - np.exp(-4.0 / 6.0)))
    assert gains[40.0] > 0.895


@pytest.mark.parametrize(
    ("before", "now", "gain"),
    [
        (10.0, 5.0, 1.0),  # half of the way with half a step
        (10.0, -5.0, 1.0 / 3.0),  # too far
        (10.0, 9.0, 1.0),  # hardly any answer: twice as much, no more
        (10.0, -90.0, 0.25),
        (0.4, 0.1, 0.5),  # too small a drift to learn from
        (10.0, 12.0, 0.5),  # grew with its sign: no answer to this step
        (10.0, 10.0, 0.5),
        (0.0, 3.0, 0.5),
    ],
)
def test_the_share_of_the_step_that_would_have_ended_the_drift(
    before: float, now: float, gain: float
) -> None:
    made = secant_gain(np.array([0.5]), np.array([before]), np.array([now]))
    np.testing.assert_allclose(made, gain, rtol=1e-12)


def test_the_drift_is_that_of_the_column(run: tuple[RunPaths, Path], tmp_path: Path) -> None:
    correct_run(*run, tmp_path / "pools.nc", YEARS)
    operator = true_operator()
    end = (1.0 + OFF) * np.asarray(steady_carbon(operator))
    rate = np.asarray(carbon_tendency(operator, end)).sum(axis=0)
    expected = SECONDS_PER_YEAR * (layers().thickness @ rate)
    np.testing.assert_allclose(read_pools(tmp_path / "pools.nc").notes["soil_tendency"], expected, rtol=1e-9)


def accelerated(run: tuple[RunPaths, Path], folder: Path) -> tuple[RunPaths, Path, Path | None]:
    return write_run(folder), run[1], None


def no_time(run: tuple[RunPaths, Path], folder: Path) -> tuple[RunPaths, Path, Path | None]:
    return run[0], run[1], None


def no_correction(run: tuple[RunPaths, Path], folder: Path) -> tuple[RunPaths, Path, Path | None]:
    from kiloland.spinup.solve.pipeline import solve_run
    from kiloland.spinup.solve.request import Request

    solve_run(run[0], Request(), folder / "solved.nc")
    return run[0], run[1], folder / "solved.nc"


@pytest.mark.parametrize(
    ("make", "years", "said"),
    [
        (accelerated, YEARS, "a correction needs a normal run"),
        (no_time, 0.0, "no time between the restarts"),
        (no_correction, YEARS, "is no correction"),
    ],
)
def test_what_cannot_be_corrected_is_said(
    make: Callable[..., tuple[RunPaths, Path, Path | None]],
    years: float,
    said: str,
    run: tuple[RunPaths, Path],
    tmp_path: Path,
) -> None:
    paths, since, previous = make(run, tmp_path)
    with pytest.raises(InputError, match=said):
        correct_run(paths, since, tmp_path / "pools.nc", years, previous)
    assert not (tmp_path / "pools.nc").exists()


def test_the_command_asks_for_the_start_of_the_run(
    run: tuple[RunPaths, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths, since = run
    files = [
        *("--restart", str(paths.restart), "--history", *map(str, paths.history)),
        *("--surface", str(paths.surface), "--parameters", str(paths.parameters)),
    ]
    output = tmp_path / "pools.nc"
    command = ["spinup", "solve", *files, "-o", str(output)]
    assert main([*command, "--run-years", "4"]) == ExitCode.BAD_INPUT
    assert "--since" in capsys.readouterr().err
    assert main([*command, "--since", str(since), "--year", "3"]) == ExitCode.BAD_INPUT
    assert main([*command, "--since", str(since), "--run-years", "4"]) == ExitCode.OK
    assert output.is_file()


@pytest.mark.oracle
def test_dead_wood_of_elm_goes_where_elm_is_after_250_years_more(shared: Path, tmp_path: Path) -> None:
    folder, inputs = shared / "data/elm/final_spinup", shared / "data/elm/inputs"
    last = folder / "spr.elm.r.0141-01-01-00000.nc.gz"
    paths = RunPaths(
        last,
        tuple(sorted(folder.glob("spr.elm.h0.*.nc.gz"))),
        inputs / "surfdata.nc",
        inputs / "clm_params_c180524-sub12_updated20240201.nc.gz",
    )
    correct_run(paths, folder / "r.0101-01-01.nc.gz", tmp_path / "pools.nc")
    corrected = read_pools(tmp_path / "pools.nc").values
    with (
        open_dataset(last) as now,
        open_dataset(shared / "data/elm/final_spinup_continued/r.0386-01-01.nc.gz") as later,
    ):
        rows = restart_subgrid(now).pft_row
        weight = restart_subgrid(now).pft_weight
        for name in ("deadstemc", "deadcrootc"):
            before, after = (float(weight @ file[name].values()[rows]) for file in (now, later))
            assert abs(before / after - 1.0) > 0.03
            assert abs(float(weight @ corrected[name]) / after - 1.0) < 0.01
