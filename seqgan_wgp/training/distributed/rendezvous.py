"""Connect the processes that torchrun has started.

torch is imported inside the functions: every command calls `processes_started`, and importing torch takes a second.
"""

from __future__ import annotations

import os
import time
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.distributed.distributed_c10d import Store

    from .process_group import ProcessGroup

_ENVIRONMENT = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""Environment variables that torchrun sets."""

_WORDS_WAIT = timedelta(days=7)
_OFFER = "seqgan_wgp/offer"
_POLL_SECONDS = 0.02


def processes_started() -> int:
    """Return the number of processes that torchrun has started; 1 without torchrun."""
    return int(os.environ["WORLD_SIZE"]) if all(name in os.environ for name in _ENVIRONMENT) else 1


def join() -> ProcessGroup:
    """Return this process's group; ALONE without torchrun.

    Raises:
        ProcessGroupError: the other processes cannot be reached.
    """
    from .process_group import ALONE, ProcessGroup, as_group_errors

    if processes_started() == 1:
        return ALONE
    import torch
    import torch.distributed as dist
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    backend = "gloo"
    if torch.cuda.is_available():
        backend = "cpu:gloo,cuda:nccl"
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    with as_group_errors():
        kept, rank, size = next(rendezvous("env://"))
        store = PrefixStore(f"seqgan_wgp/{name_of_this_start(kept, rank, size)}", kept)
        dist.init_process_group(backend, store=store, rank=rank, world_size=size)
        words = dist.new_group(backend="gloo", timeout=_WORDS_WAIT)
    return ProcessGroup(rank, size, store, words)


def name_of_this_start(store: Store, rank: int, size: int) -> str:
    """Return a name for this start of the processes, the same in all, and different from those of earlier starts.

    torchrun keeps one store over all restarts, with the addresses of dead processes in it (pytorch's issue 135712). So
    process 0 offers a name, the others answer with names of their own, and process 0 repeats these. An offer that
    repeats a process's own name cannot be left over from an earlier start. Restart counters would not do, because each
    machine has its own.
    """
    own = uuid.uuid4().hex
    if rank == 0:
        store.set(_OFFER, own)
        store.set(f"{own}/all", ",".join(store.get(f"{own}/{other}").decode() for other in range(1, size)))
        return own
    while True:
        offered = store.get(_OFFER).decode()
        store.set(f"{offered}/{rank}", own)
        if store.check([f"{offered}/all"]) and own in store.get(f"{offered}/all").decode():
            return offered
        time.sleep(_POLL_SECONDS)
