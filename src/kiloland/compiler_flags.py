"""How the compiler (XLA) is asked to build programs for a processor.

By itself it writes one loop over the columns for each result, and every intermediate array goes through
memory. Asked for :data:`SHARED_LOOPS` it writes one loop for many results: a step of the whole physics then
takes less than half of the time, and so does its compilation. Graphics processors ignore it. Flags are read
when the first program of a process is compiled; later changes do nothing.
"""

from __future__ import annotations

from collections.abc import MutableMapping

VARIABLE = "XLA_FLAGS"
SHARED_LOOPS = "--xla_backend_extra_options=xla_cpu_use_multi_output_fusion"
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false"


def add_compiler_flag(flag: str, environment: MutableMapping[str, str]) -> None:
    """Add a flag for programs compiled later, unless the environment already sets that option.

    Args:
        flag: ``--name=value``.
        environment: of the process; only its ``XLA_FLAGS`` change.
    """
    given = environment.get(VARIABLE, "")
    if flag.partition("=")[0] not in given:
        environment[VARIABLE] = f"{given} {flag}".strip()
