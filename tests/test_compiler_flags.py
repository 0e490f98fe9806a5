"""Programs are compiled with shared loops, and what a user asked of the compiler stays."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from kiloland.compiler_flags import (
    EACH_ROUNDS,
    ONE_THREAD,
    SHARED_LOOPS,
    VARIABLE,
    ask_for_shared_loops,
    without_shared_loops,
)

PROGRAM = """
import kiloland.land, jax, jax.numpy as jnp, numpy as np
both = lambda x: (jnp.exp(x) + 1.0, jnp.sqrt(jnp.exp(x)) * 2.0)
loops = jax.jit(both).lower(jnp.ones(1000)).compile().as_text().count(" fusion(")
a, b, c = np.random.default_rng(1).random((3, 1000))
print(loops, np.array_equal(jax.jit(lambda a, b, c: a * b - c)(a, b, c), a * b - c))
"""


@pytest.mark.parametrize(
    ("given", "machine", "after"),
    [
        ("", "x86_64", f"{EACH_ROUNDS} {SHARED_LOOPS}"),
        (ONE_THREAD, "x86_64", f"{ONE_THREAD} {EACH_ROUNDS} {SHARED_LOOPS}"),
        (f"{EACH_ROUNDS} {SHARED_LOOPS}", "x86_64", f"{EACH_ROUNDS} {SHARED_LOOPS}"),
        ("--xla_cpu_max_isa=AVX2", "x86_64", "--xla_cpu_max_isa=AVX2"),
        ("--xla_backend_extra_options=other", "x86_64", "--xla_backend_extra_options=other"),
        ("", "aarch64", ""),
    ],
)
def test_flags_of_the_user_win_and_shared_loops_never_go_without_single_rounding(
    given: str, machine: str, after: str
) -> None:
    environment = {VARIABLE: given}
    ask_for_shared_loops(environment, machine)
    assert environment == {VARIABLE: after}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="shared loops are asked for on x86-64 only")
@pytest.mark.parametrize(
    ("given", "printed"), [("", "2 True"), ("--xla_backend_extra_options=xla_cpu_unknown", "3")]
)
def test_results_share_a_loop_and_products_round_alone_once_kiloland_is_imported(
    given: str, printed: str
) -> None:
    environment = {**os.environ, VARIABLE: given, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.startswith(printed)) == (0, True), done.stderr + done.stdout


def test_shared_loops_can_be_taken_back_and_nothing_else() -> None:
    environment = {"XLA_FLAGS": "--xla_dump_to=x"}
    ask_for_shared_loops(environment, "x86_64")
    without_shared_loops(environment)
    assert environment["XLA_FLAGS"].split() == ["--xla_dump_to=x", EACH_ROUNDS]
