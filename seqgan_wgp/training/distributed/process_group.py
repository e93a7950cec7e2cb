"""ProcessGroup: communication between the processes of one run, started by torchrun.

Noise and batches are functions of a counter, so each process draws its own slice of every batch and nothing of data
travels. What does is one flat sum a step: the gradients, weighted by the slices' sizes, and what was measured beside
them. All then take the same step of the same optimizer, and stay the same bit for bit.

Gradients travel from device to device: by NCCL between GPUs, by gloo between CPUs. Words (what the first process found,
whether to stop) travel by gloo from host to host, in a group of their own that waits for days: while one reads or
measures, the others have nothing to do.
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

_SPEAKER, _TOLD = "speaker", "told"
_TOLD_WAIT = timedelta(minutes=1)
_GOES_ON = "resume from the last checkpoint: seqgan-wgp resume RUN"


@final
class ProcessGroup:
    """The processes of a run, as one of them sees them. A group of one does nothing and costs nothing.

    Args:
        rank: number of this process; the first, 0, is the one that writes.
        size: how many there are.
        store: where they leave notes for each other; None in a group of one.
        words: the group for what is not a gradient; likewise.
    """

    def __init__(
        self, rank: int = 0, size: int = 1, store: Store | None = None, words: TorchProcessGroup | None = None
    ) -> None:
        self.rank, self.size = rank, size
        self._store, self._words = store, words
        self._word = False
        self._heard: Tensor | None = None
        self._speaks: bool | None = None

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def slice_of(self, count: int) -> slice:
        """Return this process's slice of `count` things; the lengths of slices differ by one at most."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def share_of(self, count: int) -> float:
        """Return the part of `count` things that are this process's."""
        here = self.slice_of(count)
        return float((here.stop - here.start) / count)

    def average(self, tensors: Sequence[Tensor], share: float) -> tuple[Tensor, ...]:
        """Return the sums over all processes of share * tensor, the same bits in each; one collective operation.

        Of means over slices, with the slices' shares, these are the means over the whole batch. What `any_rank` was
        given last travels along.

        Args:
            tensors: of one type, on the device; of the same shapes in every process.
            share: this process's part of the whole.
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
        """Say whether the condition holds in any process; the answer is the same in all.

        Args:
            word: what this process says.
            at_once: whether to ask, which costs a collective operation and waits for all. Otherwise the answer is to
                what was said before the last `average`, with which the words travel.
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
        """Return in all processes what the first one makes; if it fails, its error is raised in all."""
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
        """Return what all processes make, the first one's part before the second one's; an error is raised in all."""
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
        """Copy the first process's tensors into those of all others, in place.

        Raises ProcessGroupError when the processes are not at the same step of runs with the same tensors.
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
        """Raise ProcessGroupError, in every process, unless tensors have the same bits in all of them."""
        if self.size > 1 and not self._same(int(checksum(tensors).item())):
            raise ProcessGroupError(
                f"the weights of the processes differ at step {step:,}: one process computed different results",
                f"check the machines and the versions of torch, then {_GOES_ON}",
            )

    def should_report(self, error: BaseException) -> bool:
        """Say whether this process is the one that reports an error which ends the run.

        Of what all have at once the first tells, and the others wait for it, since whoever ends first ends all. Of
        anything else whoever asks first tells: the others only learn that it has gone.
        """
        if self._store is None:
            return True
        with contextlib.suppress(RuntimeError):  # what keeps the notes may have gone before
            if not isinstance(error, Diverged):
                return self._claims()
            if self.first:
                self._store.set(_TOLD, "")
            else:
                self._store.wait([_TOLD], _TOLD_WAIT)
        return self.first

    def leave(self) -> None:
        """Leave the group at the end of the run."""
        if self.size > 1:
            dist.destroy_process_group()

    def _claims(self) -> bool:
        if self._speaks is None and self._store is not None:
            self._speaks = self._store.add(_SPEAKER, 1) == 1
        return bool(self._speaks)

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
    """Return a hash of the bits of tensors, an int64 scalar: the sum of their patterns, tensor k times 2k + 1."""
    patterns = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    sums = [
        tensor.detach().contiguous().view(patterns[tensor.element_size()]).sum(dtype=torch.int64) * (2 * k + 1)
        for k, tensor in enumerate(tensors)
    ]
    return torch.stack(sums).sum()


@contextlib.contextmanager
def as_group_errors() -> Iterator[None]:
    """Raise ProcessGroupError in place of what an operation of all processes fails with."""
    try:
        yield
    except RuntimeError as error:
        told = one_line(error)
        ended = "onnection closed by peer" in told or "onnection reset by peer" in told
        raise ProcessGroupError(
            "another process of the run has ended" if ended else f"the processes lost their connection ({told})",
            _GOES_ON,
        ) from error
