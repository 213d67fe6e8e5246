"""Experiments that reproduce the paper's figures and theory, and the script that trained the packaged generators."""

from pyomo_relu.experiments.check import Check
from pyomo_relu.experiments.data import Data
from pyomo_relu.experiments.experiment import Experiment, Finding, Row, Summary, Task
from pyomo_relu.experiments.fig1 import Fig1
from pyomo_relu.experiments.fig2 import Fig2
from pyomo_relu.experiments.fig3 import Fig3
from pyomo_relu.experiments.fig4 import Fig4
from pyomo_relu.experiments.reproduce import Report, reproduce
from pyomo_relu.experiments.statistics import distinct, median, select
from pyomo_relu.experiments.style import COLORS
from pyomo_relu.experiments.theory import Theory

EXPERIMENTS: dict[str, Experiment] = {
    experiment.name: experiment for experiment in (Fig1(), Fig2(), Fig3(), Fig4(), Theory(), Data())
}
"""The experiments by name."""

__all__ = [
    "COLORS",
    "EXPERIMENTS",
    "Check",
    "Experiment",
    "Finding",
    "Report",
    "Row",
    "Summary",
    "Task",
    "distinct",
    "median",
    "reproduce",
    "select",
]
