"""The model world closes its balances, comes to rest where the plain model does, and says so honestly."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kiloland.errors import ExitCode, InputError
from kiloland.files import open_dataset, verify_file
from kiloland.spinup.generator.accelerate import ecosystem_totals, pseudo_step
from kiloland.spinup.generator.build import make_mode
from kiloland.spinup.generator.climate import Climate, chosen, synthetic_climate
from kiloland.spinup.generator.continuation import continue_run
from kiloland.spinup.generator.generate import generate, make_settings
from kiloland.spinup.generator.plants import allometry
from kiloland.spinup.generator.relaxation import first_relaxation, mineral_gain
from kiloland.spinup.generator.run import Site, run_cycle, run_year
from kiloland.spinup.generator.simulate import BlockSettings, at_rest, cold_start_of, prepare
from kiloland.spinup.generator.soil import total
from kiloland.spinup.generator.state import Mode, World, WorldState
from kiloland.spinup.generator.step import day, mixed
from kiloland.spinup.subgrid import restart_subgrid
from kiloland.spinup.tables import HEADLINE, POOLS

BLOCK = 16
SETTINGS = BlockSettings(seed=3, member=0, cycle_years=1, tolerance=0.01, most_cycles=2, block=BLOCK)


def block_climate() -> Climate:
    """Sixteen cells of the made-up climate, from the tropics to the cold."""
    climate = synthetic_climate(1.0)
    return climate.take(chosen(climate, BLOCK))


@pytest.fixture(scope="module")
def site() -> Site:
    """A block of cells with a forcing cycle of one year."""
    return prepare(block_climate(), SETTINGS)[2]


@pytest.fixture(scope="module")
def grown(site: Site) -> WorldState:
    """Its state after twelve years with supply, then two without."""
    state = cold_start_of(site)
    free = make_mode(site.soil, accelerated=True, supply_n=True, supply_p=True)
    for _ in range(12):
        state = run_year(state, site.soil, site.plants, site.years[0], free).state
    plain = make_mode(site.soil, accelerated=False)
    for _ in range(2):
        state = run_year(state, site.soil, site.plants, site.years[0], plain).state
    return state


@pytest.mark.parametrize("accelerated", [False, True])
def test_carbon_nitrogen_and_phosphorus_close_in_every_day(
    site: Site, grown: WorldState, accelerated: bool
) -> None:
    mode = make_mode(site.soil, accelerated=accelerated, supply_p=accelerated)
    shape = allometry(grown.plants.year_npp, site.plants)
    step = jax.jit(partial(one_day_with_balance, site=site, shape=shape, mode=mode))
    state = grown
    for number in range(0, 365, 12):
        today = jax.tree.map(lambda leaf, n=number: leaf[n // 5, n % 5], site.years[0])
        after, change = step(state, today)
        before_total, after_total = ecosystem_totals(state, site), ecosystem_totals(after, site)
        for old, new, expected in zip(before_total, after_total, change, strict=True):
            assert np.abs(new - old - np.asarray(expected)).max() < 1e-9
        moved = ecosystem_totals(mixed(after, mode), site)
        for old, new in zip(after_total, moved, strict=True):
            assert np.abs(new - old).max() < 1e-9
        state = after


def one_day_with_balance(
    state: WorldState, today: object, site: Site, shape: object, mode: Mode
) -> tuple[WorldState, tuple[jax.Array, jax.Array, jax.Array]]:
    """A day and what its fluxes to and from outside sum to, g m-2."""
    after, fluxes = day(state, World(site.soil, site.plants, today), shape, mode, today)
    soil, plants, weight = fluxes.soil, fluxes.plants, site.plants.weight
    respired = jnp.sum(site.soil.respired * soil.loss, axis=0)
    fire = jnp.sum(weight * plants.fire, axis=1)
    carbon = jnp.sum(weight * plants.npp, axis=0) - total(respired + jnp.sum(soil.burned_c, axis=0)) - fire[0]
    nitrogen = site.soil.deposition_n + soil.fixation - fire[1]
    nitrogen += total(soil.supplied_n - soil.nitrogen_gas - soil.leached_n - soil.burned_n)
    phosphorus = site.soil.deposition_p + soil.rock_p - fire[2]
    phosphorus += total(soil.supplied_p - soil.leached_p - soil.eroded - soil.burned_p)
    return after, (carbon, nitrogen, phosphorus)


def test_a_cell_does_not_depend_on_the_others_of_its_block(site: Site, grown: WorldState) -> None:
    order = np.arange(BLOCK)[::-1]
    other = prepare(block_climate().take(order), SETTINGS)[2]
    turned = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)[..., order]), grown)
    plain = make_mode(site.soil, accelerated=False)
    end, means = run_cycle(grown, site, plain)
    mode = make_mode(other.soil, accelerated=False)
    turned_end, turned_means = run_cycle(turned, other, mode)
    known = first_relaxation(BLOCK)
    straight = pseudo_step(grown, end, means, site, plain, 365.0, known)
    turned_step = pseudo_step(turned, turned_end, turned_means, other, mode, 365.0, known)
    for left, right in zip(jax.tree.leaves(straight), jax.tree.leaves(turned_step), strict=True):
        assert np.array_equal(np.asarray(left)[..., order], np.asarray(right))


def test_a_state_at_rest_stays_in_pseudo_time(site: Site, grown: WorldState) -> None:
    plain = make_mode(site.soil, accelerated=False)
    _, means = run_cycle(grown, site, plain)
    stayed, _ = pseudo_step(grown, grown, means, site, plain, 1e7, first_relaxation(BLOCK))
    for left, right in zip(jax.tree.leaves(grown), jax.tree.leaves(stayed), strict=True):
        assert np.allclose(np.asarray(left), np.asarray(right), rtol=1e-12, atol=1e-14)


def test_pseudo_time_moves_a_lone_pool_to_where_plain_steps_would_bring_it(
    site: Site, grown: WorldState
) -> None:
    # Primary P has one input and one rate: its rest is input over rate, whatever the start.
    plain = make_mode(site.soil, accelerated=False)
    end, means = run_cycle(grown, site, plain)
    moved, _ = pseudo_step(grown, end, means, site, plain, 1e9, first_relaxation(BLOCK))
    rest = site.soil.deposition_p * site.soil.root_profile / site.soil.weathering
    start = np.maximum(np.asarray(end.soil.primary), 1e-12)
    expected = np.clip(np.asarray(rest), start / 3.0, start * 3.0)
    assert np.allclose(np.asarray(moved.soil.primary), expected, rtol=0.02)


def test_steps_grow_where_a_tendency_lingers_and_shrink_where_it_turns() -> None:
    gain = mineral_gain(np.ones(4), np.array([1.0, 1.0, 1.0, 0.0]), np.array([0.9, 0.1, -0.5, 1.0]))
    assert gain.tolist() == [1.6, 1.0, 0.4, 1.0]


def test_a_cell_whose_minerals_still_move_is_not_at_rest(site: Site, grown: WorldState) -> None:
    still = at_rest(grown, grown, site, SETTINGS)
    assert still[0].all()
    for name, amount in (("nitrate", 1.0), ("secondary", 1.0)):
        moved = replace(grown, soil=replace(grown.soil, **{name: getattr(grown.soil, name) + amount}))
        assert not at_rest(grown, moved, site, SETTINGS)[1].any()


def test_no_tissue_falls_below_zero_when_all_leaves_go_at_once(site: Site, grown: WorldState) -> None:
    shape = allometry(grown.plants.year_npp, site.plants)
    today = jax.tree.map(lambda leaf: leaf[0, 0], site.years[0])
    # No season for leaves and no water: everything that can be shed is shed today.
    bare = replace(today, season=jnp.zeros_like(today.season), potential=jnp.zeros_like(today.potential))
    out = replace(grown.plants, leaves_out=jnp.ones_like(grown.plants.leaves_out))
    mode = make_mode(site.soil, accelerated=False)
    after, _ = day(replace(grown, plants=out), World(site.soil, site.plants, bare), shape, mode, bare)
    assert float(jnp.min(after.plants.tissue)) >= 0.0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small world that has had no time to come to rest."""
    folder = tmp_path_factory.mktemp("world")
    settings = make_settings(10, 3, 1.0, 2, "synthetic", cycle_years=1, block=BLOCK, most_cycles=2)
    assert not generate(settings, folder, say=lambda text: None)
    return folder


def test_a_killed_command_leaves_no_process_at_work() -> None:
    child = "import sys, time; from kiloland.spinup.generator.generate import end_with; "
    child += "end_with(int(sys.argv[1])); print('ready', flush=True); time.sleep(600)"
    parent = "import os, subprocess, sys, time; "
    parent += f"subprocess.Popen([sys.executable, '-c', {child!r}, str(os.getpid())]); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.kill()
        # The pipe ends when nobody holds it any more: the child has gone.
        assert process.stdout.read() == ""


def test_the_proof_of_rest_can_fail_and_says_where(world: Path) -> None:
    manifest = json.loads((world / "manifest.json").read_text())
    assert manifest["passed"] is False
    for member in manifest["members"]:
        assert member["cells"] == 5
        assert member["cells_over"] > 0
        assert member["drift_max"] > 0.01
        assert sum(member["histogram"]["cells"]) == 5
    assert len(manifest["unknown_to_readers_of_the_files"]) >= 5


def test_what_is_handed_over_reads_like_elm(world: Path) -> None:
    folder = world / "member_01"
    with open_dataset(folder / "ad" / "r.0041-01-01-00000.nc") as restart:
        grid = restart_subgrid(restart)
        assert grid.keys.columns == 5
        assert grid.keys.patches == 5 * 17
        assert np.allclose(np.bincount(grid.keys.pft_column, grid.pft_weight), 1.0)
        missing = [name for name in POOLS if name not in restart and "prod" not in name]
        assert missing == []
        assert all(np.isfinite(restart[name].values()).all() for name in HEADLINE)
        assert int(restart["spinup_state"].read()) == 1
        scalar = restart["scalaravg_col"].values()[:, 0]
        assert ((scalar > 0.0) & (scalar < 2.0)).all()
    with open_dataset(folder / "ad" / "h0.annual.nc") as history:
        assert history["K_SOIL4"].dims == ("time", "levdcmp", "lndgrid")
        assert history["GPP"].attributes["units"] == "gC/m^2/s"
        assert history.attributes["kiloland_kind"] == "model_world"
        assert history["SOIL3C_vr"].dtype == np.float32
        respired = history["HR_vr"].values()[0].sum(axis=0)
        assert (respired > 0.0).any()
    for path in sorted(world.rglob("member_*/**/*.nc")):
        assert verify_file(path) > 0


def test_going_on_from_a_written_restart_is_exact(world: Path) -> None:
    folder = world / "member_00"
    path = folder / "final" / "r.0002-01-01-00000.nc"
    two = continue_run(path, folder, 2)
    one = continue_run(path, folder, 1)
    assert np.array_equal(two.carbon[:2], one.carbon)
    # The state that was written is the one that the generator ended with: its next cycle drifts alike.
    with open_dataset(next((world / ".blocks" / "member_00").glob("*.nc"))) as block:
        carbon = block["final.soil.carbon"].read()
    with open_dataset(path) as restart:
        assert np.array_equal(restart["soil4c_vr"].values()[:, :10].T, carbon[7])


def test_an_interrupted_world_goes_on_and_another_one_is_refused(world: Path) -> None:
    settings = make_settings(10, 3, 1.0, 2, "synthetic", cycle_years=1, block=BLOCK, most_cycles=2)
    path = world / "member_00" / "ad" / "r.0041-01-01-00000.nc"
    before = path.read_bytes()
    path.unlink()
    generate(settings, world, say=lambda text: None)
    assert path.read_bytes() == before
    with pytest.raises(InputError, match="other settings"):
        generate(replace(settings, seed=4), world, say=lambda text: None)


@pytest.mark.parametrize(
    ("cells", "resolution", "members", "text"),
    [(0, 1.0, None, "--cells"), (5, 0.25, None, "--resolution"), (5, 1.0, 9, "--members")],
)
def test_numbers_that_cannot_be_are_refused(
    cells: int, resolution: float, members: int | None, text: str
) -> None:
    with pytest.raises(InputError, match=text):
        make_settings(cells, 1, resolution, members, "synthetic")


def test_a_restart_of_other_cells_is_refused(world: Path) -> None:
    other = world / "member_00" / "final" / "r.0002-01-01-00000.nc"
    with pytest.raises(InputError, match="is no member"):
        continue_run(other, world, 1)
    assert ExitCode.FINDINGS == 1
