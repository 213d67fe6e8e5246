"""Random tiny networks x methods: every claim against an independent brute force, verified ones told from trusted ones.

    python benchmarks/soundness.py --count 100000 --workers 2 --out results/soundness

A network is told by its number. Its patterns are enumerated, each cell has one LP (p = inf and 1) or a least-squares
program (p = 2), and whatever code anybody found is evaluated in fractions: a lower bound is false where a code of its
scope has a smaller residual, verified ones strictly, trusted ones beyond what the package says that solvers let pass.
So each claim of a certificate, each status, bound of an extent, completeness of a pre-image and proof is tested.

A line a network goes to ``--out``/networks.jsonl; with --resume what is there is kept. A false claim prints its number
and trial: ``--only NUMBER [--trial NAME]`` runs it again, and prints Python that makes the network.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import json
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

import numpy as np

import pyomo_relu as pr
from benchmarks.claims.cases import draw
from benchmarks.claims.judge import LAST_BITS
from benchmarks.claims.trials import TRIALS, names_for
from benchmarks.claims.truth import Truth

TRIALS_EACH = 25
STUCK = 120
"""Seconds of one trial after which it is told as stuck."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", type=int, default=0, help="number of the first network")
    parser.add_argument("--count", type=int, default=5000, help="pairs of network and method, about")
    parser.add_argument("--each", type=int, default=TRIALS_EACH, help="methods a network")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=None, help="end after about this long")
    parser.add_argument("--out", type=Path, default=None, help="folder of networks.jsonl and summary.json")
    parser.add_argument("--resume", action="store_true", help="keep the networks that --out holds")
    parser.add_argument("--only", type=int, default=None, help="one network, told in full")
    parser.add_argument("--trial", default=None, help="with --only: this trial alone")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    arguments = parser.parse_args()
    if arguments.only is not None:
        tell(arguments.only, arguments.each, arguments.trial)
        return
    numbers = range(arguments.start, arguments.start + -(-arguments.count // arguments.each))
    kept = _kept(arguments.out) if arguments.resume else {}
    lines = list(kept.values())
    waiting = [number for number in numbers if number not in kept]
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
    log = None if arguments.out is None else (arguments.out / "networks.jsonl").open("a" if kept else "w")
    for line in judged(waiting, arguments.each, arguments.workers, arguments.seconds):
        lines.append(line)
        if log is not None:
            print(json.dumps(line), file=log, flush=True)
        for wrong in (*line["false"], *line["crashed"], *line["unread"]):
            print(json.dumps({"network": line["network"], "kind": line["kind"], **wrong}), file=sys.stderr, flush=True)
    summary = summed(lines)
    if arguments.out is not None:
        (arguments.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(json.dumps(summary, indent=2) if arguments.json else table(summary))
    sys.exit(bool(summary["false verified"] or summary["false trusted"] or summary["crashed"] or summary["unread"]))


def _kept(folder: Path | None) -> dict[int, dict[str, Any]]:
    path = None if folder is None else folder / "networks.jsonl"
    if path is None or not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
    return {line["network"]: line for line in lines}


def judged(numbers: Any, each: int, workers: int, seconds: float | None) -> Iterator[dict[str, Any]]:
    """Yield a line a network, as they come."""
    stop = None if seconds is None else time.monotonic() + seconds
    if workers == 1:
        for number in numbers:
            if stop is not None and time.monotonic() > stop:
                return
            yield judge_network(number, each)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), max_tasks_per_child=500) as pool:
        futures = [pool.submit(judge_network, number, each) for number in numbers]
        for future in as_completed(futures):
            yield future.result()
            if stop is not None and time.monotonic() > stop:
                pool.shutdown(wait=True, cancel_futures=True)
                return


def judge_network(number: int, each: int = TRIALS_EACH, only: str | None = None) -> dict[str, Any]:
    """Run a network's trials, then test all that they claim against all that is known by then."""
    started = time.process_time()
    case = draw(number)
    truth = Truth(case)
    line: dict[str, Any] = {
        "network": number,
        "kind": case.kind,
        "traits": case.traits,
        "pairs": 0,
        "claims": {},
        "refused": {},
    }
    line |= {"false": [], "crashed": [], "unread": [], "slow": {}, "sizes": case.net.sizes}
    assertions = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        truth.search()
        for name in [only] if only else names_for(case, each):
            begun = time.process_time()
            line["pairs"] += 1
            try:
                with _alarm(STUCK):
                    assertions += [(name, a) for a in TRIALS[name][1](case, truth)]
            except pr.PyomoReluError as error:
                # Without the numbers of the case.
                said = f"{type(error).__name__}: {' '.join(w for w in str(error).split() if w.isalpha())[:60]}"
                line["refused"][said] = line["refused"].get(said, 0) + 1
            except Exception as error:  # noqa: BLE001 - what a method raises is what is counted here
                where = traceback.extract_tb(error.__traceback__)[-1]
                said = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
                line["crashed"].append({"trial": name, "error": said})
            took = time.process_time() - begun
            if took > 5.0:
                line["slow"][name] = round(took, 1)
        claims: Counter[str] = Counter()
        for name, assertion in assertions:
            excess = assertion.excess()
            claims[f"{assertion.standing} {assertion.kind}"] += 1
            if assertion.kind == "unread":
                line["unread"].append({"trial": name, "claim": assertion.text})
            elif excess > 0:
                line["false"].append(_false(name, assertion, excess))
    line["claims"] = dict(claims)
    line["seconds"] = round(time.process_time() - started, 3)
    return line


def _false(name: str, assertion: Any, excess: Any) -> dict[str, Any]:
    return {
        "trial": name,
        "standing": assertion.standing,
        "what": assertion.kind,
        "claim": assertion.text,
        "by a part of": float(excess),
        "last bits": bool(excess <= LAST_BITS),
    }


class _alarm:  # noqa: N801 - read as a verb
    """Raise TimeoutError after some seconds, where there are alarms."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds if hasattr(signal, "SIGALRM") else 0

    def __enter__(self) -> None:
        def late(*_: Any) -> None:
            raise TimeoutError(f"not done after {self._seconds} s")

        if self._seconds:
            self._before = signal.signal(signal.SIGALRM, late)
            signal.alarm(self._seconds)

    def __exit__(self, *_: Any) -> None:
        if self._seconds:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, self._before)


def summed(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the tally."""
    claims: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for line in lines:
        claims.update(line["claims"])
        refused.update(line["refused"])
        wrong.update(f"{f['standing']} {f['what']}" + (", last bits" if f["last bits"] else "") for f in line["false"])
    by = lambda standing, counts: sum(n for key, n in counts.items() if key.startswith(standing))  # noqa: E731
    return {
        "networks": len(lines),
        "pairs": sum(line["pairs"] for line in lines),
        "refused pairs": sum(refused.values()),
        "verified": by("verified", claims),
        "false verified": by("verified", wrong),
        "trusted": by("trusted", claims),
        "false trusted": by("trusted", wrong),
        "crashed": sum(len(line["crashed"]) for line in lines),
        "unread": sum(len(line["unread"]) for line in lines),
        "claims": dict(sorted(claims.items())),
        "false": dict(sorted(wrong.items())),
        "refused": dict(refused.most_common(20)),
        "CPU seconds": round(sum(line["seconds"] for line in lines), 1),
    }


def table(summary: dict[str, Any]) -> str:
    rows = ["| claim | standing | claimed | false |", "|---|---|---|---|"]
    for key, count in summary["claims"].items():
        standing, kind = key.split(" ", 1)
        false = sum(n for what, n in summary["false"].items() if what in (key, f"{key}, last bits"))
        bits = summary["false"].get(f"{key}, last bits", 0)
        rows.append(f"| {kind} | {standing} | {count} | {false}{f' ({bits} in the last bits)' if bits else ''} |")
    head = (
        f"{summary['pairs']} pairs ({summary['refused pairs']} refused), {summary['networks']} networks, "
        f"{summary['CPU seconds']:.0f} CPU s: "
        f"{summary['verified']} verified claims, {summary['false verified']} false; "
        f"{summary['trusted']} trusted, {summary['false trusted']} false; "
        f"{summary['crashed']} crashed, {summary['unread']} claims of unknown form"
    )
    refused = [f"refused {count} x {said}" for said, count in summary["refused"].items()]
    return "\n".join([head, "", *rows, "", *refused])


def tell(number: int, each: int, trial: str | None) -> None:
    """Run one network, and print all that it needs to be run elsewhere."""
    print(draw(number).source())
    print(json.dumps(judge_network(number, each, trial), indent=2))


if __name__ == "__main__":
    main()
