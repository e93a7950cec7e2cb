"""Model: load a trained generator and critic from one file, generate samples, score and invert strings.

Shape suffixes: B batch, N strings or images, Z latent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Unpack, cast, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from . import config as configs
from .config import Config
from .domains import DOMAINS
from .errors import CheckpointError, ConfigError, PluginError, SeqganError, one_line
from .registry import load_plugins
from .text.causal_generator import CausalGenerator
from .text.constrained.options import ConstraintOptions, constraints_from
from .text.domain import TextSpec
from .text.fusion.fusion import PART as FUSION
from .text.fusion.fusion import Fusion, fusion_of
from .text.generation import inversion
from .text.generation.inversion import Inversion, LatentGenerator, Neighbour
from .text.generation.label_mix import Label, label_pairs
from .text.generation.probabilities import ProbabilityOptions, StringProbability, probabilities
from .text.generation.refined import RefinedStrings
from .text.generation.request import AUTO, Request, check_decoding
from .text.generation.sampling import sampled
from .text.generation.scoring import Scored, scored
from .text.generation.selection import (
    GenerateOptions,
    Selection,
    check_options,
    selected_records,
    selected_strings,
)
from .text.generation.stream import TextModel, candidates, stream
from .text.generation.string_probability import LATENTS
from .text.networks import log_probabilities
from .text.refinement.refiner import PART as REFINER
from .text.refinement.refiner import Refiner, from_tensors
from .training.build import build_for
from .training.domain import DataSpec, Items
from .training.labels import Labelled, LabelShares, with_label
from .training.latent_space import MAX_POINTS, walk
from .training.latents import block_size_of, generate, generate_at, latents
from .utils.counter_rng import Stream, stream_key
from .utils.devices import device_note, pick_device
from .utils.file_schema import SchemaError
from .utils.half_precision import halved
from .utils.messages import warn
from .utils.tensor_file import check_facts, find_model_file, read_tensor_file, write_tensor_file

_WHOLE = "give a model.safetensors or best.safetensors that a run has written"
_PARTS = ("generator", "average", "critic")


class Model:
    """A trained model. Get one from `Model.load` or `seqgan_wgp.train`.

    Attributes:
        config: the run's settings.
        spec: shape of the data, e.g. vocabulary and length.
        facts: other contents of the file: step, seconds, corpus, metrics.
        generator: the generator, with the averaged or the latest weights as `model.weights` says.
        critic: the critic.
        device: device of both networks.
    """

    def __init__(
        self,
        config: Config,
        spec: DataSpec,
        facts: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        device: torch.device,
    ) -> None:
        self.config, self.spec, self.facts, self.device = config, spec, dict(facts), device
        self._tensors = dict(tensors)
        generator, critic = _built(config, spec, tensors)
        self.generator = _loaded(generator, tensors, _part(config)).to(device)
        self.critic = _loaded(critic, tensors, "critic").to(device)

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        device: str = "auto",
        weights: str | None = None,
        best: bool = False,
        plugins: Sequence[str | Path] = (),
    ) -> Model:
        """Load a model from a run folder, a model file, or by the name of a bundled model.

        Args:
            path: run folder, model file, or a name that `seqgan-wgp models` lists. What exists at this path goes first.
            device: "auto", "cpu", "cuda" or "mps".
            weights: "average" or "latest", instead of the run's setting `model.weights`.
            best: use best.safetensors (best validation score) of the run folder instead of the latest weights.
            plugins: plugin files that the model needs. A model records their names but does not contain their code.

        Raises:
            PluginError: the model needs a plugin that is not loaded.
            CheckpointError: the file is missing, damaged, not a seqgan_wgp model, or of a newer format.
            ConfigError: the device is not available, `best` is given with a single file, or `weights` asks for what a
                slim file does not have.
        """
        if plugins:
            load_plugins(plugins)
        file = find_model_file(Path(path), best=best)
        place = pick_device(device)
        note = device_note(device, place)
        if note is not None:
            warn(note)
        tensors, facts = read_tensor_file(file)
        try:
            config = configs.from_trained(facts.pop("config"))
            spec = DOMAINS[config.domain].spec_type.from_facts(facts)
            check_facts(facts)
            model = cls(config, spec, facts, tensors, place)
        except PluginError as error:
            raise PluginError(f"{file}: {error.message}", error.remedy) from None
        except (SeqganError, SchemaError, KeyError, TypeError) as error:
            lacks = isinstance(error, KeyError | TypeError)
            reason = error.message if isinstance(error, SeqganError) else f"it lacks {error}" if lacks else error
            raise CheckpointError(f"{file}: is not a complete model: {reason}", _WHOLE) from None
        if weights is None:
            return model
        config = configs.override(config, {"model.weights": weights})
        if not any(name.startswith(f"{_part(config)}.") for name in tensors):
            reason = f"{file}: is a slim file, which has no {weights} weights"
            raise ConfigError(reason, "load it without `weights`")
        return cls(config, model.spec, facts, tensors, place)

    def save(self, path: str | Path, *, slim: bool = False) -> None:
        """Write the model to a file atomically.

        Args:
            path: replaced when it exists.
            slim: write a file of about a third of the size: only the generator's weights that strings are generated
                by (`model.weights`), and all weights in half precision. Its strings by argmax are the same except where
                two characters are about equally probable.

        Raises:
            ConfigError: a weight is too large for half precision.
            OSError: the file cannot be written.
        """
        tensors = self._slim_tensors() if slim else self._tensors
        write_tensor_file(Path(path), tensors, {"config": configs.to_dict(self.config), **self.facts})

    def _slim_tensors(self) -> dict[str, Tensor]:
        left_out = {"generator", "average"} - {_part(self.config)}
        return halved({name: tensor for name, tensor in self._tensors.items() if name.split(".")[0] not in left_out})

    @cached_property
    def refiner(self) -> Refiner | None:
        """The refiner trained by `refine`, if any.

        Raises:
            CheckpointError: its part of the file is damaged.
            ConfigError: it was trained for other weights than the loaded ones.
        """
        facts = self.facts.get(REFINER)
        if facts is None:
            return None
        if facts["weights"] != self.config.model.weights:
            reason = (
                f"the refiner was trained for the {facts['weights']} weights, not for the {self.config.model.weights}"
            )
            raise ConfigError(reason, "load the model without `weights`")
        spec = self.text_spec("refine")
        return from_tensors(facts, self._tensors, spec.vocabulary.size, spec.length).to(self.device)

    def with_refiner(self, refiner: Refiner) -> Model:
        """Return the model with this refiner in place of any previous one; `save` stores it."""
        facts = {**self.facts, REFINER: {**refiner.to_facts(), "weights": self.config.model.weights}}
        own = {name: tensor for name, tensor in self._tensors.items() if not name.startswith(f"{REFINER}.")}
        return type(self)(self.config, self.spec, facts, {**own, **refiner.to_tensors()}, self.device)

    @cached_property
    def fusion(self) -> Fusion | None:
        """The fusion with an n-gram model that `runs.fuse` has chosen, if any.

        Raises:
            CheckpointError: its part of the file is damaged.
            ConfigError: it was chosen for other weights than the loaded ones.
        """
        facts = self.facts.get(FUSION)
        if facts is None:
            return None
        if facts["weights"] != self.config.model.weights:
            reason = (
                f"the fusion was chosen for the {facts['weights']} weights, not for the {self.config.model.weights}"
            )
            raise ConfigError(reason, "load the model without `weights`, or use decode argmax")
        return fusion_of(facts, self._tensors, self.text_spec("fuse").vocabulary.size)

    def with_fusion(self, fusion: Fusion | None) -> Model:
        """Return the model with this fusion (None: without one), and without its refiner, trained on other strings."""
        parts = (FUSION, REFINER)
        facts = {name: value for name, value in self.facts.items() if name not in parts}
        own = {name: tensor for name, tensor in self._tensors.items() if name.split(".")[0] not in parts}
        if fusion is not None:
            facts[FUSION] = {**fusion.to_facts(), "weights": self.config.model.weights}
            own |= fusion.to_tensors()
        return type(self)(self.config, self.spec, facts, own, self.device)

    def decoding(self, decode: str = AUTO, *, refine: bool = False) -> str:
        """Return the decoding that a request gets; "auto" is resolved.

        "auto" is "fusion" for a model with a fusion, otherwise "argmax"; with `refine` it is what the refiner requires.

        Args:
            decode: "argmax", "sample", "fusion" or "auto".
            refine: whether only strings that the refiner accepts are wanted.
        """
        if decode != AUTO:
            return decode
        if refine and self.refiner is not None:
            return self.refiner.decode
        return "fusion" if FUSION in self.facts else "argmax"

    def refined(self) -> Model:
        """Return a model whose `samples` are the strings that the refiner accepts, with consecutive indices.

        Raises ConfigError if there is no refiner.
        """
        return _RefinedModel(self.config, self.spec, self.facts, self._tensors, self.device)

    def text_model(self, *, refine: bool = False, decode: str = "argmax") -> TextModel:
        """Return the parts that generate strings, with the refiner if wanted and the fusion if `decode` names it.

        Raises ConfigError if there is no refiner.
        """
        spec = self.text_spec("refine" if refine else "generate")
        if refine and self.refiner is None:
            raise ConfigError("the model has no refiner", "train one first: seqgan-wgp refine RUN --minutes 3")
        return TextModel(
            spec=spec,
            tables=self.tables,
            generator=self.generator,
            critic=self.critic,
            device=self.device,
            refiner=self.refiner if refine else None,
            fusion=self.fusion if decode == "fusion" else None,
        )

    def generate(self, n: int, **options: Unpack[GenerateOptions]) -> list[str]:
        """Return `n` strings. String k depends only on the model, the seed, k and the decoding; see `samples`.

        Args:
            n: number of strings. With a filter, of those that pass.

        Keyword Args:
            seed (int): random seed. Default: 0.
            start (int): index of the first string. Default: 0.
            decode (str): "argmax", "sample", "fusion" or "auto", as for `samples`. Default: "auto".
            temperature (float): of "sample" and "fusion". Default: 1.
            label (str | Mapping[str, float] | None): of a conditional model, the label of the strings, or labels with
                their shares. Default: None, the shares of the training lines.
            refine (bool): only strings that the refiner accepts. Default: False.
            unique (bool): each string once. Default: False.
            not_in (Iterable[str]): strings to drop, for example the training lines. Default: none.
            valid (str | None): name of a validator that strings must pass, for example "luhn". Default: None.
            keep_if (Callable[[str], object] | None): function of a string that returns whether to keep it.
                Default: None.
            tries (int | None): with a filter, the largest number of strings to generate. Default: None, any number.
            order (str): "index", or "probability": all strings that satisfy the constraints, the most probable first.
                Default: "index".
            masks (Path | Iterable[str] | None): a hashcat mask file, or its lines. Each string satisfies one mask and
                comes once, mask after mask; `n` is shared in proportion to how many of the model's strings satisfy
                each. Default: None.
            per_mask (bool): `n` is the number of strings of each mask instead. Default: False.
            prefix, suffix, contains, mask, sets, length, charset, regex, at_least, at_most, without, ignore_case:
                constraints that every string satisfies, as in the table of docs/generating.md. Default: none.

        Returns:
            The strings; fewer than `n`, with a warning, if no more are found.

        Raises:
            ConfigError: an unknown or invalid option, or constraints that the model cannot satisfy.
        """
        return list(self.stream(n, **options))

    def stream(self, n: int, **options: Unpack[GenerateOptions]) -> Iterator[str]:
        """Yield the strings of `generate` one by one, in constant memory.

        Args:
            n: number of strings.

        Keyword Args:
            options: those of `generate`.

        Raises:
            ConfigError: as `generate`, at once.
        """
        request, selection, draw = self._parse_options(n, options)
        if request.constraints is None and not selection.selects:
            parts = self.samples(
                n,
                seed=request.seed,
                start=request.start,
                decode=request.decode,
                temperature=request.temperature,
                refine=request.refine,
                label=options.get("label"),
            )
            return (string for samples in parts for string in self.spec.to_text(samples))
        return selected_strings(self._parts_for(request), request, selection, draw)

    def records(self, n: int, **options: Unpack[GenerateOptions]) -> Iterator[dict[str, Any]]:
        """Yield the strings of `generate` with scores, as the records of `generate --scores`, in constant memory.

        A record has `text`, `score` (of the critic), `log_probability` (natural log, given the latent, at temperature
        1), with constraints `constraint_cost` (how much less probable, in nats, than the model's own choice), and of a
        model with labels `label`. `pandas.DataFrame(model.records(100))` is a table.

        Args:
            n: number of strings.

        Keyword Args:
            options: those of `generate`.

        Raises:
            ConfigError: as `generate`, at once.
        """
        request, selection, draw = self._parse_options(n, options)
        return selected_records(self._parts_for(request), request, selection, draw)

    def _parse_options(
        self, n: int, options: GenerateOptions
    ) -> tuple[Request, Selection, Callable[[int], Iterator[Any]]]:
        """Return the request, the selection, and a function that draws this many strings, by which masks get shares."""
        check_options(options)
        given: Mapping[str, Any] = options
        label = options.get("label")
        request = Request(
            n=n,
            seed=options.get("seed", 0),
            start=options.get("start", 0),
            decode=self.decoding(options.get("decode", AUTO), refine=options.get("refine", False)),
            temperature=options.get("temperature", 1.0),
            constraints=constraints_from(_subset(given, ConstraintOptions.__annotations__)),
            refine=options.get("refine", False),
            label=() if label is None else label_pairs(self.text_spec("label"), label),
        )
        selection = Selection(**_subset(given, [field.name for field in fields(Selection)]))
        return request, selection, partial(self.samples, seed=request.seed, label=label)

    def _parts_for(self, request: Request) -> TextModel:
        return self.text_model(refine=request.refine, decode=request.decode)

    def samples(
        self,
        n: int,
        *,
        seed: int = 0,
        start: int = 0,
        decode: str = AUTO,
        temperature: float = 1.0,
        refine: bool = False,
        label: Label = None,
    ) -> Iterator[Items]:
        """Generate samples in batches, in order: for text (N, L) token ids, the form that measures take.

        A string ends at its first pad; ids after the pad are kept.

        Args:
            n: number of samples, 0 or more.
            seed: random seed.
            start: index of the first sample.
            decode: "argmax", the most likely character at each position; "sample", drawn from the probabilities;
                "fusion", drawn from these and an n-gram model's; "auto", fusion if the model has one, otherwise argmax.
            temperature: for "sample" and "fusion", above 0; values below 1 sharpen the distribution.
            refine: only strings that the refiner accepts: `n` of them, from index `start`.
            label: of a conditional model, the label of the strings, or labels with their shares: {"fr": 0.3, "de":
                0.7}; None: the shares of the training lines.

        Raises:
            ConfigError: an invalid number or decoding, an unknown label, or `refine` without a refiner.
        """
        decode = self.decoding(decode, refine=refine)
        check_decoding(decode, temperature)
        pairs = () if label is None else label_pairs(self.text_spec("label"), label)

        def request() -> Request:
            return Request(
                n=n, seed=seed, start=start, decode=decode, temperature=temperature, refine=refine, label=pairs
            )

        if refine:
            return (block.ids_NL for block, _at in stream(self.text_model(refine=True, decode=decode), request()))
        if decode == "fusion":
            found = candidates(self.text_model(decode=decode), request(), range(start, start + n))
            return (block.ids_NL for block in found)
        shares = self.text_spec("label").shares(pairs) if pairs else None
        tables = self.tables(n, seed=seed, start=start, labels=shares)
        if decode == "argmax":
            return (self.spec.decode(table) for table in tables)
        if isinstance(self.generator, CausalGenerator):
            return (block.ids_NL for block in candidates(self.text_model(), request(), range(start, start + n)))
        vocabulary = self.text_spec("decode sample").vocabulary
        return sampled(tables, vocabulary, seed=seed, start=start, temperature=temperature)

    @property
    def labels(self) -> list[str]:
        """The names of the labels; empty for a model without labels."""
        return [] if self._shares is None else list(self.text_spec("labels").label_names)

    @property
    def _shares(self) -> LabelShares | None:
        return self.spec.labels if isinstance(self.spec, Labelled) else None

    def label_numbers(self, n: int, *, seed: int = 0) -> npt.NDArray[np.int64] | None:
        """Return the label numbers (n,) of samples 0 .. n - 1; None for a model without labels."""
        shares = self._shares
        return None if shares is None else shares.draw(seed, Stream.SAMPLE_LATENT, torch.arange(n)).numpy()

    def drawn_labels(self, n: int, *, seed: int = 0, start: int = 0, label: Label = None) -> list[str]:
        """Return the labels of the strings that `generate` returns for the same arguments, without filters.

        Raises ConfigError for a model without labels, an unknown label, or a negative number.
        """
        spec = self.text_spec("label")
        shares = spec.shares(label_pairs(spec, label))
        if shares is None:
            raise ConfigError("the model has no labels", "train one with --label")
        _check_numbers(n, seed, start)
        index_N = torch.arange(start, start + n)
        return [spec.label_names[number] for number in shares.draw(seed, Stream.SAMPLE_LATENT, index_N).tolist()]

    def tables(
        self, n: int, *, seed: int = 0, start: int = 0, logs: bool = False, labels: LabelShares | None = None
    ) -> Iterator[Tensor]:
        """Yield the generator's output in batches, on the model's device: for text (B, L, V) probabilities, float32.

        With `logs` (text only) yield natural log probabilities, which do not underflow to 0. `labels` draws the labels
        of a conditional model; None: as in training.
        """
        _check_numbers(n, seed, start)
        generator = log_probabilities(self.generator) if logs else self.generator
        latent, block_size = self._latents(seed, labels=labels), block_size_of(self.config)
        return generate(generator, latent, start, n, self.device, block_size=block_size)

    def score(self, strings: Iterable[str], *, label: str | None = None) -> Iterator[Scored]:
        """Score strings with the critic, in order, in constant memory; higher means more like the corpus. Text only.

        Strings that the critic cannot score are flagged, not dropped; see `Scored`.

        Args:
            strings: any number of strings.
            label: for a conditional model, the label of the strings.

        Raises:
            ConfigError: this is not a text model, or a conditional model is given no label or an unknown one.
        """
        spec = self.text_spec("score")
        if label is None and spec.labels is not None:
            raise ConfigError(
                "the critic scores a string by its label, and none is given",
                f"give one, e.g. --label {spec.label_names[0]}",
            )
        return scored(self.critic, spec, strings, self.device, None if label is None else spec.label_number(label))

    def log_probability(
        self,
        strings: Iterable[str],
        *,
        latents: int = LATENTS,
        importance: int = 0,
        guesses: int = 0,
        seed: int = 0,
    ) -> Iterator[StringProbability]:
        """Estimate the probability of each string under `decode="sample"` at temperature 1, in order. Text only.

        log p(x) is the log of the mean, over latents, of the product of the characters' probabilities. For the network
        causal it is exact. It does not account for a fusion or a refiner.

        Args:
            strings: any number of strings.
            latents: number of latents of the training distribution, the same for all strings.
            importance: use importance sampling with this number of latents for each string instead: a smaller standard
                error, for a fraction of a second per string. 0: do not.
            guesses: number of sampled strings from which guess numbers are estimated; 0: no guess numbers.
            seed: random seed of the latents.

        Raises:
            ConfigError: a number out of bounds, or this is not a text model.
        """
        spec, settings = self.text_spec("log_probability"), self.config.generator
        self.refuse_labels("log_probability")
        options = ProbabilityOptions(latents=latents, importance=importance, seed=seed)
        drawn = None
        if guesses:
            drawn_seed = stream_key(seed, Stream.GUESSED_STRINGS) >> 2
            drawn = np.concatenate(list(self.samples(guesses, seed=drawn_seed, decode="sample")))
        distribution = settings.latent_distribution
        source = LatentGenerator(generator=self.generator, spec=spec, distribution=distribution, device=self.device)
        return probabilities(source, settings.latent, strings, options, drawn)

    def invert(self, text: str, *, seed: int = 0) -> Inversion:
        """Search for the latent vector that decodes to `text`, or close to it; takes a few seconds. Text only.

        Args:
            text: at most L characters, all known to the model.
            seed: random seed of the search's starting points.

        Raises:
            ConfigError: the text is empty, too long or has unknown characters, or this is not a text model.
        """
        return inversion.invert(
            self._generating("the search for a latent"), text, self._latents(seed, Stream.INVERSION)
        )

    def neighbours(
        self, text: str | Inversion, n: int = 10, *, distance: float = 1.0, seed: int = 0
    ) -> Iterator[Neighbour]:
        """Generate at most `n` different strings similar to a text, nearest first; never the text itself.

        Args:
            text: a string, or a result of `invert`.
            n: maximum number; fewer are found if the model has fewer within `distance`.
            distance: maximum distance in latent space, above 0; at 1 a latent vector is unrelated to the text's.
            seed: random seed of the search directions.

        Raises:
            ConfigError: as `invert` does, or `n` or `distance` is out of range.
        """
        found = self.invert(text, seed=seed) if isinstance(text, str) else text
        return inversion.neighbours(
            self._generating("the search for similar strings"), found, self._latents(seed), n, distance
        )

    def interpolate(self, a: int | str, b: int | str, n: int = 10) -> Items:
        """Interpolate between two latent vectors and return `n` samples, for text (N, L) ids.

        The first equals sample 0 of seed a, the last sample 0 of seed b, bit for bit. Points in between are evenly
        spaced on the great circle through both latent vectors, or on a line if latent vectors are uniform.

        Args:
            a: seed of the start, or a string, whose latent vector `invert` finds.
            b: seed of the end, or a string.
            n: number of samples, including both ends.

        Raises:
            ConfigError: a negative seed, equal ends, `n` below 2 or above MAX_POINTS, or as `invert` does.
        """
        for end in (a, b):
            if not isinstance(end, str) and end < 0:
                raise ConfigError(f"seed {end} is negative, but seeds are 0 or more")
        self.refuse_labels("interpolate")
        if a == b:
            called, kind = (f"string {a!r}", "strings") if isinstance(a, str) else (f"seed {a}", "seeds")
            raise ConfigError(f"start and end are the same {called}", f"choose two different {kind}")
        if not 2 <= n <= MAX_POINTS:
            raise ConfigError(f"n is {n:,}, but it must be 2 to {MAX_POINTS:,}, including both ends")
        start_Z, end_Z = (self._latent(end) for end in (a, b))
        points_NZ = walk(start_Z, end_Z, n, self.config.generator.latent_distribution)
        items = np.concatenate(self._at(points_NZ))
        # Kernels may round differently at another position in the block, so the last item is generated as a first one.
        items[-1:] = self._at(points_NZ[-1:])[0]
        return items

    def text_spec(self, what: str) -> TextSpec:
        """Return the vocabulary and length. Raises ConfigError if this is not a text model, which `what` needs."""
        if DOMAINS[self.config.domain].has_strings:
            return cast("TextSpec", self.spec)
        raise ConfigError(f"{what} works only with text models, and this is a model of {self.config.domain} data")

    def refuse_labels(self, what: str) -> None:
        """Raise ConfigError if this is a conditional model, which `what` does not support."""
        if self._shares is not None:
            raise ConfigError(
                f"{what} does not work with a model that has labels",
                "train one without --label, on the lines of one label",
            )

    def _generating(self, what: str) -> LatentGenerator:
        self.refuse_labels(what)
        if isinstance(self.generator, CausalGenerator):
            raise ConfigError(
                f"{what} needs a model in which near latents give similar strings, and those of the network causal "
                "do not: its latents are the random numbers by which characters are drawn",
                "use a model of the recipe fast",
            )
        distribution = self.config.generator.latent_distribution
        return LatentGenerator(
            generator=self.generator, spec=self.text_spec(what), distribution=distribution, device=self.device
        )

    def _at(self, latent_NZ: Tensor) -> list[Items]:
        parts = generate_at(self.generator, latent_NZ, self.device, block_size=block_size_of(self.config))
        return [self.spec.decode(fake) for fake in parts]

    def _latent(self, end: int | str) -> Tensor:
        if isinstance(end, str):
            return self.invert(end).latent_Z
        return self._latents(end)(torch.zeros(1, dtype=torch.int64, device=self.device))[0]

    def _latents(
        self, seed: int, stream: Stream = Stream.SAMPLE_LATENT, labels: LabelShares | None = None
    ) -> Callable[[Tensor], Tensor]:
        """Return a function from indices (B,) to latents (B, Z) of a stream, with labels (B, Z + 1).

        `labels` draws the labels of a conditional model; None: as in training.
        """
        if not 0 <= seed < 1 << 63:
            raise ConfigError(f"seed is {seed}, but it must be at least 0 and below 2^63", "choose a smaller seed")
        settings = self.config.generator
        distribution, size = settings.latent_distribution, settings.latent
        shares = labels or self._shares
        if shares is None:
            return lambda index_B: latents(distribution, size, seed, stream, index_B)
        return lambda index_B: with_label(
            latents(distribution, size, seed, stream, index_B), shares.draw(seed, stream, index_B)
        )


def _subset(options: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the options with one of the names."""
    return {name: options[name] for name in names if name in options}


def _check_numbers(n: int, seed: int, start: int) -> None:
    if n < 0 or start < 0 or seed < 0:
        raise ConfigError(f"n (={n}), start (={start}) and seed (={seed}) must not be negative")


def _part(config: Config) -> str:
    """Return which part of a model file has the generator's weights that are used."""
    return "average" if config.model.weights == "average" else "generator"


def _built(config: Config, spec: DataSpec, tensors: Mapping[str, Tensor]) -> tuple[nn.Module, nn.Module]:
    """Return the networks that a file's tensors are loaded into. Raises CheckpointError when the settings make none."""
    if config.plugins or any(".parametrizations." in name for name in tensors):
        # What a plugin computes for its network need not be in the file; and norms of weights are computed from these.
        return build_for(config, spec, sum(tensor.numel() for tensor in tensors.values()))
    try:
        with torch.device("meta"):  # the file's weights replace these, so they need no memory and no random numbers
            return spec.networks(config)
    except (RuntimeError, ValueError, ArithmeticError) as error:
        raise CheckpointError(f"the settings make no networks ({one_line(error)})") from None


def _loaded(network: nn.Module, tensors: Mapping[str, Tensor], part: str) -> nn.Module:
    """Give a network the weights of a part of a model file, without gradients and in evaluation mode.

    Raises CheckpointError when they do not fit.
    """
    types = {name: value.dtype for name, value in network.state_dict().items()}
    own = {name.removeprefix(part + "."): value for name, value in tensors.items() if name.startswith(part + ".")}
    try:
        network.load_state_dict({name: value.to(types.get(name)) for name, value in own.items()}, assign=True)
    except RuntimeError as error:
        raise CheckpointError(f"the {part}'s weights do not fit the settings ({one_line(error)})") from None
    return network.eval().requires_grad_(False)


@final
class _RefinedModel(Model):
    """See `Model.refined`."""

    def __init__(
        self,
        config: Config,
        spec: DataSpec,
        facts: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        device: torch.device,
    ) -> None:
        super().__init__(config, spec, facts, tensors, device)
        decode = self.decoding(refine=True)
        self._strings = RefinedStrings(self.text_model(refine=True, decode=decode), decode)

    def samples(
        self,
        n: int,
        *,
        seed: int = 0,
        start: int = 0,
        decode: str = AUTO,
        temperature: float = 1.0,
        refine: bool = True,
        label: Label = None,
    ) -> Iterator[Items]:
        """Yield n accepted strings from index `start`."""
        usual = self.decoding(refine=True), 1.0, True, None
        if (self.decoding(decode, refine=True), temperature, refine, label) != usual:
            return super().samples(
                n, seed=seed, start=start, decode=decode, temperature=temperature, refine=refine, label=label
            )
        return self._strings.samples(n, seed=seed, start=start)

    def label_numbers(self, n: int, *, seed: int = 0) -> npt.NDArray[np.int64] | None:
        """Return the numbers (n,) of the labels of the first accepted strings."""
        return None if self._shares is None else self._strings.label_numbers(n, seed=seed)


def model_tensors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a trainer's state that a model file stores."""
    return {name: value for name, value in state.items() if name.split(".")[0] in _PARTS and ".optimizer." not in name}
