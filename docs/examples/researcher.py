# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Researcher: a loss of your own, tested and compared
#
# A file of your own adds a loss, penalty, network, optimizer or unit: no fork is needed. This notebook writes such a
# file, has the contract tests of the package check it, and compares it with the default under equal seeds.

# %%
from pathlib import Path

import seqgan_wgp
from seqgan_wgp.testing import check_loss

# %% [markdown]
# A smooth version of the hinge loss: two functions of critic scores (B,), each to be minimised.

# %%
PLUGIN = """
import seqgan_wgp
from torch.nn.functional import softplus


@seqgan_wgp.register.loss("soft-hinge")
class SoftHinge:
    @staticmethod
    def critic(real_B, fake_B):
        return (softplus(1 - real_B) + softplus(1 + fake_B)).mean()

    @staticmethod
    def generator(fake_B):
        return -fake_B.mean()
"""
Path("soft_hinge.py").write_text(PLUGIN)
seqgan_wgp.load_plugins(["soft_hinge.py"])
check_loss("soft-hinge")

# %% [markdown]
# Train both with the same seeds and steps; the settings of a run are those of the recipe with your changes. The
# numbers are small, so that this runs in seconds: use 1,000 steps and three seeds or more before you believe a
# difference.

# %%
STEPS, SEEDS = 20, (0, 1)
small = {
    "generator.width": 16,
    "critic.width": 16,
    "corpus.limit": 2000,
    "evaluation.every": STEPS,
    "evaluation.samples": 256,
}
found = {}
for loss in ("wgan", "soft-hinge"):
    for seed in SEEDS:
        run = Path("runs") / f"{loss}-{seed}"
        seqgan_wgp.train(
            "words", steps=STEPS, seed=seed, settings={**small, "objective.loss": loss}, out=run, overwrite=True
        )
        last = [record for record in seqgan_wgp.read_records(run / "metrics.jsonl") if "js4" in record][-1]
        found[loss, seed] = last["js4"] - last["js4_floor"]

# %%
for loss in ("wgan", "soft-hinge"):
    values = [found[loss, seed] for seed in SEEDS]
    mean = sum(values) / len(values)
    print(f"{loss:12} JS-4 over its floor: mean {mean:.3f}, from {min(values):.3f} to {max(values):.3f}")

# %% [markdown]
# From the command line the same file is `--plugin soft_hinge.py --set objective.loss=soft-hinge`, and `seqgan-wgp
# compare` draws both over time. [Extending](../extending.md) has the other kinds of parts.
