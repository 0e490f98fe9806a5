"""Reading and writing files; nothing else in the package opens a file for writing."""

from kiloland.files.atomic import remove_stale_temporaries, write_bytes, write_text
from kiloland.files.checksum import CHECKSUM_ATTRIBUTE, HEADER_CHECKSUM_ATTRIBUTE
from kiloland.files.dataset import Dataset, Variable
from kiloland.files.manifest import Manifest
from kiloland.files.provenance import git_commit, software_versions
from kiloland.files.reading import open_dataset, verify_file
from kiloland.files.rearranger import Rearranger, rearrange
from kiloland.files.restart_set import POINTER, RestartSet, newest_complete_set, write_restart_set
from kiloland.files.run_lock import RunLock
from kiloland.files.schema import FileSchema, VariableSchema
from kiloland.files.writer import DatasetWriter, write_dataset
from kiloland.files.xarray_view import to_xarray

__all__ = [
    "CHECKSUM_ATTRIBUTE",
    "HEADER_CHECKSUM_ATTRIBUTE",
    "POINTER",
    "Dataset",
    "DatasetWriter",
    "FileSchema",
    "Manifest",
    "Rearranger",
    "RestartSet",
    "RunLock",
    "Variable",
    "VariableSchema",
    "git_commit",
    "newest_complete_set",
    "open_dataset",
    "rearrange",
    "remove_stale_temporaries",
    "software_versions",
    "to_xarray",
    "verify_file",
    "write_bytes",
    "write_dataset",
    "write_restart_set",
    "write_text",
]
