"""The plan of a crafting job: what it reads, writes and needs, before it starts."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from kiloland.craft.plan.cells import plan_cells
from kiloland.craft.plan.forcing import plan_forcing
from kiloland.craft.plan.job import Job, methods_of, read_job
from kiloland.craft.plan.parts import CraftPlan, Machine
from kiloland.craft.plan.products import made_by_job, plan_copies, plan_domain, plan_surface
from kiloland.craft.plan.rates import DEFAULT, Rates
from kiloland.grid.domain import processors


def plan_job(path: Path, rates: Rates = DEFAULT, machine: Machine | None = None) -> CraftPlan:
    """The plan of a job file; only headers, the land mask and the lists of areas are read.

    Raises InputError where the job file or an input that is there cannot be used; sources that are missing
    are findings of the plan.
    """
    job = read_job(path)
    cells, findings, notes = plan_cells(job.domain, path.parent)
    domain = plan_domain(cells, rates)
    products = [domain] if domain else []
    if job.surface is not None:
        folder = job.job.directory
        surface, missing = plan_surface(job.surface, methods_of(job.surface, path), cells, rates, folder)
        products.append(surface)
        findings += missing
        notes += [
            f"surface: {one} is made by the job before"
            for one in job.surface.products
            if not one.is_file() and made_by_job(one, folder)
        ]
        if job.surface.planned and not job.surface.source.is_file():
            notes.append(f"surface: {job.surface.source.name} is planned, sizes follow from ELM's table")
    if job.forcing is not None:
        forcing, missing = plan_forcing(job.forcing, cells, job.options, rates)
        products.append(forcing)
        findings += missing
        if job.forcing.planned and not job.forcing.source.is_dir():
            notes.append(f"forcing: {job.forcing.source.name} is planned, what is read counts uncompressed")
    if job.duplicate is not None:
        products += plan_copies(job.duplicate, products, cells, job.options, rates)
    return CraftPlan(
        job.job.name,
        str(job.job.directory),
        tuple(products),
        tuple(findings),
        tuple(notes),
        rates.measured,
        job.options.ranks,
        machine or this_machine(job),
    )


def this_machine(job: Job) -> Machine:
    """Memory and processors of this machine, and the free disk where the job would write."""
    folder = job.job.directory
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(memory, processors(), shutil.disk_usage(folder).free)
