"""Ranks write one file together; the bytes do not depend on their number."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kiloland.errors import InputError
from kiloland.files import Rearranger, open_dataset, rearrange

PROGRAM = """
import sys
import numpy as np
from mpi4py import MPI
from kiloland.errors import KilolandError
from kiloland.files import DatasetWriter, FileSchema, Rearranger, VariableSchema

world = MPI.COMM_WORLD
assert world.Get_size() == int(sys.argv[2]), "every rank must see all ranks"
cells, levels = 10_007, 4
robin = np.arange(world.rank, cells, world.size)
block = np.array_split(np.arange(cells), world.size)[world.rank]
own = robin if sys.argv[4] == "robin" else block
variables = (
    VariableSchema("a", "f8", ("cell",)),
    VariableSchema("b", "f4", ("time", "cell", "level")),
    VariableSchema("c", "f8", ("level", "cell")),
    VariableSchema("level", "i4", ("level",)),
)
schema = FileSchema({"cell": cells, "level": levels}, ("time", 2), variables)
exchange = Rearranger(own, cells, world)

def write():
    with DatasetWriter(sys.argv[1], schema, world) as writer:
        writer.put("a", exchange.to_slab(np.sin(own)), start=(exchange.start,))
        for time in range(2):
            b = (own[:, None] * 10.0 + np.arange(levels) + time).astype("f4")
            slab = exchange.to_slab(b)
            assert np.array_equal(exchange.from_slab(slab), b)
            writer.put("b", slab, start=(time, exchange.start))
        c = own[None, :] + 0.5 * np.arange(levels)[:, None]
        writer.put("c", exchange.to_slab(c, axis=1), start=(0, exchange.start))
        writer.put("level", np.arange(levels))

if sys.argv[3] == "good":
    write()
else:
    try:
        with DatasetWriter(sys.argv[1], schema, world) as writer:
            if world.rank == world.size - 1:
                raise KilolandError("out of luck")
            writer.put("a", np.zeros(5), start=(exchange.start,))
    except KilolandError as error:
        print(f"{world.rank}:{type(error).__name__}", flush=True)
"""


def ranks(path: Path, number: int, mode: str = "good", partition: str = "robin") -> str:
    pytest.importorskip("mpi4py")
    launcher = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
    if launcher is None:
        pytest.skip("no mpiexec")
    command = [
        launcher,
        "-n",
        str(number),
        sys.executable,
        "-c",
        PROGRAM,
        str(path),
        str(number),
        mode,
        partition,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.mpi
def test_the_file_is_the_same_for_any_number_of_ranks_and_partition(tmp_path: Path) -> None:
    ranks(tmp_path / "1.nc", 1)
    ranks(tmp_path / "2.nc", 2, partition="block")
    ranks(tmp_path / "3.nc", 3)
    assert (
        (tmp_path / "1.nc").read_bytes()
        == (tmp_path / "2.nc").read_bytes()
        == (tmp_path / "3.nc").read_bytes()
    )
    with open_dataset(tmp_path / "3.nc", verify=True) as dataset:
        np.testing.assert_array_equal(dataset["a"].read(), np.sin(np.arange(10_007)))
        np.testing.assert_array_equal(dataset["b"].read((1, 77)), np.float32([771, 772, 773, 774]))


@pytest.mark.mpi
def test_a_failure_of_one_rank_ends_all_and_leaves_nothing(tmp_path: Path) -> None:
    printed = ranks(tmp_path / "file.nc", 3, "bad")
    # The launcher may run lines of different ranks together, so the names are found, not split.
    assert sorted(re.findall(r"[A-Za-z]+Error", printed)) == ["KilolandError", "OutputError", "OutputError"]
    assert list(tmp_path.iterdir()) == []


def test_one_process_needs_no_message_passing() -> None:
    code = (
        "import sys, numpy as np; from kiloland.files import rearrange;"
        "assert rearrange([1., 2.], [0, 1], 2)[1].tolist() == [1, 2]; assert 'mpi4py' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_cells_of_one_process_are_their_slab() -> None:
    values = np.arange(6.0).reshape(2, 3)
    start, slab = rearrange(values, [0, 1, 2], 3, axis=1)
    assert start == 0
    np.testing.assert_array_equal(slab, values)


@pytest.mark.parametrize("indices", [[0, 2], [0, 1, 1], [1, 0, 2], [0, 1, 3], [-1, 0, 1], [0, 1, 2, 3]])
def test_cells_that_do_not_cover_the_axis_once_are_an_error(indices: list[int]) -> None:
    with pytest.raises(InputError, match="position"):
        Rearranger(indices, 3)
