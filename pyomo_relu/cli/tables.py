"""The tables that the commands print."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pyomo_relu.rounding import down, up

if TYPE_CHECKING:
    from pyomo_relu.batch import Batch, Failure
    from pyomo_relu.cli.demo import Trial
    from pyomo_relu.cli.show import LayerFacts
    from pyomo_relu.experiments import Finding, Summary
    from pyomo_relu.inversion import Extent
    from pyomo_relu.result import LayerReport, Result
    from pyomo_relu.solvers import Availability
    from pyomo_relu.status import Status

REALIZABLE = {True: Text("yes", "green"), False: Text("no", "red"), None: Text("undecided", "yellow")}

UNIQUE = {True: "yes", False: "no, two that differ were found", None: "undecided"}


def show(*tables: Table | None) -> None:
    """Print tables on stdout, as wide as the terminal, or wide enough for a file."""
    console = Console()
    if not console.is_terminal:
        # A pipe has no width; rich would fold the tables at 80 columns.
        console = Console(width=160)
    for table in tables:
        if table is not None:
            console.print(table)


def number(value: float | None, form: str = ".6g") -> str:
    """Write a number, or a dash where there is none."""
    return "-" if value is None else format(value, form)


def bound(value: float | None, digits: int, write: Callable[[float, int], str] = down) -> str:
    """Write a lower bound, rounded down (an upper one: up), or a dash where there is none."""
    return "-" if value is None else write(value, digits)


def status_text(status: Status) -> Text:
    """Write a status: green where ok, yellow at a limit, red else."""
    if status.ok:
        style = "green"
    elif status.value in ("time_limit", "limit", "interrupted", "wide_bounds"):
        style = "yellow"
    else:
        style = "red"
    return Text(status.value.replace("_", " "), style)


def result_table(result: Result) -> Table:
    """Return what an inversion found, and why it may be believed."""
    table = Table(box=box.ROUNDED, show_header=False, padding=(0, 1))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    status = status_text(result.status)
    if not result.status.ok:
        status.append(f": {result.status.advice}", "default")
    table.add_row("status", status)
    if result.message:
        table.add_row("message", Text(result.message))
    table.add_row("residual", Text(f"{number(result.residual, '.9g')}  ({result.norm} norm)"))
    table.add_row("dual bound", bound(result.dual_bound, 9))
    table.add_row("gap", number(result.gap, ".3%"))
    table.add_row("realizable", REALIZABLE[result.realizable])
    if result.z is None:
        table.add_row("code", Text("none", "red"))
    else:
        table.add_row("code", f"{result.z.size} numbers from {result.z.min():.4g} to {result.z.max():.4g}")
    table.add_row("solver", Text(result.solver))
    table.add_row("seconds", number(result.seconds, ".2f"))
    for title, style, claims in (
        ("verified", "green", result.certificate.verified),
        ("trusted", "yellow", result.certificate.trusted),
    ):
        if claims:
            table.add_section()
        for i, claim in enumerate(claims):
            said = Text(claim.text).append(f"  ({claim.by})", "dim")
            table.add_row(Text(title if i == 0 else "", f"bold {style}"), said)
    return table


def layers_table(layers: Sequence[LayerReport], sizes: Sequence[int]) -> Table | None:
    """Return what layer-wise inversion tells of each layer; None where there are none.

    Parameters
    ----------
    layers : sequence of LayerReport
    sizes : sequence of int
        ``(k, n_1, ..., n_d)`` of the problem's network, which has the observed outputs only.
    """
    if not layers:
        return None
    headings = ("layer", "status", "eps", "active/n", "rank/k", "unique", "residual", "solves", "s")
    table = _table(headings, right={*headings} - {"status", "unique"})
    for report in layers:
        table.add_row(
            str(report.layer),
            status_text(report.status),
            number(report.eps, ".4g"),
            f"{report.active}/{sizes[report.layer]}",
            f"{'?' if report.rank is None else report.rank}/{sizes[report.layer - 1]}",
            Text("yes", "green") if report.unique else Text("no", "red"),
            number(report.residual, ".4g"),
            str(report.n_solves),
            number(report.seconds, ".2f"),
        )
    return table


def extent_table(extent: Extent | None) -> Table | None:
    """Return how far the codes reach that are as good as the one found; None where there is no such code."""
    if extent is None or extent.level is None:
        return None
    headings = ("entry", "at least", "attained", "attained ", "at most", "width", "status")
    table = _table(headings, right={*headings} - {"status"})
    columns = (extent.lower, extent.attained_lower, extent.attained_upper, extent.upper, extent.width)
    for i, (status, low, *attained, high, width) in enumerate(zip(extent.statuses, *columns, strict=True)):
        ends = bound(low, 6), *map(number, attained), bound(high, 6, up), bound(width, 6, up)
        table.add_row(str(i), *ends, status_text(status))
    table.caption = (
        f"codes with residual up to {extent.level:.9g} ({extent.norm} norm), {extent.tol:.2g} above the one found; "
        f"unique up to {extent.apart:.2g}: {UNIQUE[extent.unique]}; {extent.solver}, {extent.seconds:.1f} s"
    )
    return table


def batch_table(batch: Batch) -> Table:
    """Return what became of many observations."""
    summary = batch.summary()
    table = Table(box=box.ROUNDED, show_header=False, padding=(0, 1))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    table.add_row("observations", str(summary["observations"]))
    for status, count in summary["statuses"].items():
        table.add_row(status.replace("_", " "), str(count))
    table.add_row("realizable", str(summary["realizable"]))
    table.add_row("median residual", number(summary["median_residual"], ".9g"))
    table.add_row("largest residual", number(summary["largest_residual"], ".9g"))
    table.add_row("seconds", number(summary["seconds"], ".2f"))
    table.add_row("sum of solves", number(summary["solve_seconds"], ".2f"))
    return table


def failures_table(failures: Sequence[Failure]) -> Table | None:
    """Return which observations have no answer, and why; None where all have one."""
    if not failures:
        return None
    table = _table(("observation", "error", "message"), right={"observation"})
    for failure in failures:
        table.add_row(str(failure.index), Text(failure.error, "red"), Text(failure.message))
    return table


def solvers_table(found: Iterable[Availability]) -> Table:
    """Return which solvers run here, what they can do, and how to install them."""
    table = _table(("solver", "runs here", "version", "takes", "install"))
    for solver in found:
        runs = Text("yes", "green") if solver.runs else Text(f"no: {solver.reason}", "red")
        supports, install = Text(", ".join(solver.supports)), Text(solver.install, "dim" if solver.runs else "")
        table.add_row(Text(solver.name, "bold"), runs, solver.version or "-", supports, install)
    return table


def network_table(layers: Iterable[LayerFacts], sizes: Sequence[int], parameters: int) -> Table:
    """Return a network's layers, and its totals below them."""
    headings = ("layer", "in", "out", "activation", "parameters", "least weight", "largest weight", "dead rows")
    table = _table(headings, right={*headings} - {"activation"})
    for layer in layers:
        table.add_row(
            str(layer.layer),
            str(layer.n_in),
            str(layer.n_out),
            layer.activation,
            f"{layer.parameters:,}",
            number(layer.weight_min, ".4g"),
            number(layer.weight_max, ".4g"),
            Text(str(layer.dead_rows), "yellow" if layer.dead_rows else "dim"),
        )
    table.caption = f"sizes {'-'.join(map(str, sizes))}, {parameters:,} parameters"
    return table


def demo_table(rows: Iterable[Trial], noise: float) -> Table:
    """Return what the demo found, a row an inversion."""
    headings = ("digit", "noise", "method", "status", "residual", "dual bound", "error of z", "PSNR", "seconds")
    table = _table(headings, right={*headings} - {"method", "status"})
    table.caption = (
        "residual and bound: largest deviation of a pixel; error of z: relative, 2-norm; "
        "PSNR: of G(z) against the clean digit, in dB, peak 1"
    )
    for row in rows:
        table.add_row(
            str(row.digit),
            number(noise, "g"),
            row.method,
            status_text(row.result.status),
            number(row.result.residual, ".4g"),
            bound(row.result.dual_bound, 4),
            number(row.code_error, ".2%"),
            number(row.psnr, ".1f"),
            number(row.result.seconds, ".1f"),
            end_section=row.ends_digit,
        )
    return table


def summary_table(summary: Summary) -> Table:
    """Return what an experiment measured; texts that are not in the first two columns stand to the right."""
    table = _table(summary.headings, right=summary.headings[2:])
    for row in summary.rows:
        table.add_row(*map(Text, row))
    return table


def findings_table(findings: Iterable[Finding]) -> Table:
    """Return what the paper says, beside what was measured."""
    table = _table(("the paper", "measured", ""))
    styles = {True: "green", False: "red", None: "yellow"}
    for finding in findings:
        table.add_row(Text(finding.paper), Text(finding.measured), Text(finding.verdict, styles[finding.agrees]))
    return table


def _table(headings: Sequence[str], right: Iterable[str] = ()) -> Table:
    table = Table(box=box.ROUNDED, header_style="bold")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left")
    return table
