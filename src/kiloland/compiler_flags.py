"""How the compiler (XLA) is asked to build programs for a processor.

By itself it writes one loop over the columns for each result, and every intermediate array goes through
memory. Asked for :data:`SHARED_LOOPS` it writes one loop for many results: a step of the whole physics then
takes about half of the time, and so does its compilation. Which results share a loop depends on the number
of columns, and with it where a product and a sum are contracted into one operation that rounds once. So that
results do not depend on blocks, :data:`EACH_ROUNDS` takes the instructions for that away. Graphics processors
ignore both. Flags are read when the first program of a process is compiled; later changes do nothing.
"""

from __future__ import annotations

import platform
from collections.abc import MutableMapping

VARIABLE = "XLA_FLAGS"
SHARED_LOOPS = "--xla_backend_extra_options=xla_cpu_use_multi_output_fusion"
EACH_ROUNDS = "--xla_cpu_max_isa=AVX"
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false"
_MACHINES = ("x86_64", "AMD64")


def ask_for_shared_loops(environment: MutableMapping[str, str], machine: str = platform.machine()) -> None:
    """Ask for shared loops and single rounding, both or none, where the processor allows it.

    Args:
        environment: of the process. What it says about the instruction set or about extra options wins.
        machine: kind of processor, as Python names it.
    """
    given = environment.get(VARIABLE, "")
    taken = any(_name(flag) in given for flag in (SHARED_LOOPS, EACH_ROUNDS))
    if machine in _MACHINES and not taken:
        add_compiler_flag(EACH_ROUNDS, environment)
        add_compiler_flag(SHARED_LOOPS, environment)


def without_shared_loops(environment: MutableMapping[str, str]) -> None:
    """Take the request for shared loops back, for programs compiled later.

    The gradient of many steps of the whole physics ends XLA (jaxlib 0.10 and before) in a failed check of its
    own where loops are shared: "symbolic_map.cc: Check failed: GetNumDims() == other.GetNumResults()".
    """
    kept = [flag for flag in environment.get(VARIABLE, "").split() if flag != SHARED_LOOPS]
    environment[VARIABLE] = " ".join(kept)


def add_compiler_flag(flag: str, environment: MutableMapping[str, str]) -> None:
    """Add a flag, ``--name=value``, for programs compiled later, unless the environment has that option."""
    given = environment.get(VARIABLE, "")
    if _name(flag) not in given:
        environment[VARIABLE] = f"{given} {flag}".strip()


def _name(flag: str) -> str:
    return flag.partition("=")[0]
