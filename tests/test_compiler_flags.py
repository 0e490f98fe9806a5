"""Programs are compiled with shared loops, and what a user asked of the compiler stays."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kiloland.compiler_flags import ONE_THREAD, SHARED_LOOPS, VARIABLE, add_compiler_flag

PROGRAM = """
import kiloland.land, jax, jax.numpy as jnp
both = lambda x: (jnp.exp(x) + 1.0, jnp.sqrt(jnp.exp(x)) * 2.0)
print(jax.jit(both).lower(jnp.ones(1000)).compile().as_text().count(" fusion("))
"""


@pytest.mark.parametrize(
    ("given", "after"),
    [
        (None, SHARED_LOOPS),
        (ONE_THREAD, f"{ONE_THREAD} {SHARED_LOOPS}"),
        (SHARED_LOOPS, SHARED_LOOPS),
        ("--xla_backend_extra_options=other", "--xla_backend_extra_options=other"),
    ],
)
def test_flags_of_the_user_stay_and_win(given: str | None, after: str) -> None:
    environment = {} if given is None else {VARIABLE: given}
    add_compiler_flag(SHARED_LOOPS, environment)
    assert environment == {VARIABLE: after}


@pytest.mark.parametrize(("given", "loops"), [("", 2), ("--xla_backend_extra_options=xla_cpu_unknown", 3)])
def test_results_of_the_same_columns_share_a_loop_once_kiloland_is_imported(given: str, loops: int) -> None:
    environment = {**os.environ, VARIABLE: given, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, str(loops)), done.stderr
