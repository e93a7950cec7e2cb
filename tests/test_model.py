"""Models: one file, no flags; string k is a function of (model, seed, k) alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqgan_wgp import register
from seqgan_wgp.config import Config, recipe
from seqgan_wgp.config.schema import GeneratorSettings
from seqgan_wgp.errors import CheckpointError, ConfigError
from seqgan_wgp.model import Model
from seqgan_wgp.registry import unload_plugin
from seqgan_wgp.runs.folder import RunFolder
from seqgan_wgp.runs.prepare import create
from seqgan_wgp.runs.train import run_training
from seqgan_wgp.text.adapter import scan_data
from seqgan_wgp.text.generation.inversion import Inversion
from seqgan_wgp.utils import tensor_file

from .runs.untrained import TOY, made


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory, tiny_lines: list[str], tiny_config: Callable[..., Config]
) -> RunFolder:
    found, config = scan_data(tiny_lines, tiny_config())
    folder = create(found, config, tmp_path_factory.mktemp("model") / "run")
    run_training(folder)
    return folder


@pytest.mark.parametrize(("n", "start"), [(0, 0), (1, 0), (1, 511), (2, 511), (700, 400), (512, 512), (1300, 3)])
def test_any_part_of_the_stream_is_that_part_of_the_whole(run: RunFolder, n: int, start: int) -> None:
    model = Model.load(run.path)
    assert model.generate(n, start=start, seed=5) == model.generate(1500, seed=5)[start : start + n]


def test_constraints_and_filters_are_keyword_arguments(run: RunFolder) -> None:
    model = Model.load(run.path)
    way = {"seed": 5, "decode": "sample", "temperature": 3.0}
    plain = model.generate(600, **way)  # type: ignore[arg-type]
    letter = plain[0][0]
    found = model.generate(30, prefix=letter, at_least={letter: 1}, without="zz", length="2-", unique=True)
    assert len(set(found)) == 30
    assert all(string[0] == letter and "zz" not in string and len(string) > 1 for string in found)
    chosen = [string for string in dict.fromkeys(plain) if len(string) % 2]
    assert model.generate(5, unique=True, keep_if=lambda string: len(string) % 2, **way) == chosen[:5]  # type: ignore[arg-type]
    assert model.generate(4, prefix=letter, length=2, order="probability") == list(
        model.stream(4, prefix=letter, length=2, order="probability")
    )
    with pytest.raises(ConfigError, match="there is no argument 'sufix'"):
        model.generate(1, sufix="a")  # type: ignore[call-arg]


def test_seeds_differ_and_repeat(run: RunFolder) -> None:
    model = Model.load(run.path)
    assert model.generate(50, seed=1) == Model.load(run.model).generate(50, seed=1)
    assert model.generate(50, seed=1) != model.generate(50, seed=2)


def test_strings_hold_characters_of_the_corpus_and_fit_the_length(run: RunFolder, tiny_lines: list[str]) -> None:
    alphabet = set("".join(tiny_lines)) | {"\N{REPLACEMENT CHARACTER}"}
    for string in Model.load(run.path).generate(500):
        assert len(string) <= 10
        assert set(string) <= alphabet


def test_a_model_file_says_what_it_is(run: RunFolder) -> None:
    model = Model.load(run.model)
    assert model.config.generator.width == 8
    assert model.facts["corpus"]["name"] == "lines"
    assert model.facts["corpus"]["train"] > 500
    assert len(model.facts["corpus"]["sha256"]) == 64
    assert {"validation", "test"} <= model.facts["metrics"].keys()
    assert json.loads(model.facts["tokenizer"])["model"]["type"] == "WordLevel"


def test_average_and_latest_weights_are_both_in_the_file(run: RunFolder) -> None:
    average, latest = Model.load(run.path), Model.load(run.path, weights="latest")
    assert average.config.model.weights == "average"
    pairs = zip(average.generator.parameters(), latest.generator.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in pairs)


def test_a_saved_model_is_the_loaded_one(run: RunFolder, tmp_path: Path) -> None:
    model = Model.load(run.path)
    model.save(tmp_path / "copy.safetensors")
    copy = Model.load(tmp_path / "copy.safetensors")
    assert copy.generate(20) == model.generate(20)
    assert (copy.facts, copy.config) == (model.facts, model.config)


def test_a_slim_model_gives_the_same_strings_but_for_ties(run: RunFolder, tmp_path: Path) -> None:
    whole, file = Model.load(run.path), tmp_path / "slim.safetensors"
    whole.save(file, slim=True)
    slim = Model.load(file)
    tables, slim_tables = (np.concatenate([part.numpy() for part in each.tables(2000)]) for each in (whole, slim))
    error = np.abs(tables - slim_tables).max()
    assert 0 < error < 0.01
    first, second = np.sort(tables, axis=-1)[..., -1], np.sort(tables, axis=-1)[..., -2]
    different = tables.argmax(-1) != slim_tables.argmax(-1)
    assert (first - second)[different].max(initial=0) <= 2 * error
    assert different.mean() < 0.02


def test_a_slim_model_has_one_set_of_half_weights_and_is_its_own_slim_model(run: RunFolder, tmp_path: Path) -> None:
    Model.load(run.path).save(tmp_path / "slim.safetensors", slim=True)
    tensors, facts = tensor_file.read_tensor_file(tmp_path / "slim.safetensors")
    assert {name.split(".")[0] for name in tensors} == {"average", "critic"}
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    assert facts == tensor_file.read_facts(run.model)
    slim = Model.load(tmp_path / "slim.safetensors")
    assert {weight.dtype for weight in slim.generator.parameters()} == {torch.float32}
    slim.save(tmp_path / "again.safetensors", slim=True)
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "slim.safetensors").read_bytes()
    with pytest.raises(ConfigError, match="is a slim file, which has no latest weights"):
        Model.load(tmp_path / "slim.safetensors", weights="latest")
    latest = Model.load(run.path, weights="latest")
    latest.save(tmp_path / "latest.safetensors", slim=True)
    assert len(Model.load(tmp_path / "latest.safetensors").generate(5)) == 5


@pytest.mark.parametrize(("n", "start", "seed"), [(-1, 0, 0), (1, -1, 0), (1, 0, -1)])
def test_negative_numbers_are_refused(run: RunFolder, n: int, start: int, seed: int) -> None:
    model = Model.load(run.path)
    for method in (model.generate, model.stream, model.samples, model.tables):
        with pytest.raises(ConfigError, match="must not be negative"):
            method(n, seed=seed, start=start)


def test_the_best_model_of_a_run_is_its_own_file(run: RunFolder, tmp_path: Path) -> None:
    latest, best = Model.load(run.path), Model.load(run.path, best=True)
    assert best.generate(20) == Model.load(run.best).generate(20)
    assert best.facts["step"] <= latest.facts["step"]
    with pytest.raises(ConfigError, match="is a model file, not a run folder"):
        Model.load(run.best, best=True)
    (tmp_path / "model.safetensors").write_bytes(run.model.read_bytes())
    with pytest.raises(CheckpointError, match=r"there is no best\.safetensors"):
        Model.load(tmp_path, best=True)


def test_samples_are_the_likeliest_of_tables(run: RunFolder) -> None:
    model = Model.load(run.path)
    tables = list(model.tables(700, seed=5, start=400))
    assert [table.dtype for table in tables] == [torch.float32] * 3
    table_NLV = torch.cat(tables)
    assert table_NLV.shape == (700, *model.spec.event_shape)
    assert torch.allclose(table_NLV.sum(dim=-1), torch.ones(700, 10))
    ids_NL = np.concatenate(list(model.samples(700, seed=5, start=400)))
    assert np.array_equal(model.spec.decode(table_NLV), ids_NL)


@pytest.mark.parametrize(("n", "start"), [(0, 0), (1, 511), (700, 400)])
def test_any_part_of_what_is_drawn_is_that_part_of_the_whole(run: RunFolder, n: int, start: int) -> None:
    model = Model.load(run.path)
    whole = model.generate(1200, seed=5, decode="sample", temperature=0.7)
    assert model.generate(n, seed=5, start=start, decode="sample", temperature=0.7) == whole[start : start + n]
    assert list(model.stream(3, seed=5, decode="sample", temperature=0.7)) == whole[:3]


def test_what_is_drawn_differs_by_temperature_and_is_the_likeliest_without_any(run: RunFolder) -> None:
    model = Model.load(run.path)
    argmax, cold, warm, hot = (
        model.generate(300, decode=decode, temperature=temperature)
        for decode, temperature in (("argmax", 1.0), ("sample", 1e-30), ("sample", 1.0), ("sample", 3.0))
    )
    assert cold == argmax == model.generate(300)
    assert len({tuple(strings) for strings in (cold, warm, hot)}) == 3
    with pytest.raises(ConfigError, match="did you mean 'sample'"):
        model.generate(1, decode="sampled")


def test_strings_are_scored_in_order_and_none_is_left_out(run: RunFolder) -> None:
    model = Model.load(run.path)
    strings = ["drin", "", "Drin", "drin" * 5, *model.generate(600)]
    found = list(model.score(iter(strings)))
    assert [one.text for one in found] == strings
    assert [one.flag for one in found[:4]] == ["", "empty", "unknown", "too_long"]
    assert found[0] == next(model.score(["drin"]))
    assert len({one.score for one in found}) > 100


@pytest.fixture(scope="module")
def found(run: RunFolder) -> Inversion:
    return Model.load(run.path).invert("drin")


def test_a_text_has_a_latent_and_neighbours(run: RunFolder, found: Inversion) -> None:
    model = Model.load(run.path)
    assert (found.text, len(found.latent_Z), found.decoded != "drin") == ("drin", 8, found.edits > 0)
    near = list(model.neighbours(found, 20))
    assert near == list(model.neighbours("drin", 20))
    assert len({one.text for one in near} - {"drin"}) == 20
    assert near != list(model.neighbours(found, 20, seed=1))


def test_a_walk_from_a_text_is_one_from_its_latent(run: RunFolder, found: Inversion) -> None:
    model = Model.load(run.path)
    walked = model.spec.to_text(model.interpolate("drin", 8, 5))
    assert (len(walked), walked[0], walked[-1]) == (5, found.decoded, model.generate(1, seed=8)[0])
    with pytest.raises(ConfigError, match="start and end are the same string 'drin'\nchoose two different strings"):
        model.interpolate("drin", "drin")


def test_what_is_for_text_is_refused_for_points() -> None:
    model = made(recipe("toy", {"generator.width": 8, "critic.width": 8}), TOY)
    assert len(model.generate(3)) == 3
    for method, arguments in (
        (model.score, (["a"],)),
        (model.invert, ("a",)),
        (model.neighbours, ("a",)),
        (model.interpolate, ("a", "b")),
    ):
        with pytest.raises(ConfigError, match="works only with text models, and this is a model of toy data"):
            method(*arguments)
    with pytest.raises(ConfigError, match="decode sample works only with text models"):
        model.generate(3, decode="sample")


@pytest.mark.parametrize("n", [2, 3, 40])
def test_a_walk_goes_from_the_first_item_of_one_seed_to_that_of_another(run: RunFolder, n: int) -> None:
    model = Model.load(run.path)
    items = model.interpolate(3, 8, n)
    assert items.shape == (n, *next(model.samples(1)).shape[1:])
    for item, seed in ((items[:1], 3), (items[-1:], 8)):
        assert np.array_equal(item, next(model.samples(1, seed=seed)))
        assert model.spec.to_text(item) == model.generate(1, seed=seed)
    assert np.array_equal(model.interpolate(3, 8, n), items)


def test_a_walk_is_even_as_its_latents_are(run: RunFolder) -> None:
    model = Model.load(run.path)
    assert np.array_equal(model.interpolate(3, 8, 21)[::2], model.interpolate(3, 8, 11))
    assert np.array_equal(model.interpolate(8, 3, 21), model.interpolate(3, 8, 21)[::-1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, 3, 5), "start and end are the same seed 3"),
        ((-1, 3, 5), "seed -1 is negative"),
        ((3, -2, 5), "seed -2 is negative"),
        ((3, 4, 1), "n is 1, but it must be 2"),
        ((3, 4, 1_001), "n is 1,001, .* to 1,000"),
        ((2**63, 4, 5), r"seed is 9223372036854775808, but it must be at least 0 and below 2\^63"),
    ],
)
def test_a_walk_that_there_is_not_is_refused(run: RunFolder, arguments: tuple[int, int, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Model.load(run.path).interpolate(*arguments)


def test_files_that_are_no_whole_model_are_refused(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no model"):
        Model.load(tmp_path)
    tensors, facts = tensor_file.read_tensor_file(run.model)
    version = facts.pop("format_version")
    assert version >= 1
    for missing in ("config", "tokenizer", "corpus"):
        part = {name: value for name, value in facts.items() if name != missing}
        tensor_file.write_tensor_file(tmp_path / "part", tensors, part)
        with pytest.raises(CheckpointError, match=str(tmp_path / "part")):
            Model.load(tmp_path / "part")
    tensors.pop("critic.input.weight")
    tensor_file.write_tensor_file(tmp_path / "weights", tensors, facts)
    with pytest.raises(CheckpointError, match=r"critic.*input\.weight.*\)\n"):
        Model.load(tmp_path / "weights")
    with pytest.raises(CheckpointError, match="not a complete model"):
        Model.load(run.checkpoint)


@pytest.fixture
def shifted() -> Iterator[str]:
    """A generator of one's own with a table that is no buffer, so that no model file has it."""

    @register.generator("shifted", data="toy")
    class Shifted(nn.Module):
        def __init__(self, settings: GeneratorSettings) -> None:
            super().__init__()
            self.layer, self.table_2 = nn.Linear(settings.latent, 2), torch.tensor([3.0, 4.0])

        def forward(self, latent_BZ: Tensor) -> Tensor:
            point_B2: Tensor = self.layer(latent_BZ) + self.table_2
            return point_B2

    yield "shifted"
    unload_plugin(__name__)


def test_a_network_of_ones_own_computes_what_its_file_does_not_have(shifted: str) -> None:
    model = made(recipe("toy", {"generator.network": shifted}), TOY)
    assert model.config.plugins == (__name__,)
    weight, bias = model._tensors["average.layer.weight"], model._tensors["average.layer.bias"]
    latent_1Z = torch.ones(1, weight.shape[1])
    assert torch.allclose(model.generator(latent_1Z), latent_1Z @ weight.t() + bias + torch.tensor([3.0, 4.0]))


def test_a_model_takes_its_files_weights_and_draws_none(run: RunFolder) -> None:
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    model = Model.load(run.path)
    assert torch.equal(torch.random.get_rng_state(), before)
    for name, value in model.critic.state_dict().items():
        assert value.data_ptr() == model._tensors[f"critic.{name}"].data_ptr()
    assert not any(weight.requires_grad for weight in (*model.generator.parameters(), *model.critic.parameters()))
