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
# # Practitioner: identifiers for test data
#
# You need names of variables and functions that look real and exist nowhere. The bundled corpus `identifiers` has
# 25,131 names from Python's standard library. `STEPS` is small, so that everything here runs in seconds; raise it to
# 2,000 for names that you would want to use.

# %%
from collections import Counter

import seqgan_wgp

STEPS = 30
settings = {
    "corpus.limit": 2000,
    "evaluation.every": STEPS,
    "evaluation.samples": 500,
    "generator.width": 32,
    "critic.width": 32,
}
model = seqgan_wgp.train("identifiers", steps=STEPS, seed=1, settings=settings, out="runs/identifiers", overwrite=True)

# %% [markdown]
# String number k depends on the model, the seed and k alone. So a test may name a seed and always gets the same
# strings.

# %%
first = model.generate(5, seed=42)
assert model.generate(100, seed=42)[:5] == first
print(first)

# %% [markdown]
# The run folder keeps the model. Load it anywhere; no other file and no option is needed.

# %%
loaded = seqgan_wgp.Model.load("runs/identifiers")
assert loaded.generate(5, seed=42) == first

# %% [markdown]
# Is it good enough? `evaluate` measures generated strings against lines that were held out. Read each number beside
# its floor, which real lines reach.

# %%
result = seqgan_wgp.evaluate("runs/identifiers", samples=200, guesses=[1000], c2st_steps=0, baseline_seconds=0)
measured = result.to_json()
print("JS-4", measured["js"][3], "floor", measured["js_floor"][3])

# %% [markdown]
# How the strings begin: names begin with a letter or an underscore.

# %%
print(Counter(string[:1] for string in loaded.generate(200, seed=7)).most_common(5))
