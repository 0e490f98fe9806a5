"""Kiloland: kilometre-scale land modelling on ELM's own files.

The rooms, each useful alone: ``variables``, ``files``, ``grid``, ``atmosphere``, ``craft``, ``land``,
``run``, ``verify`` and ``report``. A room imports only from those named before it.
Importing the package asks JAX's compiler for shared loops (see ``compiler_flags``), which must be said early.
"""

import os

from kiloland.compiler_flags import ask_for_shared_loops

ask_for_shared_loops(os.environ)

__version__ = "0.1.0"
