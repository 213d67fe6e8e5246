"""Experiments that reproduce the paper's section 5, and the script that trained the packaged generator."""
