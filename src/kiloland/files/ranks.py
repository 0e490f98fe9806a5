"""What a writer needs from its fellow ranks; alone it needs no message passing."""

from __future__ import annotations

from typing import Any, TypeVar

from kiloland.errors import OutputError

Value = TypeVar("Value")


class Ranks:
    """A communicator of mpi4py, or one process without it."""

    def __init__(self, communicator: Any = None) -> None:
        self.communicator = communicator if communicator is not None and communicator.Get_size() > 1 else None
        self.rank: int = self.communicator.Get_rank() if self.communicator else 0
        self.size: int = self.communicator.Get_size() if self.communicator else 1

    def broadcast(self, value: Value) -> Value:
        """The value of rank 0 on every rank."""
        return self.communicator.bcast(value, 0) if self.communicator else value

    def gather(self, value: Value) -> list[Value]:
        """The values of all ranks, on every rank."""
        return self.communicator.allgather(value) if self.communicator else [value]

    def agree(self, error: BaseException | None) -> None:
        """Raise on every rank where one has failed; the rank that failed raises its own error."""
        problems = self.gather(str(error) or type(error).__name__ if error is not None else None)
        if error is not None:
            raise error
        for rank, problem in enumerate(problems):
            if problem is not None:
                raise OutputError(f"rank {rank}: {problem}")
