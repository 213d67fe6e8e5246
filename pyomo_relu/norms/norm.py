"""`Norm`: how the deviations of the outputs are measured, and all that follows from that."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from pyomo_relu.rounding import TINY, gamma
from pyomo_relu.validation import FloatArray

NormName = Literal["inf", 1, 2] | str
"""What users pass, and what results hold and print."""


class Writer(Protocol):
    """What a norm may ask of the model that its objective is written into; see `formulations.residual`."""

    def variables(self, name: str, lower: FloatArray, upper: FloatArray) -> Sequence[Any]:
        """Add a variable an output."""

    def shared(self, name: str, lower: float, upper: float) -> Sequence[Any]:
        """Add one variable, and return it once for every output."""

    def hold(self, *parts: Sequence[Any]) -> None:
        """Hold what each output deviates by at the sum of its parts, or below."""

    def define(self, differences: Sequence[Any]) -> None:
        """Hold the signed difference of each output at its variable."""

    def minimise(
        self, linear: Sequence[Any] = (), squares: Sequence[Any] = (), *, cost: float = 1.0, most: float | None = None
    ) -> None:
        """Minimise ``cost * sum(linear) + sum(squares^2)``; the first sum alone may have a limit."""


class Norm(ABC):
    """How the deviations of outputs from an observation are measured.

    What a program minimises is the objective: the residual itself, or for a `quadratic` norm its square.

    Attributes
    ----------
    needs : frozenset of str
        The capabilities that its objective needs of a solver.
    quadratic : bool
        Whether the objective holds squares; the residual is its root then.
    folds : bool
        Whether the objective is a sum of squares and nothing else, which a rotation turns into another one.
    shared : bool
        Whether only the largest deviation counts.
    rational : bool
        Whether the residual of rational deviations is rational.
    spelling : str
        How users write it, in messages.
    first_search, first_lps : float
        Work of the first search for a proof, and of the bounds by LPs after it; see `inversion.proof`.
    feasibility : float
        What a solver lets pass in a row that holds the objective.
    """

    spelling: ClassVar[str]
    needs: ClassVar[frozenset[str]] = frozenset()
    quadratic: ClassVar[bool] = False
    folds: ClassVar[bool] = False
    shared: ClassVar[bool] = False
    rational: ClassVar[bool] = True
    first_search: ClassVar[float] = 5e7
    first_lps: ClassVar[float] = 1.6e9
    feasibility: ClassVar[float] = 1e-6

    @property
    @abstractmethod
    def name(self) -> NormName:
        """What users pass for it, and results hold and print."""

    @classmethod
    @abstractmethod
    def read(cls, text: str) -> Norm | None:
        """Return the norm that a text names; None where it names none of this class."""

    @abstractmethod
    def value(self, deviations: FloatArray) -> float:
        """Return the residual of deviations of either sign, in float64."""

    @abstractmethod
    def value_within(self, deviations: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
        """Return the residual of deviations >= 0 without rounding, or two rationals next to it, below and above."""

    @abstractmethod
    def enclosed(self, deviations: FloatArray, error: FloatArray) -> tuple[float, float]:
        """Return two numbers between which the residual lies where deviations >= 0 are off by at most `error`."""

    @abstractmethod
    def at_least(self, least: FloatArray) -> float:
        """Return the residual of deviations that are at least these, rounded down."""

    @abstractmethod
    def caps(self, least: FloatArray, most: float) -> FloatArray:
        """Return the most that each output can deviate where the residual is at most `most`, rounded up; shape (n,).

        Parameters
        ----------
        least : array, shape (n,)
            What each of them deviates by at least.
        most : float
        """

    @abstractmethod
    def write(self, to: Writer, least: FloatArray, most: FloatArray, budget: float | None) -> None:
        """Write the objective.

        Parameters
        ----------
        to : Writer
        least, most : array, shape (n,)
            Bounds of the single deviations.
        budget : float or None
            A bound of the residual.
        """

    @property
    def descends_by(self) -> NormName:
        """The smooth norm by which descent seeks codes that are near in this one."""
        return 2

    def tube(self, bound: float) -> float | None:
        """Return the most that any output deviates by in exactly the codes of a residual; None where there is none."""
        return None

    def largest(self, residual: float) -> float:
        """Return the most that any output deviates by where this is the residual, rounded up."""
        return residual

    def of_one(self, deviation: float) -> float:
        """Return the residual where one output deviates by that, and no other does."""
        return deviation

    def in_unit(self, unit: float) -> Norm:
        """Return the norm of which the residual, of deviations measured in a unit, is the residual in that unit."""
        return self

    def deviation_names(self, count: int) -> list[str]:
        """Return the name of the deviation that counts, for each output: its own, or one for all."""
        return [f"e_{j}" for j in range(count)]

    def needed(self, least: FloatArray, bound: float) -> FloatArray:
        """Return the lower bounds of deviations that a program is to be told: for a sum, each one's own."""
        return least

    def anyway(self, least: FloatArray, bound: float) -> FloatArray:
        """Return deviations that cost no code anything, since it has them anyway.

        Parameters
        ----------
        least : array, shape (n,)
            What each output deviates by at least.
        bound : float
            What the residual is at least.
        """
        return least

    def objective_of(self, residual: float) -> float:
        """Return the objective of a residual."""
        # A power that overflows is an exception, a product is infinite.
        return residual * residual if self.quadratic else residual

    def residual_of(self, objective: float) -> float:
        """Return the residual of an objective."""
        return math.sqrt(max(0.0, objective)) if self.quadratic else objective

    def tolerance(self, residual: float, scale: float) -> float:
        """Return ten times what a solver lets pass near a residual, as a residual."""
        room = 10.0 * self.feasibility * scale
        return room if not self.quadratic else math.sqrt(residual**2 + room * scale) - residual


class SumNorm(Norm):
    """A sum over the outputs of what each one's deviation costs.

    A budget of the sum bounds a ball of One or Two around the observation, by slopes: ``||slopes * deviations||`` is at
    most the radius.
    """

    lost: ClassVar[float] = math.sqrt(TINY)
    """What a deviation adds to the residual whose square underflows: that is less than the least normal number."""

    @abstractmethod
    def cost(self, deviations: FloatArray) -> FloatArray:
        """Return what deviations >= 0 cost."""

    @abstractmethod
    def deviation(self, cost: FloatArray) -> FloatArray:
        """Return the deviations that have a cost."""

    def total(self, residual: float) -> float:
        """Return the sum of costs of a residual."""
        return self.objective_of(residual)

    def at_least(self, least: FloatArray) -> float:
        """Return the residual of deviations that are at least these, rounded down."""
        bound, count = self.value(least), int(np.count_nonzero(least))
        # One entry is what it is; a sum is rounded down.
        return bound if count <= 1 else bound * (1.0 - gamma(count))

    def enclosed(self, deviations: FloatArray, error: FloatArray) -> tuple[float, float]:
        """Return two numbers between which the residual lies where deviations >= 0 are off by at most `error`."""
        value, apart = self.value(deviations), self.value(error)
        spread = gamma(deviations.size) * (value + apart) + deviations.size * self.lost
        return value - apart - spread, value + apart + spread

    def caps(self, least: FloatArray, most: float) -> FloatArray:
        """Return the most that each output can deviate where the residual is at most `most`, rounded up.

        The others' least deviations are taken off the budget.
        """
        cost, total = self.cost(least), self.total(most)
        spare = total - (cost.sum() - cost)
        error = gamma(least.size) * (total + cost.sum())
        return self.deviation(np.maximum(spare + error, 0.0))

    @property
    @abstractmethod
    def ball(self) -> BallNorm:
        """The norm of the ball."""

    def slopes(self, caps: FloatArray) -> FloatArray:
        """Return the ball's slopes where no output deviates by more than its cap, rounded down; shape (n,)."""
        return np.ones(caps.size)

    def radius(self, most: float, spent: FloatArray) -> float:
        """Return the radius of the ball of a residual, less what some outputs deviate by, rounded up."""
        cost, total = np.sum(self.cost(spent)), self.total(most)
        left = total - cost + gamma(spent.size) * (total + cost)
        return float(self.ball.deviation(max(left, 0.0)) * (1.0 + gamma(2)))


class SmoothNorm(SumNorm):
    """A norm whose objective is at most a sum of weighted squares, and has its value and gradient at any one point.

    Attributes
    ----------
    refits : int
        How often weights are renewed where an optimum is sought by least squares.
    """

    needs = frozenset({"MIQP"})
    quadratic = True
    feasibility = 1e-8
    refits: ClassVar[int] = 0

    @abstractmethod
    def weights(self, deviations: FloatArray) -> FloatArray:
        """Return the weights of the squares at deviations >= 0."""

    @abstractmethod
    def half_objective(self, missed: FloatArray) -> FloatArray:
        """Return half of the objective of signed deviations, along the last axis."""

    @abstractmethod
    def half_gradient(self, missed: FloatArray) -> FloatArray:
        """Return its gradient."""


class BallNorm(SumNorm):
    """The 1-norm or the 2-norm: a sum of powers, whose ball has a dual norm.

    Attributes
    ----------
    fits : tuple of float
        Powers of the slopes by which rows of the ball are weighed in least squares that seek multipliers.
    """

    power: ClassVar[Literal[1, 2]]
    fits: ClassVar[tuple[float, ...]]

    @property
    def name(self) -> NormName:
        """The power."""
        return self.power

    @classmethod
    def read(cls, text: str) -> Norm | None:
        """Return the norm that a text names."""
        return cls() if text == cls.spelling else None

    @property
    def ball(self) -> BallNorm:
        """The norm itself."""
        return self

    def value(self, deviations: FloatArray) -> float:
        """Return the norm, in float64."""
        return float(np.linalg.norm(deviations, self.power))

    def cost(self, deviations: FloatArray) -> FloatArray:
        """Return the power."""
        return deviations**self.power

    def deviation(self, cost: Any) -> Any:
        """Return the root."""
        return cost ** (1.0 / self.power)

    def total(self, residual: float) -> float:
        """Return the power."""
        return residual**self.power

    @abstractmethod
    def dual(self, vectors: FloatArray, axis: int) -> FloatArray:
        """Return the dual norm of vectors along an axis."""

    @abstractmethod
    def fit_weight(self, count: int) -> float:
        """Return what the weights of a ball's `count` rows are multiplied by in those least squares."""

    @abstractmethod
    def sharpened(
        self, y: FloatArray, slopes: FloatArray, nearest: Callable[[], FloatArray], most: float
    ) -> FloatArray:
        """Return better multipliers of a ball's rows, a column each.

        Parameters
        ----------
        y : array, shape (m, t)
        slopes : array, shape (m,)
        nearest : callable, which returns an array of shape (m,)
            ``slopes^2 * deviations`` where the 2-norm of ``slopes * deviations`` is least: orthogonal to the rows.
        most : float
            The radius.
        """

    @abstractmethod
    def half_space(self, centre: FloatArray, most: float) -> tuple[FloatArray, float]:
        """Return factors f and a limit: ``f . d`` is at most that where d >= 0 has at most the norm `most`.

        It is tight near `centre`, shape (m,), which may be anything >= 0.
        """
