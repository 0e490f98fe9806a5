"""Hooks of the documentation site: the page of variables comes from the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from kiloland.report.variables_page import variables_page

GENERATED = "variables.md"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Leave pages out of the navigation that do not exist."""
    config.nav = _existing(config.nav or [], Path(config.docs_dir))
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated page."""
    files.append(File.generated(config, GENERATED, content=variables_page()))
    return files


def _existing(entries: list[Any], folder: Path) -> list[Any]:
    kept = []
    for entry in entries:
        ((title, target),) = entry.items()
        if isinstance(target, list):
            target = _existing(target, folder)
        elif target != GENERATED and not (folder / target).is_file():
            continue
        if target:
            kept.append({title: target})
    return kept
