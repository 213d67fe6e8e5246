"""Proofs in exact arithmetic: exact inversions and unsatisfiable formulas are proved, checked, and the proofs bent.

    python benchmarks/certificates.py --seeds 5 --out results/

Inversions: random 5-20-40 and 10-40-80 networks, box [-3, 3], uniform noise, observations clipped at 0 (a negative one
would bound the residual by itself), p = inf and 1; the bound to prove is the optimum less a millionth. Formulas: random
3-CNFs that a SAT solver calls unsatisfiable, as networks. Then proofs of *false* claims, each a proof with one thing
changed and a bound above what is true, of which the checker must reject every one. A JSON line a proof, CPU seconds.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import copy
import itertools
import json
import struct
import time
from pathlib import Path

import numpy as np

import pyomo_relu as pr
from pyomo_relu.certified import checker
from pyomo_relu.certified.tree import prove_bound
from pyomo_relu.problem import Problem
from reductions import DepthTwo, ThreeSat, random_cnf
from reductions.oracle import solve

SIZES = ((5, 20, 40), (10, 40, 80))
BELOW = 1.0 - 1e-6
KINDS = ("bit", "leaf", "split")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="of each size and norm")
    parser.add_argument("--noise", type=float, default=0.01)
    parser.add_argument("--formulas", type=int, default=20)
    parser.add_argument("--bent", type=int, default=1000)
    parser.add_argument("--time-limit", type=float, default=300.0, help="seconds of wall clock a proof")
    parser.add_argument("--out", type=Path, default=Path("results"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    proofs = []
    with (arguments.out / "certificates.jsonl").open("a") as log:

        def write(line):
            print(json.dumps(line), file=log, flush=True)
            print(line, flush=True)

        for sizes, norm, seed in itertools.product(SIZES, ("inf", 1), range(arguments.seeds)):
            line, certificate = inversion(sizes, norm, seed, arguments.noise, arguments.time_limit)
            write({"what": "inversion", **line})
            proofs += [certificate] if sizes == SIZES[0] and certificate else []
        for number, cnf in enumerate(itertools.islice(unsatisfiable(), arguments.formulas)):
            for reduction in (ThreeSat(), DepthTwo()):
                line, certificate = formula(reduction, cnf, arguments.time_limit)
                write({"what": "formula", "number": number, **line})
                proofs += [certificate] if certificate else []
        write({"what": "bent", **bending(proofs, arguments.bent)})


def inversion(sizes, norm, seed, noise, seconds):
    net, rng = pr.Network.random(sizes, seed=seed), np.random.default_rng(seed)
    x = net(rng.uniform(-1.0, 1.0, sizes[0])) + rng.uniform(-noise, noise, sizes[-1])
    x = np.maximum(x, 0.0)
    started = time.process_time()
    best = pr.invert(net, x, pr.Exact(norm=norm), box=(-3, 3))
    inverted = time.process_time() - started
    line, certificate = proved(net, x, best.residual * BELOW, (-3, 3), norm, best.z, seconds)
    return {
        "sizes": sizes,
        "norm": norm,
        "seed": seed,
        "noise": noise,
        "invert": round(inverted, 2),
        **line,
    }, certificate


def formula(reduction, cnf, seconds):
    instance = reduction.reduce(cnf)
    net, x = instance.network, instance.observation
    # Every code has a residual; that of the best assignment makes a claim above it false.
    codes = [np.array(code, dtype=float) for code in itertools.product((0, 1), repeat=net.n_in)]
    best = min(codes, key=lambda code: Problem.of(net, x).residual(code, instance.gap_norm))
    line, certificate = proved(net, x, 0.9 * instance.gap, (0, 1), instance.gap_norm, best, seconds)
    return {"reduction": type(reduction).__name__, "variables": cnf.n_variables, **line}, certificate


def proved(net, x, bound, box, norm, code, seconds):
    """Prove a bound, write and read the proof, and check it."""
    started = time.process_time()
    proof = prove_bound(net, x, bound, box, norm, code=code, seconds=seconds)
    line = {"status": proof.status.value, "leaves": proof.leaves, "prove": round(time.process_time() - started, 2)}
    if proof.certificate is None:
        return line, None
    text = json.dumps(proof.certificate)
    started = time.process_time()
    checker.check(checker.load(text))
    facts = sum(map(len, proof.certificate["facts"]))
    return {
        **line,
        "facts": facts,
        "MB": len(text) / 1e6,
        "check": round(time.process_time() - started, 2),
    }, json.loads(text)


def unsatisfiable():
    for seed in itertools.count():
        cnf = random_cnf(4 + seed % 3, 9 * (4 + seed % 3), seed=seed)
        if solve(cnf) is None:
            yield cnf


def bending(proofs, count):
    """Bend proofs of false claims, bounds above the residual of the own code; none may be accepted."""
    rng = np.random.default_rng(0)
    wrong = [{**proof, "bound": float(checker.check(proof).residual) * (1.0 + 1e-6)} for proof in proofs]
    kinds = [KINDS[i % len(KINDS)] for i in range(count)]
    accepted = sum(is_accepted(bent(wrong[rng.integers(len(wrong))], kind, rng)) for kind in kinds)
    return {"bent proofs of false claims": count, "accepted": accepted}


def bent(proof, kind, rng):
    """Return a certificate in which one bit of a multiplier is flipped, a leaf dropped, or a split's sides swapped."""
    found = copy.deepcopy(proof)
    splits = list(_splits(found["tree"]))
    if kind == "bit" or not splits:
        nodes = [node for facts in found["facts"] for node in facts] + list(_leaves(found["tree"]))
        node = nodes[rng.integers(len(nodes))]
        row = [node["output"], *node["rows"]][rng.integers(1 + len(node["rows"]))]
        place = rng.integers(len(row))
        row[place] = flipped(float(row[place]), int(rng.integers(64)))
        return found
    node = splits[rng.integers(len(splits))]
    if kind == "leaf":
        del node["on" if rng.integers(2) else "off"]
    else:
        node["on"], node["off"] = node["off"], node["on"]
    return found


def flipped(value, bit):
    """Return a float64 with one bit flipped."""
    (integer,) = struct.unpack("<Q", struct.pack("<d", value))
    return struct.unpack("<d", struct.pack("<Q", integer ^ (1 << bit)))[0]


def _splits(node):
    if "on" in node:
        yield node
        yield from _splits(node["on"])
        yield from _splits(node["off"])


def _leaves(node):
    if "on" in node:
        yield from _leaves(node["on"])
        yield from _leaves(node["off"])
    else:
        yield node


def is_accepted(certificate):
    try:
        checker.check(certificate)
    except checker.RejectedError:
        return False
    return True


if __name__ == "__main__":
    main()
