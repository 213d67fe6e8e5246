"""PyTorch tensors as NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from pyomo_relu.errors import InputError
from pyomo_relu.validation import FloatArray


def tensor_array(torch: Any, value: Any, name: str) -> FloatArray:
    """Return a dense floating-point tensor as float64, exactly; refuse all else by `name`."""
    if not isinstance(value, torch.Tensor):
        raise InputError(f"{name} is a {type(value).__name__}, not a tensor")
    if value.layout != torch.strided or value.is_meta or not value.is_floating_point():
        raise InputError(f"{name} is not a dense floating-point tensor but {value.dtype}, {value.layout}")
    # A view can repeat one number of a file without end.
    if value.numel() * value.element_size() > value.untyped_storage().nbytes():
        raise InputError(f"{name} of shape {tuple(value.shape)} repeats fewer numbers: give it .contiguous()")
    return np.asarray(value.detach().to("cpu", torch.float64).numpy(), dtype=np.float64)
