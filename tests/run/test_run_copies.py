"""Ten copies of a domain give ten times the same results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from run_cases import NAME, results, run, take_cells

from kiloland.cli.main import main

CELLS, COPIES = 12, 10


@pytest.fixture(scope="module")
def directories(few: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Directories of a run on some cells and of one on ten copies of them, each with an id of its own."""
    folder = tmp_path_factory.mktemp("copies")
    cells = np.tile(np.arange(CELLS), COPIES)
    ten = take_cells(few, folder / "ten", cells, 1000 + np.arange(CELLS * COPIES))
    stop = "0001-07-02-36000"
    run(few, folder / "run1", case__stop=stop)
    run(ten, folder / "run10", case__stop=stop)
    return folder / "run1", folder / "run10"


def test_every_copy_has_the_same_results(directories: tuple[Path, Path]) -> None:
    one, ten = directories
    names = [name for name in results(one) if name.endswith(".nc") and ".rh0." not in name]
    assert any(".elm.r." in name for name in names)
    for name in names:
        assert main(["compare", str(one / name), str(ten / name), "--copies", str(COPIES)]) == 0, name


def test_a_copy_that_differs_is_found(directories: tuple[Path, Path], tmp_path: Path) -> None:
    from run_cases import rewrite

    one, ten = directories
    name = next(name for name in results(one) if name.startswith(f"{NAME}.elm.r."))

    def change(arrays: dict[str, np.ndarray], attributes: object) -> None:
        arrays["T_SOISNO"][CELLS * 6 + 4, 9] = np.nextafter(arrays["T_SOISNO"][CELLS * 6 + 4, 9], 0.0)

    other = rewrite(ten / name, change, target=tmp_path / name)
    assert main(["compare", str(one / name), str(other), "--copies", str(COPIES)]) == 1
