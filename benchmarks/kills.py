"""Kill commands and their relatives in the middle of their work, go on, and compare with a run that nobody touched.

    python benchmarks/kills.py --count 50 --out results/kills

Each run starts a command, waits until it has made so much progress (lines of a journal, files, or CPU seconds where a
command writes nothing till its end; how much is drawn from the seed), and sends KILL, TERM or INT to the command, to
all of its terminal's processes as Ctrl-C does, to one of its workers, to a worker of a Dask cluster, or to a forked
relative in a solve. Then:

* stuck: a command that was told to end does within `PATIENCE` seconds, one whose worker died ends by itself;
* orphans: no process of it is left (found by a mark in their environment);
* left: no draft beside what it writes;
* lost, doubled, wrong: gone on with (--resume, or run again where there is none), the result is that of the run that
  nobody touched, bit for bit but for seconds, each task once.

Needs /proc. A JSON line a kill; a table at the end; exit code 1 where anything failed.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

import pyomo_relu as pr

MARK = "PYOMO_RELU_KILLS"
"""The variable by which the processes of a run are found, wherever they are."""

PATIENCE = 10.0
"""Seconds in which a command that is told to end must have ended; twice that for all its processes."""

AT_MOST = 300.0
"""Seconds after which a run counts as stuck."""

PRODUCT = [sys.executable, "-m", "pyomo_relu"]
REDUCTIONS = [sys.executable, "-m", "reductions"]
ROWS = 40


@dataclass(frozen=True)
class Setting:
    """A command, its progress, and what must be the same in the end.

    Parameters
    ----------
    name : str
    begin, again : callable
        From the folder to the command, and to the one that goes on.
    progress : callable
        From the folder and the process to a number.
    window : pair of float
        The progress at which it is killed is drawn from here.
    outcome : callable
        From the folder to what must be equal: a dictionary of parts, or of tasks.
    victims : tuple of str
    replaces : bool
        Whether workers that die are replaced; else the command says that one died, and is gone on with.
    """

    name: str
    begin: Callable[[Path], list[str]]
    again: Callable[[Path], list[str]]
    progress: Callable[[Path, int], float]
    window: tuple[float, float]
    outcome: Callable[[Path], dict[str, Any]]
    victims: tuple[str, ...]
    replaces: bool = True


# ---- what is run


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def count_lines(name: str) -> Callable[[Path, int], float]:
    def count(folder: Path, _: int) -> float:
        path = folder / name
        return float(path.read_bytes().count(b"\n")) if path.exists() else 0.0

    return count


def without_seconds(value: Any) -> Any:
    """Return JSON without what a clock has written."""
    if isinstance(value, dict):
        return {key: without_seconds(entry) for key, entry in value.items() if "seconds" not in key}
    return [without_seconds(entry) for entry in value] if isinstance(value, list) else value


def batch_outcome(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in lines_of(folder / "out/results.jsonl"):
        key = f"row {line['index']}"
        found[key] = "twice" if key in found else without_seconds(line)
    with np.load(folder / "out/codes.npz") as arrays:
        found["codes"] = arrays["codes"].tobytes().hex()
        found["residuals"] = arrays["residuals"].tobytes().hex()
    found["failures"] = (folder / "out/failures.jsonl").read_text()
    return found


def journal_outcome(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in lines_of(folder / "out/theory.jsonl"):
        if "task" in line:
            key = json.dumps(line["task"])
            found[key] = "twice" if key in found else without_seconds(line)
    found["report"] = (folder / "out/theory.md").exists() and (folder / "out/theory.png").exists()
    return found


def proof_outcome(folder: Path) -> dict[str, Any]:
    return {"proof": (folder / "proof.json").read_text()}


def suite_outcome(folder: Path) -> dict[str, Any]:
    files = sorted(path for path in (folder / "suite").rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes().hex() for path in files}


def cpu_seconds(_: Path, process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def files_of_suite(folder: Path, _: int) -> float:
    return float(sum(path.is_file() for path in (folder / "suite").rglob("*")))


THREADS = """
import sys
from concurrent.futures import ThreadPoolExecutor
import numpy as np, pyomo_relu as pr
if __name__ == "__main__":
    net, X = pr.load_network("net.npz"), np.load("many.npy")
    with ThreadPoolExecutor(2) as executor:
        pr.invert_many(net, X, executor=executor, store="out", resume="--resume" in sys.argv, chunk=1)
"""


def batch(*flags: str) -> Callable[[Path], list[str]]:
    return lambda folder: [*PRODUCT, "invert-many", "net.npz", "many.npy", "--chunk", "1", "--out", "out", *flags]


def settings(dask: str | None) -> list[Setting]:
    """Return all that is killed."""
    lines, journal = count_lines("out/results.jsonl"), count_lines("out/theory.jsonl")
    some = (1.0, 0.8 * ROWS)
    found = [
        Setting("invert-many", batch(), batch("--resume"), lines, some, batch_outcome, ("parent", "terminal")),
        Setting(
            "invert-many --workers 2", batch("--workers", "2"), batch("--workers", "2", "--resume"), lines, some,
            batch_outcome, ("parent", "terminal", "worker", "worker"),
        ),
        Setting(
            "invert_many, threads", lambda _: [sys.executable, "threads.py"],
            lambda _: [sys.executable, "threads.py", "--resume"], lines, some, batch_outcome, ("parent", "terminal"),
        ),
        Setting(
            "reproduce --workers 2", theory(), theory("--resume"), journal, (2.0, 20.0), journal_outcome,
            ("parent", "terminal", "worker"),
        ),
        Setting("prove", prove, prove, cpu_seconds, (1.0, 6.0), proof_outcome, ("parent", "terminal")),
        Setting("suite", suite, suite, files_of_suite, (1.0, 60.0), suite_outcome, ("parent", "terminal")),
    ]  # fmt: skip
    if dask is not None:
        flags = ("--dask", dask)
        found.append(
            Setting(
                "invert-many --dask",
                batch(*flags),
                batch(*flags, "--resume"),
                lines,
                some,
                batch_outcome,
                ("parent", "terminal", "dask worker", "dask worker"),
            )
        )
    return found


def theory(*flags: str) -> Callable[[Path], list[str]]:
    return lambda _: [*PRODUCT, "reproduce", "theory", "--runs", "1", "--workers", "2", "--out", "out", *flags]


def prove(_: Path) -> list[str]:
    return [*PRODUCT, "prove", "proof.npz", "proof.npy", "--box", "-3", "3", "--norm", "1", "--out", "proof.json"]


def suite(_: Path) -> list[str]:
    return [*REDUCTIONS, "suite", "--out", "suite", "--sizes", "4,6", "--repeats", "2"]


def prepare(folder: Path) -> None:
    """Write what the commands read."""
    folder.mkdir(parents=True)
    net, rng = pr.Network.random((4, 24, 80), seed=4), np.random.default_rng(0)
    net.save(folder / "net.npz")
    np.save(folder / "many.npy", net(rng.normal(size=(ROWS, 4))) + rng.uniform(-0.01, 0.01, (ROWS, 80)))
    net = pr.Network.random((5, 20, 40), seed=1)
    net.save(folder / "proof.npz")
    np.save(folder / "proof.npy", np.maximum(net(rng.uniform(-1, 1, 5)) + rng.uniform(-0.03, 0.03, 40), 0.0))
    (folder / "threads.py").write_text(THREADS)


# ---- processes


def marked(mark: str) -> list[int]:
    """Return the processes that carry a mark, but for zombies."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with suppress(OSError):
                if (
                    f"{MARK}={mark}".encode() in (path / "environ").read_bytes()
                    and "State:\tZ" not in (path / "status").read_text()
                ):
                    found.append(int(path.name))
    return found


def children(process: int) -> list[int]:
    """Return the processes below one, however far."""
    below: dict[int, list[int]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with suppress(OSError):
                parent = int((path / "stat").read_text().rsplit(")", 1)[1].split()[1])
                below.setdefault(parent, []).append(int(path.name))
    found, waiting = [], [process]
    while waiting:
        more = below.get(waiting.pop(), [])
        found += more
        waiting += more
    return found


def is_worker(process: int) -> bool:
    """Whether a process is one that multiprocessing has spawned to work, not its resource tracker."""
    with suppress(OSError):
        return b"spawn_main" in Path(f"/proc/{process}/cmdline").read_bytes()
    return False


def started(command: list[str], folder: Path, mark: str) -> subprocess.Popen[str]:
    """Start a command as a shell in a terminal would: in a group of its own, with Ctrl-C not ignored."""
    root = str(Path(__file__).resolve().parents[1])
    (folder / "tmp").mkdir(exist_ok=True)
    environment = {**os.environ, MARK: mark, "PYTHONPATH": root, "TMPDIR": str(folder / "tmp")}
    log = (folder / "log").open("a")
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=log, stderr=log, text=True, start_new_session=True
    )


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str | None, str]]:
    """Run a Dask scheduler and two workers with nannies; yield its address, None where there is no Dask."""
    mark = uuid4().hex
    folder.mkdir(parents=True)
    try:
        import distributed  # noqa: F401
    except ImportError:
        yield None, mark
        return
    dask, file = [sys.executable, "-m", "distributed.cli.dask_scheduler"], folder / "scheduler.json"
    parts = [started([*dask, "--port", "0", "--no-dashboard", "--scheduler-file", str(file)], folder, mark)]
    try:
        while not file.exists():
            time.sleep(0.1)
        dask = [sys.executable, "-m", "distributed.cli.dask_worker"]
        flags = ["--nworkers", "2", "--nthreads", "1", "--no-dashboard", "--memory-limit", "0"]
        parts.append(started([*dask, *flags, "--scheduler-file", str(file)], folder, mark))
        yield json.loads(file.read_text())["address"], mark
    finally:
        end(marked(mark))
        for part in parts:
            part.wait()


def end(processes: list[int]) -> None:
    """Kill processes that this script has started."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


# ---- one kill


@dataclass(frozen=True)
class Kill:
    """What is killed, by what signal; the seed draws when. No command: a forked relative."""

    setting: Setting | None
    victim: str
    signal: str
    seed: int


@dataclass(frozen=True)
class Place:
    """Where runs are, the mark of the cluster's processes, and the seconds that a command has to end."""

    root: Path
    cluster_mark: str
    patience: float


def kill_once(kill: Kill, setting: Setting, reference: dict[str, Any], place: Place) -> dict[str, Any]:
    """Run, kill, go on, compare; return what went wrong."""
    victim, name, seed, root, cluster_mark = kill.victim, kill.signal, kill.seed, place.root, place.cluster_mark
    rng, folder, mark = random.Random(seed), root / f"{seed}", uuid4().hex
    prepare(folder)
    found: dict[str, Any] = {"seed": seed, "command": setting.name, "victim": victim, "signal": name, "faults": []}
    goal = rng.uniform(*setting.window)
    process = started(setting.begin(folder), folder, mark)
    try:
        reached = _until(lambda: setting.progress(folder, process.pid) >= goal or process.poll() is not None, AT_MOST)
        found["progress"] = setting.progress(folder, process.pid)
        found["ended before"] = process.poll() is not None
        if not reached:
            found["faults"].append("stuck: no progress")
        target = _send(victim, name, process, rng, cluster_mark)
        found["hit"] = target is not None
        told = victim in ("parent", "terminal")
        _check_end(found, place.patience if told else AT_MOST, process, mark)
        if not told and process.returncode and setting.replaces:
            found["faults"].append(f"wrong: exit code {process.returncode} after a worker's death")
        if process.returncode or (told and found["hit"]):
            again = started(setting.again(folder), folder, mark)
            try:
                code = again.wait(AT_MOST)
                found["faults"] += [f"wrong: going on ended with exit code {code}"] if code else []
            except subprocess.TimeoutExpired:
                found["faults"].append("stuck: going on")
        _compare(found, setting, folder, reference)
        _check_left(found, mark, folder)
    finally:
        end(marked(mark))
        with suppress(subprocess.TimeoutExpired):
            process.wait(10.0)
    if not found["faults"]:
        shutil.rmtree(folder)
    return found


def _send(victim: str, name: str, process: subprocess.Popen[str], rng: random.Random, cluster_mark: str) -> int | None:
    number = getattr(signal, f"SIG{name}")
    with suppress(ProcessLookupError):
        if victim == "terminal":
            os.killpg(process.pid, number)
            return process.pid
        if victim == "parent":
            process.send_signal(number)
            return process.pid if process.returncode is None else None
        below = children(process.pid) if victim == "worker" else marked(cluster_mark)
        workers = sorted(filter(is_worker, below))
        if workers:
            chosen = rng.choice(workers)
            os.kill(chosen, number)
            return chosen
    return None


def _check_end(found: dict[str, Any], seconds: float, process: subprocess.Popen[str], mark: str) -> None:
    """Check that the command ends: soon where it was told to, by itself where a worker died."""
    begun = time.monotonic()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        found["faults"].append("stuck: does not end")
        end(marked(mark))
        return
    if not _until(lambda: not marked(mark), 2.0 * seconds):
        found["faults"].append(f"orphans: {len(marked(mark))}")
        end(marked(mark))
    found["seconds to end"] = round(time.monotonic() - begun, 2)


def _compare(found: dict[str, Any], setting: Setting, folder: Path, reference: dict[str, Any]) -> None:
    try:
        outcome = setting.outcome(folder)
    except (OSError, ValueError, KeyError) as error:
        found["faults"].append(f"lost: {type(error).__name__}: {error}")
        return
    found["faults"] += [f"doubled: {key}" for key, value in outcome.items() if value == "twice"]
    found["faults"] += [f"lost: {key}" for key in reference if key not in outcome]
    found["faults"] += [f"wrong: {key} is one too many" for key in outcome if key not in reference]
    same = lambda key: outcome[key] in (reference[key], "twice")  # noqa: E731
    found["faults"] += [f"wrong: {key} differs" for key in reference if key in outcome and not same(key)]


def _check_left(found: dict[str, Any], mark: str, folder: Path) -> None:
    drafts = [path for path in folder.rglob(".*") if path.is_file()]
    # Nobody can clear up after a KILL: what is in the folder for temporary files then is told, and no fault.
    temporary = [path for path in (folder / "tmp").rglob("*") if path.is_file()]
    found["temporary files"] = len(temporary)
    found["faults"] += [f"left: {path.relative_to(folder)}" for path in drafts]
    if found["signal"] == "INT":
        found["faults"] += [f"left: {path.relative_to(folder)}" for path in temporary]
    if not _until(lambda: not marked(mark), 5.0):
        found["faults"].append(f"orphans: {len(marked(mark))} after going on")


def _until(reached: Callable[[], bool], seconds: float) -> bool:
    late = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > late:
            return False
        time.sleep(0.005)
    return True


# ---- forked relatives

FORKED = """
import multiprocessing, os, random, signal, sys, time
import numpy as np, pyomo_relu as pr

net = pr.Network.random((3, 8, 16), seed=0)
x = net(np.ones(3))
expected = pr.invert(net, x).z.tolist()
rng = random.Random(int(sys.argv[1]))

def forked(loop):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        try:
            while True:
                if pr.invert(net, x).z.tolist() != expected:
                    os._exit(3)
                os.write(write, b".")
                if not loop:
                    os._exit(0)
        finally:
            os._exit(4)
    os.close(write)
    return child, read

child, read = forked(True)
for _ in range(rng.randint(1, 20)):
    os.read(read, 1)
time.sleep(rng.uniform(0.0, 0.01))
os.kill(child, getattr(signal, "SIG" + sys.argv[2]))
os.waitpid(child, 0)
begun = time.monotonic()
child, read = forked(False)
while time.monotonic() < begun + 8.0:
    done, status = os.waitpid(child, os.WNOHANG)
    if done:
        break
    time.sleep(0.01)
else:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    sys.exit("stuck: a relative of a killed child")
if status:
    sys.exit(f"wrong: a relative of a killed child ended with {status}")
if pr.invert(net, x).z.tolist() != expected:
    sys.exit("wrong: the parent of a killed child")
"""


def kill_relative(name: str, seed: int, root: Path) -> dict[str, Any]:
    """Kill a forked child in a solve; its relatives must go on."""
    folder, mark = root / f"{seed}", uuid4().hex
    folder.mkdir(parents=True)
    found: dict[str, Any] = {
        "seed": seed,
        "command": "forked solves",
        "victim": "relative",
        "signal": name,
        "faults": [],
    }
    process = started([sys.executable, "-W", "ignore", "-c", FORKED, str(seed), name], folder, mark)
    try:
        code = process.wait(60.0)
        if code:
            found["faults"].append((folder / "log").read_text().splitlines()[-1])
    except subprocess.TimeoutExpired:
        found["faults"].append("stuck: the parent of a killed child")
    finally:
        end(marked(mark))
    return found


# ---- all of them


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default=None, help="commands whose name holds this")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds to end in: more on a busy machine")
    parser.add_argument(
        "--victim", default=None, help="kill only these: parent, terminal, worker, dask worker, relative"
    )
    parser.add_argument("--no-dask", action="store_true")
    parser.add_argument("--seconds", type=float, default=None, help="begin no further kill after this long")
    parser.add_argument("--out", type=Path, default=None, help="folder of kills.jsonl; runs that failed are kept in it")
    arguments = parser.parse_args()
    # Told to end, this ends all that it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    root = Path(tempfile.mkdtemp()) if arguments.out is None else arguments.out.resolve() / uuid4().hex[:8]
    late = None if arguments.seconds is None else time.monotonic() + arguments.seconds
    found = []
    with cluster_or_not(root, arguments.no_dask) as (dask, cluster_mark):
        plan = planned(dask, arguments)
        references: dict[str, dict[str, Any]] = {}
        place = Place(root, cluster_mark, arguments.patience)
        for kill in plan:
            if late is not None and time.monotonic() > late:
                break
            if kill.setting is None:
                line = kill_relative(kill.signal, kill.seed, root)
            else:
                name = kill.setting.name
                if name not in references:
                    references[name] = untouched(kill.setting, root)
                line = kill_once(kill, kill.setting, references[name], place)
            found.append(line)
            print(json.dumps(line), flush=True)
            if arguments.out is not None:
                with (arguments.out / "kills.jsonl").open("a") as log:
                    print(json.dumps(line), file=log)
    print(table(found))
    if not any(line["faults"] for line in found) and arguments.out is None:
        shutil.rmtree(root)
    sys.exit(any(line["faults"] for line in found))


@contextmanager
def cluster_or_not(root: Path, no_dask: bool) -> Iterator[tuple[str | None, str]]:
    if no_dask:
        yield None, ""
        return
    with cluster(root / "cluster") as found:
        yield found


def planned(dask: str | None, asked: argparse.Namespace) -> list[Kill]:
    """Return which command is killed how: all kinds in turn, so that few kills reach all commands too."""
    kinds: list[tuple[Setting | None, str, str]] = []
    for setting in settings(dask):
        kinds += [(setting, victim, name) for victim in setting.victims for name in ("KILL", "TERM", "INT")]
    # To a whole terminal only Ctrl-C is sent; a nanny does not replace a worker that INT has ended.
    kinds = [kind for kind in kinds if kind[1] != "terminal" or kind[2] == "INT"]
    kinds = [kind for kind in kinds if kind[1] != "dask worker" or kind[2] != "INT"]
    kinds += [(None, "relative", name) for name in ("KILL", "KILL", "TERM", "INT")]
    if asked.only is not None:
        kinds = [kind for kind in kinds if asked.only in ("forked solves" if kind[0] is None else kind[0].name)]
    if asked.victim is not None:
        kinds = [kind for kind in kinds if kind[1] == asked.victim]
    random.Random(asked.seed).shuffle(kinds)
    return [Kill(*kinds[i % len(kinds)], 1000 * asked.seed + i) for i in range(asked.count)]


def untouched(setting: Setting, root: Path) -> dict[str, Any]:
    """Return the outcome of a run that nobody kills."""
    folder = root / f"untouched {setting.name}"
    prepare(folder)
    code = started(setting.begin(folder), folder, uuid4().hex).wait(AT_MOST)
    if code:
        raise SystemExit(f"{setting.name} fails by itself, exit code {code}: {(folder / 'log').read_text()[-2000:]}")
    return setting.outcome(folder)


def table(found: list[dict[str, Any]]) -> str:
    kinds = ("lost", "doubled", "wrong", "stuck", "orphans", "left")
    counts: dict[tuple[str, str], Counter[str]] = {}
    for line in found:
        for key in ((line["command"], line["victim"]), ("all", "")):
            counter = counts.setdefault(key, Counter())
            counter[line["signal"]] += 1
            counter.update({fault.split(":")[0] for fault in line["faults"]})
    rows = [
        f"| command | killed | KILL | TERM | INT | {' | '.join(kinds)} |",
        f"|{'---|' * (5 + len(kinds))}",
    ]
    everything = counts.pop(("all", ""), Counter())
    for (command, victim), counter in [*sorted(counts.items()), (("all", ""), everything)]:
        numbers = [counter[name] for name in ("KILL", "TERM", "INT", *kinds)]
        rows.append(f"| {command} | {victim} | {' | '.join(map(str, numbers))} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
