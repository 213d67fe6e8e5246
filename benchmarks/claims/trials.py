"""What is tried on a case: every method with every way to run it, and what each claims."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import pyomo_relu as pr
from pyomo_relu.certificate import is_unique
from pyomo_relu.certified import checker, decide_cell
from reductions import check_preimage_convexity

from . import judge
from .cases import Case
from .judge import Assertion
from .truth import Truth

Trial = Callable[[Case, Truth], Iterator[Assertion]]

PREIMAGE_SECONDS = 20.0


def _inversion(method: Any, solver: str | None = None, boxed: bool = True) -> Trial:
    def run(case: Case, truth: Truth) -> Iterator[Assertion]:
        shared = case.shared if boxed else {**case.shared, "box": None}
        result = pr.invert(case.net, case.x, method, solver=solver, **shared)
        if not boxed:
            yield from (a for a in judge.of_result(truth, result) if a.kind != "in the box")
        else:
            yield from judge.of_result(truth, result)

    return run


def _tube(norm: Any, factor: float, solver: str | None = None) -> Trial:
    def run(case: Case, truth: Truth) -> Iterator[Assertion]:
        best = truth.best("inf")
        tube = factor * max(float(best.inf), 1e-3 * truth.size, 1e-9)
        method = pr.Exact(pr.Huber(case.delta) if norm == "huber" else norm, tube=tube, starts=1)
        yield from judge.of_result(truth, pr.invert(case.net, case.x, method, solver=solver, **case.shared), tube=tube)

    return run


def _huber(make: Callable[[pr.Huber], Any], solver: str | None = None, judged: Any = _inversion) -> Trial:
    """Try what is made of the case's own Huber function."""

    def run(case: Case, truth: Truth) -> Iterator[Assertion]:
        yield from judged(make(pr.Huber(case.delta)), solver)(case, truth)

    return run


def _extent(method: Any, solver: str | None = None) -> Trial:
    def run(case: Case, truth: Truth) -> Iterator[Assertion]:
        yield from judge.of_extent(truth, pr.extent(case.net, case.x, method, solver=solver, **case.shared))

    return run


def _plain(case: Case) -> tuple[pr.Network, np.ndarray]:
    """Return the network with its mask or operator in it, for what takes neither, and no weights."""
    if case.mask is not None:
        seen = np.flatnonzero(case.mask)
        return pr.Network((*case.net.layers[:-1], case.net[-1].rows(seen))), case.x[seen]
    if case.operator is not None:
        return pr.Network((*case.net.layers, pr.Layer(case.operator, None, 1.0))), case.x
    return case.net, case.x


def _preimage(tol: float) -> Trial:
    def run(case: Case, truth: Truth) -> Iterator[Assertion]:
        net, x = _plain(case)
        found = pr.preimage(net, x, case.box, tol * truth.scale, max_cells=60, seconds=PREIMAGE_SECONDS)
        yield from judge.of_preimage(truth, found)

    return run


def _proof(norm: Any, share: float) -> Trial:
    """Ask for a proof of a bound that is a share of the best known residual: false, where that is above 1."""

    def run(case: Case, truth: Truth) -> Iterator[Assertion]:
        net, x = _plain(case)
        best = truth.best(norm)
        bound = share * float(best.residual(norm))
        if bound == 0.0:
            bound = 1e-9 * truth.scale
        code = [float(v) for v in best.z]
        code = code if all(case.box[0] <= v <= case.box[1] for v in code) else None
        proof = pr.prove_bound(net, x, bound, case.box, norm, code=code, max_leaves=300, seconds=PREIMAGE_SECONDS)
        if proof.certificate is not None:
            verdict = checker.check(proof.certificate)
            yield from judge.of_proof(truth, verdict.claim, verdict.residual, code)

    return run


def _unique(case: Case, truth: Truth) -> Iterator[Assertion]:
    for z in (case.truth, case.rng.normal(size=case.net.n_in)):
        net, _ = _plain(case)
        if is_unique(net, z):
            known = truth.add(z.tolist())
            yield Assertion(
                judge.VERIFIED,
                "only code",
                f"is_unique at {z.tolist()}",
                lambda known=known: int(judge.another_code(truth, known)),
            )


def _cell(case: Case, truth: Truth) -> Iterator[Assertion]:
    """Decide the cells of the nearest code and of the truth in exact arithmetic."""
    net, x = _plain(case)
    for z in (case.truth, np.array([float(v) for v in truth.best("inf").z])):
        pattern = tuple(t > 0.0 for t in net.pre_activations(z))
        found = decide_cell(net, x.tolist(), pattern, case.box)
        if found.point is not None:
            point = found.point
            yield Assertion(
                judge.VERIFIED,
                "cell: a point",
                f"{list(map(float, point))} is a code",
                lambda point=point: int(truth.add(point).inf > 0 or not truth.add(point).in_box),
            )
        if found.is_empty:
            yield Assertion(
                judge.VERIFIED,
                "cell: empty",
                f"no code of pattern {pattern}",
                lambda pattern=pattern: _of_pattern(truth, pattern),
            )


def _of_pattern(truth: Truth, pattern: Any) -> int:
    """Whether a code that meets x exactly has a pattern, exactly."""
    for known in truth.known.values():
        if known.inf == 0 and known.in_box:
            pairs = zip(truth.pre_activations(known.z), pattern, strict=True)
            if all((value > 0) == on for values, ons in pairs for value, on in zip(values, ons, strict=True)):
                return 1
    return 0


def _convexity(solver: str) -> Trial:
    def run(case: Case, truth: Truth) -> Iterator[Assertion]:
        net, x = _plain(case)
        found = check_preimage_convexity(net, x, case.box, solver, seconds=PREIMAGE_SECONDS)
        standing = judge.VERIFIED if found.proved else judge.TRUSTED
        if found.verdict == "nonconvex":

            def refuted() -> int:
                if found.exact is None:
                    return 0
                ends = [truth.add(z) for z in found.exact]
                middle = truth.add([(a + b) / 2 for a, b in zip(*found.exact, strict=True)])
                exact = not found.proved or all(end.inf == 0 for end in ends)
                return int(not (exact and all(end.in_box for end in ends) and middle.inf > 0))

            yield Assertion(standing, "convexity: not convex", str(found), refuted)
        elif found.verdict == "convex":
            yield Assertion(standing, "convexity: convex", str(found), lambda: judge.misjudged(truth, 0.0, True))

    return run


NORMS: dict[Any, float] = {"inf": 1.0, 1: 0.5, 2: 0.3}
"""How often the exact methods of each are drawn."""

LAYERS: dict[str, Any] = {
    "linf": pr.LayerLinf(),
    "linf-geometric": pr.LayerLinf(schedule=pr.Geometric()),
    "l1": pr.LayerL1(),
    "relaxed": pr.LayerRelaxed(0.1),
    "realizable": pr.LayerRealizable(),
}


def _trials() -> dict[str, tuple[float, Trial]]:
    """Return every trial by its name, with how often it is drawn: what costs much is drawn less."""
    return _layerwise() | _searches() | _exact() | _huber_exact() | _second_norms() | _preimages()


def _layerwise() -> dict[str, tuple[float, Trial]]:
    found = {}
    for name, formulation in LAYERS.items():
        for solver, often in ((None, 1.0), ("scip", 0.2)):
            found[f"layerwise {name}{_with(solver)}"] = often, _inversion(pr.Layerwise(formulation), solver)
    found["layerwise linf, any sign"] = 0.5, _inversion(pr.Layerwise(nonnegative=False))
    found["layerwise linear solve"] = 2.0, _inversion(pr.Layerwise(pr.LinearSolve()), boxed=False)
    return found


def _searches() -> dict[str, tuple[float, Trial]]:
    found = {"descent": (2.0, _inversion(pr.Descent(starts=2)))}
    for rule in ("constant", "adam"):
        method = pr.GradientDescent(step=0.05, iterations=60, rule=rule, starts=2)
        found[f"gradient descent {rule}"] = 1.5, _inversion(method)
    found["projected gradient"] = 1.5, _inversion(pr.ProjectedGradient(pr.Descent(starts=1), iterations=4))
    for norm in NORMS:
        found[f"hybrid {norm}"] = 1.0, _inversion(pr.Hybrid(norm, starts=1))
    return found


def _exact() -> dict[str, tuple[float, Trial]]:
    found = {}
    for norm, often in NORMS.items():
        for solver in ("highs", "scip"):
            # A MIQP as a sequence of MILPs, without an incumbent, takes seconds.
            share = 0.05 if (norm, solver) == (2, "highs") else 0.33
            found[f"exact {norm}, {solver}"] = often, _inversion(pr.Exact(norm, starts=1), solver)
            for bounds in ("interval", "crown"):
                plain = pr.Exact(norm, bounds=bounds)
                found[f"exact {norm}, {bounds}, {solver}"] = share * often, _inversion(plain, solver)
            extents = {"inf": 0.3, 1: 0.15, 2: 0.05}[norm]
            found[f"extent {norm}, {solver}"] = extents, _extent(pr.Exact(norm, starts=1), solver)
        for encoding in ("sos1", "indicator"):
            found[f"exact {norm}, {encoding}"] = 0.33 * often, _inversion(pr.Exact(norm, encoding, starts=0), "scip")
            plain = pr.Exact(norm, encoding, bounds="interval")
            found[f"exact {norm}, {encoding}, interval"] = 0.25 * often, _inversion(plain, "scip")
    return found


def _huber_exact() -> dict[str, tuple[float, Trial]]:
    found = {
        "descent huber": (1.0, _huber(lambda huber: pr.Descent(starts=2, norm=huber))),
        "hybrid huber": (0.5, _huber(lambda huber: pr.Hybrid(huber, starts=1))),
        "exact huber": (0.5, _huber(lambda huber: pr.Exact(huber, starts=1))),
        "exact huber, highs": (0.05, _huber(lambda huber: pr.Exact(huber, starts=1), "highs")),
        "exact huber, sos1": (0.1, _huber(lambda huber: pr.Exact(huber, "sos1", starts=0), "scip")),
        "extent huber": (0.1, _huber(lambda huber: pr.Exact(huber, starts=1), judged=_extent)),
    }
    for bounds in ("interval", "crown"):
        make = lambda huber, bounds=bounds: pr.Exact(huber, bounds=bounds)  # noqa: E731
        found[f"exact huber, {bounds}"] = 0.15, _huber(make)
    return found


def _second_norms() -> dict[str, tuple[float, Trial]]:
    found = {}
    for norm in (1, 2):
        for factor in (0.5, 0.999, 1.5):
            found[f"tube {norm}, {factor} of the best"] = 0.12, _tube(norm, factor)
        for solver, often in (("highs", 0.12 if norm == 1 else 0.03), ("scip", 0.2)):
            found[f"then {norm}, {solver}"] = often, _inversion(pr.Exact(then=norm, starts=1), solver)
    for factor in (0.5, 1.5):
        found[f"tube huber, {factor} of the best"] = 0.1, _tube("huber", factor)
    found["then huber"] = 0.2, _huber(lambda huber: pr.Exact(then=huber, starts=1))
    found["extent then 1"] = 0.05, _extent(pr.Exact(then=1, starts=1))
    return found


def _preimages() -> dict[str, tuple[float, Trial]]:
    found = {"preimage": (1.0, _preimage(0.0))}
    found |= {f"preimage tol {tol}": (0.3, _preimage(tol)) for tol in (1e-6, 0.1)}
    for norm in ("inf", 1):
        for share in (0.5, 1.0 - 1e-6, 1.0 + 1e-9, 1.01):
            found[f"proof {norm}, {share:.10g} of the best"] = 0.4, _proof(norm, share)
    found["is_unique"] = 2.0, _unique
    found["decide_cell"] = 1.0, _cell
    found["convexity, scip"] = 0.1, _convexity("scip")
    found["convexity, highs"] = 0.05, _convexity("highs")
    return found


def _with(solver: str | None) -> str:
    return "" if solver is None else f", {solver}"


TRIALS = _trials()


UNWEIGHED = "proof", "preimage", "is_unique", "decide_cell", "convexity"
"""What has no weights."""


def _takes(name: str, case: Case) -> bool:
    weighed = case.weights is not None and name.startswith(UNWEIGHED)
    return not weighed and (case.box is not None or not name.startswith("proof"))


def names_for(case: Case, count: int) -> list[str]:
    """Return which trials a case gets: the dearer ones less often, each at most once."""
    possible = [name for name in TRIALS if _takes(name, case)]
    often = np.array([TRIALS[name][0] for name in possible])
    # Gumbel's trick: a draw without replacement, by weights.
    keys = np.log(often) - np.log(-np.log(case.rng.random(len(possible))))
    return [possible[i] for i in np.argsort(-keys)[: min(count, len(possible))]]


assert all(math.isfinite(often) and often > 0.0 for often, _ in TRIALS.values())
