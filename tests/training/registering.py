"""Entries of registries exchanged for the length of a test."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

import pytest

from seqgan_wgp.registry import Registry

T = TypeVar("T")


def replace_entry(monkeypatch: pytest.MonkeyPatch, registry: Registry[T], name: str, value: T) -> None:
    """Put another value in an entry's place until the test ends."""
    assert name in registry
    entry = registry._entries[name]
    monkeypatch.setitem(registry._entries, name, dataclasses.replace(entry, value=value))
