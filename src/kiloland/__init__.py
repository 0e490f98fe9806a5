"""Kiloland: kilometre-scale land modelling on ELM's own files.

The rooms, each useful alone: ``variables``, ``files``, ``grid``, ``atmosphere``, ``craft``, ``land``,
``run``, ``verify`` and ``report``. A room imports only from those named before it.
Importing the package asks JAX's compiler for shared loops (see ``compiler_flags``), which must be said early.
"""

import os

from kiloland.compiler_flags import SHARED_LOOPS, add_compiler_flag

add_compiler_flag(SHARED_LOOPS, os.environ)

__version__ = "0.1.0"
