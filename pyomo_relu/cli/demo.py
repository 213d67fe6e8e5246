"""``pyomo-relu demo``: noisy digits, inverted layer by layer and exactly, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyomo_relu.cli.group import DONE, UNDECIDED
from pyomo_relu.cli.invert import exit_code
from pyomo_relu.cli.method_flags import METHODS, MethodFlags
from pyomo_relu.cli.output import check_destination
from pyomo_relu.cli.solver_flags import SolverFlags, choose_solver
from pyomo_relu.cli.terminal import note, solving
from pyomo_relu.errors import MissingDependencyError

if TYPE_CHECKING:
    from pyomo_relu.network import Network
    from pyomo_relu.plots import GalleryRow
    from pyomo_relu.result import Result
    from pyomo_relu.solvers import Solver
    from pyomo_relu.validation import FloatArray

LAYERWISE, EXACT = "layer-wise", "exact"
BOX = (-4.0, 4.0)


@dataclass(frozen=True, eq=False)
class Trial:
    """One inversion of one digit; None where there is no code."""

    digit: int
    method: str
    result: Result
    image: FloatArray | None
    code_error: float | None
    psnr: float | None
    ends_digit: bool


def demo(
    digits: Annotated[int, typer.Option(help="How many of the ten packaged digits.")] = 5,
    noise: Annotated[float, typer.Option(help="Largest noise of a pixel, uniform.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed of the noise.")] = 0,
    solver: Annotated[str | None, typer.Option(help="For both methods; their defaults if not given.")] = None,
    time_limit: Annotated[float, typer.Option(help="Seconds for each inversion.")] = 60.0,
    out: Annotated[Path, typer.Option(help="The picture: .png, .svg or .pdf.")] = Path("demo.png"),
) -> None:
    """Invert noisy digits of the shipped generator, layer by layer and exactly; print a table, draw a picture."""
    from pyomo_relu.validation import as_count, as_number

    as_count(digits, "digits", 1, 10)
    as_number(noise, "noise")
    as_count(seed, "seed", 0)
    settings = choose_solver(SolverFlags(solver=solver, time_limit=time_limit))
    no_picture = _why_no_picture(out)

    from pyomo_relu.cli import tables
    from pyomo_relu.generator import mnist_generator, mnist_latents

    net, codes = mnist_generator(), mnist_latents()[:digits]
    observations = noisy(net(codes), noise, seed)
    trials = list(_trials(net, codes, observations, settings))
    tables.show(tables.demo_table(trials, noise))
    if no_picture:
        note(f"no picture: {no_picture}")
    else:
        from pyomo_relu.plots import plot_gallery

        rows = gallery(net(codes), observations, trials, noise)
        plot_gallery(rows, [f"digit {i}" for i in range(digits)], out, title="Inverting a ReLU generator 20-60-784")
        typer.echo(f"picture: {out.resolve()}")
    decided = all(exit_code(trial.result) == DONE for trial in trials)
    raise typer.Exit(DONE if decided else UNDECIDED)


def noisy(images: FloatArray, noise: float, seed: int) -> FloatArray:
    """Return images, shape (N, n), with noise drawn uniformly from [-noise, noise]."""
    import numpy as np

    from pyomo_relu.streams import stream

    return np.asarray(images + stream("demo noise", seed).uniform(-noise, noise, images.shape))


def gallery(truth: FloatArray, observations: FloatArray, trials: list[Trial], noise: float) -> list[GalleryRow]:
    """Return the rows of the picture: observation, truth, and a row a method."""
    from pyomo_relu.plots import GalleryRow

    n = len(truth)
    rows = [
        GalleryRow("observation", list(observations), [f"noise up to {noise:g}"] * n),
        GalleryRow("truth\nG(z*)", list(truth), [""] * n),
    ]
    for method in (LAYERWISE, EXACT):
        found = [trial for trial in trials if trial.method == method]
        rows.append(GalleryRow(method, [trial.image for trial in found], [_caption(trial) for trial in found]))
    return rows


def _trials(net: Network, codes: FloatArray, observations: FloatArray, settings: Solver) -> Iterator[Trial]:
    from pyomo_relu.inversion import invert
    from pyomo_relu.status import Status

    for digit, (code, x) in enumerate(zip(codes, observations, strict=True)):
        for name, method, box in ((LAYERWISE, METHODS["layerwise"], None), (EXACT, METHODS["exact"], BOX)):
            with solving(f"digit {digit}, {name} ({digit + 1} of {len(codes)})"):
                result = invert(net, x, method.make(MethodFlags()), box=box, solver=settings)
            if result.status is Status.INTERRUPTED:
                raise KeyboardInterrupt
            yield _trial(digit, name, result, net, code)


def _trial(digit: int, method: str, result: Result, net: Network, code: FloatArray) -> Trial:
    from pyomo_relu.accuracy import psnr, relative_error

    image = error = quality = None
    if result.z is not None:
        image = net(result.z)
        error = relative_error(result.z, code)
        quality = psnr(image, net(code))
    return Trial(digit, method, result, image, error, quality, ends_digit=method == EXACT)


def _caption(trial: Trial) -> str:
    result = trial.result
    status = "" if result.status.ok else f"{result.status.value.replace('_', ' ')}\n"
    if result.residual is None or trial.psnr is None:
        return status.strip()
    return f"{status}residual {result.residual:.3g}, {trial.psnr:.1f} dB"


def _why_no_picture(out: Path) -> str:
    from pyomo_relu.figure import SUFFIXES, check_picture

    check_destination(out, "--out", SUFFIXES)
    try:
        check_picture(out)
    except MissingDependencyError as error:
        return str(error)
    return ""
