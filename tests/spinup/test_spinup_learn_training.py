"""Training learns, is the same whenever it is repeated or interrupted, and says what it cannot use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learn_cells import learn_table

from kiloland.cli.main import main
from kiloland.errors import ExitCode, InputError
from kiloland.spinup.benchmark.splits import random_split, write_split
from kiloland.spinup.dataset.table import CellTable, write_table
from kiloland.spinup.learn.answers import raw_answer
from kiloland.spinup.learn.job import TrainingRequest, run_training
from kiloland.spinup.learn.model import Architecture, Model, named_leaves, read_model
from kiloland.spinup.learn.problem import make_problem
from kiloland.spinup.learn.training import Settings, learning_rate, prepared, started, step, train

CELLS = 96
SETTINGS = Settings(epochs=12, batch=32, width=8, rate=1e-2)
SPLIT = random_split(CELLS, 0)


@pytest.fixture(scope="module")
def table() -> CellTable:
    return learn_table(CELLS)


def trained(table: CellTable, settings: Settings = SETTINGS, **more: object) -> Model:
    return train(table, SPLIT.train, SPLIT.validation, settings, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def model(table: CellTable) -> Model:
    return trained(table)


def same(first: Model, second: Model) -> bool:
    one, two = named_leaves(first.network), named_leaves(second.network)
    return all(np.array_equal(one[name], two[name]) for name in one)


def test_the_network_beats_the_solver_on_cells_that_it_never_saw(table: CellTable, model: Model) -> None:
    test = table.take(SPLIT.test)
    problem = make_problem(test, model.features)
    answer = raw_answer(model, problem)
    truth = np.stack([test[f"Y_{name}_vr"] for name in ("soil3c", "soil4c")], axis=-1)

    def error(pools: np.ndarray) -> float:
        return float(np.abs(np.log(pools[..., 6:8] / truth)).mean())

    assert error(answer.layer) < 0.6 * error(problem.layer)


def test_the_truth_of_test_cells_has_no_influence(table: CellTable, model: Model) -> None:
    values = dict(table.values)
    for name in table.columns:
        if name.startswith("Y_"):
            values[name] = values[name].copy()
            values[name][SPLIT.test] = 1.0e6
    assert same(trained(replace(table, values=values)), model)


def test_an_interrupted_training_ends_with_the_same_bits(
    tmp_path: Path, table: CellTable, model: Model
) -> None:
    class Stop(Exception):
        pass

    def stop(done: int, total: int, text: str) -> None:
        if done == 5:
            raise Stop

    checkpoint = tmp_path / "w.checkpoint"
    with pytest.raises(Stop):
        trained(table, checkpoint=checkpoint, report=stop)
    epochs: list[int] = []
    again = trained(table, checkpoint=checkpoint, report=lambda done, total, text: epochs.append(done))
    assert epochs[0] == 6
    assert same(again, model)
    np.testing.assert_array_equal(again.judge.blend, model.judge.blend)


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path, table: CellTable) -> None:
    short = replace(SETTINGS, epochs=1)
    trained(table, short, checkpoint=tmp_path / "c")
    with pytest.raises(InputError, match="of another training"):
        trained(table, replace(short, seed=1), checkpoint=tmp_path / "c")


def test_steps_rise_then_fall() -> None:
    rates = [learning_rate(SETTINGS, epoch) for epoch in (0.0, 2.0, 7.0, 12.0)]
    assert rates[1] == pytest.approx(SETTINGS.rate)
    assert rates[0] < rates[2] < rates[1]
    assert rates[3] == pytest.approx(0.01 * SETTINGS.rate)


def test_a_batch_whose_gradient_is_no_number_changes_nothing(table: CellTable, model: Model) -> None:
    examples = prepared(table.take(SPLIT.train), model, None)
    rows, width = next(examples.pieces(SETTINGS.batch, np.arange(SPLIT.train.size)))
    sound = examples.example(rows, width)
    truth = sound.truth._replace(layer=sound.truth.layer.at[0, 0, 0].set(jnp.nan))
    scales, logs = jax.tree.map(jnp.asarray, (model.scales, model.logs))
    rest = (scales, logs, jnp.asarray(1.0e-2, jnp.float32), SETTINGS.weight_decay, False)
    memory = started(eqx.filter(model.network, eqx.is_array))
    before = step(model.network, memory, sound, *rest)
    broken = step(*before, sound._replace(truth=truth), *rest)
    after = step(*before, sound, *rest)
    for one, same_one, next_one in zip(*(jax.tree.leaves(s) for s in (before, broken, after)), strict=True):
        np.testing.assert_array_equal(one, same_one)
        assert np.isfinite(next_one).all()
    assert not np.array_equal(*(np.ravel(jax.tree.leaves(network)[0]) for network, _ in (before, after)))


@pytest.fixture
def files(tmp_path: Path, table: CellTable) -> Path:
    write_table(tmp_path / "d.nc", table.columns, iter([table]), CELLS, table.members, table.attributes)
    write_split(tmp_path / "s.json", SPLIT)
    return tmp_path


def test_the_commands_train_and_tune(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = ["spinup", "train", str(files / "d.nc"), "--split", str(files / "s.json"), "--epochs", "1"]
    first += ["--width", "8", "--batch", "32"]
    assert main([*first, "-o", str(files / "a")]) == ExitCode.OK
    tuned = [*first, "--from", str(files / "a"), "--share", "0.3", "-o", str(files / "b")]
    assert main(tuned) == ExitCode.OK
    assert "closure" in capsys.readouterr().out
    start, after = read_model(files / "a"), read_model(files / "b")
    np.testing.assert_array_equal(start.features.layer_scaler.mean, after.features.layer_scaler.mean)
    assert not same(start, after)
    assert after.notes["split"].endswith("30 %")
    assert not list(files.glob("*.checkpoint"))


def test_the_direct_architecture_trains(table: CellTable) -> None:
    settings = replace(SETTINGS, architecture=Architecture.DIRECT, epochs=2)
    model = trained(table, settings)
    answer = raw_answer(model, make_problem(table, model.features))
    assert np.isfinite(answer.layer).all()
    assert model.architecture is Architecture.DIRECT


def test_what_does_not_belong_together_is_refused(files: Path, table: CellTable) -> None:
    write_split(files / "other.json", random_split(CELLS + 1, 0))
    with pytest.raises(InputError, match="of another data set"):
        run_training(TrainingRequest(files / "d.nc", files / "other.json", files / "w"))
    columns = {name: column for name, column in table.columns.items() if not name.startswith("operator_")}
    write_table(files / "p.nc", columns, iter([table]), CELLS, table.members, {})
    with pytest.raises(InputError, match="have no operator"):
        run_training(TrainingRequest(files / "p.nc", files / "s.json", files / "w"))
    assert not (files / "w").exists()
