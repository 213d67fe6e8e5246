"""The flags of workers: this process, processes beside it, or a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyomo_relu.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from pyomo_relu.batch import Processes

WORKERS = "Workers"

WorkersFlag = Annotated[
    int | None, typer.Option(help="Worker processes; this one if not given.", min=1, rich_help_panel=WORKERS)
]

DaskFlag = Annotated[
    str | None,
    typer.Option(
        help="Address of a Dask scheduler, such as tcp://10.0.0.1:8786.", metavar="ADDRESS", rich_help_panel=WORKERS
    ),
]


def check_workers(workers: int | None, dask: str | None) -> None:
    """Refuse two answers to one question."""
    if workers is not None and dask is not None:
        raise InputError("give --workers or --dask, not both")


@contextmanager
def executor(workers: int | None, dask: str | None) -> Iterator[Executor | Processes | None]:
    """Give what `invert_many` and the experiments take as their executor; a cluster is left as it is.

    Raises
    ------
    InputError
        If no scheduler answers at the address.
    MissingDependencyError
        If Dask's package is not installed.
    """
    if dask is None:
        from pyomo_relu.batch import Processes

        yield None if workers is None else Processes(workers)
        return
    try:
        import distributed
    except ImportError as error:
        raise MissingDependencyError('--dask needs the distributed package: pip install "pyomo-relu[dask]"') from error
    connect: Any = distributed.Client
    try:
        client = connect(dask)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"--dask {dask}: no scheduler answers there: {error}") from error
    with client:
        yield client.get_executor()
