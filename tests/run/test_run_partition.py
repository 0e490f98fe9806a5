"""No result depends on how the work is cut: blocks, chunks, order of cells, ranks, partitions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
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

from kiloland.files import open_dataset

STOP = "0001-07-02-36000"
PARTITIONS = ("round_robin", "block", "block_round_robin")


@pytest.fixture(scope="module")
def alone(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of the run of one process with blocks of 64 columns and chunks of 48 steps."""
    directory = tmp_path_factory.mktemp("alone") / "run"
    run(inputs, directory, case__stop=STOP)
    return directory


@pytest.mark.parametrize(
    ("block", "chunk"),
    [
        pytest.param(64, 7, id="blocks of 64, chunks of 7", marks=pytest.mark.slow),
        pytest.param(1024, 1, id="one block, chunks of 1"),
        pytest.param(128, 48, id="blocks of 128, chunks of 48", marks=pytest.mark.slow),
        pytest.param(128, 1, id="blocks of 128, chunks of 1", marks=pytest.mark.slow),
        pytest.param(1024, 48, id="one block, chunks of 48", marks=pytest.mark.slow),
        pytest.param(1024, 7, id="one block, chunks of 7", marks=pytest.mark.slow),
        pytest.param(64, 1, id="blocks of 64, chunks of 1", marks=pytest.mark.slow),
    ],
)
def test_blocks_and_chunks_change_no_byte(
    inputs: Path, alone: Path, tmp_path: Path, block: int, chunk: int
) -> None:
    run(
        inputs,
        tmp_path / "run",
        case__stop=STOP,
        compute__columns_per_block=block,
        compute__steps_per_chunk=chunk,
    )
    assert_same_results(alone, tmp_path / "run")


def test_cells_in_another_order_have_the_same_bits(inputs: Path, alone: Path, tmp_path: Path) -> None:
    order = np.random.default_rng(11).permutation(130)
    ids = 7_000_000 + np.arange(130)
    mixed = take_cells(inputs, tmp_path / "mixed", order, ids)
    run(mixed, tmp_path / "run", case__stop=STOP)
    restart = next(name for name in results(alone) if ".elm.r." in name)
    patches = patch_positions(alone / restart, tmp_path / "run" / restart)
    for name in at_the_end(alone):
        if name.endswith(".nc"):
            compare_reordered(alone / name, tmp_path / "run" / name, np.argsort(order), patches)
    assert json.loads((alone / f"{NAME}.balance.json").read_text()) == json.loads(
        (tmp_path / "run" / f"{NAME}.balance.json").read_text()
    ), "sums over the domain depend on the order of the cells"


def compare_reordered(plain: Path, mixed: Path, cells: np.ndarray, patches: np.ndarray) -> None:
    """Every variable of the mixed file, put back in order, has the bits of the plain one."""
    with open_dataset(plain) as a, open_dataset(mixed) as b:
        assert list(a.variables) == list(b.variables)
        for name, variable in a.variables.items():
            if name.endswith(("ixy", "_index")) or name == "gridID":
                continue  # numbers of cells follow the order by definition
            found = b[name].read()
            for axis, dim in enumerate(variable.dims):
                if dim == "pft":
                    found = np.take(found, patches, axis=axis)
                elif dim in CELLS_AND_COLUMNS:
                    found = np.take(found, cells, axis=axis)
            assert found.tobytes() == variable.read().tobytes(), f"{plain.name}: {name}"


CELLS_AND_COLUMNS = ("lndgrid", "gridcell", "topounit", "landunit", "column")
"""Dimensions with one member for each cell here."""


def patch_positions(plain: Path, mixed: Path) -> np.ndarray:
    """Where each patch of a restart lies in the other one: the patch of the same place and type."""
    keys = []
    for path in (plain, mixed):
        with open_dataset(path) as file:
            columns = (file[f"pfts1d_{name}"].read().tolist() for name in ("lon", "lat", "itypveg"))
            keys.append({key: n for n, key in enumerate(zip(*columns, strict=True))})
    assert len(keys[0]) == len(keys[1])
    return np.array([keys[1][key] for key in keys[0]])


def parallel(
    inputs: Path, directory: Path, ranks: int, partition: str, *, verb: str = "run", stop: str = STOP
) -> None:
    case = write_case(
        inputs, directory, case__stop=stop, ranks__partition=partition, compute__columns_per_block=1024
    )
    done = kiloland(verb, case, ranks=ranks)
    assert done.returncode == 0, done.stderr
    assert leftovers(directory) == []


@pytest.mark.mpi
@pytest.mark.parametrize(
    ("ranks", "partition"),
    [
        pytest.param(
            ranks,
            partition,
            id=f"{ranks} ranks, {partition}",
            marks=[] if (ranks, partition) == (2, "round_robin") else pytest.mark.slow,
        )
        for ranks in (1, 2, 3, 4)
        for partition in PARTITIONS
    ],
)
def test_ranks_and_partitions_change_no_byte(
    inputs: Path, alone: Path, tmp_path: Path, ranks: int, partition: str
) -> None:
    parallel(inputs, tmp_path / "run", ranks, partition)
    assert_same_results(alone, tmp_path / "run")
    timing = tmp_path / "run/timing"
    assert len(list(timing.glob("model_timing.[0-9]*"))) == ranks, "every rank has its timers"


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(1, 4), (3, 2), (4, 1)])
def test_a_run_goes_on_with_another_number_of_ranks(
    inputs: Path, alone: Path, tmp_path: Path, before: int, after: int
) -> None:
    parallel(inputs, tmp_path / "run", before, "block_round_robin", stop="0001-07-01-77400")
    parallel(inputs, tmp_path / "run", after, "round_robin", verb="resume")
    assert_same_results(alone, tmp_path / "run", at_the_end(alone))


@pytest.mark.mpi
def test_two_ranks_go_on_with_what_one_process_left(inputs: Path, alone: Path, tmp_path: Path) -> None:
    run(inputs, tmp_path / "run", case__stop="0001-07-01-77400")
    parallel(inputs, tmp_path / "run", 2, "round_robin", verb="resume")
    assert_same_results(alone, tmp_path / "run", at_the_end(alone))


@pytest.mark.mpi
def test_a_fault_that_one_rank_sees_ends_all_with_one_message(few: Path, tmp_path: Path) -> None:
    """Cell 7 belongs to the second rank alone; the first must not wait for it for ever."""
    from run_cases import linked, rewrite

    folder = linked(few, tmp_path / "inputs")

    def spoil(arrays: dict[str, np.ndarray], attributes: object) -> None:
        arrays["PCT_SAND"][..., 7] = 230.0

    rewrite(folder / "surfdata.nc", spoil)
    done = kiloland("run", write_case(folder, tmp_path / "run"), ranks=2, timeout=120)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.startswith("kiloland")]
    assert len(lines) == 1, done.stderr
    assert "PCT_SAND: cell 7" in lines[0]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.mpi
def test_the_same_id_on_two_ranks_is_found(few: Path, tmp_path: Path) -> None:
    from run_cases import linked, rewrite

    folder = linked(few, tmp_path / "inputs")

    def repeat(arrays: dict[str, np.ndarray], attributes: object) -> None:
        arrays["gridID"][..., 6] = arrays["gridID"][..., 5]

    rewrite(folder / "domain.nc", repeat)
    done = kiloland("run", write_case(folder, tmp_path / "run"), ranks=2, timeout=120)
    assert done.returncode == 2
    assert "gridID: cells 5 and 6: the same gridcell id twice" in done.stderr
    assert results(tmp_path / "run") == []
