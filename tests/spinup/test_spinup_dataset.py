"""A data set keeps what it was given, is split as asked, and is never made from what it cannot trust."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from learn_cells import learn_table

from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset
from kiloland.spinup.benchmark.splits import read_split
from kiloland.spinup.dataset.fields import FORCING, PATCH_FLUXES, namelist_lines
from kiloland.spinup.dataset.pickles import convert_pickles, read_pickle
from kiloland.spinup.dataset.splits import SplitKind, make_split, write_dataset_split
from kiloland.spinup.dataset.table import CellTable, concatenated, read_dataset, write_table
from kiloland.spinup.dataset.tapes import open_histories


@pytest.fixture(scope="module")
def table() -> CellTable:
    return learn_table(60)


def write(path: Path, table: CellTable, size: int = 17) -> None:
    rows = np.arange(table.cells)
    blocks = (table.take(rows[start : start + size]) for start in range(0, table.cells, size))
    write_table(path, table.columns, blocks, table.cells, table.members, {"label": "test"})


def test_blocks_written_one_by_one_are_read_back_as_one_table(tmp_path: Path, table: CellTable) -> None:
    values = {**table.values, "X_soil4c_vr": table["X_soil4c_vr"].copy()}
    values["X_soil4c_vr"][3, 2] = np.nan
    given = CellTable(table.columns, values, {})
    write(tmp_path / "d.nc", given)
    found = read_dataset(tmp_path / "d.nc")
    assert list(found.columns) == list(given.columns)
    for name in given.columns:
        np.testing.assert_allclose(found[name], given[name], rtol=1e-6)
    some = read_dataset(tmp_path / "d.nc", np.array([5, 2]))
    np.testing.assert_array_equal(some["latitude"], found["latitude"][[5, 2]])


def test_every_variable_tells_its_units(tmp_path: Path, table: CellTable) -> None:
    write(tmp_path / "d.nc", table)
    with open_dataset(tmp_path / "d.nc") as file:
        assert all("units" in file[name].attributes for name in file)
        assert file["operator_decay"].attributes["units"] == "s-1"


def test_members_are_counted_on_when_tables_are_joined(table: CellTable) -> None:
    joined = concatenated([table, table])
    assert joined.cells == 2 * table.cells
    assert joined.members == 2 * table.members
    assert joined["member"].max() == 2 * table.members - 1


def test_another_file_is_no_data_set(tmp_path: Path) -> None:
    schema = FileSchema({"cell": 1}, None, (VariableSchema("latitude", "f8", ("cell",)),))
    write_dataset(tmp_path / "x.nc", schema, {"latitude": np.zeros(1)})
    with pytest.raises(InputError, match="is not a spinup data set"):
        read_dataset(tmp_path / "x.nc")


def test_missing_history_fields_are_answered_with_namelist_lines(tmp_path: Path) -> None:
    bounds = np.array([[0.0, 365.0]])
    schema = FileSchema(
        {"lndgrid": 1, "hist_interval": 2},
        ("time", 1),
        (
            VariableSchema("time_bounds", "f8", ("time", "hist_interval")),
            VariableSchema("time", "f8", ("time",)),
            VariableSchema("GPP", "f4", ("time", "lndgrid")),
        ),
    )
    arrays = {"time": bounds[:, 1], "time_bounds": bounds, "GPP": np.ones((1, 1), np.float32)}
    write_dataset(tmp_path / "h0.nc", schema, arrays)
    histories = open_histories([tmp_path / "h0.nc"])
    mean, change = histories.annual("GPP", lambda file: (np.array([0]),))
    assert mean.tolist() == [1.0]
    assert change.tolist() == [0.0]
    with pytest.raises(InputError, match="hist_fincl1 = 'GPP'") as error:
        histories.annual("NPP", lambda file: (np.array([0]),))
    assert error.value.variable == "NPP"


def test_the_namelist_lines_ask_for_every_field() -> None:
    lines = namelist_lines()
    assert all(f"'{name}'" in lines for name in (*FORCING, *PATCH_FLUXES))


@pytest.mark.parametrize("kind", list(SplitKind))
def test_parts_of_a_split_share_no_cell_and_have_all(table: CellTable, kind: SplitKind) -> None:
    split = make_split(table, kind, seed=3)
    together = np.concatenate([split.train, split.validation, split.test])
    assert sorted(together.tolist()) == list(range(table.cells))
    assert min(split.train.size, split.validation.size, split.test.size) > 0
    assert make_split(table, kind, seed=3).sha256 == split.sha256


def test_whole_members_and_biomes_are_held_out(table: CellTable) -> None:
    for kind, name in ((SplitKind.PARAMETER, "member"), (SplitKind.BIOME, "biome")):
        split = make_split(table, kind, seed=0)
        inside = set(table[name][split.test].tolist())
        assert not inside & set(table[name][split.train].tolist())


def test_the_driest_cells_are_held_out(table: CellTable) -> None:
    split = make_split(table, SplitKind.FORCING, seed=0)
    water = table["forcing_RAIN"].mean(axis=1)
    assert water[split.test].max() <= water[split.train].min()


def test_a_split_is_written_with_its_hash(tmp_path: Path, table: CellTable) -> None:
    write(tmp_path / "d.nc", table)
    written = write_dataset_split(tmp_path / "d.nc", SplitKind.BLOCKS, 1, tmp_path / "s.json")
    assert read_split(tmp_path / "s.json").sha256 == written.sha256


class Program:
    """A pickle of it runs a program when it is read."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("this must not run",)


def test_a_pickle_that_asks_for_code_is_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps({"columns": Program()}))
    with pytest.raises(InputError, match="asks for code"):
        read_pickle(tmp_path / "bad.pkl")
    (tmp_path / "noise.pkl").write_bytes(b"no pickle")
    with pytest.raises(InputError, match="is not a pickled table"):
        read_pickle(tmp_path / "noise.pkl")
    assert capsys.readouterr().out == ""


WEATHER = {"FLDS": 300, "PSRF": 9e4, "FSDS": 100, "QBOT": 0, "PRECTmms": 1, "TBOT": 265}


def batch(cells: int = 3, months: int = 24) -> pd.DataFrame:
    """A batch in the public format: lists in the rows."""
    year = np.arange(months) % 12
    rows = {name: [list(value + year) for _ in range(cells)] for name, value in WEATHER.items()}
    rows |= {
        "Latitude": np.linspace(-10, 10, cells),
        "Longitude": np.full(cells, -90.0),
        "pft_leafcn": [[25.0] * 17] * cells,
        "deadstemc": [list(np.arange(18.0))] * cells,
        "Y_deadstemc": [list(10.0 * np.arange(18.0))] * cells,
        "soil4c_vr": [[list(np.arange(15.0)), [9.0] * 15]] * cells,
        "Y_soil4c_vr": [[[1.0e36] + [2.0] * 14, [9.0] * 15]] * cells,
        "GPP": np.ones(cells),
        "Y_GPP": np.ones(cells),
    }
    return pd.DataFrame(rows)


def test_a_pickled_batch_becomes_a_data_set(tmp_path: Path) -> None:
    batch().to_pickle(tmp_path / "b.pkl")
    assert convert_pickles([tmp_path / "b.pkl", tmp_path / "b.pkl"], tmp_path / "d.nc") == 6
    found = read_dataset(tmp_path / "d.nc")
    np.testing.assert_allclose(found["X_deadstemc"][0], 10.0 * np.arange(17))
    np.testing.assert_allclose(found["Y_deadstemc"][0], 10.0 * np.arange(17))
    np.testing.assert_allclose(found["X_soil4c_vr"][0, 1:] / np.arange(1, 10), 27.396, rtol=1e-4)
    assert np.isnan(found["Y_soil4c_vr"][0, 0])
    assert found["longitude"].tolist() == [270.0] * 6
    assert (found["forcing_SNOW"][:, :9] > 0).all()
    assert (found["forcing_SNOW"][:, 9:] == 0).all()
    assert found["target_GPP"].tolist() == [1.0] * 6


def test_short_lists_in_a_batch_are_refused(tmp_path: Path) -> None:
    table = batch()
    table["deadstemc"] = [[1.0] * 16] * len(table)
    table.to_pickle(tmp_path / "b.pkl")
    with pytest.raises(InputError, match="a list is too short"):
        convert_pickles([tmp_path / "b.pkl"], tmp_path / "d.nc")
    assert not (tmp_path / "d.nc").exists()


@pytest.mark.oracle
def test_the_public_batches_are_read(tmp_path: Path, shared: Path) -> None:
    paths = sorted((shared / "data" / "ai4bgc").glob("*.pkl"))
    assert convert_pickles(paths, tmp_path / "d.nc") == 3147
    assert not read_dataset(tmp_path / "d.nc")["X_soil1c_vr"].any()
