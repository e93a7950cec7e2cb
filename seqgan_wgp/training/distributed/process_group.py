"""ProcessGroup: communication between the processes of one run, which torchrun has started.

Noise and batches are functions of a counter, so each process draws its own slice of every batch, and no data is sent.
Each step needs one collective operation: the sum of all gradients, weighted by the sizes of the slices, together with
the metrics. Then all processes take the same optimizer step, and their weights stay equal bit for bit.

Gradients are sent by NCCL between GPUs and by gloo between CPUs. Messages (what the first process found, whether to
stop) are sent by gloo, in a separate group with a timeout of days, because the other processes wait while one reads
data or evaluates.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast, final

import torch
import torch.distributed as dist
from torch import Tensor

from ...errors import Diverged, ProcessGroupError, SeqganError, one_line

if TYPE_CHECKING:
    from torch.distributed.distributed_c10d import ProcessGroup as TorchProcessGroup
    from torch.distributed.distributed_c10d import Store

T = TypeVar("T")

_REPORTER, _REPORTED = "speaker", "told"
_REPORTED_WAIT = timedelta(minutes=1)
_GOES_ON = "resume from the last checkpoint: seqgan-wgp resume RUN"


@final
class ProcessGroup:
    """The processes of a run, seen from one of them. For a single process every method is trivial and free.

    Args:
        rank: number of this process; process 0 writes the files.
        size: number of processes.
        store: key-value store that the processes share; None for a single process.
        words: torch process group for messages; None for a single process.
    """

    def __init__(
        self, rank: int = 0, size: int = 1, store: Store | None = None, words: TorchProcessGroup | None = None
    ) -> None:
        self.rank, self.size = rank, size
        self._store, self._words = store, words
        self._word = False
        self._heard: Tensor | None = None
        self._reports: bool | None = None

    @property
    def first(self) -> bool:
        """Whether this is process 0, which writes the files."""
        return self.rank == 0

    def slice_of(self, count: int) -> slice:
        """Return this process's slice of `count` items; the lengths of the slices differ by at most one."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def share_of(self, count: int) -> float:
        """Return this process's share of `count` items, 0 to 1."""
        here = self.slice_of(count)
        return float((here.stop - here.start) / count)

    def average(self, tensors: Sequence[Tensor], share: float) -> tuple[Tensor, ...]:
        """Return the sum over processes of share * tensor, equal bit for bit in all; one collective operation.

        If the tensors are means over a process's slice of the batch, the result is the mean over the whole batch. The
        last flag given to `any_rank` is sent along.

        Args:
            tensors: tensors of one dtype on the device, with the same shapes in every process.
            share: this process's share of the batch.
        """
        if self.size == 1:
            return tuple(tensors)
        parts = [tensor.reshape(-1) for tensor in tensors]
        flat = torch.cat([*parts, parts[0].new_full((1,), float(self._word))]).mul_(share)
        with as_group_errors():
            dist.all_reduce(flat)
        *sums, heard = torch.split(flat, [*(len(part) for part in parts), 1])
        self._heard = heard.clone()
        return tuple(total.view(tensor.shape) for total, tensor in zip(sums, tensors, strict=True))

    def any_rank(self, word: bool, *, at_once: bool) -> bool:
        """Return whether the flag is true in any process; the answer is the same in all.

        Args:
            word: this process's flag.
            at_once: ask now, by a collective operation that waits for all processes. Otherwise the answer is about the
                flags given before the last `average`, which sent them along.
        """
        if self.size == 1:
            return word
        self._word = word
        if at_once or self._heard is None:
            flag = torch.tensor([float(word)])
            with as_group_errors():
                dist.all_reduce(flag, group=self._words)
            self._heard = flag
        return self._heard.item() > 0

    def shared(self, make: Callable[[], T]) -> T:
        """Call `make` in process 0 and return its result in all processes; an error in it is raised in all."""
        if self.size == 1:
            return make()
        told: list[Any] = [None, None]
        if self.first:
            try:
                told[0] = make()
            except (SeqganError, OSError, KeyboardInterrupt) as error:
                self.should_report(error)
                with contextlib.suppress(ProcessGroupError):
                    self._tell([None, error])
                raise
        self._tell(told)
        made, failure = told
        if failure is not None:
            raise failure
        return cast("T", made)

    def gather(self, make: Callable[[], list[T]]) -> list[T]:
        """Call `make` in all processes and return their results concatenated, in order; an error is raised in all."""
        if self.size == 1:
            return make()
        mine: list[T] | SeqganError
        try:
            mine = make()
        except SeqganError as error:
            mine = error
        made: list[T] = []
        for theirs in self._all(mine):
            if isinstance(theirs, SeqganError):
                raise theirs
            made += theirs
        return made

    def sync_initial(self, step: int, state: Callable[[], dict[str, Tensor]]) -> None:
        """Copy the tensors of process 0 to all others, in place.

        Raises ProcessGroupError when the processes are at different steps, or have different tensors.
        """
        if self.size == 1:
            return
        self._heard = None
        tensors = state()
        shapes = [(name, tensor.shape) for name, tensor in tensors.items()]
        if not self._same((step, tuple(shapes))):
            raise ProcessGroupError(
                "the processes of the run found different checkpoints",
                "put the run folder on a file system that all machines share",
            )
        with as_group_errors():
            for tensor in tensors.values():
                dist.broadcast(tensor, 0)

    def check_same(self, tensors: Iterable[Tensor], step: int) -> None:
        """Raise ProcessGroupError in every process unless the tensors are equal bit for bit in all."""
        if self.size > 1 and not self._same(int(checksum(tensors).item())):
            raise ProcessGroupError(
                f"the weights of the processes differ at step {step:,}: one process computed different results",
                f"check the machines and the versions of torch, then {_GOES_ON}",
            )

    def should_report(self, error: BaseException) -> bool:
        """Return whether this process should report an error that ends the run.

        A divergence happens in all processes at once: process 0 reports it, and the others wait until it has, because
        torchrun ends all processes when the first one ends. Any other error is reported by the process that asks first;
        the others only notice that a process is gone.
        """
        if self._store is None:
            return True
        with contextlib.suppress(RuntimeError):  # the store may be gone already
            if not isinstance(error, Diverged):
                return self._claims_report()
            if self.first:
                self._store.set(_REPORTED, "")
            else:
                self._store.wait([_REPORTED], _REPORTED_WAIT)
        return self.first

    def leave(self) -> None:
        """Leave the process group at the end of the run."""
        if self.size > 1:
            dist.destroy_process_group()

    def _claims_report(self) -> bool:
        if self._reports is None and self._store is not None:
            self._reports = self._store.add(_REPORTER, 1) == 1
        return bool(self._reports)

    def _tell(self, told: list[Any]) -> None:
        with as_group_errors():
            dist.broadcast_object_list(told, 0, group=self._words)

    def _all(self, value: T) -> list[T]:
        values: list[Any] = [None] * self.size
        with as_group_errors():
            dist.all_gather_object(values, value, group=self._words)
        return values

    def _same(self, value: Hashable) -> bool:
        return len(set(self._all(value))) == 1


ALONE = ProcessGroup()


def checksum(tensors: Iterable[Tensor]) -> Tensor:
    """Return a checksum of tensors, an int64 scalar: the sum of their bit patterns, tensor k weighted by 2k + 1."""
    patterns = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    sums = [
        tensor.detach().contiguous().view(patterns[tensor.element_size()]).sum(dtype=torch.int64) * (2 * k + 1)
        for k, tensor in enumerate(tensors)
    ]
    return torch.stack(sums).sum()


@contextlib.contextmanager
def as_group_errors() -> Iterator[None]:
    """Turn the RuntimeError of a failed collective operation into a ProcessGroupError."""
    try:
        yield
    except RuntimeError as error:
        told = one_line(error)
        ended = "onnection closed by peer" in told or "onnection reset by peer" in told
        raise ProcessGroupError(
            "another process of the run has ended" if ended else f"the processes lost their connection ({told})",
            _GOES_ON,
        ) from error
