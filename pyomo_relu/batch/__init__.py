"""Many observations of one network, through any executor, into a store that can be resumed."""

from pyomo_relu.batch.api import invert_many
from pyomo_relu.batch.batch import Batch, Failure
from pyomo_relu.batch.processes import Processes

__all__ = ["Batch", "Failure", "Processes", "invert_many"]
