"""SAT to the convexity of pre-images: convex iff the formula is unsatisfiable."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from pyomo_relu.errors import InputError
from reductions.box_form import BoxForm
from reductions.cnf import CNF
from reductions.depth_two import DepthTwo
from reductions.gadgets import formula_of, rounded, satisfying
from reductions.instance import Instance, parameters_of
from reductions.leaky import LeakyDepthTwo
from reductions.three_sat import ThreeSat


@dataclass(frozen=True)
class ConvexityFamily:
    """Reduce UNSAT to the convexity of a pre-image, which therefore is coNP-hard to decide, at depth two already.

    Let F be a formula over x_1, ..., x_n, and y = x_{n+1} one variable more.

    **Theorem** (``form="empty"``). Take F over x and y, in which y is free. The pre-image is empty, hence convex, if F
    is unsatisfiable, and it is not connected, hence not convex, if F is satisfiable.

    **Theorem** (``form="nonempty"``). Take F' = "y implies F" and "not y implies that all x are false"::

        (C or not y) for every clause C of F,    (y or not x_i) for every i.

    The pre-image is not empty. It is convex if F is unsatisfiable, and not connected if F is satisfiable.

    *Proof.* The pre-image of :class:`ThreeSat` has one component a model, each of them a box; that of the
    others is the set of models. Two or more components are not connected; one box, one point and the empty set are
    convex. In the first form models come in pairs, y false and y true. In the second there is one with y
    false, all of x false, and one with y true for every model of F. The same holds within ``[0, 1]^{n+1}``,
    and any larger box (for :class:`BoxForm` in the cube only).

    **Gap.** First form: that of `via`. Second form: 0, the observation is always met.

    **Size.** That of `via` for n + 1 variables and m, or m + n, clauses.

    Parameters
    ----------
    form : "empty" or "nonempty"
    via : ThreeSat, DepthTwo, LeakyDepthTwo or BoxForm
        From the formula to the network; those whose pre-image has one component a model.

    Raises
    ------
    InputError
        If `form` or `via` is none of these.

    Notes
    -----
    Derived for this project.

    Examples
    --------
    >>> reduction = ConvexityFamily(via=DepthTwo())
    >>> reduction.formula(CNF(1, [(1,)]))
    CNF(n_variables=2, clauses=((1, -2), (-1, 2)))
    >>> instance = reduction.reduce(CNF(1, [(1,)]))
    >>> instance.network([[0.0, 0.0], [1.0, 1.0], [0.5, 0.5]]).ravel().tolist()
    [0.0, 0.0, 1.0]
    >>> reduction.lift(instance, [1.0, 1.0]), reduction.lift(instance, [0.0, 0.0])
    ([True], None)
    """

    form: Literal["empty", "nonempty"] = "nonempty"
    via: ThreeSat | DepthTwo | LeakyDepthTwo | BoxForm = field(default_factory=ThreeSat)
    name: ClassVar[str] = "convexity"

    def __post_init__(self) -> None:
        if self.form not in ("empty", "nonempty"):
            raise InputError(f"form must be 'empty' or 'nonempty', got {self.form!r}")
        if not isinstance(self.via, (ThreeSat, DepthTwo, LeakyDepthTwo, BoxForm)):
            raise InputError(f"via must be a ThreeSat, DepthTwo, LeakyDepthTwo or BoxForm, got {self.via!r}")

    def formula(self, source: CNF) -> CNF:
        """Return the formula over one variable more, whose models are the components of the pre-image."""
        cnf = formula_of(source)
        n = cnf.n_variables
        if self.form == "empty":
            return CNF(n + 1, cnf.clauses)
        guarded = tuple((*clause, -(n + 1)) for clause in cnf.clauses)
        return CNF(n + 1, (*guarded, *((-i, n + 1) for i in range(1, n + 1))))

    def reduce(self, source: CNF) -> Instance:
        """Return the network and observation of `via` for the larger formula; the code may lie anywhere.

        Raises
        ------
        InputError
            If the source is not a formula, has no variables, or the network would not fit in memory.
        """
        instance = self.via.reduce(self.formula(source))
        gap = instance.gap if self.form == "empty" else 0.0
        return replace(instance, source=source, gap=gap, name=self.name, parameters=parameters_of(self))

    def lift(self, instance: Instance, z: Any) -> list[bool] | None:
        """Return the first n variables of the rounded code if they satisfy the source, else None.

        Of two codes in different components one is lifted to a model of the source at least.

        Parameters
        ----------
        instance : Instance
        z : sequence of real numbers, length n + 1

        Raises
        ------
        ShapeError, InputError
            If `z` has another length, or an entry is not a finite number.
        """
        return satisfying(instance.source, rounded(z, instance.network.n_in)[:-1])
