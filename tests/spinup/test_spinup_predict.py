"""Predictions fall back by the stated rules, and say so; bad input is refused before anything is written."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from learn_cells import learn_table

from kiloland.cli.main import main
from kiloland.errors import ExitCode, InputError
from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset
from kiloland.spinup.benchmark.splits import random_split
from kiloland.spinup.dataset.fields import FORCING
from kiloland.spinup.dataset.run import RunFiles, ShortRun
from kiloland.spinup.dataset.table import CellTable
from kiloland.spinup.learn.job import trait_range
from kiloland.spinup.learn.model import Model, read_model, write_model
from kiloland.spinup.learn.predict import (
    Method,
    default_weights,
    predict_cells,
    predict_run,
    without_operator,
)
from kiloland.spinup.learn.problem import make_problem
from kiloland.spinup.learn.training import Settings, train
from kiloland.spinup.pools import read_pools

CELLS = 96
SPLIT = random_split(CELLS, 0)


@pytest.fixture(scope="module")
def table() -> CellTable:
    return learn_table(CELLS)


@pytest.fixture(scope="module")
def model(table: CellTable) -> Model:
    settings = Settings(epochs=4, batch=32, width=8, rate=1e-2)
    notes = {"label": "test", "trait_range": trait_range(table), "parameters_sha256": []}
    return train(table, SPLIT.train, SPLIT.validation, settings, notes=notes)


def changed(table: CellTable, **values: np.ndarray) -> CellTable:
    return replace(table, values={**table.values, **values})


def test_usual_cells_are_answered_by_the_network(table: CellTable, model: Model) -> None:
    answer = predict_cells(model, table.take(SPLIT.test))
    assert (answer.method == Method.NETWORK).all()
    assert (answer.distrust <= 1.0).all()
    assert (answer.uncertainty > 0.0).all()


def test_a_wrong_operator_is_detected_and_the_network_answers_alone(table: CellTable, model: Model) -> None:
    test = table.take(SPLIT.test)
    noise = np.exp(0.4 * np.random.default_rng(0).normal(size=test["operator_decay"].shape))
    wrong = changed(test, operator_decay=test["operator_decay"] * noise)
    answer = predict_cells(model, wrong)
    assert (answer.distrust > 1.0).all()
    assert (answer.method == Method.NETWORK).all()
    alone = predict_cells(without_operator(model), test)
    for name in ("soil3c_vr", "soil4c_vr", "cwdc_vr", "deadstemc"):
        np.testing.assert_allclose(answer.pools[name], alone.pools[name], rtol=1e-5)


def test_an_operator_that_does_not_respire_as_the_run_is_detected(table: CellTable, model: Model) -> None:
    test = table.take(SPLIT.test)
    names = [
        f"flux_K_{pool}" for pool in ("LITR1", "LITR2", "LITR3", "CWD", "SOIL1", "SOIL2", "SOIL3", "SOIL4")
    ]
    tripled = {name: 3.0 * test[name] for name in (*names, "operator_decay")}
    assert (predict_cells(model, changed(test, **tripled)).distrust > 1.0).all()


def test_far_climates_are_flagged_and_left_to_the_solver(table: CellTable, model: Model) -> None:
    test = table.take(SPLIT.test)
    hot = changed(test, forcing_TBOT=test["forcing_TBOT"] + 200.0, forcing_FLDS=test["forcing_FLDS"] + 900.0)
    answer = predict_cells(model, hot)
    assert (answer.distance > 2.0).all()
    assert (answer.method == Method.SOLVER).all()
    problem = make_problem(hot, model.features)
    np.testing.assert_array_equal(answer.pools["soil4c_vr"], problem.layer[..., 7])
    wrong = changed(hot, operator_decay=3.0 * hot["operator_decay"])
    scaled = predict_cells(model, wrong)
    assert (scaled.method == Method.SCALING).all()
    np.testing.assert_array_equal(scaled.pools["soil4c_vr"], test["X_soil4c_vr"])


def test_cells_are_answered_one_by_one_as_together(table: CellTable, model: Model) -> None:
    rows = np.arange(7)
    together = predict_cells(model, table.take(rows))
    for row in rows[:2]:
        alone = predict_cells(model, table.take(rows[row : row + 1]))
        np.testing.assert_allclose(alone.pools["soil4c_vr"][0], together.pools["soil4c_vr"][row], rtol=1e-5)


def test_the_weights_of_the_package_say_what_they_were_trained_on() -> None:
    model = read_model(default_weights())
    assert "not ELM" in model.notes["label"]
    assert default_weights().stat().st_size < 3_000_000


@pytest.fixture(scope="module")
def short_run(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> RunFiles:
    """ELM's accelerated spinup of two temperate cells, with a made-up monthly tape."""
    folder = tmp_path_factory.mktemp("run")
    zoo = shared / "data" / "elm" / "zoo"
    ad = zoo / "temperate" / "ad"
    for name, source in {
        "r.nc.gz": ad / "r.0041-01-01.nc.gz",
        "h0.nc.gz": ad / "h0.0001-01-01.nc.gz",
        "h1.nc.gz": ad / "h1.0001-01-01.nc.gz",
        "surface.nc.gz": zoo / "temperate" / "inputs" / "surfdata_ab.nc.gz",
        "parameters.nc.gz": zoo / "inputs_shared" / "clm_params.nc.gz",
        "CNP_parameters.nc": zoo / "inputs_shared" / "CNP_parameters.nc",
    }.items():
        shutil.copy(source, folder / name)
    write_weather(folder / "h2.nc", folder / "h0.nc.gz")
    history = tuple(folder / name for name in ("h0.nc.gz", "h1.nc.gz", "h2.nc"))
    return RunFiles(folder / "r.nc.gz", history, folder / "surface.nc.gz", folder / "parameters.nc.gz")


def write_weather(path: Path, like: Path) -> None:
    """Monthly means of a temperate year for the cells of another tape."""
    ends = np.cumsum([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]).astype(float)
    bounds = np.stack([np.concatenate([[0.0], ends[:-1]]), ends], axis=1)
    wave = -np.cos(2.0 * np.pi * (np.arange(12) + 0.5) / 12.0)[:, None] * np.ones((12, 2))
    mean = {"TBOT": 285, "FSDS": 170, "RAIN": 3e-5, "SNOW": 1e-6, "QBOT": 7e-3, "PBOT": 1e5, "FLDS": 310}
    with open_dataset(like) as file:
        arrays = {name: file[name].values() for name in ("lon", "lat")}
    variables = [VariableSchema(name, "f8", ("lndgrid",)) for name in arrays]
    arrays |= {"time": ends, "time_bounds": bounds}
    variables.append(VariableSchema("time", "f8", ("time",), {"units": "days since 0001-01-01 00:00:00"}))
    variables.append(VariableSchema("time_bounds", "f8", ("time", "hist_interval")))
    for name in FORCING:
        arrays[name] = mean[name] * (1.0 + 0.03 * wave)
        variables.append(VariableSchema(name, "f8", ("time", "lndgrid")))
    write_dataset(
        path, FileSchema({"lndgrid": 2, "hist_interval": 2}, ("time", 12), tuple(variables)), arrays
    )


@pytest.mark.oracle
def test_pools_of_an_elm_run_are_written_with_their_keys(
    tmp_path: Path, model: Model, short_run: RunFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    write_model(tmp_path / "w", model)
    command = ["spinup", "predict", "--weights", str(tmp_path / "w"), "--restart", str(short_run.restart)]
    command += ["--history", *map(str, short_run.history), "--surface", str(short_run.surface)]
    command += ["--parameters", str(short_run.parameters), "-o", str(tmp_path / "p.nc")]
    assert main(command) == ExitCode.BAD_INPUT
    assert "trained with other parameters" in capsys.readouterr().err
    assert not (tmp_path / "p.nc").exists()
    assert main([*command, "--other-parameters"]) == ExitCode.OK
    assert "2 soil columns" in capsys.readouterr().out
    pools = read_pools(tmp_path / "p.nc")
    assert pools.values["soil4c_vr"].shape == (2, 10)
    assert pools.attributes["weights_label"] == "test"
    assert set(pools.notes) == {"method_used", "uncertainty", "out_of_distribution"}
    with ShortRun(short_run) as run:
        there = run.subgrid.pft_weight > 0.0
        assert pools.keys.pft_itypveg.tolist() == run.subgrid.keys.pft_itypveg[there].tolist()


@pytest.mark.oracle
def test_blocks_of_columns_give_the_same_pools(tmp_path: Path, model: Model, short_run: RunFiles) -> None:
    write_model(tmp_path / "w", model)
    for block, name in ((1, "one"), (4096, "all")):
        predict_run(short_run, tmp_path / name, tmp_path / "w", other_parameters=True, block=block)
    one, both = read_pools(tmp_path / "one"), read_pools(tmp_path / "all")
    for name, values in one.values.items():
        np.testing.assert_allclose(values, both.values[name], rtol=1e-5)


@pytest.mark.oracle
def test_permuted_plant_types_are_refused(tmp_path: Path, short_run: RunFiles) -> None:
    with open_dataset(short_run.history[1]) as file:
        lengths = dict(file.dimensions)
        records = file["time"].shape[0]
        variables = tuple(VariableSchema(n, file[n].dtype, file[n].dims) for n in file)
        arrays = {name: file[name].read() for name in file}
    kinds = arrays["pfts1d_itype_veg"]
    kinds[[1, 2]] = kinds[[2, 1]]
    lengths.pop("time")
    write_dataset(tmp_path / "h1.nc", FileSchema(lengths, ("time", records), variables), arrays)
    history = (short_run.history[0], tmp_path / "h1.nc", short_run.history[2])
    with pytest.raises(InputError, match="weights of the patches differ"):
        ShortRun(replace(short_run, history=history))


@pytest.mark.oracle
def test_a_run_without_monthly_weather_is_told_the_namelist_lines(short_run: RunFiles) -> None:
    with pytest.raises(InputError, match="hist_fincl3"):
        ShortRun(replace(short_run, history=short_run.history[:2]))
