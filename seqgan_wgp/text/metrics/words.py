"""Whether generated text is made of real words, in an order in which words stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

SPACED_LEAST = 0.01
"""Of the held-out lines, so many must have a space: names, passwords or Chinese text have no words to speak of."""

Word = tuple[str, ...]


def words_in_test(strings: Sequence[str], held_out: Sequence[str], n: int = 4) -> list[float] | None:
    """Return the share of the strings' different word k-grams that occur in the held-out lines, for k = 1..n.

    "%-IN-TEST-n" of Press et al. 2017, "Language Generation with Recurrent Generative Adversarial Networks without
    Pre-training". Words are what stands between spaces, also the halves that cropping leaves; a k-gram is k words that
    follow each other in one string. Each different k-gram counts once, so a model that repeats one good sentence gains
    nothing by it, and the share falls as more strings are generated: compare it only at the same number of strings,
    and with the share that as many real lines have.

    0 where no string has k words. None where less than SPACED_LEAST of the held-out lines have a space: the text is
    not made of words. ValueError for n below 1.
    """
    if n < 1:
        raise ValueError(f"n (={n}) must be 1 or more")
    if sum(" " in line for line in held_out) < max(1, SPACED_LEAST * len(held_out)):
        return None
    shares = []
    for k in range(1, n + 1):
        generated = _grams(strings, k)
        shares.append(len(generated & _grams(held_out, k)) / max(1, len(generated)))
    return shares


def _grams(lines: Iterable[str], k: int) -> set[Word]:
    """Return the different word k-grams of lines."""
    split = ([word for word in line.split(" ") if word] for line in lines)
    return {tuple(words[at : at + k]) for words in split for at in range(len(words) - k + 1)}
