"""A character adds what the score loses without it; under a likelihood, what it contributes to the probability."""

from __future__ import annotations

import math

import pytest
import torch

from seqgan_wgp.config import recipe
from seqgan_wgp.model import Model
from seqgan_wgp.studio.catalogue import Catalogue
from seqgan_wgp.studio.contributions import explain
from seqgan_wgp.text.vocabulary import PAD, UNKNOWN

from ..runs.untrained import TEXT, made


@pytest.fixture(scope="module")
def causal() -> Model:
    return made(recipe("causal", {"generator.width": 8, "generator.latent": 10, "critic.width": 8}), TEXT)


def test_a_character_adds_what_the_critic_loses_when_it_is_hidden(catalogue: Catalogue) -> None:
    model = catalogue.model("tiny")
    (one,) = explain(model, ["bada"])
    spec = model.text_spec("score")
    ids_1L = torch.from_numpy(spec.vocabulary.encode(["bada"], spec.length).astype("int64"))
    whole_1LV = spec.embed(ids_1L)
    hidden_1LV, known = whole_1LV.clone(), spec.vocabulary.size - 2
    hidden_1LV[0, 2] = torch.tensor([0.0 if k in (PAD, UNKNOWN) else 1 / known for k in range(spec.vocabulary.size)])
    with torch.inference_mode():
        whole, without = model.critic(torch.cat([whole_1LV, hidden_1LV])).tolist()
    assert [symbol for symbol, _ in one.symbols] == list("bada")
    assert one.score == pytest.approx(whole, abs=1e-5)
    assert one.symbols[2][1] == pytest.approx(whole - without, abs=1e-5)
    assert one.log_probability is None


def test_scores_and_flags_are_those_of_the_model(catalogue: Catalogue) -> None:
    model = catalogue.model("tiny")
    texts = ["bada", "", "badaba" * 5, "bé", "<b>"]
    found, plain = explain(model, texts), list(model.score(texts))
    assert [(one.text, one.flag) for one in found] == [(one.shown, one.flag) for one in plain]
    assert [one.score for one in found] == pytest.approx([one.score for one in plain], abs=1e-5)
    assert found[1].symbols == () and len(found[2].symbols) == model.text_spec("score").length


def test_log_probabilities_add_up_to_that_of_the_string(causal: Model) -> None:
    spec = causal.text_spec("score")
    texts = ["ab", "édcba", "aaaaaaaaaa"]
    ids_NL = torch.from_numpy(spec.vocabulary.encode(texts, spec.length).astype("int64"))
    nats_N, _ = causal.generator.network.log_likelihood(ids_NL)  # type: ignore[union-attr,operator]
    for one, nats in zip(explain(causal, texts), nats_N.tolist(), strict=True):
        assert one.log_probability == pytest.approx(nats, abs=1e-4)
        gains = sum(adds for _, adds in one.symbols)
        ends = len(one.symbols) < spec.length
        rest = gains - len(one.symbols) * math.log(spec.vocabulary.size)
        assert (rest > nats) if ends else rest == pytest.approx(nats, abs=1e-4)
