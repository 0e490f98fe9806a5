"""Pools of the equilibrium and of a year, by three methods, from files; nutrients; productivity."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from operator_world import ACCELERATION, CELLS, parameter_file, true_operator, write_run

from kiloland.cli.main import main
from kiloland.errors import InputError
from kiloland.spinup.cascade import POOLS, SECONDS_PER_YEAR, layers, read_cascade
from kiloland.spinup.operator import MineralPhosphorus
from kiloland.spinup.operator.source import RunPaths
from kiloland.spinup.pools import read_pools
from kiloland.spinup.solve import pipeline, steady_carbon
from kiloland.spinup.solve.anderson import fixed_point
from kiloland.spinup.solve.nutrients import dissolved, langmuir, mineral_after, split, steady_nutrients
from kiloland.spinup.solve.pipeline import solve_run
from kiloland.spinup.solve.productivity import Limitation
from kiloland.spinup.solve.request import Method, Request


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    return write_run(tmp_path_factory.mktemp("run"))


def solved(paths: RunPaths, output: Path, **asked: object) -> dict[str, np.ndarray]:
    solve_run(paths, Request(**asked), output)  # type: ignore[arg-type]
    return dict(read_pools(output).values)


def carbon(values: dict[str, np.ndarray]) -> np.ndarray:
    return np.stack([values[f"{pool}c_vr"].T for pool in POOLS])


def test_the_equilibrium_of_a_run_in_balance_is_its_pools_in_natural_scale(
    tmp_path: Path, run: RunPaths
) -> None:
    found = carbon(solved(run, tmp_path / "pools.nc"))
    np.testing.assert_allclose(found[:, :8], np.asarray(steady_carbon(true_operator()))[:, :8], rtol=1e-6)


def test_a_run_in_balance_stays_as_it_is_in_any_year(tmp_path: Path) -> None:
    late = write_run(tmp_path, year=61)
    found = carbon(solved(late, tmp_path / "pools.nc", year=60, wood_at_exit=10.0))
    wanted = np.asarray(steady_carbon(true_operator()))
    error = np.abs(found - wanted)[:, :8].max(axis=(1, 2)) / wanted.max(axis=(1, 2))
    assert error.max() < 1e-5


def test_without_the_factor_at_exit_wood_and_debris_fall_first(tmp_path: Path, run: RunPaths) -> None:
    full = solved(run, tmp_path / "a.nc", year=20, wood_at_exit=10.0)
    bare = solved(run, tmp_path / "b.nc", year=20)
    ratio = bare["deadstemc"].sum() / full["deadstemc"].sum()
    expected = 1.0 - 0.9 * np.exp(-0.02 * 20.0)
    assert ratio == pytest.approx(expected, rel=1e-6)
    assert bare["cwdc_vr"].sum() < full["cwdc_vr"].sum()


def test_anderson_acceleration_finds_the_direct_equilibrium(tmp_path: Path, run: RunPaths) -> None:
    direct = carbon(solved(run, tmp_path / "a.nc"))
    mixed = carbon(solved(run, tmp_path / "b.nc", method=Method.ANDERSON))
    thickness = layers().thickness[:, None]
    np.testing.assert_allclose((mixed * thickness).sum((0, 1)), (direct * thickness).sum((0, 1)), rtol=1e-5)


def test_anderson_acceleration_needs_fewer_runs_than_plain_iteration() -> None:
    rates = np.linspace(0.02, 0.99, 12)[:, None] * np.ones((1, 3))
    goal = np.random.default_rng(3).uniform(1.0, 9.0, rates.shape)
    found, runs = fixed_point(lambda state: goal + rates * (state - goal), 0.5 * goal, rounds=60)
    np.testing.assert_allclose(found, goal, rtol=1e-5)
    assert runs < 30
    assert 0.99**runs > 0.5


def test_scaling_multiplies_by_the_factors_and_nothing_else(tmp_path: Path, run: RunPaths) -> None:
    found = carbon(solved(run, tmp_path / "pools.nc", method=Method.SCALING))
    np.testing.assert_allclose(found, np.asarray(steady_carbon(true_operator())), rtol=1e-9)


def test_blocks_of_any_size_give_the_same_bits(
    tmp_path: Path, run: RunPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = solved(run, tmp_path / "a.nc", year=5)
    monkeypatch.setattr(pipeline, "BLOCK", 1)
    monkeypatch.setattr(pipeline.blocks, "__defaults__", (1,))
    parts = solved(run, tmp_path / "b.nc", year=5)
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)


def test_the_command_writes_pools_of_a_year(
    tmp_path: Path, run: RunPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "pools.nc"
    files = ["--restart", str(run.restart), "--history", *map(str, run.history)]
    files += ["--surface", str(run.surface), "--parameters", str(run.parameters)]
    asked = ["--year", "30", "--accelerated-until", "50", "-o", str(output), "--json"]
    assert main(["spinup", "solve", *files, *asked]) == 0
    assert json.loads(capsys.readouterr().out)["target"] == "year 30"
    pools = read_pools(output)
    assert pools.attributes["target_year"] == 30
    assert pools.attributes["source_spinup_state"] == 1
    assert pools.keys.columns == CELLS
    assert {"tlai", "deadcrootp", "soil4n_vr"} <= set(pools.values)


@pytest.mark.parametrize(
    "request_", [Request(year=0), Request(year=5, method=Method.SCALING), Request(mortality_factor=0.5)]
)
def test_requests_without_sense_write_nothing(tmp_path: Path, run: RunPaths, request_: Request) -> None:
    with pytest.raises(InputError):
        solve_run(run, request_, tmp_path / "pools.nc")
    assert not list(tmp_path.iterdir())


def test_a_mortality_that_is_none_writes_nothing(tmp_path: Path, run: RunPaths) -> None:
    wrong = replace(run, parameters=parameter_file(tmp_path / "p.nc", r_mort=0.0))
    with pytest.raises(InputError, match="r_mort"):
        solve_run(wrong, Request(), tmp_path / "pools.nc")
    assert not (tmp_path / "pools.nc").exists()


def test_soil_keeps_its_ratios_and_litter_those_of_its_input(tmp_path: Path) -> None:
    operator, cascade = true_operator(), read_cascade(parameter_file(tmp_path / "p.nc"))
    pools = steady_carbon(operator)
    nitrogen, phosphorus = steady_nutrients(operator, cascade, pools)
    for number, ratio in ((4, 12.0), (5, 12.0), (6, 10.0), (7, 10.0), (0, 45.0), (3, 45.0)):
        np.testing.assert_allclose(pools[number] / nitrogen[number], ratio, rtol=1e-9)
    for number, ratio in ((4, 360.0), (7, 500.0), (0, 900.0)):
        np.testing.assert_allclose(pools[number] / phosphorus[number], ratio, rtol=1e-9)


def some_minerals() -> MineralPhosphorus:
    rate = jnp.full(2, 1.0 / SECONDS_PER_YEAR)
    layered = jnp.zeros((10, 2))
    maximum, half = jnp.full(2, 80.0), jnp.full(2, 60.0)
    return MineralPhosphorus(
        1e-3 * rate, 0.04 * rate, 5e-3 * rate, 1e-5 * rate, maximum, half, layered, layered
    )


def test_mineral_phosphorus_is_kept_and_stays_on_langmuirs_curve() -> None:
    mineral, grid = some_minerals(), layers()
    labile = jnp.linspace(1.0, 30.0, 20).reshape(10, 2)
    start = jnp.stack([dissolved(labile, mineral), labile, 90.0 + labile, 160.0 + labile, 180.0 + labile])
    supply = jnp.zeros((10, 2)).at[0].set(1e-9)
    reached = mineral_after(mineral, jnp.asarray(grid.thickness), supply, start, jnp.asarray(150.0))
    np.testing.assert_allclose(reached[1], langmuir(reached[0], mineral), rtol=1e-9)
    column = [(pools.sum(0) * grid.thickness[:, None]).sum(0) for pools in (start, reached)]
    np.testing.assert_allclose(column[1], column[0], rtol=2e-3)
    np.testing.assert_allclose(split(reached[0] + reached[1], mineral), reached[0], rtol=1e-9)


def limitation(product: float) -> Limitation:
    year = np.full(3, 1.0 / SECONDS_PER_YEAR)
    known = np.array([True, True, False])
    return Limitation(900 * year, 700 * year, 650 * year, product * year, 1.0 * year, 0.9 * year, known)


def test_productivity_follows_what_nitrogen_is_left() -> None:
    year = np.full(3, 1.0 / SECONDS_PER_YEAR)
    stored, none, released = (limitation(0.3).ratio(share * year) for share in (0.8, 0.0, -1.0))
    assert stored[0] < none[0] < released[0]
    assert none[2] == 1.0
    npp = none[0] * 700.0
    fixed = 0.9 * np.expm1(-0.003 * npp) / np.expm1(-0.003 * 650.0)
    assert (1.0 - npp / 900.0) * (1.0 + fixed) == pytest.approx(0.3, rel=1e-6)


def test_acceleration_of_the_parameters_is_elms() -> None:
    np.testing.assert_allclose(ACCELERATION[[3, 6, 7]], [1.369, 1.956, 27.40], rtol=1e-3)
