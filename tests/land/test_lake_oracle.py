"""Lakes against ELM, and their columns in its restarts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, write_dataset
from kiloland.run.lake_columns import lake_columns, lake_fields, lay_lakes, load_lakes, read_lake_shape
from kiloland.run.restart import read_restart
from kiloland.verify.oracle import PROCESSES, Verdict, read_material, run_oracle

pytestmark = [pytest.mark.oracle, pytest.mark.slow]

PROCESSES_OF_LAKES = ("lake fluxes", "lake temperature", "lake step", "lakes carried on")


@pytest.mark.parametrize("run", ["zoo/tundra/vjan", "zoo/temperate/zjan", "zoo/tropics_wet/zjul"])
def test_lakes_are_those_of_elm(shared: Path, run: str) -> None:
    material = read_material(shared / "data" / "elm")
    runs = [entry for entry in material.runs if entry.id == run]
    chosen = [entry for entry in PROCESSES if entry.name in PROCESSES_OF_LAKES]
    outcome = run_oracle(material, runs, chosen)
    assert outcome.verdicts[Verdict.FAIL] == 0, outcome.rows
    assert outcome.verdicts[Verdict.PASS] > 100
    assert outcome.verdicts[Verdict.SKIPPED] == 0


def test_lakes_are_written_back_bit_for_bit(shared: Path) -> None:
    restart = read_restart(shared / "data/elm/q5w_4cells_winter_steps/r.start.0008-01-01.nc.gz")
    group = lake_columns(restart)
    assert group.columns == 2
    laid = lay_lakes(restart, group, load_lakes(restart, group))
    assert set(laid) == {name for field in lake_fields().values() for name in field.variables}
    for name, values in laid.items():
        assert values.tobytes() == restart.values[name].tobytes(), name


def test_shape_of_lakes_from_the_surface_file(shared: Path) -> None:
    path = shared / "data/elm/zoo/temperate/inputs/surfdata.nc.gz"
    shape = read_lake_shape(path, np.array([2]), np.array([-30.0]))
    assert [float(x[0]) for x in (shape.depth, shape.fetch, shape.extinction)] == [20.0, 500.0, 0.5]
    assert float(shape.coriolis_sine[0]) == pytest.approx(0.5)


def test_a_file_without_depths_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "surfdata.nc"
    sand = VariableSchema("PCT_SAND", np.dtype("f8"), ("gridcell",))
    write_dataset(path, FileSchema({"gridcell": 1}, None, (sand,)), {"PCT_SAND": np.array([40.0])})
    with pytest.raises(InputError, match="LAKEDEPTH"):
        read_lake_shape(path, np.array([0]), np.array([0.0]))
