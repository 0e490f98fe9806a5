"""Plans of crafting jobs: cells, files, bytes, memory and time before anything is made."""

from kiloland.craft.plan.job import Job, read_job
from kiloland.craft.plan.make import plan_job
from kiloland.craft.plan.parts import CraftPlan, Finding, Machine, Product
from kiloland.craft.plan.rates import DEFAULT, Rates
from kiloland.craft.plan.text import document, plan_lines

__all__ = [
    "DEFAULT",
    "CraftPlan",
    "Finding",
    "Job",
    "Machine",
    "Product",
    "Rates",
    "document",
    "plan_job",
    "plan_lines",
    "read_job",
]
