"""PyTorch state dicts: weights and biases by name, without activations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from pyomo_relu.errors import InputError
from pyomo_relu.io.affine_chain import require_weights
from pyomo_relu.io.torch_tensor import tensor_array
from pyomo_relu.validation import FloatArray

WRAPPERS = ("state_dict", "model_state_dict")
NDIM = {"weight": 2, "bias": 1}


def state_arrays(torch: Any, state: Mapping[Any, Any]) -> list[tuple[FloatArray, FloatArray | None]]:
    """Return weight and bias (None where there is none) of each dense layer, in the state dict's order.

    Raises
    ------
    InputError
        If a key is not a 2-D weight or its bias, or the order of the layers is in doubt.
    """
    for wrapper in WRAPPERS:
        if isinstance(state.get(wrapper), Mapping):
            state = state[wrapper]
    layers: dict[str, dict[str, FloatArray]] = {}
    n_weights = 0
    for key, value in state.items():
        prefix, _, kind = str(key).rpartition(".")
        if kind not in NDIM:
            raise InputError(f"key {key!r} is neither the weight nor the bias of a dense layer")
        array = tensor_array(torch, value, f"key {key!r}")
        if array.ndim != NDIM[kind]:
            raise InputError(f"key {key!r} has shape {array.shape}: not the {kind} of a dense layer")
        n_weights += array.size
        require_weights(n_weights)
        layers.setdefault(prefix, {})[kind] = array
    _check_order(list(layers))
    for prefix, layer in layers.items():
        if "weight" not in layer:
            raise InputError(f"key {prefix + '.bias'!r} has no weight beside it")
    if not layers:
        raise InputError("the state dict is empty")
    return [(layer["weight"], layer.get("bias")) for layer in layers.values()]


def _check_order(prefixes: list[str]) -> None:
    """Refuse numbers that run backwards: then the dict's order is not that of the layers."""
    for before, after in pairwise(prefixes):
        if re.sub(r"\d+", "#", before) == re.sub(r"\d+", "#", after) and _numbers(before) > _numbers(after):
            raise InputError(f"layer {after!r} comes after {before!r}: the order of the layers is in doubt")


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]
