"""Kiloland: kilometre-scale land modelling on ELM's own files.

The rooms, each useful alone: ``variables``, ``files``, ``grid``, ``atmosphere``, ``craft``, ``land``,
``run``, ``verify`` and ``report``. A room imports only from those named before it.
"""

__version__ = "0.1.0"
