"""PyTorch modules as layers, in their eval form: dropout is off, BatchNorm1d is folded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyomo_relu.errors import InputError
from pyomo_relu.io.affine_chain import AffineChain
from pyomo_relu.io.torch_tensor import tensor_array
from pyomo_relu.layer import Layer

Step = Callable[[Any, Any, AffineChain], None]

MOST_MODULES = 10_000
"""Sequentials too: one may stand at many places, so that a file of a few names a million."""


def module_layers(torch: Any, module: Any) -> tuple[Layer, ...]:
    """Return the layers of a ``Sequential`` (nested ones too), or of one module of :data:`STEPS`.

    Raises
    ------
    InputError
        If a module's class is not in :data:`STEPS`, or it carries hooks.
    """
    modules = _flat(torch, module)
    # All that may come before the first Linear keeps the width.
    chain = AffineChain(next((m.in_features for m in modules if type(m) is torch.nn.Linear), None))
    steps = {getattr(torch.nn, name): step for name, step in STEPS.items()}
    for number, part in enumerate(modules, start=1):
        name = f"module {type(part).__name__!r} (number {number})"
        step = steps.get(type(part))
        if step is None:
            raise InputError(f"{name} is not supported; supported: {', '.join(SUPPORTED)}")
        if part._forward_hooks or part._forward_pre_hooks or "forward" in vars(part):
            raise InputError(f"{name} carries hooks, which would be lost")
        try:
            step(torch, part, chain)
        except InputError as error:
            raise type(error)(f"{name}: {error}") from error
    return chain.layers()


def _flat(torch: Any, module: Any) -> list[Any]:
    """Return the modules in a Sequential and in those inside it, in their order."""
    found: list[Any] = []
    waiting, n_seen = [module], 0
    while waiting:
        part = waiting.pop()
        n_seen += 1
        # A subclass may override forward, so only the class itself is taken.
        if type(part) is not torch.nn.Sequential:
            found.append(part)
            continue
        if part._forward_hooks or part._forward_pre_hooks or "forward" in vars(part):
            raise InputError("module 'Sequential' carries hooks, which would be lost")
        waiting += reversed(list(part))
        if n_seen + len(waiting) > MOST_MODULES:
            raise InputError(f"it has more than {MOST_MODULES} modules")
    return found


def _linear(torch: Any, module: Any, chain: AffineChain) -> None:
    chain.linear(tensor_array(torch, module.weight, "weight"))
    if module.bias is not None:
        chain.shift(tensor_array(torch, module.bias, "bias"))


def _batch_norm(torch: Any, module: Any, chain: AffineChain) -> None:
    if module.running_mean is None or module.running_var is None:
        raise InputError("it keeps no running statistics, so it has no eval form")
    mean = tensor_array(torch, module.running_mean, "running_mean")
    variance = tensor_array(torch, module.running_var, "running_var")
    factor = None if module.weight is None else tensor_array(torch, module.weight, "weight")
    offset = None if module.bias is None else tensor_array(torch, module.bias, "bias")
    chain.normalize(mean, variance, module.eps, factor, offset)


def _prelu(torch: Any, module: Any, chain: AffineChain) -> None:
    slope = tensor_array(torch, module.weight, "slope")
    chain.activate(slope if slope.size > 1 else slope[0])


def _flatten(torch: Any, module: Any, chain: AffineChain) -> None:
    if (module.start_dim, module.end_dim) != (1, -1):
        raise InputError(f"it flattens axes {module.start_dim} to {module.end_dim}, only 1 to -1 is supported")


def _relu(torch: Any, module: Any, chain: AffineChain) -> None:
    chain.activate(0.0)


def _leaky_relu(torch: Any, module: Any, chain: AffineChain) -> None:
    chain.activate(module.negative_slope)


def _identity(torch: Any, module: Any, chain: AffineChain) -> None:
    pass


STEPS: dict[str, Step] = {
    "BatchNorm1d": _batch_norm,
    "Dropout": _identity,
    "Flatten": _flatten,
    "Identity": _identity,
    "LeakyReLU": _leaky_relu,
    "Linear": _linear,
    "PReLU": _prelu,
    "ReLU": _relu,
}
SUPPORTED = (*STEPS, "Sequential")
