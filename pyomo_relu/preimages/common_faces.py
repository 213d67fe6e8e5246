"""`CommonFaces`: where two cells may meet, by linear equations alone.

In the first layer in which two patterns differ, the pre-activations are the same affine functions of the code in both
cells, and those of the neurons that differ are zero wherever the cells meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyomo_relu.inversion.pattern import ActivationRegion
from pyomo_relu.network import Network
from pyomo_relu.preimages.cell import Cell
from pyomo_relu.preimages.polytope import APART, RANK, THIN
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True, eq=False)
class CommonFaces:
    """The hyperplanes in which the neurons of several cells switch, one row a neuron that is not linear.

    Parameters
    ----------
    signs : bool array, shape (N, m)
    layers : int array, shape (m,)
        Of each neuron.
    rows, limits : list of array, shapes (m, k) and (m,)
        One a cell.
    cells : sequence of Cell
    """

    signs: NDArray[np.bool_]
    layers: NDArray[np.int64]
    rows: list[FloatArray]
    limits: list[FloatArray]
    cells: Sequence[Cell]

    @classmethod
    def of(cls, network: Network, cells: Sequence[Cell]) -> CommonFaces:
        """Return the hyperplanes of some cells."""
        bends = [layer.activation.bends for layer in network]
        layers = np.repeat(np.arange(len(network)), [int(bent.sum()) for bent in bends])
        signs = [np.concatenate([on[bent] for on, bent in zip(cell.pattern, bends, strict=True)]) for cell in cells]
        regions = [ActivationRegion.of(network, cell.pattern) for cell in cells]
        rows, limits = [region.sides for region in regions], [region.limits for region in regions]
        return cls(np.array(signs), layers, rows, limits, cells)

    def meeting(self, i: int, j: int) -> FloatArray | None:
        """Return a point of both cells, up to `THIN`, or None where they are apart by more than `APART`.

        Raises
        ------
        LinearProgramError
            If that cannot be told.
        """
        differ = np.flatnonzero(self.signs[i] != self.signs[j])
        differ = differ[self.layers[differ] == self.layers[differ[:1]]]
        rows, limits = self.rows[i][differ], self.limits[i][differ]
        z, _, rank, values = np.linalg.lstsq(rows, limits, rcond=RANK)
        # A code that satisfied every row up to APART would leave no more than this.
        most = APART * (1.0 + float(np.linalg.norm(rows)))
        if np.linalg.norm(rows @ z - limits) > most:
            return None
        if self._both_contain(i, j, z, THIN):
            return np.asarray(z)
        # Where the hyperplanes have a single point in common, they meet near it or nowhere.
        if rank == rows.shape[1] and not self._both_contain(i, j, z, APART + 2.0 * most / float(values[-1])):
            return None
        return self.cells[i].meeting(self.cells[j])

    def _both_contain(self, i: int, j: int, z: FloatArray, tol: float) -> bool:
        return bool(self.cells[i].contains(z, tol) and self.cells[j].contains(z, tol))
