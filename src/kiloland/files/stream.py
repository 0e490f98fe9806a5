"""Files of other formats, written from their beginning to their end and never seen half done."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from kiloland.errors import OutputError
from kiloland.files.atomic import create_temporary, discard, final_path, output_error, publish
from kiloland.files.checksum import crc32

READ_BYTES = 8 * 2**20


class StreamWriter:
    """A file that becomes visible, after it was synced and read again, when its ``with`` block ends well.

    Raises ``OutputError`` where the file cannot be written; an earlier file of the name then is as it was.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = final_path(path)
        self.temporary, self._descriptor = create_temporary(self.path)
        self._file = os.fdopen(self._descriptor, "wb")
        self._crc = 0

    def write(self, content: bytes) -> None:
        """Append bytes."""
        try:
            self._file.write(content)
        except OSError as error:
            raise output_error(self.path, error) from None
        self._crc = crc32(content, self._crc)

    def close(self, error: BaseException | None = None) -> None:
        """Finish the file, or remove what there is of it."""
        try:
            try:
                self._file.flush()
                os.fsync(self._descriptor)
            finally:
                self._file.close()
            if error is None:
                self._verify(self.temporary)
                publish(self.temporary, self.path)
        except OSError as problem:
            raise output_error(self.path, problem) from None
        finally:
            discard(self.temporary)

    def _verify(self, temporary: Path) -> None:
        crc = 0
        with open(temporary, "rb") as file:
            while content := file.read(READ_BYTES):
                crc = crc32(content, crc)
        if crc != self._crc:
            raise OutputError(f"{self.path}: what was written cannot be read back")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close(error)
