"""The made-up sources of the tests beside this folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from forcing_sources import make_domain, make_source

from kiloland.craft.forcing import ForcingRequest, craft_forcing
from kiloland.grid import Domain


@pytest.fixture(scope="session")
def daily_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Daily files and a reanalysis of one year."""
    return make_source(tmp_path_factory.mktemp("daily"))


@pytest.fixture(scope="session")
def set_of_cells(daily_source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Domain]:
    """January to March over four cells, and their domain ``domain.nc``."""
    folder = tmp_path_factory.mktemp("cells")
    domain = make_domain(folder / "domain.nc")
    request = ForcingRequest(daily_source, folder / "domain.nc", 2004, 2004, folder / "out", last_month=3)
    assert craft_forcing(request).written == 21
    return folder, domain


@pytest.fixture(scope="session")
def year_of_cells(daily_source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Domain]:
    """A whole year over the same four cells."""
    folder = tmp_path_factory.mktemp("year")
    domain = make_domain(folder / "domain.nc")
    craft_forcing(ForcingRequest(daily_source, folder / "domain.nc", 2004, 2004, folder / "out"))
    return folder, domain
