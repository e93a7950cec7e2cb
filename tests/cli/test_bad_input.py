"""What a user can get wrong: exit code 2, a message that says what, where and what helps, nothing changed on disk."""

import contextlib
import gzip
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import torch
from filelock import FileLock

DIRTY = ("first_names__all.txt", "surnames__all.txt", "surnames__de.txt", "surnames__il.txt")

Call = Callable[..., CompletedProcess[str]]
Contents = Callable[[Path], dict[str, bytes | None]]
Shared = Callable[[str], Path]
Made = bytes | Callable[[bytes], bytes]
"""Bytes of a file, or how they come from those of a real model file."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One mistake. Commands run in a folder that holds lines.txt, run/ (a finished run) and the row's own files."""

    what: str
    args: str
    """The command; shared:FILE is a file of the shared data. `train` gets tiny settings, and --out if it has none."""

    says: tuple[str, ...]
    """What stderr says, in lower case."""

    files: dict[str, Made] = field(default_factory=dict)
    stdin: bytes = b""
    locked: bool = False
    """run/ is in use by another."""

    without_cuda: bool = False


def numbered(count: int, text: str = "line") -> bytes:
    return "".join(f"{text}{k}\n" for k in range(count)).encode()


def with_metadata(change: dict[str, str | None]) -> Callable[[bytes], bytes]:
    """Return how to change a safetensors file's metadata; None takes an entry out."""

    def changed(model: bytes) -> bytes:
        size = int.from_bytes(model[:8], "little")
        header = json.loads(model[8 : 8 + size])
        metadata = {**header.get("__metadata__", {}), "checksum": None, **change}
        header["__metadata__"] = {name: value for name, value in metadata.items() if value is not None}
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        return len(text).to_bytes(8, "little") + text + model[8 + size :]

    return changed


def cut(size: float) -> Callable[[bytes], bytes]:
    """Return how to keep the first bytes of a file: a share below 1, or a number (all but some where negative)."""
    return lambda model: model[: int(size * len(model)) if 0 < size < 1 else int(size)]


BAD_UTF8 = numbered(40) + b"caf\xe9\n" + numbered(40)
PACKED = gzip.compress(numbered(2000), mtime=0)
PEOPLE = b"name,age\n" + b"".join(b"%s,%d\n" % (name, 7) for name in numbered(99).split())
LONG = numbered(100, "far too long for five ")

CORPUS = [
    Row(what="no such file", args="train none.txt", says=("none.txt", "no such file", "bundled corpora: ")),
    Row(what="misspelt bundled name", args="train wrds", says=("wrds", "did you mean 'words'?")),
    Row(what="empty file", args="train e.txt", says=("e.txt", "empty", "one string per line"), files={"e.txt": b""}),
    Row(what="folder", args="train d", says=("d: is a folder", "give a text file"), files={"d/a.txt": numbered(99)}),
    Row(what="one of several is missing", args="train lines.txt none.txt", says=("none.txt", "no such file")),
    Row(what="one is named twice", args="train lines.txt ./lines.txt", says=("lines.txt: is given 2 times", "once")),
    Row(
        what="stdin beside a file", args="train - lines.txt", says=("'-' (stdin) cannot be combined", "name all files")
    ),
    Row(
        what="points beside a file",
        args="train lines.txt toy:swissroll",
        says=("toy:swissroll", "cannot be combined with other inputs"),
    ),
    Row(what="nothing has the pattern", args="train d/*.txt", says=("d/*.txt: no file matches", "* matches")),
    Row(
        what="invalid UTF-8 in the second",
        args="train lines.txt ?ad.txt",
        says=("error: bad.txt: line 41", "0xe9"),
        files={"bad.txt": BAD_UTF8},
    ),
    Row(
        what="all lines empty",
        args="train e.txt",
        says=("e.txt", "all 3 lines are empty", "one string per line"),
        files={"e.txt": b"\n\r\n\n"},
    ),
    Row(
        what="invalid UTF-8",
        args="train bad.txt",
        says=("bad.txt", "line 41", "0xe9", "utf-8", "corpus.encoding=latin-1", "corpus.errors=replace", "skip"),
        files={"bad.txt": BAD_UTF8},
    ),
    Row(
        what="invalid UTF-8, real",
        args="train shared:dirty/first_names__es.txt",
        says=("first_names__es.txt", "line ", "utf-8", "corpus.encoding=latin-1", "corpus.errors=replace"),
    ),
    Row(what="binary", args="train b", says=("b: ", "binary", "give a text file"), files={"b": bytes(range(256)) * 9}),
    Row(what="a model as text", args="train run/model.safetensors", says=("is a model file", "text file")),
    *(
        Row(
            what=f"UTF-16 ({order})",
            args="train wide.txt --set corpus.format=lines",
            says=("wide.txt", "the file is utf-16", "corpus.encoding=utf-16"),
            files={"wide.txt": "\ufeff".encode(order) + numbered(99).decode().encode(order)},
        )
        for order in ("utf-16-le", "utf-16-be")
    ),
    Row(
        what="UTF-16 without a mark",
        args="train wide.txt",
        says=("wide.txt", "byte 1 is nul", "looks binary", "corpus.encoding=utf-16-le", "corpus.unit=byte"),
        files={"wide.txt": numbered(99).decode().encode("utf-16-le")},
    ),
    Row(
        what="a normal form of bytes",
        args="train lines.txt --set corpus.unit=byte --set corpus.normalize=nfc",
        says=("corpus.normalize is 'nfc'", "bytes have no normal form", "corpus.unit=char"),
    ),
    Row(
        what="encoding without lines",
        args="train lines.txt --set corpus.encoding=punycode",
        says=("corpus.encoding", "punycode", "cannot be split into lines", "convert the file to utf-8"),
    ),
    Row(what="no such encoding", args="train lines.txt --set corpus.encoding=utf9", says=("utf9", "no such encoding")),
    Row(
        what="fewer than 16 different lines",
        args="train few.txt",
        says=("few.txt", "only 15 distinct lines", "at least 16"),
        files={"few.txt": numbered(15) * 50},
    ),
    Row(
        what="all lines too long",
        args="train long.txt --set corpus.length=5 --set corpus.overflow=drop",
        says=("long.txt", "all 100 lines are longer than 5", "corpus.length", "corpus.overflow=crop"),
        files={"long.txt": LONG},
    ),
    Row(
        what="too many characters",
        args="train lines.txt --set corpus.max_alphabet=4",
        says=("lines.txt", "distinct characters", "corpus.max_alphabet is 4", "--set corpus.max_alphabet="),
    ),
    Row(
        what="damaged gzip: cut",
        args="train c.gz",
        says=("c.gz", "compressed", "damaged", "from its source again"),
        files={"c.gz": PACKED[:-50]},
    ),
    Row(
        what="damaged gzip: changed",
        args="train c.gz",
        says=("c.gz", "compressed", "damaged", "from its source again"),
        files={"c.gz": PACKED[:60] + b"\xff" * 20 + PACKED[80:]},
    ),
    Row(
        what="no zstd",
        args="train c.txt.zst",
        says=("c.txt.zst", "compressed", "damaged", "from its source again"),
        files={"c.txt.zst": numbered(99)},
    ),
    Row(
        what="no column named",
        args="train people.csv",
        says=("people.csv: a table has columns; name one", "e.g. people.csv:name", "columns: name, age"),
        files={"people.csv": PEOPLE},
    ),
    Row(
        what="misspelt column",
        args="train people.csv:nme",
        says=("people.csv", "no column 'nme'", "did you mean 'name'?", "columns: name, age"),
        files={"people.csv": PEOPLE},
    ),
    Row(
        what="column of a text file",
        args="train lines.txt:name",
        says=("lines.txt has no columns", ".csv", ".jsonl", ".parquet"),
    ),
    Row(
        what="misspelt field",
        args="train notes.jsonl:txt",
        says=("notes.jsonl: line 1", "no field 'txt'", "did you mean 'text'?"),
        files={"notes.jsonl": b'{"text": "a"}\n' * 99},
    ),
    Row(
        what="no Parquet",
        args="train t.parquet:name",
        says=("t.parquet", "cannot be read", "from its source again"),
        files={"t.parquet": PEOPLE},
    ),
    Row(
        what="too little running text",
        args="train little.txt --set corpus.layout=windows",
        says=("little.txt", "characters are too few for windows of", "are needed"),
        files={"little.txt": numbered(99)},
    ),
    Row(
        what="too many characters",
        args="train han.txt --set corpus.max_alphabet=100",
        says=("han.txt", "distinct characters", "corpus.max_alphabet=", "corpus.unit=byte"),
        files={"han.txt": "".join(f"{chr(0x4E00 + k)}{chr(0x5E00 + k)}\n" for k in range(99)).encode()},
    ),
    Row(
        what="no gzip",
        args="train c.gz",
        says=("c.gz", "compressed", "damaged", "from its source again"),
        files={"c.gz": numbered(99)},
    ),
    Row(what="nothing on stdin", args="train -", says=("stdin", "empty", "one string per line")),
    Row(what="bad bytes on stdin", args="train -", says=("stdin", "line 41", "0xe9"), stdin=BAD_UTF8),
]

SETTINGS = [
    Row(what="unknown recipe", args="train lines.txt --recipe fsat", says=("'fsat'", "did you mean 'fast'?", "paper")),
    Row(
        what="unknown setting",
        args="train lines.txt --set generator.widht=9",
        says=("'generator.widht'", "did you mean 'generator.width'?", "seqgan-wgp recipes"),
    ),
    Row(
        what="a section for a setting",
        args="train lines.txt --set generator=9",
        says=("'generator'", "did you mean 'generator."),
    ),
    Row(
        what="misspelt value",
        args="train lines.txt --set corpus.overflow=corp",
        says=("corpus.overflow", "'corp'", "did you mean 'crop'?", "crop, drop"),
    ),
    Row(what="a GPU by its name", args="train lines.txt --device gpu", says=("did you mean 'cuda'?",)),
    Row(what="misspelt device", args="train lines.txt --device cpuu", says=("'cpuu'", "did you mean 'cpu'?", "cuda")),
    Row(
        what="wrong type",
        args="train lines.txt --set generator.width=wide",
        says=("generator.width", "'wide'", "a whole number"),
    ),
    Row(
        what="a fraction for a whole number",
        args="train lines.txt --set generator.width=8.5",
        says=("generator.width", "'8.5'", "a whole number"),
    ),
    Row(what="wrong type of a flag", args="train lines.txt --steps many", says=("--steps", "valid integer", "-h")),
    Row(
        what="out of range",
        args="train lines.txt --set generator.width=0",
        says=("generator.width is 0", "at least 1"),
    ),
    Row(
        what="far out of range",
        args="train lines.txt --set generator.width=999_999",
        says=("generator.width is 999999", "at most 16384"),
    ),
    Row(
        what="infinite",
        args="train lines.txt --set objective.penalty_weight=inf",
        says=("objective.penalty_weight is inf", "finite"),
    ),
    Row(what="no steps", args="train lines.txt --steps 0", says=("training.steps is 0", "at least 1")),
    Row(what="no minutes", args="train lines.txt --minutes -1", says=("training.minutes is -1", "above 0")),
    Row(what="even kernel", args="train lines.txt --set critic.kernel=4", says=("critic.kernel is 4", "odd")),
    Row(
        what="no = in a setting",
        args="train lines.txt --set generator.width",
        says=("'generator.width'", "section.name=value", "e.g. generator.width=128"),
    ),
    Row(what="negative seed", args="train lines.txt --seed -1", says=("seed is -1", "at least 0")),
    Row(what="unknown option", args="train lines.txt --stepz 9", says=("--stepz", "--steps", "-h")),
    Row(what="unknown command", args="trian lines.txt", says=("trian", "did you mean 'train'?")),
    Row(
        what="no CUDA",
        args="train lines.txt --device cuda",
        says=("'cuda'", "no such device", "available: cpu", "--device auto"),
        without_cuda=True,
    ),
    Row(what="no config", args="train lines.txt --config c.toml", says=("c.toml", "no such file")),
    Row(
        what="config that is a folder",
        args="train lines.txt --config d",
        says=("d: cannot be read",),
        files={"d/c.toml": b""},
    ),
    Row(
        what="config that is no TOML",
        args="train lines.txt --config c.toml",
        says=("c.toml", "not valid toml", "line 2"),
        files={"c.toml": b"[generator]\nwidth = \n"},
    ),
    Row(
        what="config that is no text",
        args="train lines.txt --config c.toml",
        says=("c.toml", "not valid toml"),
        files={"c.toml": b"\xff\xfe\x00"},
    ),
    Row(
        what="config with an unknown setting",
        args="train lines.txt --config c.toml",
        says=("'generator.widht'", "did you mean 'generator.width'?"),
        files={"c.toml": b"[generator]\nwidht = 9\n"},
    ),
    Row(
        what="config with an unknown section",
        args="train lines.txt --config c.toml",
        says=("'generatr'", "did you mean 'generator'?"),
        files={"c.toml": b"[generatr]\nwidth = 9\n"},
    ),
    Row(
        what="config with a wrong type",
        args="train lines.txt --config c.toml",
        says=("generator.kernel is '3x'", "a whole number"),
        files={"c.toml": b"[generator]\nkernel = '3x'\n"},
    ),
]

RUNS = [
    Row(what="RUN not empty", args="train lines.txt --out run", says=("run: is not empty", "--out", "--overwrite")),
    Row(
        what="RUN is a file",
        args="train lines.txt --out a.txt --overwrite",
        says=("a.txt", "is a file", "--out"),
        files={"a.txt": b"mine"},
    ),
    Row(
        what="RUN locked, to overwrite",
        args="train lines.txt --out run --overwrite",
        says=("run", "another process", "wait", "--out"),
        locked=True,
    ),
    Row(what="RUN locked, to resume", args="resume run --steps 9", says=("run", "another process"), locked=True),
    Row(
        what="RUN is somebody's folder",
        args="train lines.txt --out d --overwrite",
        says=("d: is not a run", "not overwritten", "--out"),
        files={"d/letter.txt": b"mine"},
    ),
    Row(
        what="RUN not writable",
        args="train lines.txt --out a.txt/deep/run",
        says=("a.txt", "is a file, not a folder", "--out"),
        files={"a.txt": b"mine"},
    ),
    Row(what="resume nothing", args="resume none", says=("none", "no such run folder")),
    Row(what="resume a misspelt run", args="resume runn", says=("no such run folder; did you mean 'run'?",)),
    Row(what="resume a file", args="resume lines.txt", says=("lines.txt", "no such run folder")),
    Row(
        what="resume another folder",
        args="resume d",
        says=("d: is not a run folder", "config.json"),
        files={"d/letter.txt": b"mine"},
    ),
    Row(what="resume to nowhere", args="resume run --steps 0", says=("training.steps is 0", "at least 1")),
    Row(
        what="resume without CUDA",
        args="resume run --steps 9 --device cuda",
        says=("'cuda'", "no such device", "--device auto"),
        without_cuda=True,
    ),
    Row(
        what="resume a cut checkpoint",
        args="resume run --steps 9",
        says=("state.safetensors", "damaged"),
        files={"run/checkpoint/state.safetensors": cut(0.5)},
    ),
    Row(
        what="resume a damaged config",
        args="resume run --steps 9",
        says=("config.json", "cannot be read"),
        files={"run/config.json": b'{"format_version": 1, "tr'},
    ),
    *(
        Row(
            what=f"resume a config that is {text}",
            args="resume run --steps 9",
            says=("config.json", "cannot be read"),
            files={"run/config.json": text.encode()},
        )
        for text in ("[1]", "{}", '{"format_version": "one"}')
    ),
    *(
        Row(
            what=f"resume with a spoilt {name}",
            args="resume run --steps 9",
            says=(words,),
            files={f"run/{name}": b"{}"},
        )
        for name, words in {
            "corpus.json": "corpus.json: is damaged",
            "tokenizer.json": "tokenizer.json: is damaged",
            "ids.npy": "ids.npy: cannot be read",
        }.items()
    ),
    Row(
        what="resume a run of a newer format",
        args="resume run --steps 9",
        says=("config.json", "has format 999", "newer"),
        files={"run/config.json": b'{"format_version": 999}'},
    ),
]

MODELS = [
    *(
        Row(
            what=f"model cut to {size:g}",
            args="generate m.safetensors",
            says=("m.safetensors", "damaged", "from its source again"),
            files={"m.safetensors": cut(size)},
        )
        for size in (0, 1, 7, 8, 100, 0.1, 0.5, 0.99, -1)
    ),
    Row(
        what="model of garbage",
        args="generate m.safetensors",
        says=("m.safetensors", "damaged", "not a safetensors file"),
        files={"m.safetensors": bytes(range(7, 250)) * 20},
    ),
    Row(
        what="model that is text",
        args="generate lines.txt",
        says=("lines.txt: is a text file, not a model file", "seqgan-wgp train lines.txt"),
    ),
    Row(
        what="evaluate what is text",
        args="evaluate lines.txt",
        says=("lines.txt: is a text file, not a model file", "seqgan-wgp train lines.txt"),
    ),
    Row(
        what="model of another program",
        args="generate m.safetensors",
        says=("m.safetensors", "not written by seqgan_wgp"),
        files={"m.safetensors": with_metadata({"format": None})},
    ),
    Row(
        what="model of a newer format",
        args="generate m.safetensors",
        says=("m.safetensors", "format 999", "install a newer seqgan_wgp"),
        files={"m.safetensors": with_metadata({"format_version": "999"})},
    ),
    *(
        Row(
            what=f"model without its {part}",
            args="generate m.safetensors",
            says=("m.safetensors", "not a complete model", part),
            files={"m.safetensors": with_metadata({part: None})},
        )
        for part in ("config", "tokenizer", "corpus")
    ),
    Row(what="no model", args="generate none", says=("none", "no such model")),
    Row(what="folder without a model", args="generate d", says=("d: ", "model.safetensors"), files={"d/a.txt": b"a"}),
    Row(what="folder of runs", args="generate .", says=("no model.safetensors", "such as run")),
    Row(what="misspelt run", args="generate runn", says=("no such model", "did you mean 'run'?")),
    Row(
        what="best model before the first evaluation",
        args="generate d --best",
        says=("d: there is no best.safetensors", "first evaluation", "leave --best out"),
        files={"d/model.safetensors": lambda model: model},
    ),
    Row(what="refiner that is not there", args="generate run --refine", says=("seqgan-wgp refine run --minutes 3",)),
    Row(
        what="fusion that is not there",
        args="generate run --decode fusion",
        says=("seqgan-wgp fuse run;", "--decode argmax"),
    ),
    Row(what="negative -n", args="generate run -n -1", says=("-n is -1", "at least 1")),
    Row(what="-n 0 to a file", args="generate run -n 0 -o a.txt", says=("-n 0 streams forever", "--continue file")),
    Row(what="-n 0 and --top", args="generate run -n 0 --top 3", says=("-n 0 streams forever", "--top", "give -n")),
    Row(what="-n in words", args="generate run -n ten", says=("-n", "valid integer", "-h")),
    Row(what="negative seed, to generate", args="generate run --seed -1", says=("--seed is -1", "negative")),
    Row(what="misspelt format", args="generate run --format cvs", says=("--format", "did you mean 'csv'?", "jsonl")),
    Row(what="unknown format", args="generate run --format xml", says=("--format", "'xml'", "txt, jsonl, csv")),
    Row(
        what="misspelt device, to generate",
        args="generate run --device cpuu",
        says=("device", "'cpuu'", "did you mean 'cpu'?"),
    ),
    Row(
        what="no CUDA, to generate",
        args="generate run --device cuda",
        says=("'cuda'", "no such device", "--device auto"),
        without_cuda=True,
    ),
    Row(
        what="-o is there",
        args="generate run -o a.txt",
        says=("a.txt: exists already", "-o", "--overwrite"),
        files={"a.txt": b"mine"},
    ),
    Row(what="-o in a missing folder", args="generate run -o none/a.txt", says=("no folder none", "mkdir -p none")),
    Row(
        what="-o is a folder",
        args="generate run -o d --overwrite",
        says=("d: ", "folder"),
        files={"d/a.txt": b"mine"},
    ),
    Row(what="a count of nothing", args="generate run --at-least ?d", says=("--at-least is '?d'", "?d:2")),
    Row(what="a set not known", args="generate run --at-most ?k:1", says=("--at-most '?k'", "there is no set ?k")),
    Row(
        what="more than fits", args="generate run --at-least e:99", says=("no string of", "--at-least e:99", "relax it")
    ),
    Row(what="a letter that is not there", args="generate run --at-least ж:1", says=("--at-least ж:1", "alphabet")),
    Row(what="no word", args="generate run --without=", says=("--without is empty",)),
    Row(what="no such file of words", args="generate run --without-file none.txt", says=("none.txt", "no such file")),
    Row(
        what="a file without words",
        args="generate run --without-file words.txt",
        says=("words.txt: has no words",),
        files={"words.txt": b"\n\n"},
    ),
    Row(what="a case of nothing", args="generate run --ignore-case", says=("--ignore-case", "--without")),
    Row(what="misspelt order", args="generate run --order probable", says=("--order", "did you mean 'probability'?")),
    Row(
        what="two orders",
        args="generate run --order probability --shard 1/2 -n 9",
        says=("--order probability cannot be used with --shard",),
    ),
    Row(
        what="too many to order", args="generate run --order probability", says=("1,048,576 strings at most", "narrow")
    ),
    Row(what="--per-mask alone", args="generate run --per-mask", says=("--per-mask", "--mask-file")),
    Row(what="no file of masks", args="generate run --mask-file none", says=("--mask-file none", "cannot be read")),
    Row(
        what="a mask that is none",
        args="generate run --mask-file m",
        says=("m, line 2: --mask '?y'", "there is no set ?y"),
        files={"m": b"?l\n?y\n"},
    ),
    Row(
        what="masks without end",
        args="generate run --mask-file m -n 0",
        says=("-n 0 streams forever", "give -n n"),
        files={"m": b"?l\n"},
    ),
    Row(
        what="a mask and a file of masks",
        args="generate run --mask-file m --mask ?l",
        says=("--mask and --mask-file", "into the file"),
        files={"m": b"?l\n"},
    ),
    Row(what="no program", args="generate run --keep-if no-such-one", says=("no-such-one", "no such program")),
    Row(what="no tries", args="generate run --unique --tries 0", says=("--tries is 0", "at least 1")),
    Row(what="tries of nothing", args="generate run --tries 5", says=("no filter", "such as --unique")),
    Row(what="negative start", args="generate run --start -1", says=("--start is -1", "negative")),
    Row(what="start beyond all numbers", args="generate run --start 1152921504606846976", says=("--start", "2^60")),
    Row(what="shard of nothing", args="generate run --shard 2", says=("--shard is '2'", "2/8")),
    Row(what="shard that is none", args="generate run --shard 3/2", says=("--shard is 3/2", "from 1 to 2")),
    Row(what="shard 0", args="generate run --shard 0/2", says=("--shard is 0/2", "from 1 to 2")),
    Row(what="misspelt way to decode", args="generate run --decode smaple", says=("'smaple'", "'sample'", "argmax")),
    Row(
        what="no temperature", args="generate run --decode sample --temperature 0", says=("temperature is 0", "above 0")
    ),
    Row(what="temperature of argmax", args="generate run --temperature 0.5", says=("temperature is 0.5", "sample")),
    Row(what="--top 0", args="generate run --top 0", says=("--top is 0", "at least 1")),
    Row(what="no memory", args="generate run --unique --memory 0", says=("--memory is 0", "at least 1")),
    Row(what="--not-in nothing", args="generate run --not-in none.txt", says=("none.txt", "no such file")),
    Row(
        what="--not-in bad bytes",
        args="generate run --not-in bad.txt",
        says=("bad.txt: line 41", "0xe9", "read like the model's corpus", "utf-8", "convert the file"),
        files={"bad.txt": BAD_UTF8},
    ),
    Row(
        what="--not-in a column that is none",
        args="generate run --not-in people.csv:nme",
        says=("people.csv", "no column 'nme'", "did you mean 'name'?"),
        files={"people.csv": PEOPLE},
    ),
    Row(
        what="--not-in binary",
        args="generate run --not-in run/model.safetensors",
        says=("model.safetensors", "is a model file"),
    ),
    Row(
        what="-o and --continue", args="generate run -o a.txt --continue b.txt", says=("-o and --continue", "leave one")
    ),
    Row(what="--top and --continue", args="generate run --top 3 --continue b.txt", says=("--top", "--continue")),
    Row(
        what="--continue a file of mine",
        args="generate run --continue a.txt",
        says=("a.txt: already exists and was not written with --continue", "--overwrite"),
        files={"a.txt": b"mine\n"},
    ),
    Row(
        what="--continue a cut file",
        args="generate run --continue a.txt",
        says=("a.txt.index: cannot be read", "--overwrite"),
        files={"a.txt": b"mine\n", "a.txt.index": b"{"},
    ),
    Row(
        what="--continue in a missing folder",
        args="generate run --continue d/a.txt",
        says=("d/a.txt", "no such folder"),
    ),
    Row(what="--continue a folder", args="generate run --continue run", says=("run: is a folder",)),
    Row(
        what="prefix of unknown characters",
        args="generate run --prefix Ω",
        says=("--prefix", "'ω'", "not in the model's alphabet"),
    ),
    Row(
        what="constraints that contradict",
        args="generate run --length 2 --mask ?d?d?d --format csv",
        says=("--length", "--mask"),
    ),
    Row(what="length in words", args="generate run --length two", says=("--length is 'two'", "3-8")),
    Row(what="own set without mask", args="generate run -1 abc", says=("custom set", "--mask '?1?1?1'")),
    Row(what="regex that is none", args="generate run --regex (a", says=("--regex",)),
    Row(
        what="constraints that contradict, to a file that goes on",
        args="generate run --length 2 --mask ?d?d?d --continue a.txt",
        says=("--length", "--mask"),
    ),
    Row(
        what="unknown recipe, to print",
        args="recipes papre",
        says=("'papre'", "did you mean 'paper'?", "choose one of:"),
    ),
]

TABLE = [*CORPUS, *SETTINGS, *RUNS, *MODELS]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: Path, trained: Path) -> Path:
    """Make the current folder one with lines.txt and run/ in it."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(lines, tmp_path / "lines.txt")
    shutil.copytree(trained, tmp_path / "run")
    return tmp_path


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.what)
def test_a_mistake_is_explained_and_nothing_changes(
    row: Row, scene: Path, call: Call, contents: Contents, tiny: list[str], shared_data: Shared
) -> None:
    if row.without_cuda and torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    model = (scene / "run" / "model.safetensors").read_bytes()
    for name, made in row.files.items():
        (scene / name).parent.mkdir(exist_ok=True, parents=True)
        (scene / name).write_bytes(made if isinstance(made, bytes) else made(model))
    command, *rest = row.args.split()
    rest = [str(shared_data(word.removeprefix("shared:"))) if word.startswith("shared:") else word for word in rest]
    if command == "train":
        # The row's own settings come last, and so they count.
        rest = [rest[0], *tiny, *rest[1:], *([] if "--out" in rest else ["--out", "deep/new/run"])]
    with FileLock(scene / "run" / ".lock") if row.locked else contextlib.nullcontext():
        before = contents(scene)
        result = call(command, *rest, stdin=row.stdin)
        assert contents(scene) == before
    assert result.returncode == 2
    assert result.stdout == ""
    message = result.stderr.lower()
    assert "traceback" not in message
    assert [words for words in row.says if words not in message] == [], result.stderr
    assert result.stderr.count("\n") <= 8


@pytest.mark.parametrize("name", DIRTY)
def test_dirty_but_valid_files_load(name: str, call: Call, shared_data: Shared) -> None:
    result = call("train", shared_data(f"dirty/{name}"), "--dry-run")
    assert result.returncode == 0, result.stderr
    assert "[corpus]" in result.stdout


@pytest.mark.parametrize("errors", ["replace", "skip"])
def test_the_remedies_for_bad_bytes_work(errors: str, tmp_path: Path, call: Call) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(BAD_UTF8)
    result = call("train", path, "--dry-run", "--set", f"corpus.errors={errors}")
    assert result.returncode == 0, result.stderr
    assert ("1 of 81 lines" in result.stderr) == (errors == "skip")


@pytest.mark.parametrize("count", [16, 999])
def test_few_lines_are_warned_of_and_trained_on(count: int, tmp_path: Path, call: Call, tiny: list[str]) -> None:
    path = tmp_path / "few.txt"
    path.write_bytes(numbered(count))
    dry = call("train", path, *tiny, "--dry-run")
    assert dry.returncode == 0
    assert f"warning: only {count} distinct lines" in dry.stderr
    result = call("train", path, *tiny, "--out", tmp_path / "run")
    assert result.returncode == 0
    assert f"warning: only {count} distinct lines" in result.stderr
    assert (tmp_path / "run" / "model.safetensors").is_file()


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes on Linux only")
def test_a_file_whose_name_is_not_unicode_is_trained_on_and_written(
    tmp_path: Path, call: Call, tiny: list[str]
) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.txt")
    path.write_bytes(numbered(1000))
    assert call("train", path, *tiny, "--out", tmp_path / "run").returncode == 0
    assert call("inspect", path).returncode == 0
    assert call("score", tmp_path / "run", path).returncode == 0
    assert call("generate", tmp_path / "run", "-n", "3", "-o", path, "--overwrite").returncode == 0
    assert path.read_bytes().count(b"\n") == 3


def test_a_thousand_lines_are_not_warned_of(tmp_path: Path, call: Call) -> None:
    path = tmp_path / "enough.txt"
    path.write_bytes(numbered(1000))
    result = call("train", path, "--dry-run")
    assert result.returncode == 0
    assert "warning" not in result.stderr


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("crlf.txt", numbered(99).replace(b"\n", b"\r\n")),
        ("mark.txt", b"\xef\xbb\xbf" + numbered(99)),
        ("packed.txt.gz", gzip.compress(numbered(99), mtime=0)),
        ("unended.txt", numbered(99)[:-1]),
    ],
)
def test_text_in_other_dresses_is_the_same_text(name: str, data: bytes, tmp_path: Path, call: Call) -> None:
    (tmp_path / "plain.txt").write_bytes(numbered(99))
    (tmp_path / name).write_bytes(data)
    plain, other = call("train", tmp_path / "plain.txt", "--dry-run"), call("train", tmp_path / name, "--dry-run")
    assert (other.returncode, other.stdout) == (0, plain.stdout)
    assert other.stderr.partition(":")[2] == plain.stderr.partition(":")[2]


def test_stdin_is_a_corpus(tmp_path: Path, lines: Path, call: Call, tiny: list[str], trained: Path) -> None:
    result = call("train", "-", *tiny, "--out", tmp_path / "run", stdin=lines.read_bytes())
    assert (result.returncode, result.stdout) == (0, f"{tmp_path / 'run'}\n")
    assert (tmp_path / "run" / "ids.npy").read_bytes() == (trained / "ids.npy").read_bytes()


def test_a_lock_that_is_given_back_is_no_hindrance(scene: Path, call: Call) -> None:
    with FileLock(scene / "run" / ".lock"):
        assert call("resume", "run", "--steps", "7").returncode == 2
    assert call("resume", "run", "--steps", "7").returncode == 0


def test_a_run_without_its_records_goes_on_and_says_what_is_lost(
    scene: Path, call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    (scene / "run" / "metrics.jsonl").unlink()
    assert call("resume", "run", "--steps", "9").returncode == 0
    assert "metrics.jsonl: has 0 bytes" in caplog.text
    assert [json.loads(line)["step"] for line in (scene / "run" / "metrics.jsonl").read_text().splitlines()][-1] == 9


def test_a_process_ends_the_same_way(process: Call, tmp_path: Path, contents: Contents) -> None:
    result = process("train", "none.txt", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: none.txt: no such file")
    assert contents(tmp_path) == {}


def test_a_traceback_is_shown_where_it_is_asked_for_and_nowhere_else(call: Call, tmp_path: Path) -> None:
    for words in (["generate", tmp_path / "none"], ["inspect", tmp_path / "none.txt"]):
        plain, debugged = call(*words), call("--debug", *words)
        assert (plain.returncode, debugged.returncode) == (2, 2)
        assert "Traceback" not in plain.stderr
        assert "Traceback (most recent call last)" in debugged.stderr
        assert debugged.stderr.endswith(plain.stderr)
        assert call(*words).stderr == plain.stderr
