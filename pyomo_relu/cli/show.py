"""``pyomo-relu show``: what a network is made of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pyomo_relu.cli.network_argument import read_network
from pyomo_relu.cli.parameters import NetworkArgument, SlopesFlag

if TYPE_CHECKING:
    from pyomo_relu.network import Network


@dataclass(frozen=True)
class LayerFacts:
    """What is shown of one layer."""

    layer: int
    n_in: int
    n_out: int
    activation: str
    slope: float
    parameters: int
    weight_min: float
    weight_max: float
    dead_rows: int


def show(
    network: NetworkArgument,
    slopes: SlopesFlag = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Show a network: its layers, sizes, weights and dead rows."""
    net = read_network(network, slopes)
    layers = layer_facts(net)
    if as_json:
        facts = {"sizes": list(net.sizes), "parameters": net.n_parameters, "layers": [vars(layer) for layer in layers]}
        typer.echo(json.dumps(facts))
        return
    from pyomo_relu.cli import tables

    tables.show(tables.network_table(layers, net.sizes, net.n_parameters))


def layer_facts(net: Network) -> list[LayerFacts]:
    """Return what is shown of each layer.

    A row counts as dead where its signs alone say that it has the same output for every code: its weights are
    all zero, or it is a ReLU whose inputs are never negative and whose weights and bias are never positive.
    """
    import numpy as np

    found = []
    nonnegative = np.zeros(net.n_in, dtype=bool)
    for i, layer in enumerate(net, start=1):
        rows, columns, values = layer.nonzeros()
        varies, rises = np.zeros(layer.n_out, dtype=bool), layer.bias > 0.0
        varies[rows] = True
        rises[rows[(values > 0.0) | ~nonnegative[columns]]] = True
        dead = ~varies | (layer.activation.cuts & ~rises)
        found.append(
            LayerFacts(
                layer=i,
                n_in=layer.n_in,
                n_out=layer.n_out,
                activation=str(layer.activation),
                slope=np.asarray(layer.activation.compact).tolist(),
                parameters=layer.n_weights + layer.n_out,
                weight_min=float(layer.weight.min()),
                weight_max=float(layer.weight.max()),
                dead_rows=int(dead.sum()),
            )
        )
        nonnegative = layer.activation.cuts
    return found
