"""Damaged files of runs for Hypothesis: bytes cut, flipped and replaced, and JSON with other values in any place."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

HUGE = 10**30
DEEP = 10_000

VALUES = st.one_of(
    st.sampled_from([None, True, False, -1, 0, 1, 2**31, 2**63 - 1, -(2**63), HUGE, -HUGE, 1e308, -0.0]),
    st.sampled_from([float("nan"), float("inf"), float("-inf"), "", "auto", "abc", "\ud800", "\0", "x" * 70_000]),
    st.sampled_from([[], {}, [[]], [None], [[[1]]], {"a": 1}, {"": None}, [HUGE], ["\udfff"], list(range(3_000))]),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
)
"""What no field is made for, among values that some are."""


def cut_or_flipped(draw: st.DrawFn, data: bytes) -> bytes:
    """Return bytes that are cut, flipped, moved, repeated or replaced."""
    kind = draw(st.sampled_from(["cut", "flip", "flip", "flip", "insert", "remove", "repeat", "zeros", "replace"]))
    at = draw(st.integers(0, max(0, len(data) - 1)))
    some = draw(st.binary(min_size=1, max_size=9))
    flipped = bytes([data[at] ^ 1 << draw(st.integers(0, 7))]) if data else b""
    return {
        "cut": data[:at],
        "flip": data[:at] + flipped + data[at + 1 :],
        "insert": data[:at] + some + data[at:],
        "remove": data[:at] + data[at + len(some) :],
        "repeat": data + data,
        "zeros": data[:at] + bytes(len(data) - at),
        "replace": draw(st.sampled_from([b"", b"{}", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"[" * DEEP, some])),
    }[kind]


def exchanged(draw: st.DrawFn, tree: Any) -> Any:
    """Return a JSON value with a part of it, in any depth, exchanged, left out, wrapped, or added."""
    inner = tree if isinstance(tree, dict | list) and tree else None
    if inner is None or draw(st.integers(0, 9)) == 0:
        return draw(VALUES)
    keys = sorted(inner) if isinstance(inner, dict) else range(len(inner))
    key = draw(st.sampled_from(keys))
    copy = dict(inner) if isinstance(inner, dict) else list(inner)
    kind = draw(st.sampled_from(["inside", "inside", "inside", "leave out", "wrap", "add"]))
    if kind == "leave out":
        del copy[key]
    elif kind == "wrap":
        copy[key] = [copy[key]]
    elif kind == "add":
        copy = {**copy, "added": draw(VALUES)} if isinstance(copy, dict) else [*copy, draw(VALUES)]
    else:
        copy[key] = exchanged(draw, copy[key])
    return copy


def written(draw: st.DrawFn, tree: Any) -> bytes:
    """Return a JSON text, sometimes with all keys of the outermost object twice."""
    text = json.dumps(tree)
    if isinstance(tree, dict) and len(tree) > 1 and draw(st.integers(0, 9)) == 0:
        text = text[:-1] + ", " + json.dumps(exchanged(draw, tree))[1:]
    return text.encode()


@st.composite
def damaged(draw: st.DrawFn, name: str, data: bytes) -> bytes:
    """Return the bytes of a file, damaged: any as bytes, and JSON, records and safetensors as what they say too."""
    if draw(st.integers(0, 2)) == 0 or name.endswith((".npy", ".lock")):
        return cut_or_flipped(draw, data)
    if name.endswith(".safetensors"):
        return _with_other_header(draw, data)
    if name.endswith(".jsonl"):
        lines = data.splitlines()
        at = draw(st.integers(0, len(lines) - 1))
        lines[at] = written(draw, exchanged(draw, json.loads(lines[at])))
        return b"\n".join(lines) + b"\n"
    return written(draw, exchanged(draw, json.loads(data)))


def _with_other_header(draw: st.DrawFn, data: bytes) -> bytes:
    """Return a safetensors file with another header: its places of tensors, or a fact, which is JSON in a text."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    facts = header["__metadata__"]
    facts.pop("checksum", None)  # whoever edits a file can write any checksum
    if draw(st.integers(0, 3)):
        fact = draw(st.sampled_from(sorted(facts)))
        tree = facts[fact] if fact.startswith("format") else json.loads(facts[fact])
        facts[fact] = written(draw, exchanged(draw, tree)).decode()
    else:
        header = exchanged(draw, header)
    text = json.dumps(header).encode()
    length = draw(st.sampled_from([len(text)] * 9 + [0, 2**63, len(data)]))
    return length.to_bytes(8, "little") + text + data[8 + size :]
