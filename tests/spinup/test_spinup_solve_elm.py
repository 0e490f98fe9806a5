"""ELM's own spinups: its budgets close, and its normal runs are predicted from the accelerated years."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kiloland.spinup.operator.closure import block_closure
from kiloland.spinup.operator.read import read_block
from kiloland.spinup.operator.source import Quality, RunPaths, Source
from kiloland.spinup.solve.ladder import QUANTITIES, Case, Rung, cases, climb

pytestmark = pytest.mark.oracle

SOIL = ("soil1", "soil2", "soil3", "soil4")


def zoo(elm: Path, run: str, restart: str) -> RunPaths:
    folder = elm / "zoo" / "temperate"
    return RunPaths(
        folder / run / restart,
        tuple(sorted((folder / run).glob("h0*"))),
        folder / "inputs" / "surfdata_ab.nc.gz",
        elm / "zoo" / "inputs_shared" / "clm_params.nc.gz",
    )


def single(elm: Path, run: str, restart: str) -> RunPaths:
    folder = elm / run
    return RunPaths(
        folder / restart,
        tuple(sorted(folder.glob("*h0.*"))),
        elm / "inputs" / "surfdata.nc",
        elm / "inputs" / "clm_params.nc.gz",
    )


@pytest.mark.parametrize(
    ("run", "restart", "bar"), [("ad", "r.0061-01-01.nc.gz", 0.006), ("final", "r.0101-01-01.nc.gz", 0.006)]
)
def test_budgets_close_with_all_diagnostics(shared: Path, run: str, restart: str, bar: float) -> None:
    with Source(zoo(shared / "data" / "elm", run, restart)) as source:
        block = slice(0, source.columns)
        said = block_closure(source, block, read_block(source, block)).table()
        assert source.quality is Quality.FULL
    assert max(said["pools"][pool]["residual"] for pool in SOIL) < bar
    assert said["mixing"] < 1e-4
    assert said["respiration"] < 1e-4
    assert all(said["pools"][pool]["negative_input"] == 0.0 for pool in ("litr1", "litr2", "litr3", "cwd"))


@pytest.mark.parametrize(
    ("run", "restart", "bar"),
    [
        ("ad_spinup105yr", "r.0036-01-01.nc.gz", 0.02),
        ("final_spinup", "spr.elm.r.0141-01-01-00000.nc.gz", 0.01),
        ("p1_spunup_1yr", "r.0002-01-01.nc.gz", 0.07),
    ],
)
def test_budgets_close_with_default_fields(shared: Path, run: str, restart: str, bar: float) -> None:
    with Source(single(shared / "data" / "elm", run, restart)) as source:
        block = slice(0, source.columns)
        said = block_closure(source, block, read_block(source, block)).table()
        assert source.quality is Quality.DEFAULT
    assert max(said["pools"][pool]["residual"] for pool in SOIL) < bar
    assert said["respiration"] < 0.02


def error(rungs: tuple[Rung, ...], name: str, quantity: str) -> np.ndarray:
    rung = next(rung for rung in rungs if rung.name == name)
    return np.abs(rung.error[QUANTITIES.index(quantity)])


@pytest.mark.parametrize("number", [0, 1])
def test_the_end_of_the_normal_run_is_predicted_from_accelerated_years(shared: Path, number: int) -> None:
    case: Case = cases(shared / "data" / "elm")[number]
    rungs = climb(case)
    for rung in ("finite time", "finite time, exit year not known"):
        assert error(rungs, rung, "total soil C").max() < 0.05
        assert error(rungs, rung, "soil4 C").max() < 0.06
        assert error(rungs, rung, "soil3 C").max() < 0.06
        assert error(rungs, rung, "cwd C").max() < 0.10
        assert error(rungs, rung, "dead wood C").max() < 0.08
        assert error(rungs, rung, "organic P").max() < 0.06
        assert error(rungs, rung, "labilep").max() < 0.13
        assert error(rungs, rung, "secondp").max() < 0.04
    ours = error(rungs, "finite time", "total soil C").max()
    for rung in ("native exit", "scaling", "finite time, productivity kept"):
        assert error(rungs, rung, "total soil C").max() > 2.0 * ours
