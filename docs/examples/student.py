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
# # Student: what the gradient penalty does
#
# The penalty of WGAN-GP charges the critic for a slope that is not 1 at points between real and generated strings.
# Here you compute it by hand, compare it with the package, and watch a small run.

# %%
import torch

import seqgan_wgp
from seqgan_wgp.training.penalties import interpolate, slopes

# %% [markdown]
# Shapes: B samples, L positions, V characters. Two real strings are one-hot, two generated ones are probabilities.

# %%
torch.manual_seed(0)
B, L, V = 2, 4, 3
real_BLV = torch.nn.functional.one_hot(torch.randint(V, (B, L)), V).float()
fake_BLV = torch.softmax(torch.randn(B, L, V), dim=2)

# %% [markdown]
# Line 6 of the algorithm: one epsilon per sample, not one per number.

# %%
epsilon_B = torch.rand(B)
mixed_BLV = interpolate(real_BLV, fake_BLV, epsilon_B)
by_hand_BLV = epsilon_B.view(B, 1, 1) * real_BLV + (1 - epsilon_B.view(B, 1, 1)) * fake_BLV
assert torch.allclose(mixed_BLV, by_hand_BLV)
assert torch.allclose(mixed_BLV.sum(dim=2), torch.ones(B, L))  # still probabilities

# %% [markdown]
# Line 7: the norm of the critic's gradient over *all* numbers of a sample. A linear critic has the same slope
# everywhere, the norm of its weights, so you know the answer.

# %%
weights_LV = torch.randn(L, V)
mixed_BLV.requires_grad_(True)
score_B = (mixed_BLV * weights_LV).sum(dim=(1, 2))
(gradient_BLV,) = torch.autograd.grad(score_B.sum(), mixed_BLV)
slope_B = gradient_BLV.flatten(1).norm(dim=1)
assert torch.allclose(slope_B, weights_LV.norm().expand(B))
critic = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(L * V, 1, bias=False), torch.nn.Flatten(0))
critic[1].weight.data = weights_LV.view(1, -1)
assert torch.allclose(slopes(critic, mixed_BLV), slope_B)
print("slope", slope_B.tolist(), "two-sided penalty", float(((slope_B - 1) ** 2).mean()))

# %% [markdown]
# The norm over one axis alone, a common mistake in ports, is another number:

# %%
print("wrong:", gradient_BLV.norm(dim=1).tolist()[0])

# %% [markdown]
# Now a run of the real thing on bundled words. `on_record` is called after every step. Watch the slope come to 1 and
# the estimated distance change; 40 steps are a beginning.

# %%
records = []
small = {"generator.width": 16, "critic.width": 16, "corpus.limit": 2000, "objective.constraint": "gp", "log.every": 1}
model = seqgan_wgp.train("words", steps=40, seed=3, settings=small, on_record=records.append)
for record in records[:: len(records) // 5]:
    print(record.step, f"distance {record.losses['wasserstein']:.3f}", f"slope {record.losses['slope_mean']:.3f}")
