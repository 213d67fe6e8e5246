"""The library names its keywords; on the command line the same things are flags."""

from __future__ import annotations

import re

_VALUES = (
    "bound|time_limit|rel_gap|threads|seed|runs|every|workers|eps|schedule|tube|then|tol|box|mask|weights|operator"
    "|max_cells"
)

_WORDS: tuple[tuple[str, str], ...] = (
    (r"\bbox=\(lower, upper\), such as box=\(-3, 3\)", "--box LO HI, such as --box -3 3"),
    (r"\bbox=\(lower, upper\)", "--box LO HI"),
    (r"\bslopes=[^\s,;:]*", "--slopes S,S,..."),
    # A file's own keys come after the file's name, and stay as they are.
    (rf"^((?:--formulation \w+: )?)({_VALUES})(?= (?:must|is|has)\b)", r"\1--\2"),
    (rf"\b(give|raise) ({_VALUES})\b", r"\1 --\2"),
    (r"\bleave slopes out\b", "leave --slopes out"),
    (r"^seconds(?= must be\b)", "--time-limit"),
    (r"\bset log=True\b", "give --log"),
    (r"\bgive resume=True\b", "give --resume"),
    (r"\bLayerLinf, LayerL1\b", "--formulation linf or l1"),
    (r"\btry Exact\b", "try --method exact"),
    (r"\b(Geometric|Bisection)\(\)", r"\1"),
    (r"(?<=--)(\w+)_(\w+)", r"\1-\2"),
)


def in_flags(text: str) -> str:
    """Return a message of the library with flags for its keywords.

    Examples
    --------
    >>> in_flags("time_limit must be a positive number, got -1.0")
    '--time-limit must be a positive number, got -1.0'
    >>> in_flags("run.toml: time_limit must be a positive number, got -1.0")
    'run.toml: time_limit must be a positive number, got -1.0'
    """
    for pattern, flag in _WORDS:
        text = re.sub(pattern, flag, text)
    return text
