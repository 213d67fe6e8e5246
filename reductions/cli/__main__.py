"""``python -m reductions.cli``, the same as ``relu-reductions``."""

from reductions.cli import main

main()
