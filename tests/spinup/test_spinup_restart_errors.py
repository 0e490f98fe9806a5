"""Pools and restarts that do not belong together, and pools that ELM would choke on: one message, no file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from restart_world import pool_file, small_restart, sorption_file, surface_file

from kiloland.cli.main import main
from kiloland.errors import ExitCode, InputError
from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset
from kiloland.spinup.pools import PoolSet, read_pools, write_pools
from kiloland.spinup.restart import RestartReport, RestartRequest, write_restart
from kiloland.spinup.subgrid import SubgridKeys

Change = Callable[[dict[str, np.ndarray]], None]
NAMES = ("soil3c_vr", "soil3n_vr", "soil4c_vr", "leafc", "leafn", "deadstemc", "xsmrpool", "labilep_vr")


def attempt(folder: Path, change: Change | None = None, **options: object) -> RestartReport:
    restart = small_restart(folder / "r.nc", state=0, year=101)
    pools = pool_file(folder / "p.nc", restart, NAMES, change=change)
    (folder / "new.nc").write_bytes(b"what was there before")
    return write_restart(RestartRequest(restart, pools, folder / "new.nc", **options))  # type: ignore[arg-type]


def untouched(folder: Path) -> bool:
    return (folder / "new.nc").read_bytes() == b"what was there before" and not list(folder.glob("*tmp*"))


def set_to(name: str, entry: tuple[int, ...], value: float) -> Change:
    def change(found: dict[str, np.ndarray]) -> None:
        found[name][entry] = value

    return change


def times(name: str, factor: float) -> Change:
    def change(found: dict[str, np.ndarray]) -> None:
        found[name] *= factor

    return change


@pytest.mark.parametrize(
    ("change", "variable", "problem"),
    [
        (set_to("soil4c_vr", (1, 3), -5.0), "soil4c_vr", "is negative"),
        (set_to("xsmrpool", (4,), 3.0), "xsmrpool", "is a debt and cannot be positive"),
        (set_to("leafc", (1,), 1.0e6), "leafc", "is larger than believable"),
        (times("soil3n_vr", 20.0), "soil3n_vr", "C:N far from that of the restart"),
        (times("leafn", 0.1), "leafn", "C:N far from that of the restart"),
        (set_to("deadstemc", (5,), 50.0), "deadstemc", "a tissue that this plant type does not have"),
    ],
)
def test_pools_that_cannot_be_are_refused(
    tmp_path: Path, change: Change, variable: str, problem: str
) -> None:
    report = attempt(tmp_path, change)
    assert report.refused
    assert report.output is None
    errors = [one for one in report.findings if one.severity.value == "error"]
    assert (variable, problem) == (errors[0].variable, errors[0].problem)
    assert errors[0].where.startswith("gridcell ")
    assert untouched(tmp_path)


def test_a_fault_of_the_restart_itself_is_a_warning(tmp_path: Path) -> None:
    def dead_leaf(values: dict[str, np.ndarray]) -> None:
        values["leafc"][values["leafc"] > 0.0] = -1.0e-4

    restart = small_restart(tmp_path / "r.nc", state=0, year=101, change=dead_leaf)
    pools = pool_file(tmp_path / "p.nc", restart, ("leafc",), 1.0)
    report = write_restart(RestartRequest(restart, pools, tmp_path / "new.nc"))
    assert not report.refused
    assert "is negative, as in the restart" in [one.problem for one in report.findings]


def test_a_refusal_names_the_worst_cell(tmp_path: Path) -> None:
    report = attempt(tmp_path, set_to("soil4c_vr", (2, 6), -5.0))
    (finding,) = [one for one in report.findings if one.severity.value == "error"]
    assert "gridcell 3 (251.5000 E 40.3000 N), layer 7" in finding.line
    assert finding.found == -5.0


def test_a_refusal_ends_the_command_with_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    restart = small_restart(tmp_path / "r.nc", state=0)
    pools = pool_file(tmp_path / "p.nc", restart, NAMES, change=set_to("leafc", (1,), -1.0))
    words = ["spinup", "restart", "--restart", str(restart), "--pools", str(pools)]
    assert main([*words, "-o", str(tmp_path / "new.nc")]) == ExitCode.BAD_INPUT
    assert "refused: 1 error; nothing was written" in capsys.readouterr().out
    assert not (tmp_path / "new.nc").exists()


def test_pools_of_another_restart_are_refused(tmp_path: Path) -> None:
    pools = pool_file(tmp_path / "p.nc", small_restart(tmp_path / "other.nc", year=61), NAMES)
    restart = small_restart(tmp_path / "r.nc", year=41)
    with pytest.raises(InputError, match=r"the pools are of another restart \(found .*other.nc"):
        write_restart(RestartRequest(restart, pools, tmp_path / "new.nc"))


def test_other_plant_types_are_refused(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc")
    pools = read_pools(pool_file(tmp_path / "p.nc", restart, NAMES))
    pools.keys.pft_itypveg[1] = 5
    write_pools(tmp_path / "p.nc", pools)
    with pytest.raises(InputError, match=r"gridcell 1, plant type \d: other plant types than in the restart"):
        write_restart(RestartRequest(restart, tmp_path / "p.nc", tmp_path / "new.nc"))


def test_patches_without_weight_in_the_file_of_pools_do_no_harm(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc", state=0, year=101)
    pools = read_pools(pool_file(tmp_path / "p.nc", restart, ("leafc",)))
    keys = pools.keys
    more = SubgridKeys(
        keys.column_gridcell,
        keys.column_landunit,
        keys.column_type,
        keys.column_longitude,
        keys.column_latitude,
        np.append(keys.pft_column, 0),
        np.append(keys.pft_itypveg, 16),
    )
    values = {"leafc": np.append(pools.values["leafc"], 77.0)}
    write_pools(tmp_path / "p.nc", PoolSet(more, values, {}, pools.attributes))
    report = write_restart(RestartRequest(restart, tmp_path / "p.nc", tmp_path / "new.nc"))
    assert not report.refused
    with open_dataset(tmp_path / "new.nc") as dataset:
        assert 77.0 not in dataset["leafc"].read()


def test_permuted_plant_types_are_refused(tmp_path: Path) -> None:
    """Trees and herbs change places: the keys are right, the wood is not."""
    restart = small_restart(tmp_path / "r.nc")
    pools = read_pools(pool_file(tmp_path / "p.nc", restart, NAMES))
    plant = pools.keys.pft_itypveg
    tree, herb = np.flatnonzero(plant == 4)[0], np.flatnonzero(plant == 13)[0]
    plant[tree], plant[herb] = 13, 4
    write_pools(tmp_path / "p.nc", pools)
    report = write_restart(RestartRequest(restart, tmp_path / "p.nc", tmp_path / "new.nc"))
    assert report.refused
    assert any("plant type 13" in one.where and one.variable == "deadstemc" for one in report.findings)


def test_a_column_that_the_restart_lacks_is_refused(tmp_path: Path) -> None:
    large, small = small_restart(tmp_path / "l.nc", 5), small_restart(tmp_path / "r.nc", 4)
    pools = read_pools(pool_file(tmp_path / "p.nc", large, NAMES))
    pools.attributes.pop("source_restart_sha256")  # type: ignore[attr-defined]
    write_pools(tmp_path / "p.nc", pools)
    with pytest.raises(InputError, match="gridcell 5, landunit 1: a column that the restart does not have"):
        write_restart(RestartRequest(small, tmp_path / "p.nc", tmp_path / "new.nc"))
    assert not (tmp_path / "new.nc").exists()


def test_another_order_of_cells_is_noticed_by_the_places(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc")
    pools = read_pools(pool_file(tmp_path / "p.nc", restart, NAMES))
    pools.keys.column_longitude[:] = pools.keys.column_longitude[::-1].copy()
    write_pools(tmp_path / "p.nc", pools)
    with pytest.raises(InputError, match="gridcell 1: a gridcell lies elsewhere than in the restart"):
        write_restart(RestartRequest(restart, tmp_path / "p.nc", tmp_path / "new.nc"))


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc")
    pool_file(tmp_path / "p.nc", restart, NAMES)
    with open_dataset(tmp_path / "p.nc") as dataset:
        values = {name: dataset[name].read() for name in dataset}
        schema = FileSchema(
            dataset.dimensions,
            None,
            tuple(VariableSchema(v.name, v.dtype, v.dims) for v in dataset.variables.values()),
            {key: value for key, value in dataset.attributes.items() if "checksum" not in key},
        )
    values["soil4c_vr"][2, 4] = np.nan
    write_dataset(tmp_path / "p.nc", schema, values)
    with pytest.raises(InputError, match="soil4c_vr: gridcell 3, layer 5: is not a number"):
        write_restart(RestartRequest(restart, tmp_path / "p.nc", tmp_path / "new.nc"))


def test_a_restart_without_soil_is_refused(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc")
    pools = pool_file(tmp_path / "p.nc", restart, NAMES)

    def only_lakes(values: dict[str, np.ndarray]) -> None:
        values["cols1d_ityplun"][:] = 5

    small_restart(tmp_path / "lakes.nc", change=only_lakes)
    with pytest.raises(InputError, match="no column with natural vegetation or crops"):
        write_restart(RestartRequest(tmp_path / "lakes.nc", pools, tmp_path / "new.nc"))


@pytest.mark.parametrize("name", ["soil4c_vr", "pfts1d_itypveg", "spinup_state", "scalaravg_col"])
def test_a_missing_variable_is_named(tmp_path: Path, name: str) -> None:
    pools = pool_file(tmp_path / "p.nc", small_restart(tmp_path / "r.nc"), NAMES)
    restart = small_restart(tmp_path / "less.nc", leave_out=(name,))
    said = read_pools(pools)
    said.attributes.pop("source_restart_sha256")  # type: ignore[attr-defined]
    write_pools(pools, said)
    with pytest.raises(InputError, match=name):
        write_restart(RestartRequest(restart, pools, tmp_path / "new.nc"))


def test_leaving_acceleration_needs_the_surface_file(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc")
    pools = pool_file(tmp_path / "p.nc", restart, ("soil4c_vr",))
    with pytest.raises(InputError, match=r"solutionp_vr: mineral P cannot be set.*--surface"):
        write_restart(RestartRequest(restart, pools, tmp_path / "new.nc", spinup_state=0))
    surface = surface_file(tmp_path / "s.nc")
    with pytest.raises(InputError, match=r"solutionp_vr: solution P cannot be set.*--soil-orders"):
        write_restart(RestartRequest(restart, pools, tmp_path / "new.nc", surface=surface))


def test_more_phosphorus_than_the_soil_sorbs_is_refused(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc")
    pools = pool_file(tmp_path / "p.nc", restart, ("soil4c_vr",))
    surface, orders = surface_file(tmp_path / "s.nc", labile=50.0), sorption_file(tmp_path / "o.nc")
    with pytest.raises(InputError, match=r"more labile P than the soil can sorb.*found 100 gP m-3"):
        write_restart(
            RestartRequest(restart, pools, tmp_path / "new.nc", surface=surface, soil_orders=orders)
        )


def test_a_surface_file_of_elsewhere_is_refused(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc", 4)
    pools = pool_file(tmp_path / "p.nc", restart, ("soil4c_vr",))
    surface, orders = surface_file(tmp_path / "s.nc", 3), sorption_file(tmp_path / "o.nc")
    with pytest.raises(InputError, match="the surface file has no cell at a place of the restart"):
        write_restart(
            RestartRequest(restart, pools, tmp_path / "new.nc", surface=surface, soil_orders=orders)
        )


def test_the_restart_is_not_its_own_output(tmp_path: Path) -> None:
    restart = small_restart(tmp_path / "r.nc")
    pools = pool_file(tmp_path / "p.nc", restart, NAMES)
    content = restart.read_bytes()
    with pytest.raises(InputError, match="the output would replace the input"):
        write_restart(RestartRequest(restart, pools, restart))
    assert restart.read_bytes() == content
