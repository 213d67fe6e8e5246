"""An instance as files that other programs read: ONNX, VNN-LIB, NumPy and DIMACS, with a manifest.

::

    network.onnx    network.npz    observation.npy
    property.vnnlib            unsatisfied iff the source has no solution
    source.cnf or source.edges the source, DIMACS
    manifest.json              what it is: reduction and its parameters, verdict, sizes, gap, hashes
"""

from __future__ import annotations

import hashlib
import json
import math
from decimal import Decimal
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import networkx as nx
import numpy as np

from pyomo_relu.atomic import atomic_write, drafts
from pyomo_relu.errors import InputError
from pyomo_relu.norms import norm_of
from pyomo_relu.validation import as_count
from reductions.cnf import CNF
from reductions.gadgets import rounded_down
from reductions.graphs import numbered
from reductions.instance import Instance

FORMAT, VERSION = "relu-reductions instance", 1

STALE = ("manifest.json", "source.cnf", "source.edges", "proof.drup")
"""What must not stay in a folder, beside another instance, where writing ends in the middle."""

Verdict = Literal["sat", "unsat"]


def write_instance(
    instance: Instance,
    folder: str | PathLike[str],
    *,
    verdict: Verdict | None = None,
    seed: int | None = None,
) -> dict[str, Any]:
    """Write an instance to a folder, each file whole or not at all, the manifest last.

    Of an instance that was there before, the manifest goes first, and its source and proof with it.

    Parameters
    ----------
    instance : Instance
    folder : path
        Made if it does not exist; its parent must.
    verdict : "sat" or "unsat", optional
        Whether the source has a solution, where that is known.
    seed : int, optional
        What the source was drawn with.

    Returns
    -------
    dict
        The manifest. ``source_sha256`` is the hash of the normalised formula in DIMACS, or of source.edges.

    Raises
    ------
    InputError
        If VNN-LIB cannot say the instance (a binary code, an infinite box, or no gap), `seed` is no integer of at
        least 0, or a file cannot be written.
    MissingDependencyError
        If the onnx package is not installed.

    Notes
    -----
    The property is satisfiable ("sat", a counterexample in the language of VNN-COMP) iff the source has a
    solution. It asks for ``||G(z) - x||_inf <= gap / 2`` (divided by the number of outputs if the gap is in another
    norm), over the box, or over ``[0, 1]^k`` where there is none; see :class:`Instance` for why that suffices.

    Examples
    --------
    >>> import tempfile
    >>> from reductions import CNF, DepthTwo
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     manifest = write_instance(DepthTwo().reduce(CNF(1, [(1,)])), folder, verdict="sat")
    ...     manifest["verdict"], sorted(path.name for path in Path(folder).iterdir())[:3]
    ('sat', ['manifest.json', 'network.npz', 'network.onnx'])
    """
    if verdict not in ("sat", "unsat", None):
        raise InputError(f"verdict must be 'sat', 'unsat' or None, got {verdict!r}")
    property_text, (source_name, source_text, source_hash) = vnnlib(instance), _source(instance.source)
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "reduction": instance.name,
        "parameters": dict(instance.parameters),
        "verdict": verdict,
        "seed": None if seed is None else as_count(seed, "seed", 0),
        "source": source_name,
        "source_sha256": source_hash,
        "sizes": list(instance.network.sizes),
        "slopes": [np.asarray(layer.activation.compact).tolist() for layer in instance.network],
        "observation": instance.observation.tolist(),
        "gap": float(instance.gap),
        "gap_norm": instance.gap_norm,
    }
    manifest_text = json.dumps(manifest, indent=2) + "\n"
    target = make_folder(folder)
    written = ("network.onnx", "network.npz", "observation.npy", "property.vnnlib", *STALE)
    remove(*(target / name for name in STALE), *(draft for name in written for draft in drafts(target / name)))
    instance.network.save(target / "network.onnx")
    instance.network.save(target / "network.npz")
    with atomic_write(target / "observation.npy") as file:
        np.save(file, instance.observation)
    write_text(target / "property.vnnlib", property_text)
    write_text(target / source_name, source_text)
    write_text(target / "manifest.json", manifest_text)
    return manifest


def vnnlib(instance: Instance) -> str:
    """Return the instance's property in VNN-LIB: bounds on ``X_i``, the code, and on ``Y_j``, the output.

    Numbers are written out exactly. Raises as :func:`write_instance`.

    Examples
    --------
    >>> from reductions import CNF, BoxForm
    >>> print(vnnlib(BoxForm().reduce(CNF(1, [(1,)]))))
    ; box: satisfiable iff the source has a solution
    (declare-const X_0 Real)
    (declare-const Y_0 Real)
    (assert (>= X_0 0))
    (assert (<= X_0 1))
    (assert (>= Y_0 -0.5))
    (assert (<= Y_0 0.5))
    <BLANKLINE>
    """
    if instance.binary:
        raise InputError(f"{instance.name}: VNN-LIB has no binary inputs")
    instance.require_gap()
    if not instance.search_box.is_bounded:
        raise InputError(f"{instance.name}: readers of VNN-LIB need both bounds of every input: give a finite box")
    network, box = instance.network, instance.search_box
    outputs = math.ceil(norm_of(np.ones(network.n_out), instance.gap_norm))
    room = rounded_down(Fraction(instance.gap) / (2 * outputs))
    x = instance.observation
    lines = [f"; {instance.name}: satisfiable iff the source has a solution"]
    lines += [f"(declare-const X_{i} Real)" for i in range(network.n_in)]
    lines += [f"(declare-const Y_{j} Real)" for j in range(network.n_out)]
    for name, lower, upper in (("X", box.lower, box.upper), ("Y", x - room, x + room)):
        for i, (low, high) in enumerate(zip(lower, upper, strict=True)):
            lines.append(f"(assert (>= {name}_{i} {Decimal(float(low)):f}))")
            lines.append(f"(assert (<= {name}_{i} {Decimal(float(high)):f}))")
    return "\n".join((*lines, ""))


def _source(source: CNF | nx.Graph) -> tuple[str, str, str]:
    """Return a name, a text and a hash of the source."""
    if isinstance(source, CNF):
        return "source.cnf", source.to_dimacs(), _sha256(source.normalise().cnf.to_dimacs())
    number = numbered(source)
    rows = [f"e {number[u]} {number[v]} {weight}" for u, v, weight in source.edges(data="weight", default=1)]
    text = "\n".join((f"p edge {len(number)} {len(rows)}", *rows, ""))
    return "source.edges", text, _sha256(text)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def make_folder(folder: str | PathLike[str]) -> Path:
    """Return the path of a folder, which is made if it does not exist.

    Raises
    ------
    InputError
        If its parent does not exist, or it is a file.
    """
    target = Path(folder)
    try:
        target.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {target}: {error.strerror}") from error
    return target


def remove(*paths: Path) -> None:
    """Remove files, those that exist.

    Raises
    ------
    InputError
        If one cannot be removed.
    """
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"cannot remove {path}: {error.strerror}") from error


def write_text(path: Path, text: str) -> None:
    """Write a text file, atomically."""
    with atomic_write(path) as file:
        file.write(text.encode())
