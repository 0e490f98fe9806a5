"""The file of pools keeps keys and values; ELM's totals are those of the tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from restart_world import pool_file, small_restart

from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset
from kiloland.spinup.pools import PoolSet, read_pools, write_pools
from kiloland.spinup.restart.totals import total_of
from kiloland.spinup.subgrid import SubgridKeys, history_subgrid, positions, restart_subgrid
from kiloland.spinup.tables import DECOMPOSITION_LAYERS, POOLS, TOTALS, layer_thickness
from kiloland.variables import history_variables, restart_variables


def keys(cells: int = 2) -> SubgridKeys:
    one = np.ones(cells, np.int64)
    return SubgridKeys(
        np.arange(1, cells + 1),
        one,
        one,
        np.linspace(10.0, 20.0, cells),
        np.linspace(50.0, 51.0, cells),
        np.repeat(np.arange(cells), 2),
        np.tile([1, 13], cells),
    )


def test_pools_come_back_as_they_were_written(tmp_path: Path) -> None:
    values = {"soil4c_vr": np.arange(20.0).reshape(2, 10), "leafc": np.arange(4.0)}
    notes = {"method_used": np.array([1, 3], np.int32)}
    write_pools(tmp_path / "p.nc", PoolSet(keys(), values, notes), {"target_year": "equilibrium"})
    found = read_pools(tmp_path / "p.nc")
    assert all(np.array_equal(found.values[name], values[name]) for name in values)
    assert np.array_equal(found.keys.patch_codes(), keys().patch_codes())
    assert found.notes["method_used"].tolist() == [1, 3]
    assert found.attributes["target_year"] == "equilibrium"


def test_a_value_that_is_no_number_is_not_written(tmp_path: Path) -> None:
    values = {"leafc": np.array([1.0, np.nan, 1.0, 1.0])}
    with pytest.raises(InputError, match="leafc: gridcell 1, plant type 13: is not a number"):
        write_pools(tmp_path / "p.nc", PoolSet(keys(), values))
    assert not list(tmp_path.iterdir())


def test_unknown_pools_and_double_keys_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="soil5c_vr: is no pool"):
        write_pools(tmp_path / "p.nc", PoolSet(keys(), {"soil5c_vr": np.zeros((2, 10))}))
    twice = keys()
    twice.pft_itypveg[1] = 1
    with pytest.raises(InputError, match="gridcell 1, landunit 1, plant type 1: two patches of the same key"):
        write_pools(tmp_path / "p.nc", PoolSet(twice, {"leafc": np.zeros(4)}))


def test_another_file_is_no_file_of_pools(tmp_path: Path) -> None:
    schema = FileSchema({"n": 1}, None, (VariableSchema("leafc", "f8", ("n",)),))
    write_dataset(tmp_path / "x.nc", schema, {"leafc": np.zeros(1)})
    with pytest.raises(InputError, match="is not a file of pools"):
        read_pools(tmp_path / "x.nc")


def test_keys_do_not_depend_on_the_order_in_the_restart(tmp_path: Path) -> None:
    with (
        open_dataset(small_restart(tmp_path / "a.nc")) as one,
        open_dataset(small_restart(tmp_path / "b.nc", shuffle=3)) as other,
    ):
        first, second = restart_subgrid(one), restart_subgrid(other)
        place = positions(second.keys.patch_codes(), first.keys.patch_codes())
        assert (place >= 0).all()
        leaf = [file["leafc"].read()[grid.pft_row] for file, grid in ((one, first), (other, second))]
    assert np.array_equal(leaf[0], leaf[1][place])
    assert not np.array_equal(first.pft_row, second.pft_row)


def test_every_pool_is_a_variable_of_elm() -> None:
    restart, history = restart_variables(), history_variables()
    assert all(name in restart for name in POOLS)
    assert all(pool.history in history for pool in POOLS.values())
    assert np.isclose(layer_thickness().sum(), 3.801882, atol=1e-6)


def test_pools_of_a_file_pair_with_its_restart(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc")
    pools = read_pools(pool_file(tmp_path / "p.nc", restart, ("soil4c_vr", "leafc")))
    assert pools.values["soil4c_vr"].shape == (4, DECOMPOSITION_LAYERS)
    assert pools.keys.patches == 12


@pytest.mark.oracle
@pytest.mark.parametrize(
    "name",
    [
        "zoo/temperate/ad/r.0061-01-01",
        "zoo/temperate/zyear/r.0003-01-01",
        "zoo/temperate/final/r.0101-01-01",
        "final_spinup/r.0101-01-01",
    ],
)
def test_totals_are_those_of_elm(shared: Path, name: str) -> None:
    with open_dataset(shared / "data/elm" / f"{name}.nc.gz") as dataset:
        subgrid = restart_subgrid(dataset)

        def stored(pool: str) -> np.ndarray:
            rows = subgrid.pft_row if POOLS[pool].on_patches else subgrid.column_row
            return np.asarray(dataset[pool].read()[rows], np.float64)

        for total in TOTALS.values():
            if total.name not in dataset:
                continue
            patches = total.dims == ("pft",)
            rows = subgrid.pft_row if patches else subgrid.column_row
            own = dataset[total.name].read()[rows]
            found = total_of(total, subgrid, stored, frozenset(POOLS))
            beside = 1.0 if total.remainder else 0.0
            grown = subgrid.pft_weight > 0.0 if patches else np.ones(own.size, bool)
            np.testing.assert_allclose(found[grown] + beside, own[grown], rtol=1e-14, atol=1e-11)


@pytest.mark.oracle
def test_restart_and_patch_tape_have_the_same_keys(shared: Path) -> None:
    folder = shared / "data/elm/zoo/temperate/ad"
    with (
        open_dataset(folder / "r.0061-01-01.nc.gz") as restart,
        open_dataset(folder / "h1.0061-01-01.nc.gz") as tape,
    ):
        one, other = restart_subgrid(restart), history_subgrid(tape)
    assert np.array_equal(one.keys.patch_codes(), other.keys.patch_codes())
    assert np.array_equal(one.pft_weight, other.pft_weight)
