"""What an exception of C++ that leaves a callback does, as docs/c.md says it."""
import http.client
import os
import pathlib
import signal
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent.parent / (os.environ.get("DOG_BUILD") or os.environ.get("BUILD") or "build")
SECONDS_MAX = 60

pytestmark = pytest.mark.skipif(os.environ.get("DOG_SANITIZED", "") != "", reason="a sanitizer has its own way to end")


@pytest.fixture(scope="module", params=["g++", "clang++"])
def program(tmp_path_factory, request):
    path = tmp_path_factory.mktemp("exceptions") / "throwing"
    subprocess.run([request.param, "-std=c++17", "-O1", "-Wall", "-Wextra", "-pedantic", "-Werror",
                    f"-I{BUILD}/include", HERE / "throwing.cpp", "-o", path, f"-L{BUILD}/lib",
                    f"-Wl,-rpath,{BUILD}/lib", "-ldog"], check=True)
    return path


def run(program, *arguments, ask=1):
    """Its exit status, what it printed after its port, its errors, and the answers to so many requests."""
    with subprocess.Popen([program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        port = int(process.stdout.readline())
        answers = [get(port) for _ in range(ask)]
        output, errors = process.communicate(timeout=SECONDS_MAX)  # closes its input
        return process.returncode, output, errors, answers


def get(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_MAX)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    except (http.client.HTTPException, OSError):
        return None
    finally:
        connection.close()


def test_on_a_thread_of_the_engines_it_ends_the_process(program):
    status, output, errors, answers = run(program, "start", "plain")
    assert (status, output, answers) == (-signal.SIGABRT, "", [None])
    assert "terminate" in errors and "thrown" in errors


def test_around_run_it_can_be_caught_and_the_engine_is_left_in_the_middle_of_a_step(program):
    status, output, _, _ = run(program, "run", "plain")
    assert (status, output) == (3, "thrown\n")


@pytest.mark.parametrize("way", ["start", "run"])
def test_out_of_a_callback_that_is_noexcept_it_ends_the_process(program, way):
    status, output, errors, answers = run(program, way, "noexcept")
    assert (status, output, answers) == (-signal.SIGABRT, "", [None])
    assert "terminate" in errors and "thrown" in errors


def test_caught_within_the_callback_it_is_500_and_the_engine_goes_on(program):
    assert run(program, "start", "caught", ask=3) == (0, "", "", [500, 500, 500])
