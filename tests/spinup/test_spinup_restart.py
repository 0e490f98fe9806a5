"""A new restart: right values at the right keys, everything else untouched, both ways out of acceleration."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from restart_world import (
    elm_exit,
    pool_file,
    read_all,
    set_totals,
    small_restart,
    sorption_file,
    surface_file,
)

from kiloland.cli.main import main
from kiloland.errors import ExitCode
from kiloland.files import open_dataset
from kiloland.spinup.restart import RestartReport, RestartRequest, write_restart
from kiloland.spinup.restart import plan as plan_module
from kiloland.spinup.subgrid import positions, restart_subgrid
from kiloland.spinup.tables import CASCADE, MINERAL_P, POOLS, TOTALS
from kiloland.verify.compare import compare_files

CASCADE_POOLS = tuple(f"{part}{letter}_vr" for part in CASCADE for letter in "cnp")
SOME = (*CASCADE_POOLS, "leafc", "deadstemc", "deadcrootc")


def run(
    folder: Path, restart: Path, names: tuple[str, ...] = SOME, factor: float = 1.1, **options: object
) -> RestartReport:
    pools = pool_file(folder / "pools.nc", restart, names, factor)
    return write_restart(RestartRequest(restart, pools, folder / "new.nc", **options))  # type: ignore[arg-type]


def with_phosphorus(folder: Path) -> dict[str, object]:
    return {"surface": surface_file(folder / "s.nc"), "soil_orders": sorption_file(folder / "o.nc")}


def test_the_same_pools_give_the_same_values_whatever_the_order_on_file(tmp_path: Path) -> None:
    plain, mixed = small_restart(tmp_path / "a.nc"), small_restart(tmp_path / "b.nc", shuffle=5)
    first, second = tmp_path / "one", tmp_path / "two"
    for folder in (first, second):
        folder.mkdir()
    pools = pool_file(first / "pools.nc", plain, SOME)
    other = pool_file(second / "pools.nc", mixed, SOME)
    write_restart(RestartRequest(plain, pools, first / "new.nc"))
    write_restart(RestartRequest(mixed, other, second / "new.nc"))
    with open_dataset(first / "new.nc") as one, open_dataset(second / "new.nc") as two:
        grids = restart_subgrid(one), restart_subgrid(two)
        column = positions(grids[1].keys.column_codes(), grids[0].keys.column_codes())
        patch = positions(grids[1].keys.patch_codes(), grids[0].keys.patch_codes())
        for name in (*POOLS, *TOTALS):
            if name not in one:
                continue
            rows = [grid.pft_row if "pft" in one[name].dims else grid.column_row for grid in grids]
            place = patch if "pft" in one[name].dims else column
            here, there = one[name].read()[rows[0]], two[name].read()[rows[1]][place]
            if name in TOTALS:
                np.testing.assert_allclose(here, there, rtol=1e-14, err_msg=name)
            else:
                assert np.array_equal(here, there), name


def test_parts_of_any_size_give_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restart = small_restart(tmp_path / "r.nc", 12)
    pools = pool_file(tmp_path / "p.nc", restart, SOME)
    write_restart(RestartRequest(restart, pools, tmp_path / "whole.nc"))
    whole = plan_module.restart_parts
    monkeypatch.setattr(plan_module, "restart_parts", lambda dataset: whole(dataset, 5))
    write_restart(RestartRequest(restart, pools, tmp_path / "parts.nc"))
    assert (tmp_path / "whole.nc").read_bytes() == (tmp_path / "parts.nc").read_bytes()


def test_other_columns_layers_and_variables_keep_their_bits(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc")
    run(tmp_path, restart, **with_phosphorus(tmp_path))
    old, new = read_all(restart), read_all(tmp_path / "new.nc")
    lake = old["cols1d_ityplun"] != 1
    on_lake = lake[old["pfts1d_column_index"] - 1]
    for name, values in old.items():
        rows = lake if len(np.atleast_1d(values)) == lake.size else on_lake
        if values.ndim:
            if len(values) == rows.size:
                assert new[name][rows].tobytes() == values[rows].tobytes(), name
            if values.ndim == 2 and name != "scalaravg_col":
                assert new[name][:, 10:].tobytes() == values[:, 10:].tobytes(), name
    changed = {name for name in old if old[name].tobytes() != new[name].tobytes()}
    assert changed <= {*POOLS, *TOTALS, "spinup_state", "scalaravg_col"}
    assert {"soil4c_vr", "leafc", "leafn", "frootc", "tlai", "totcolc", "totvegc", "labilep_vr"} <= changed
    difference = compare_files(restart, tmp_path / "new.nc")
    assert {one.name for one in difference.variables if not one.identical} == changed


def test_nothing_changes_where_the_pools_are_those_of_a_normal_restart(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc", state=0, year=101)
    run(tmp_path, restart, factor=1.0)
    old, new = read_all(restart), read_all(tmp_path / "new.nc")
    assert all(old[name].tobytes() == new[name].tobytes() for name in old)


def test_totals_are_those_of_the_new_pools(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc")
    run(tmp_path, restart, spinup_state=0, **with_phosphorus(tmp_path))
    new = read_all(tmp_path / "new.nc")
    expected = {name: values.copy() for name, values in new.items()}
    set_totals(expected)
    soil = new["cols1d_ityplun"] == 1
    for name in TOTALS:
        if name in new:
            rows = new["pfts1d_wtcol"] > 0.0 if len(new[name]) != soil.size else soil
            np.testing.assert_allclose(new[name][rows], expected[name][rows], rtol=1e-13, err_msg=name)


def test_elms_exit_from_the_accelerated_file_gives_the_normal_file(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc")
    pools = pool_file(tmp_path / "pools.nc", restart, SOME, 1.3)
    options = with_phosphorus(tmp_path)
    for state in (1, 0):
        request = RestartRequest(restart, pools, tmp_path / f"{state}.nc", spinup_state=state, **options)  # type: ignore[arg-type]
        write_restart(request)
    accelerated, normal = read_all(tmp_path / "1.nc"), read_all(tmp_path / "0.nc")
    soil = normal["cols1d_ityplun"] == 1
    assert (accelerated["spinup_state"], normal["spinup_state"]) == (1, 0)
    assert (accelerated["scalaravg_col"][soil] == 1.0).all()
    left = elm_exit(accelerated, soil)
    for name in POOLS:
        if POOLS[name].part not in MINERAL_P:
            np.testing.assert_allclose(left[name], normal[name], rtol=1e-15, atol=0.0, err_msg=name)


def test_mineral_phosphorus_comes_in_as_elm_inserts_it(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc")
    report = run(tmp_path, restart, **with_phosphorus(tmp_path))
    assert report.state_after == 0
    new = read_all(tmp_path / "new.nc")
    soil = np.flatnonzero(new["cols1d_ityplun"] == 1)
    assert (new["labilep_vr"][soil, :10] == 10.0).all()
    assert (new["primp_vr"][soil[1], :10] == 2.0 * 92.0).all()
    np.testing.assert_allclose(new["solutionp_vr"][soil, :10], 10.0 * 60.0 / (80.0 - 10.0), rtol=1e-15)


def test_given_phosphorus_stays_and_leaves_acceleration(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc")
    mineral = tuple(f"{part}_vr" for part in MINERAL_P)
    report = run(tmp_path, restart, (*SOME, *mineral), 2.0)
    old, new = read_all(restart), read_all(tmp_path / "new.nc")
    soil = old["cols1d_ityplun"] == 1
    assert (report.state_before, report.state_after) == (1, 0)
    np.testing.assert_allclose(new["occlp_vr"][soil, :10], 2.0 * old["occlp_vr"][soil, :10], rtol=1e-15)


def test_a_restart_from_before_the_averaged_scalars_is_not_inflated(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc", year=21)
    report = run(tmp_path, restart, ("litr1c_vr",), spinup_state=0, **with_phosphorus(tmp_path))
    old, new = read_all(restart), read_all(tmp_path / "new.nc")
    soil = old["cols1d_ityplun"] == 1
    ratio = new["soil4c_vr"][soil, :10] / old["soil4c_vr"][soil, :10]
    np.testing.assert_allclose(ratio, 1.0 / (365.0 * -np.log1p(-0.0001)), rtol=1e-12)
    assert any("before year 40" in note for note in report.notes)


def test_the_first_years_of_divided_rates_are_warned_of(tmp_path: Path) -> None:
    early, late = (run(tmp_path, small_restart(tmp_path / f"{year}.nc", year=year)) for year in (41, 81))
    assert any("only: slow pools that the file of pools lacks" in note for note in early.notes)
    assert not any("slow pools that the file" in note for note in late.notes)


def test_crop_columns_are_told_by_their_plant_type(tmp_path: Path) -> None:
    """Two crop columns of one cell, in the place of lakes, trade places on file and keep their pools."""

    def crops(values: dict[str, np.ndarray]) -> None:
        column = np.flatnonzero(values["cols1d_ityplun"] == 5)[:2]
        patch = np.flatnonzero(np.isin(values["pfts1d_column_index"] - 1, column))
        values["cols1d_ityplun"][column] = 2
        values["cols1d_gridcell_index"][column] = 1
        values["cols1d_lon"][column], values["cols1d_lat"][column] = 250.5, 40.1
        values["cols1d_ityp"][column] = (215, 216)
        values["pfts1d_itypveg"][patch] = (15, 16)
        values["leafc"][patch] = (10.0, 20.0)
        values["soil4c_vr"][column, :10] = [[100.0], [200.0]]

    restart = small_restart(tmp_path / "r.nc", state=0, year=101, change=crops, shuffle=11)
    run(tmp_path, restart, ("leafc", "soil4c_vr"), 1.5)
    new = read_all(tmp_path / "new.nc")
    for kind, amount in ((15, 1.0), (16, 2.0)):
        column = np.flatnonzero(new["cols1d_ityp"] == 200 + kind)[0]
        patch = np.flatnonzero(new["pfts1d_column_index"] - 1 == column)[0]
        np.testing.assert_allclose(new["soil4c_vr"][column, :10], 150.0 * amount, rtol=1e-15)
        assert new["leafc"][patch] == 15.0 * amount


def test_pools_that_are_not_given_follow_by_rule(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc", state=0, year=101)
    run(tmp_path, restart, ("leafc", "soil3c_vr", "sminn_vr", "livestemc"), 1.5)
    old, new = read_all(restart), read_all(tmp_path / "new.nc")
    soil = old["cols1d_ityplun"] == 1
    grown = (old["pfts1d_wtcol"] > 0.0) & (old["leafc"] > 0.0)
    for name in ("leafn", "leafp", "leafc_storage", "leafn_xfer", "frootc", "retransn", "tlai"):
        np.testing.assert_allclose(new[name][grown], 1.5 * old[name][grown], rtol=1e-14, err_msg=name)
    woody = grown & (old["livestemc"] > 0.0)
    np.testing.assert_allclose(new["deadstemc_storage"][woody], 1.5 * old["deadstemc_storage"][woody])
    np.testing.assert_allclose(new["soil3n_vr"][soil, :10], 1.5 * old["soil3n_vr"][soil, :10], rtol=1e-14)
    parts = new["smin_nh4_vr"] + new["smin_no3_vr"]
    np.testing.assert_allclose(new["sminn_vr"], parts, rtol=1e-14)
    for name in ("cpool", "npool", "deadstemc", "soil4c_vr", "labilep_vr", "prod10c", "pft_ctrunc"):
        assert np.array_equal(new[name], old[name]), name


def test_nitrogen_comes_from_the_whole_restart_where_a_layer_has_none(tmp_path: Path) -> None:
    def empty_below(values: dict[str, np.ndarray]) -> None:
        for letter in "cnp":
            values[f"litr2{letter}_vr"][:, 7:] = 0.0

    restart = small_restart(tmp_path / "r.nc", state=0, year=101, change=empty_below)
    pools = pool_file(
        tmp_path / "p.nc", restart, ("litr2c_vr",), change=lambda found: found["litr2c_vr"].__iadd__(5.0)
    )
    write_restart(RestartRequest(restart, pools, tmp_path / "new.nc"))
    new = read_all(tmp_path / "new.nc")
    soil = new["cols1d_ityplun"] == 1
    np.testing.assert_allclose(new["litr2n_vr"][soil, 7:10], 5.0 / 12.0, rtol=1e-9)


def test_a_column_that_grows_beyond_belief_keeps_its_pools(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc", state=0, year=101)

    def frozen(found: dict[str, np.ndarray]) -> None:
        found["soil4c_vr"][1, 9] = 2.0e5

    pools = pool_file(tmp_path / "p.nc", restart, SOME, change=frozen)
    report = write_restart(RestartRequest(restart, pools, tmp_path / "new.nc"))
    old, new = read_all(restart), read_all(tmp_path / "new.nc")
    soil = np.flatnonzero(old["cols1d_ityplun"] == 1)
    assert report.guarded == 1
    assert np.array_equal(new["soil3c_vr"][soil[1]], old["soil3c_vr"][soil[1]])
    assert not np.array_equal(new["soil3c_vr"][soil[0]], old["soil3c_vr"][soil[0]])
    origin = {one.name: one.counts.tolist() for one in report.variables}
    assert origin["soil4c_vr"] == [0, 3, 0, 1]


def test_columns_say_where_their_pools_come_from(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc", state=0, year=101)
    notes = {"method_used": np.array([0, 1, 2, 3], np.int32)}
    pools = pool_file(tmp_path / "p.nc", restart, SOME, notes=notes)
    report = write_restart(RestartRequest(restart, pools, tmp_path / "new.nc"))
    counts = {one.name: one.counts.tolist() for one in report.variables}
    assert counts["soil4c_vr"] == [1, 1, 1, 1]
    assert counts["leafc"] == [3, 3, 3, 3]
    old, new = read_all(restart), read_all(tmp_path / "new.nc")
    kept = np.flatnonzero(old["cols1d_ityplun"] == 1)[3]
    assert np.array_equal(new["soil4c_vr"][kept], old["soil4c_vr"][kept])


def test_a_dry_run_writes_nothing_and_reports_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    restart = small_restart(tmp_path / "r.nc")
    pools = pool_file(tmp_path / "p.nc", restart, SOME)
    before = sorted(tmp_path.iterdir())
    words = ["spinup", "restart", "--restart", str(restart), "--pools", str(pools)]
    code = main([*words, "-o", str(tmp_path / "new.nc"), "--dry-run", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert code == ExitCode.OK
    assert sorted(tmp_path.iterdir()) == before
    assert set(report["variables"]) == set(POOLS)
    soil4 = report["variables"]["soil4c_vr"]
    assert soil4["after"]["sum"] == pytest.approx(1.1 * soil4["before"]["sum"], rel=1e-12)
    assert soil4["origin"] == {"predicted": 0, "solved": 4, "scaled": 0, "kept": 0}
    assert not report["written"]


def test_the_report_names_what_was_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    restart = small_restart(tmp_path / "r.nc")
    pools = pool_file(tmp_path / "p.nc", restart, SOME)
    words = ["spinup", "restart", "--restart", str(restart), "--pools", str(pools)]
    assert main([*words, "-o", str(tmp_path / "new.nc")]) == ExitCode.OK
    text = capsys.readouterr().out
    assert "spinup_state 1 before, 1 after" in text
    assert "4 soil columns: 4 take the pools" in text
    assert "ELM itself rescales and inserts mineral P" in text
