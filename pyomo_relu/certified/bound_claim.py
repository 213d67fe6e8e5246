"""Claims of lower bounds, as certificates state them."""

from __future__ import annotations

from typing import Any

from pyomo_relu.certified import checker
from pyomo_relu.certified.checker import BoundClaim
from pyomo_relu.errors import InputError
from pyomo_relu.network import Network
from pyomo_relu.norms import NormName, as_rational
from pyomo_relu.problem import Problem
from pyomo_relu.validation import as_number, as_vector


def claim_of(
    net: Network, x: Any, bound: float, box: Any, norm: NormName, code: Any = None
) -> tuple[BoundClaim, dict[str, Any]]:
    """Return a claim in fractions, and as a certificate states it.

    Parameters
    ----------
    net : Network
    x : array_like, shape (n,)
    bound : float
        Positive.
    box : Box or pair (lower, upper)
        Bounded.
    norm : "inf" or 1
    code : array_like, shape (k,), optional

    Raises
    ------
    ShapeError, InputError
        If an input does not fit.

    Examples
    --------
    >>> claim, head = claim_of(Network.from_arrays([[[1.0]]]), [0.5], 0.25, (-1, 1), "inf")
    >>> claim.bound, head["observation"]
    (Fraction(1, 4), [0.5])
    """
    problem = Problem.of(net, x, box=box)
    if not problem.box.is_bounded:
        raise InputError("must be given, and bounded, for a proof", parameter="box")
    name = as_rational(norm, "proof").name
    as_number(bound, "bound", positive=True)
    at = None if code is None else as_vector(code, net.n_in, "code")
    if at is not None and not problem.box.contains(at):
        raise InputError("code is not in the box")
    head = {
        "format": checker.FORMAT,
        "network": entries_of(net),
        "observation": problem.x.tolist(),
        "box": [problem.box.lower.tolist(), problem.box.upper.tolist()],
        "norm": str(name),
        "bound": float(bound),
        "code": None if at is None else at.tolist(),
    }
    return checker.read_claim(head), head


def entries_of(net: Network) -> list[dict[str, Any]]:
    """Return a network as a certificate has it."""
    return [
        {"weight": layer.dense().tolist(), "bias": layer.bias.tolist(), "slopes": layer.activation.slope.tolist()}
        for layer in net
    ]
