"""``python -m reductions``, the same as ``relu-reductions``."""

from reductions.cli import main

main()
