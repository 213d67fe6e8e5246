"""`stream`: random numbers from a seed that nobody else draws with the same seed.

Users make truths and noise with ``numpy.random.default_rng(seed)``, best with seed 0, as methods do. Were their starts
drawn from it too, the first start would be the truth, and a search would be handed what it is to find.
"""

from __future__ import annotations

import numpy as np


def stream(tag: str, seed: int) -> np.random.Generator:
    """Return the generator of one purpose: independent of ``default_rng(seed)``, and of every other tag's.

    Parameters
    ----------
    tag : str
        What is drawn; each that draws has one of its own.
    seed : int
        0 or more.

    Examples
    --------
    >>> bool(stream("network", 0).normal() == stream("network", 0).normal())
    True
    >>> len({rng.normal() for rng in (stream("network", 0), stream("starts", 0), np.random.default_rng(0))})
    3
    """
    # As `SeedSequence.spawn` tells its children apart, which are numbered by single numbers.
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(tag.encode())))
