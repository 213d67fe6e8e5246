"""At most r of n literals, as clauses: the sequential counter."""

from __future__ import annotations

from collections.abc import Sequence


def at_most(literals: Sequence[int], bound: int, n_variables: int) -> tuple[list[tuple[int, ...]], int]:
    """Return clauses that hold, for some values of new variables, iff at most `bound` of `literals` are true.

    The new variable s(i, j) says that at least j of the first i literals are true: s(i, j) follows from s(i-1, j),
    and from s(i-1, j-1) with the i-th literal; the i-th literal excludes s(i-1, bound).

    Parameters
    ----------
    literals : sequence of int
        n of them.
    bound : int
        r. A negative one gives an empty clause, n or more nothing.
    n_variables : int
        Variables that are taken already; new ones come after them.

    Returns
    -------
    clauses : list of tuple of int
        For 0 < r < n: 2 n r + n - 4 r of them.
    n_variables : int
        With the (n - 1) r new ones.

    References
    ----------
    Sinz (2005), Towards an optimal CNF encoding of Boolean cardinality constraints.

    Examples
    --------
    >>> at_most([1, 2], 1, 2)
    ([(-1, 3), (-2, -3)], 3)
    """
    n = len(literals)
    if bound < 0:
        return [()], n_variables
    if bound == 0:
        return [(-literal,) for literal in literals], n_variables
    if bound >= n:
        return [], n_variables

    def s(i: int, j: int) -> int:
        return n_variables + i * bound + j + 1

    clauses: list[tuple[int, ...]] = []
    for i, literal in enumerate(literals[:-1]):
        clauses.append((-literal, s(i, 0)))
        for j in range(bound):
            if i:
                clauses.append((-s(i - 1, j), s(i, j)))
                if j:
                    clauses.append((-literal, -s(i - 1, j - 1), s(i, j)))
    clauses += [(-literal, -s(i, bound - 1)) for i, literal in enumerate(literals[1:])]
    return clauses, n_variables + (n - 1) * bound
