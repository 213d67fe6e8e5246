"""A solver's program that hangs or floods is stopped, with all that it started, and takes nobody else along."""

import os
import signal
import subprocess
import sys
import time

import pytest
from solver_programs import LP, one_row

from pyomo_relu.deadline import Deadline
from pyomo_relu.solvers import Solver, solve
from pyomo_relu.solvers.program import Program, ProgramError, ProgramTimeoutError, answer
from pyomo_relu.status import Status

pytestmark = pytest.mark.skipif(os.name != "posix", reason="fakes programs with sh, and sends signals")

ANSWERS = {"cbc": "Version: 9.9.9", "glpk": "GLPSOL 9.9"}
PROGRAMS = {"cbc": "cbc", "glpk": "glpsol"}
BEATS = 'while :; do echo beat >>"{beats}"; sleep 0.1; done'
WAYS = {
    "sleeps": "sleep 60",
    "is deaf": "trap '' INT TERM HUP; " + BEATS,
    "has started another": BEATS + " & sleep 60",
    "left it to another": BEATS + " & exit 0",
    "floods": "yes flood",
    "is silent": "exec >/dev/null 2>&1; sleep 60",
}


@pytest.fixture
def model():
    return one_row()


@pytest.fixture
def beats(tmp_path):
    return tmp_path / "beats"


@pytest.fixture
def fake(monkeypatch, tmp_path, beats):
    def put(name, script):
        path = tmp_path / PROGRAMS[name]
        script = script.replace("{beats}", str(beats))
        path.write_text(
            f'#!/bin/sh\ncase "$*" in -stop|--version) echo "{ANSWERS[name]}"; exit 0;; *-import*|*--write*) ;;\n'
            f'*) echo "No input problem file specified"; exit 1;; esac\n{script}\n'
        )
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    return put


def still(beats):
    """Whether nobody beats any more."""
    before = beats.stat().st_size if beats.exists() else 0
    time.sleep(0.6)
    return (beats.stat().st_size if beats.exists() else 0) == before


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("way", [way for way in WAYS if way != "left it to another"])
def test_it_is_stopped_at_the_limit(fake, model, beats, name, way):
    fake(name, WAYS[way])
    began = time.perf_counter()
    outcome = solve(model, Solver(name, time_limit=0.5), LP)
    assert (outcome.status, outcome.has_solution, outcome.bound) == (Status.TIME_LIMIT, False, None)
    assert 0.5 < time.perf_counter() - began < 10.0
    assert still(beats)


@pytest.mark.parametrize("name", PROGRAMS)
def test_who_leaves_the_work_to_another_has_ended(fake, model, beats, name):
    fake(name, WAYS["left it to another"])
    outcome = solve(model, Solver(name), LP)
    assert outcome.status is Status.SOLVER_ERROR
    assert still(beats)


@pytest.mark.parametrize(("name", "way"), [("cbc", "is deaf"), ("glpk", "floods")])
def test_ctrl_c_ends_it_where_there_is_no_limit(fake, tmp_path, beats, name, way):
    fake(name, "touch {beats}.begun; " + WAYS[way])
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom solver_programs import LP, lp\nfrom pyomo_relu.solvers import solve\n"
        "print(solve(lp(), sys.argv[1], LP).status)\n"
    )
    path = os.pathsep.join(path for path in sys.path if path)
    with subprocess.Popen(
        [sys.executable, script, name], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    ) as process:
        assert waited_for(tmp_path / "beats.begun")
        pressed = time.perf_counter()
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[0] == "interrupted\n"
    assert time.perf_counter() - pressed < 15.0  # two seconds, and the end of Python
    assert still(beats)


def test_it_does_not_outlive_us(fake, beats):
    fake("cbc", WAYS["is deaf"])
    script = "from solver_programs import LP, lp; from pyomo_relu.solvers import solve; solve(lp(), 'cbc', LP)"
    path = os.pathsep.join(path for path in sys.path if path)
    with subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": path}) as process:
        assert waited_for(beats)
        process.kill()
        process.wait(30)
    assert still(beats)


def waited_for(file):
    deadline = Deadline.after(60.0)
    while not file.exists() and not deadline.expired:
        time.sleep(0.05)
    return file.exists()


# ---- programs by themselves


def sh(script):
    return Program(["/bin/sh", "-c", script])


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [("echo here", 0, "here\n"), ("echo here >&2; exit 7", 7, "here\n"), ("kill -SEGV $$", 139, None), ("", 0, "")],
)
def test_how_a_program_ended(script, code, said):
    ended = sh(script).wait(Deadline.after(60.0))
    assert ended.code == code
    assert said is None or ended.said == said


def test_of_a_flood_the_beginning_and_the_end_are_kept():
    ended = sh("echo first; yes 0123456789 | head -c 20000000; echo; echo last").wait(Deadline.after(60.0))
    assert (ended.first_line, ended.last_line) == ("first", "last")
    assert "bytes left out" in ended.said
    assert len(ended.said) < 3_000_000


def test_a_stream_that_takes_no_more_does_not_stop_a_program(tmp_path):
    with (tmp_path / "log").open("w") as stream:
        pass
    ended = Program(["/bin/sh", "-c", "yes | head -c 1000000"], stream).wait(Deadline.after(60.0))
    assert ended.code == 0


def test_what_does_not_exist_or_hangs_is_an_error(monkeypatch):
    with pytest.raises(ProgramError, match="there is no program /no/such"):
        Program(["/no/such"])
    with pytest.raises(ProgramTimeoutError, match="did not end in time"):
        sh("sleep 60").wait(Deadline.after(0.2))
    monkeypatch.setattr("pyomo_relu.solvers.program.ANSWER_SECONDS", 0.2)
    with pytest.raises(ProgramError, match=r"/bin/sh does not answer within 0\.2 s"):
        answer("/bin/sh", "-c", "yes")


def test_who_did_not_answer_in_time_is_asked_again(monkeypatch, tmp_path):
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nsleep 60")
    program.chmod(0o755)
    monkeypatch.setattr("pyomo_relu.solvers.program.ANSWER_SECONDS", 0.2)
    with pytest.raises(ProgramError):
        answer(str(program))
    monkeypatch.undo()
    program.write_text("#!/bin/sh\necho here")
    assert answer(str(program)).said == "here\n"
