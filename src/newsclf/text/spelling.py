"""From hashes back to words, for the few terms that are shown to people."""

from collections.abc import Sequence

import numpy as np

from newsclf.text.tokens import Hashes, Positions, bigram_firsts, blocks, term_hashes, tokenize


def spell_terms(texts: Sequence[str], hashes: Hashes) -> dict[int, str]:
    """The terms behind hashes, as lower-cased text, from the first text that holds each.

    Args:
        texts: the cleaned texts in which the terms occur.
        hashes: uint64, the hashes of the terms.

    Returns:
        hash to term; a hash that no text holds is not in it.

    >>> from newsclf.text.tokens import hash_terms
    >>> terms = spell_terms(["Wheat prices rose"], hash_terms(["prices rose"]).hashes)
    >>> sorted(terms.values())
    ['prices', 'prices rose', 'rose']
    """
    missing = set(hashes.tolist())
    found: dict[int, str] = {}
    for block in blocks(texts):
        if not missing:
            break
        terms = _block_terms(texts[block], missing)
        found |= terms
        missing -= terms.keys()
    return found


def _block_terms(texts: Sequence[str], wanted: set[int]) -> dict[int, str]:
    tokens = tokenize(texts)
    terms = term_hashes(tokens, len(texts))
    firsts: Positions = np.concatenate([np.arange(terms.n_tokens), bigram_firsts(tokens)])
    lowered = [text.lower() for text in texts]

    def spelled(token: int) -> str:
        text: str = lowered[tokens.articles[token]]
        return text[tokens.starts[token] : tokens.ends[token]]

    present = np.flatnonzero(np.isin(terms.hashes, np.fromiter(wanted, np.uint64, len(wanted))))
    hashes, occurrences = np.unique(terms.hashes[present], return_index=True)
    places = present[occurrences]
    return {
        value: spelled(firsts[place]) if place < terms.n_tokens else f"{spelled(firsts[place])} {spelled(firsts[place] + 1)}"
        for value, place in zip(hashes.tolist(), places.tolist(), strict=True)
    }
