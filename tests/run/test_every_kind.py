"""The invariants of runs on all of water and energy: soil, lakes, land ice, wetlands and towns in one domain.

No byte depends on ranks, on the partition, on where a run was cut, on the order of the cells, on copies.
One compilation of each kind of column serves all of these runs but that of the copies; steps are few.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from every_kind import CELLS, FIELDS, STEP, TOWNS, changes, with_every_kind
from run_cases import (
    NAME,
    assert_same_results,
    at_the_end,
    kiloland,
    leftovers,
    results,
    run,
    take_cells,
    write_case,
)

from kiloland.cli.main import main
from kiloland.craft.synthetic import make_synthetic_case
from kiloland.files import open_dataset
from kiloland.land.subgrid import ColumnType

STEPS = 10
COPIES = 3


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of inputs of six cells with every kind of column."""
    folder = tmp_path_factory.mktemp("mixed")
    plain = make_synthetic_case(folder / "plain", cells=CELLS, days=1, seed=5).parent
    return with_every_kind(plain, folder / "inputs")


@pytest.fixture(scope="module")
def alone(mixed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of the run of one process in one piece."""
    directory = tmp_path_factory.mktemp("alone") / "run"
    result = run(mixed, directory, **changes(mixed, STEPS))
    assert result.steps == STEPS
    assert result.cells == CELLS
    return directory


def last_restart(directory: Path) -> Path:
    return sorted(directory.glob(f"{NAME}.elm.r.*.nc"))[-1]


def test_the_run_has_every_kind_of_column_and_all_its_fields(alone: Path) -> None:
    with open_dataset(last_restart(alone)) as restart:
        kinds = set(restart["cols1d_ityp"].read().tolist())
    assert kinds == {int(kind) for kind in ColumnType}
    for tape in ("h0", "h1"):
        with open_dataset(next(alone.glob(f"{NAME}.elm.{tape}.*.nc"))) as history:
            for name in (entry.partition(":")[0] for entry in FIELDS):
                if name == "TREFMXAV":
                    continue  # the extreme of a day that is not over
                values = history[name].read()
                assert (np.abs(values) < 1e30).any(), name
    balance = json.loads((alone / f"{NAME}.balance.json").read_text())
    assert all(budget["largest_error"] <= budget["bar"] for budget in balance.values())


def test_a_run_cut_at_odd_moments_has_the_same_bytes(mixed: Path, alone: Path, tmp_path: Path) -> None:
    for number, steps in enumerate((1, 5, STEPS)):
        run(mixed, tmp_path / "run", resume=number > 0, **changes(mixed, steps))
    assert_same_results(alone, tmp_path / "run", at_the_end(alone))


@pytest.mark.mpi
def test_two_ranks_leave_the_same_bytes(mixed: Path, alone: Path, tmp_path: Path) -> None:
    case = write_case(mixed, tmp_path / "run", **changes(mixed, STEPS))
    done = kiloland("run", case, ranks=2, timeout=1200.0)
    assert done.returncode == 0, done.stderr
    assert_same_results(alone, tmp_path / "run")
    assert leftovers(tmp_path / "run") == []


@pytest.mark.mpi
@pytest.mark.slow
def test_two_ranks_in_another_partition_go_on_with_what_one_process_left(
    mixed: Path, alone: Path, tmp_path: Path
) -> None:
    run(mixed, tmp_path / "run", **changes(mixed, 5))
    case = write_case(mixed, tmp_path / "run", **changes(mixed, STEPS, ranks__partition="block"))
    done = kiloland("resume", case, ranks=2, timeout=1200.0)
    assert done.returncode == 0, done.stderr
    assert_same_results(alone, tmp_path / "run", at_the_end(alone))


def test_cells_in_another_order_have_the_same_bits(mixed: Path, alone: Path, tmp_path: Path) -> None:
    order = np.array([4, 2, 5, 0, 3, 1])
    other = take_cells(mixed, tmp_path / "other", order, 7_000_000 + np.arange(CELLS))
    run(other, tmp_path / "run", **changes(mixed, STEPS))
    restarts = last_restart(alone), last_restart(tmp_path / "run")
    places = {level: positions(*restarts, level) for level in KEYS}
    places["lndgrid"] = places["gridcell"]
    places["topounit"] = places["gridcell"]
    places |= {f"{prefix}_nx": places["gridcell"] for prefix in ("doml", "x2l", "l2x")}
    for name in results(alone):
        if name.endswith(".nc"):
            compare_reordered(alone / name, tmp_path / "run" / name, places)
    assert [json.loads((side / f"{NAME}.balance.json").read_text()) for side in (alone,)] == [
        json.loads((tmp_path / "run" / f"{NAME}.balance.json").read_text())
    ], "sums over the domain depend on the order of the cells"


KEYS = {
    "gridcell": ("grid1d_lon", "grid1d_lat"),
    "landunit": ("land1d_lon", "land1d_lat", "land1d_ityplun"),
    "column": ("cols1d_lon", "cols1d_lat", "cols1d_ityplun", "cols1d_ityp"),
    "pft": ("pfts1d_lon", "pfts1d_lat", "pfts1d_ityplun", "pfts1d_itypcol", "pfts1d_itypveg"),
}
"""What tells the members of each level from each other."""


def positions(plain: Path, mixed: Path, level: str) -> np.ndarray:
    """Where each member of a restart lies in the other one."""
    keys = []
    for path in (plain, mixed):
        with open_dataset(path) as file:
            values = [file[name].read().tolist() for name in KEYS[level]]
            keys.append({key: n for n, key in enumerate(zip(*values, strict=True))})
            assert len(keys[-1]) == len(values[0])
    return np.array([keys[1][key] for key in keys[0]])


def compare_reordered(plain: Path, mixed: Path, places: dict[str, np.ndarray]) -> None:
    """Every variable of the other file, put back in order, has the bits of the plain one."""
    with open_dataset(plain) as a, open_dataset(mixed) as b:
        assert list(a.variables) == list(b.variables)
        for name, variable in a.variables.items():
            if name.endswith(("ixy", "_index")) or name == "gridID":
                continue  # numbers of cells follow the order by definition
            found = b[name].read()
            for axis, dim in enumerate(variable.dims):
                if dim in places:
                    found = np.take(found, places[dim], axis=axis)
            assert found.tobytes() == variable.read().tobytes(), f"{plain.name}: {name}"


@pytest.mark.slow
def test_copies_of_the_cells_have_the_same_bits(mixed: Path, alone: Path, tmp_path: Path) -> None:
    cells = np.tile(np.arange(CELLS), COPIES)
    many = take_cells(mixed, tmp_path / "many", cells, 1000 + np.arange(CELLS * COPIES))
    run(many, tmp_path / "run", **changes(mixed, STEPS))
    names = [name for name in results(alone) if name.endswith(".nc") and ".elm." in name]
    names = [name for name in names if ".rh0." not in name]
    assert any(".elm.r." in name for name in names)
    for name in names:
        words = ["compare", str(alone / name), str(tmp_path / "run" / name), "--copies", str(COPIES)]
        assert main(words) == 0, name


COUPLED = {
    # name in the coupler: history field and what it is multiplied with
    "Fall_sen": ("FSH", -1.0),
    "Fall_lat": ("EFLX_LH_TOT", -1.0),
    "Fall_lwup": ("FIRE", -1.0),
    "Fall_swnet": ("FSA", 1.0),
    "Sl_tref": ("TSA", 1.0),
    "Sl_snowh": ("H2OSNO", 1e-3),
}


def exchanged(directory: Path) -> list[dict[str, np.ndarray]]:
    """What land and coupler exchanged in each interval of every file, by name."""
    records = []
    for path in sorted(directory.glob(f"{NAME}.cpl.ha.*.nc")):
        with open_dataset(path) as file:
            names = [name for name in file if name.startswith(("x2l_", "l2x_"))]
            for number in range(len(file["time"].read())):
                records.append({name: file[name].read(number)[0] for name in names})
    return records


def means_of_cells(directory: Path, name: str) -> list[np.ndarray]:
    """A field of the first tape in each interval."""
    records: list[np.ndarray] = []
    for path in sorted(directory.glob(f"{NAME}.elm.h0.*.nc")):
        with open_dataset(path) as tape:
            records += list(tape[name].read())
    return records


def test_the_coupler_gets_the_means_of_the_history_with_its_signs(alone: Path) -> None:
    sent = exchanged(alone)
    assert len(sent) == STEPS // 2
    for name, (field, factor) in COUPLED.items():
        for record, mean in zip(sent, means_of_cells(alone, field), strict=True):
            np.testing.assert_allclose(record[f"l2x_{name}"], factor * mean, rtol=1e-14, err_msg=name)
    for record, mean in zip(sent, means_of_cells(alone, "TBOT"), strict=True):
        np.testing.assert_allclose(record["x2l_Sa_tbot"], mean, rtol=1e-14)


def test_what_is_exchanged_closes_the_energy_of_the_surface_and_the_water_of_the_cell(alone: Path) -> None:
    sent, storage = exchanged(alone), means_of_cells(alone, "TWS")
    without_towns = np.sum(TOWNS, axis=0) == 0.0
    for number, (record, ground) in enumerate(zip(sent, means_of_cells(alone, "FGR"), strict=True)):
        net = sum(record[f"l2x_Fall_{name}"] for name in ("swnet", "lwup", "sen", "lat"))
        found = (net + record["x2l_Faxa_lwdn"] - ground)[without_towns]
        np.testing.assert_allclose(found, 0.0, atol=1e-7)
        if number == 0:
            continue
        fallen = sum(record[f"x2l_Faxa_{kind}{part}"] for kind in ("rain", "snow") for part in "cl")
        ran_off = sum(record[f"l2x_Flrl_{name}"] for name in ("rofsur", "rofsub", "rofgwl", "rofi"))
        gained = (fallen + record["l2x_Fall_evap"] - ran_off) * 2 * STEP
        stored = storage[number] - storage[number - 1]
        np.testing.assert_allclose((stored - gained)[without_towns], 0.0, atol=1e-9)


def test_a_file_of_the_coupler_names_units_and_cells(alone: Path) -> None:
    with open_dataset(next(alone.glob(f"{NAME}.cpl.ha.*.nc"))) as file:
        assert file["l2x_Fall_sen"].attributes["units"] == "W m-2"
        assert file["l2x_Fall_sen"].dims == ("time", "l2x_ny", "l2x_nx")
        assert file["doml_lat"].read().shape == (1, CELLS)
        assert "l2x_Fall_fco2_lnd" not in file, "carbon is not computed"
        assert not any(name.startswith("x2l_Flrr") for name in file), "there are no rivers"
