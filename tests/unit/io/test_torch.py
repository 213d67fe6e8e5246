"""PyTorch modules and files, against PyTorch's own forward pass; refusals; hostile files."""

from __future__ import annotations

import pickle
import random
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from damaged_files import is_refusal, read_bytes

from pyomo_relu import io
from pyomo_relu.errors import InputError, MissingDependencyError, NetworkFileError, ShapeError
from pyomo_relu.io import affine_chain
from pyomo_relu.io import torch as reader
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network, load_network


def test_missing_package_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.pt").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependencyError, match=r'reading PyTorch files.*pip install "pyomo-relu\[torch\]"'):
        load_network(tmp_path / "net.pt")
    assert reader.from_object(object()) is None


torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn = torch.nn
torch.manual_seed(0)


def normalised(width: int, **options: Any) -> Any:
    """A BatchNorm1d with statistics and parameters other than those it starts with."""
    module = nn.BatchNorm1d(width, **options)
    with torch.no_grad():
        module.running_mean.normal_()
        module.running_var.uniform_(0.5, 2.0)
        if module.affine:
            module.weight.normal_()
            module.bias.normal_()
    return module


MODULES: dict[str, tuple[Any, tuple[float, ...]]] = {
    "relu": (nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), (0.0, 1.0)),
    "without-bias": (nn.Sequential(nn.Linear(3, 4, bias=False), nn.ReLU(inplace=True)), (0.0,)),
    "leaky": (nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(0.1), nn.Linear(4, 2), nn.LeakyReLU()), (0.1, 0.01)),
    "prelu": (nn.Sequential(nn.Linear(3, 4), nn.PReLU(init=0.125)), (0.125,)),
    "nested": (
        nn.Sequential(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), nn.Sequential(nn.Sequential(nn.Linear(4, 2)))),
        (0.0, 1.0),
    ),
    "flatten-dropout-identity": (
        nn.Sequential(nn.Flatten(), nn.Linear(3, 4), nn.Dropout(0.9), nn.ReLU(), nn.Identity()),
        (0.0,),
    ),
    "batchnorm": (nn.Sequential(nn.Linear(3, 4), normalised(4), nn.ReLU(), nn.Linear(4, 2)), (0.0, 1.0)),
    "batchnorm-after-relu": (
        nn.Sequential(nn.Linear(3, 4), nn.ReLU(), normalised(4, eps=0.3), nn.Linear(4, 2)),
        (0.0, 1.0),
    ),
    "batchnorm-first": (nn.Sequential(normalised(3, affine=False), nn.Linear(3, 4), nn.ReLU()), (0.0,)),
    "affine-merged": (nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)), (1.0,)),
    "relu-first": (nn.Sequential(nn.ReLU(), nn.Linear(3, 4)), (0.0, 1.0)),
    "relu-twice": (nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.ReLU()), (0.0, 0.0)),
    "double": (nn.Sequential(nn.Linear(3, 4), nn.ReLU()).double(), (0.0,)),
    "linear": (nn.Linear(3, 4), (1.0,)),
}


def assert_agrees(net: Network, module: Any) -> None:
    samples = np.random.default_rng(1).normal(size=(6, net.n_in)).astype(np.float32)
    training = module.training
    with torch.no_grad():
        expected = module.eval()(torch.from_numpy(samples).to(next(module.parameters()).dtype)).numpy()
    module.train(training)
    np.testing.assert_allclose(net(samples), expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def save(content: Any, folder: Path, name: str = "net.pt") -> Path:
    torch.save(content, folder / name)
    return folder / name


@pytest.mark.parametrize("name", MODULES)
def test_module_and_its_file_agree_with_pytorch(name: str, tmp_path: Path) -> None:
    module, slopes = MODULES[name]
    net, again = load_network(module), load_network(save(module, tmp_path))
    assert_agrees(net, module)
    for a, b in zip(net, again, strict=True):
        assert np.array_equal(a.weight, b.weight)
        assert np.array_equal(a.bias, b.bias)
        assert a.slope == b.slope
    assert [layer.slope for layer in net] == pytest.approx(list(slopes), rel=1e-7)


def test_a_linear_module_is_not_rounded() -> None:
    module = nn.Linear(3, 4)
    (layer,) = load_network(module)
    assert np.array_equal(layer.weight, module.weight.detach().numpy().astype(np.float64))
    assert np.array_equal(layer.bias, module.bias.detach().numpy().astype(np.float64))


class Custom(nn.Module):  # type: ignore[misc, name-defined]
    def forward(self, x: Any) -> Any:
        return x


class Loud(nn.Linear):  # type: ignore[misc, name-defined]
    def forward(self, x: Any) -> Any:
        return 2 * super().forward(x)


def hooked() -> Any:
    module = nn.Sequential(nn.Linear(3, 4))
    module[0].register_forward_hook(lambda *args: args[-1] * 2)
    return module


def hooked_outside() -> Any:
    module = nn.Sequential(nn.Linear(3, 4))
    module.register_forward_pre_hook(lambda *args: None)
    return module


def replaced_forward() -> Any:
    module = nn.Sequential(nn.Linear(3, 4))
    module[0].forward = lambda x: x
    return module


OBJECTS: dict[str, tuple[Callable[[], Any], str]] = {
    "tanh": (
        lambda: nn.Sequential(nn.Linear(3, 4), nn.Tanh()),
        r"module 'Tanh' \(number 2\) is not supported; supported: Batch",
    ),
    "conv": (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten()), r"module 'Conv2d' \(number 1\) is not supported"),
    "softmax": (lambda: nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.Softmax(1))), "module 'Softmax'"),
    "custom": (Custom, "module 'Custom'"),
    "subclass": (lambda: nn.Sequential(Loud(3, 4)), "module 'Loud'"),
    "modulelist": (lambda: nn.ModuleList([nn.Linear(3, 4)]), "module 'ModuleList'"),
    "weight-norm": (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(3, 4)), "module 'ParametrizedLinear'"),
    "hook": (hooked, r"module 'Linear' \(number 1\) carries hooks"),
    "pre-hook": (hooked_outside, "module 'Sequential' carries hooks"),
    "forward": (replaced_forward, "carries hooks"),
    "prelu-vector": (lambda: nn.Sequential(nn.Linear(3, 4), nn.PReLU(3)), "slope has shape"),
    "leaky-above-one": (
        lambda: nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(2.0)),
        r"slope must lie in \[0, 1\]",
    ),
    "flatten-batch": (lambda: nn.Sequential(nn.Flatten(0), nn.Linear(3, 4)), "flattens axes 0 to -1"),
    "no-statistics": (
        lambda: nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4, track_running_stats=False)),
        "no running statistics",
    ),
    "sizes": (
        lambda: nn.Sequential(nn.Linear(3, 4), nn.Linear(3, 4)),
        r"'Linear' \(number 2\): the weight expects 3 inputs, got 4",
    ),
    "norm-size": (lambda: nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(5)), "has 5 entries, expected 4"),
    "empty": (nn.Sequential, "no layer has a weight"),
    "only-relu": (lambda: nn.Sequential(nn.ReLU()), "no layer has a weight"),
    "meta": (lambda: nn.Linear(3, 4, device="meta"), "weight is not a dense floating-point tensor"),
    "complex": (lambda: nn.Linear(3, 4, dtype=torch.complex64), "weight is not a dense floating-point tensor"),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_object_is_refused(name: str) -> None:
    build, message = OBJECTS[name]
    with pytest.raises(InputError, match=message) as caught:
        load_network(build())
    assert "\n" not in str(caught.value)


def test_not_a_module() -> None:
    assert reader.from_object(torch.zeros(3)) is None
    with pytest.raises(InputError, match="cannot read a network from a Tensor"):
        io.read_layers(torch.zeros(3))


def test_slopes_are_refused_for_modules(tmp_path: Path) -> None:
    module = MODULES["relu"][0]
    with pytest.raises(InputError, match="slopes must be left out"):
        load_network(module, slopes=0.0)
    with pytest.raises(InputError, match="slopes must be left out"):
        load_network(save(module, tmp_path), slopes=0.0)


class Named(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2, self.out = nn.Linear(3, 5), nn.Linear(5, 4, bias=False), nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        return self.out(torch.relu(self.fc2(nn.functional.leaky_relu(self.fc1(x), 0.25))))


@pytest.mark.parametrize(
    "wrap", [lambda s: s, dict, lambda s: {"state_dict": s, "epoch": 3}, lambda s: {"model_state_dict": s}]
)
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".PT"])
def test_state_dict_agrees_with_pytorch(wrap: Callable[[Any], Any], suffix: str, tmp_path: Path) -> None:
    module = Named()
    path = save(wrap(module.state_dict()), tmp_path, f"net{suffix}")
    net = load_network(path, slopes=[0.25, 0.0, 1.0])
    assert_agrees(net, module)
    assert np.array_equal(net[0].weight, module.fc1.weight.detach().numpy().astype(np.float64))
    assert not net[1].bias.any()


def test_state_dict_of_a_sequential_and_of_a_linear(tmp_path: Path) -> None:
    module = MODULES["relu"][0]
    assert_agrees(load_network(save(module.state_dict(), tmp_path), slopes=(0.0, 1.0)), module)
    module = nn.Linear(3, 2)
    assert_agrees(load_network(save(module.state_dict(), tmp_path), slopes=1.0), module)


def test_state_dict_needs_slopes(tmp_path: Path) -> None:
    path = save(MODULES["relu"][0].state_dict(), tmp_path)
    with pytest.raises(NetworkFileError, match=r"slopes must be given: .* holds no activations; .* 2 layers \(0 ReLU"):
        load_network(path)
    with pytest.raises(ShapeError, match="got 2 weights but 3 slopes"):
        load_network(path, slopes=[0.0, 0.0, 1.0])
    with pytest.raises(InputError, match=r"must be in \[0, 1\]"):
        load_network(path, slopes=[0.0, -1.0])


W, B = torch.ones(4, 3), torch.ones(4)
STATES: dict[str, tuple[Any, str]] = {
    "empty": ({}, "the state dict is empty"),
    "batchnorm": (
        nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).state_dict(),
        r"key '1.weight' has shape \(4,\): not the weight",
    ),
    "statistics": ({"0.weight": W, "0.running_mean": B}, "key '0.running_mean' is neither"),
    "conv": (nn.Sequential(nn.Conv2d(1, 2, 3)).state_dict(), r"key '0.weight' has shape \(2, 1, 3, 3\)"),
    "lstm": (nn.LSTM(3, 4).state_dict(), "key 'weight_ih_l0' is neither"),
    "bias-alone": ({"0.weight": W, "1.bias": B}, "key '1.bias' has no weight beside it"),
    "bias-matrix": ({"0.weight": W, "0.bias": W}, "key '0.bias' has shape"),
    "bias-size": ({"0.weight": W, "0.bias": torch.ones(3)}, "layer 1: the bias has 3 entries, expected 4"),
    "neighbours": ({"0.weight": W, "2.weight": W}, "layer 2: the weight expects 3 inputs, got 4"),
    "order": (
        {"0.weight": W, "10.weight": W, "2.weight": W},
        "layer '2' comes after '10': the order of the layers is in doubt",
    ),
    "named-order": ({"fc2.weight": W, "fc1.weight": W}, "layer 'fc1' comes after 'fc2'"),
    "not-a-tensor": ({"0.weight": [1.0]}, "key '0.weight' is a list, not a tensor"),
    "integers": ({"0.weight": torch.ones(4, 3, dtype=torch.int64)}, "not a dense floating-point tensor"),
    "sparse": ({"0.weight": W.to_sparse()}, "not a dense floating-point tensor"),
    "nan": ({"0.weight": W * float("nan")}, "layer 1: weight has 12 entries that are not finite"),
    "other-key": ({"0.weight": W, "epoch": 3}, "key 'epoch' is neither"),
    "number-key": ({3: W}, "key 3 is neither"),
    "wrapped-module": ({"model": W}, "key 'model' is neither"),
    "list": ([W, B], "it holds a list, not a state dict or a Sequential"),
    "tensor": (W, "it holds a Tensor"),
}


@pytest.mark.parametrize("name", STATES)
def test_state_dict_is_refused(name: str, tmp_path: Path) -> None:
    state, message = STATES[name]
    path = save(state, tmp_path)
    with pytest.raises(NetworkFileError, match=message) as caught:
        load_network(path, slopes=0.0)
    assert is_refusal(str(caught.value), path)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_precisions_are_read_exactly(dtype: str, tmp_path: Path) -> None:
    weight = torch.randn(4, 3).to(getattr(torch, dtype))
    (layer,) = load_network(save({"weight": weight}, tmp_path), slopes=0.0)
    assert np.array_equal(layer.weight, weight.double().numpy())


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('code of a file was run')",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            nn.Sequential(nn.Linear(3, 4), nn.Tanh()),
            "torch.nn.modules.activation.Tanh is not supported; supported: Batch",
        ),
        (Named(), "Named is not supported"),
        ({"0.weight": W, "x": Bomb()}, "builtins.exec is not supported"),
        (OrderedDict(a=print), "builtins.print is not supported"),
    ],
)
def test_files_of_other_classes_are_refused_by_name(content: Any, message: str, tmp_path: Path) -> None:
    path = save(content, tmp_path)
    with pytest.raises(NetworkFileError, match=message) as caught:
        load_network(path, slopes=0.0)
    assert is_refusal(str(caught.value), path)


def test_allowed_classes_stay_as_the_user_left_them(tmp_path: Path) -> None:
    path = save(MODULES["relu"][0], tmp_path)
    torch.serialization.add_safe_globals([nn.Linear])
    before = set(torch.serialization.get_safe_globals())
    load_network(path)
    assert set(torch.serialization.get_safe_globals()) == before
    torch.serialization.clear_safe_globals()
    load_network(path)
    assert not torch.serialization.get_safe_globals()


def test_a_module_without_its_parts(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(3, 4))
    del module[0]._parameters["weight"]
    with pytest.raises(NetworkFileError, match="a module: damaged"):
        load_network(save(module, tmp_path))
    module = nn.Sequential()
    module._modules["0"] = module
    with pytest.raises(NetworkFileError, match="more than 10000 modules"):
        load_network(save(module, tmp_path))


def test_a_small_file_asks_for_no_large_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repeated = torch.ones(1).expand(10**6, 10**6)
    with pytest.raises(NetworkFileError, match=r"'weight' of shape .* repeats fewer numbers: give it .contiguous\(\)"):
        load_network(save({"weight": repeated}, tmp_path), slopes=0.0)
    one = nn.Linear(10, 10)
    nest = nn.Sequential()
    for _ in range(60):
        nest = nn.Sequential(nest, nest)
    with pytest.raises(NetworkFileError, match="more than 10000 modules"):
        load_network(save(nest, tmp_path))
    monkeypatch.setattr(affine_chain, "MAX_WEIGHTS", 1000)
    assert len(load_network(save(nn.Sequential(*[one, nn.ReLU()] * 10), tmp_path))) == 10
    with pytest.raises(NetworkFileError, match="its layers have 1100 weights or more, at most 1000 are read"):
        load_network(save(nn.Sequential(*[one, nn.ReLU()] * 11), tmp_path))
    with pytest.raises(NetworkFileError, match="at most 1000 are read"):
        load_network(save({f"{i}.weight": one.weight for i in range(11)}, tmp_path), slopes=0.0)


def test_truncated_file(tmp_path: Path) -> None:
    path = save(nn.Sequential(nn.Linear(2, 1), nn.ReLU()), tmp_path)
    data = path.read_bytes()
    for length in range(0, len(data), 7):
        assert is_refusal(read_bytes(data[:length], path), path)


@pytest.mark.filterwarnings("ignore")
def test_changed_bytes_are_refused_or_harmless(tmp_path: Path) -> None:
    path = save(nn.Sequential(nn.Linear(2, 1), nn.ReLU()), tmp_path)
    data, whole, rng = path.read_bytes(), io.read_layers(path), random.Random(0)
    for _ in range(300):
        changed = bytearray(data)
        changed[rng.randrange(len(data))] = rng.randrange(256)
        found = read_bytes(bytes(changed), path)
        if isinstance(found, str):
            assert is_refusal(found, path)
        else:
            assert np.array_equal(found[0].weight, whole[0].weight)
            assert np.array_equal(found[0].bias, whole[0].bias)


# A changed protocol number is not refused by PyTorch, only warned of.
@pytest.mark.filterwarnings("ignore")
def test_a_changed_pickle_is_refused_or_read(tmp_path: Path) -> None:
    path = save(nn.Sequential(nn.Linear(2, 1), nn.ReLU()), tmp_path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name, rng = next(name for name in members if name.endswith("data.pkl")), random.Random(0)
    for _ in range(300):
        data = bytearray(members[name])
        data[rng.randrange(len(data))] = rng.randrange(256)
        with zipfile.ZipFile(path, "w") as archive:
            for member, value in (members | {name: bytes(data)}).items():
                archive.writestr(member, value)
        found = read_bytes(path.read_bytes(), path)
        assert is_refusal(found, path) or all(isinstance(layer, Layer) for layer in found)


@pytest.mark.parametrize("data", [b"", b"garbage", pickle.dumps({"0.weight": 1.0}), b"PK\x03\x04" + bytes(100)])
def test_what_is_no_archive_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    assert is_refusal(read_bytes(data, path), path)


def test_old_format_and_torchscript_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.save({"0.weight": W}, path, _use_new_zipfile_serialization=False)
    assert is_refusal(read_bytes(path.read_bytes(), path), path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("constants.pkl", b"")
    assert is_refusal(read_bytes(path.read_bytes(), path), path)
