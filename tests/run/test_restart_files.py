"""Every restart of ELM goes through the land state and comes out the same, bit for bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from run_cases import NAME, restart_of, run

from kiloland.cli.main import main
from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.run.restart import (
    Restart,
    expand_state,
    load_state,
    read_restart,
    set_element,
    soil_columns,
    with_date,
)
from kiloland.variables import simulated_variables

FEW = 24
"""Restarts of the quick test, evenly spread over all of them."""


def restarts(shared: Path) -> list[Path]:
    """All restarts of the reference runs."""
    folder = shared / "data/elm"
    found = {*folder.rglob("*.elm.r.*.nc.gz"), *folder.rglob("r.*.nc.gz")}
    return sorted(found)


def faults_of(path: Path) -> list[str]:
    """Variables that differ from the file after they went through the land state."""
    restart = read_restart(path)
    group = soil_columns(restart)
    spoiled = dict(restart.values)
    state = load_state(restart, group)
    for variable in simulated_variables():
        # What the state holds must come from the state, not from what was carried along.
        rows = group.column_row if variable.state.startswith("column.") else group.patch_row
        spoiled[variable.name] = spoiled[variable.name].copy()
        spoiled[variable.name][rows] = 77
    again = expand_state(_with_values(restart, spoiled), group, state)
    with open_dataset(path) as dataset:
        assert list(dataset.variables) == list(again), "names and order"
        return [
            name
            for name, variable in dataset.variables.items()
            if variable.read().tobytes() != again[name].tobytes()
        ]


def _with_values(restart: Restart, values: dict[str, np.ndarray]) -> Restart:
    return dataclasses.replace(restart, values=values)


@pytest.mark.oracle
def test_restarts_of_all_kinds_go_through_the_state_bit_for_bit(shared: Path) -> None:
    paths = restarts(shared)
    assert len(paths) >= 391
    chosen = paths[:: len(paths) // FEW]
    wrong = {path.name: faults for path in chosen if (faults := faults_of(path))}
    assert not wrong


@pytest.mark.oracle
@pytest.mark.slow
def test_every_restart_goes_through_the_state_bit_for_bit(shared: Path) -> None:
    wrong = {path.name: faults for path in restarts(shared) if (faults := faults_of(path))}
    assert not wrong


@pytest.mark.oracle
def test_a_dozen_restarts_written_by_the_command_are_identical(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = restarts(shared)
    for number, path in enumerate(paths[7 :: len(paths) // 12][:12]):
        out = tmp_path / f"{number}.nc"
        assert main(["restart", "rewrite", str(path), str(out)]) == 0
        assert main(["compare", str(path), str(out)]) == 0, capsys.readouterr().out
        with open_dataset(out, verify=True) as ours, open_dataset(path) as theirs:
            assert ours.format == "CDF-5"
            assert len(ours.variables) == len(theirs.variables) >= 460


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("variable", "index", "value"),
    [
        pytest.param("T_SOISNO", (0, 7), 280.5, id="simulated"),
        pytest.param("leafc_storage", (3,), 12.25, id="carried"),
        pytest.param("SNLSNO", (0,), -2.0, id="whole number"),
        pytest.param("timemgr_rst_curr_ymd", (), 170101.0, id="scalar"),
    ],
)
def test_one_value_is_changed_and_no_other(
    shared: Path, tmp_path: Path, variable: str, index: tuple[int, ...], value: float
) -> None:
    path = next(p for p in restarts(shared) if p.parent.name.startswith("s6"))
    out = tmp_path / "out.nc"
    place = f"[{','.join(map(str, index))}]" if index else ""
    assert main(["restart", "rewrite", str(path), str(out), "--set", f"{variable}{place}={value}"]) == 0
    with open_dataset(path) as before, open_dataset(out) as after:
        for name in before.variables:
            old, new = before[name].read(), after[name].read()
            if name != variable:
                assert old.tobytes() == new.tobytes(), name
                continue
            assert new[index] == value
            old[index] = new[index]
            assert old.tobytes() == new.tobytes()


def test_a_rank_reads_the_members_of_its_cells_only(inputs: Path, tmp_path: Path) -> None:
    run(inputs, tmp_path / "run", case__stop="0001-07-01-01800")
    path = next((tmp_path / "run").glob(f"{NAME}.elm.r.*.nc"))
    whole, cells = read_restart(path), np.array([3, 4, 77, 129])
    part = read_restart(path, cells)
    for level, prefix in (("column", "cols1d"), ("pft", "pfts1d")):
        of_cells = np.isin(whole.values[f"{prefix}_gridcell_index"] - 1, cells)
        np.testing.assert_array_equal(part.rows[level], np.flatnonzero(of_cells))
    for name, values in part.values.items():
        level = next((lv for lv in part.rows if whole.values[name].shape[:1] == (whole.dimensions[lv],)), "")
        if values.shape == whole.values[name].shape:
            continue
        np.testing.assert_array_equal(values, whole.values[name][part.rows[level]], err_msg=name)
    group, full = soil_columns(part), soil_columns(whole)
    np.testing.assert_array_equal(group.gridcell, np.arange(4))
    np.testing.assert_array_equal(
        group.patch_weight, full.patch_weight[np.isin(full.gridcell[full.patch_column], cells)]
    )
    with pytest.raises(InputError, match="has not the cells of the domain"):
        read_restart(path, np.array([130]))


def test_the_date_of_a_restart_counts_from_the_start_of_its_run(two_sets: Path) -> None:
    restart = read_restart(restart_of(two_sets, "0001-07-03"))
    assert restart.date == (10703, 0)
    assert restart.seconds - restart.begun == 2 * 86_400
    assert restart.scalar("timemgr_rst_nstep_rad_prev") == 96
    later = with_date(restart, 20101, 1800, 7)
    assert (later.date, restart.date) == ((20101, 1800), (10703, 0)), "the restart itself stays"


@pytest.mark.parametrize(
    ("name", "index", "value", "says"),
    [
        ("T_SOISNOW", (0, 0), 1.0, "T_SOISNO"),
        ("T_SOISNO", (0, 20), 1.0, "index out of range"),
        ("T_SOISNO", (-1, 2), 1.0, "index out of range"),
        ("SNLSNO", (0,), 1.5, "does not fit the type"),
    ],
)
def test_a_value_that_cannot_be_set_is_told(
    two_sets: Path, name: str, index: tuple[int, ...], value: float, says: str
) -> None:
    restart = read_restart(restart_of(two_sets, "0001-07-03"))
    group = soil_columns(restart)
    with pytest.raises(InputError, match=says):
        set_element(restart, group, load_state(restart, group), name, index, value)
