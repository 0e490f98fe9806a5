"""Kinds of columns in a run: found, cut, read and laid back without loss; cold starts; means of cells."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import pytest

from kiloland.grid import read_domain
from kiloland.land.subgrid import LANES, ColumnGroup, ColumnType, split_into_blocks
from kiloland.land.urban_fields import in_file_order, in_step_order, tidied
from kiloland.run.case import SurfaceFlux
from kiloland.run.cells import OwnCells
from kiloland.run.initial import cold_start
from kiloland.run.kinds import kinds_of
from kiloland.run.layout import AreaScale, Layout
from kiloland.run.members import Columns, columns_of, number_members, patches_of
from kiloland.run.parts import Kind
from kiloland.run.ranks import Ranks
from kiloland.run.restart import Restart, read_restart
from kiloland.run.surface import Surface, read_surface
from kiloland.variables import history_variable

KINDS = kinds_of(SurfaceFlux.FULL)
DERIVED = ("T_GRND_U", "TH2OSFC")
"""Variables of towns that follow from their state, in ELM's file of the moment before phase change."""


@pytest.fixture(scope="module")
def zoo(shared: Path) -> Path:
    return shared / "data/elm/zoo/temperate"


@pytest.fixture(scope="module", params=["zjan/r.step12.nc.gz", "vjul/r.step24.nc.gz"])
def restart(request: pytest.FixtureRequest, zoo: Path) -> Restart:
    return read_restart(zoo / request.param)


def ground(zoo: Path) -> tuple[Surface, np.ndarray, np.ndarray]:
    domain = read_domain(zoo / "inputs/domain.nc")
    cells = np.arange(4)
    return (
        read_surface(zoo / "inputs/surfdata.nc.gz", cells, domain.longitude, domain.latitude),
        domain.longitude,
        domain.latitude,
    )


@pytest.mark.oracle
@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_what_is_read_and_laid_back_is_the_same(restart: Restart, kind: Kind) -> None:
    group = kind.find(restart)
    blocks = split_into_blocks(group, LANES, group.slots, kind.together)
    assert group.columns == {"soil": 4, "town": 15}.get(kind.name, 1)
    values = dict(restart.values)
    kind.lay(restart, values, group, blocks, kind.load(restart, group, blocks))
    changed = [name for name in values if values[name].tobytes() != restart.values[name].tobytes()]
    assert set(changed) <= set(DERIVED)


@pytest.mark.oracle
def test_towns_hold_nothing_that_a_file_does_not_keep(restart: Restart) -> None:
    town = KINDS[-1]
    group = town.find(restart)
    (state,) = town.load(restart, group, split_into_blocks(group, LANES, 1, town.together))
    before, after = (jax.tree.leaves(each) for each in (state.land.town, tidied(state.land.town)))
    for one, other in zip(before, after, strict=True):
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()
    columns = in_step_order(in_file_order(state.land.longwave_out))
    assert np.asarray(columns).tobytes() == np.asarray(state.land.longwave_out).tobytes()


@pytest.mark.oracle
def test_blocks_of_towns_do_not_part_a_town(restart: Restart) -> None:
    town = KINDS[-1]
    group = town.find(restart)
    repeated = many_towns(group, 200)
    blocks = split_into_blocks(repeated, 64, 1, town.together)
    assert len(blocks) == 4
    for block in blocks:
        assert len(block.column_take) == 320
        kinds = repeated.patch_type[block.column_take]
        assert (kinds.reshape(-1, 5) == kinds[:5]).all(), "padding repeats whole towns"


def many_towns(group: ColumnGroup, towns: int) -> ColumnGroup:
    """Towns whose patches say which surface they are."""
    columns = 5 * towns
    rows = np.arange(columns)
    return ColumnGroup(
        group.type, rows // 15, np.ones(columns), rows, rows, np.ones(columns), rows % 5, rows, rows % 3
    )


@pytest.mark.oracle
def test_a_cold_start_has_the_columns_of_elm(zoo: Path, restart: Restart) -> None:
    surface, longitude, latitude = ground(zoo)
    begun = begin(surface, longitude, latitude)
    theirs, ours = restart.values, begun.values
    for prefix, names in (
        ("cols1d", ("ityp", "ityplun", "wtxy", "wtlnd", "gridcell_index")),
        ("pfts1d", ("itypveg", "itypcol", "wtxy", "wtcol", "gridcell_index")),
        ("land1d", ("ityplun", "wtxy", "gridcell_index")),
    ):
        used = (theirs[f"{prefix}_active"] == 1) & (theirs[f"{prefix}_wtxy"] > 0.0)
        for name in names:
            np.testing.assert_allclose(
                ours[f"{prefix}_{name}"],
                theirs[f"{prefix}_{name}"][used],
                rtol=1e-14,
                err_msg=f"{prefix}_{name}",
            )
    for kind in KINDS:
        group = kind.find(begun)
        assert group.columns == kind.find(restart).columns
        blocks = split_into_blocks(group, LANES, group.slots, kind.together)
        values = dict(ours)
        kind.lay(begun, values, group, blocks, kind.load(begun, group, blocks))
        lost = [name for name in values if values[name].tobytes() != ours[name].tobytes()]
        assert set(lost) <= {*DERIVED, "T_GRND", "T_REF2M", "T_REF2M_U"}, kind.name


@pytest.mark.oracle
def test_land_ice_begins_frozen_under_snow_and_the_rest_without(zoo: Path) -> None:
    values = begin(*ground(zoo)).values
    ice = values["cols1d_ityp"] == ColumnType.GLACIER
    assert values["H2OSNO"][ice] == 1000.0
    assert values["SNLSNO"][ice] == -5
    np.testing.assert_allclose(values["H2OSOI_ICE"][ice, :5].sum(), 1000.0)
    assert (values["T_SOISNO"][ice] == 250.0).all()
    assert not values["H2OSNO"][~ice].any()
    wetland = values["cols1d_ityp"] == ColumnType.WETLAND
    assert (values["H2OSOI_LIQ"][wetland, 5:15] > 0.0).all()
    assert not values["H2OSOI_LIQ"][wetland, 15:].any()


def begin(surface: Surface, longitude: np.ndarray, latitude: np.ndarray) -> Restart:
    cells = OwnCells(np.arange(4), np.arange(4), 4, 4)
    columns = columns_of(surface, cells.positions, all_kinds=True)
    patches = patches_of(columns, surface)
    check_weights(columns)
    numbering = number_members(columns, patches, cells, Ranks(None, 0, 1))
    return cold_start(
        0, 1800, surface, longitude, latitude, np.arange(4), 4, columns, patches, numbering, all_kinds=True
    )


def check_weights(columns: Columns) -> None:
    """The columns of a cell cover it once."""
    area = np.bincount(columns.cell, weights=columns.landunit_weight * columns.weight)
    np.testing.assert_allclose(area, 1.0, rtol=1e-14)


def layout() -> Layout:
    """A cell with soil, a lake and a town, and one with a lake alone."""

    def group(kind: ColumnType, cells: list[int], weights: list[float], rows: list[int]) -> ColumnGroup:
        count = len(cells)
        order = np.arange(count)
        where = np.array(rows)
        return ColumnGroup(
            kind,
            np.array(cells),
            np.array(weights),
            where,
            order,
            np.ones(count),
            np.zeros(count, int),
            where,
        )

    third = 0.2 / 3.0
    towns = [0.1, third, third, third / 2.0, third / 2.0]
    flux = np.array([1.0, 6.0, 6.0, 3.0, 3.0])
    return Layout(
        groups=(
            group(ColumnType.SOIL, [0], [0.5], [0]),
            group(ColumnType.LAKE, [0, 1], [0.2, 1.0], [6, 7]),
            group(ColumnType.ROOF, [0] * 5, towns, [1, 2, 3, 4, 5]),
        ),
        landunits=("veg", "lake", ""),
        scales=(None, None, AreaScale(flux, flux / np.array([1.0, 5.0, 5.0, 5.0, 5.0]))),
        cells=2,
    )


def test_walls_count_with_their_area_in_the_mean_of_a_flux() -> None:
    values = np.array([10.0, 20.0, 20.0, 1.0, 2.0, 3.0, 4.0, 4.0])
    mean = layout().cell_mean(values, history_variable("FSH"))
    canyon = 0.2 * (2.0 * 2.0 + 2.0 * 3.0 + 4.0)
    np.testing.assert_allclose(mean, [0.5 * 10.0 + 0.2 * 20.0 + 0.1 * 1.0 + canyon, 20.0], rtol=1e-14)


def test_a_mean_takes_only_columns_that_have_the_field() -> None:
    values = np.array([10.0, 20.0, 30.0, *[np.nan] * 5])
    found = layout()
    np.testing.assert_allclose(
        found.cell_mean(values, history_variable("TSA")), [(5.0 + 4.0) / 0.7, 30.0], rtol=1e-14
    )
    soil_alone = found.cell_mean(values, history_variable("TSOI"))
    assert soil_alone[0] == 10.0
    assert np.isnan(soil_alone[1])
