"""The tests' Python servers, forked from one process that has read their libraries.

Reading an emulator's libraries takes more than a second of processor time, and hundreds of tests start an emulator of their own.
A line of standard input is a wish in JSON, a line of standard output what became of it:

    {"start": PROGRAM, "arguments": […], "environment": {…}, "output": FILE}    {"id": 4711}
    {"ended": 4711}                                                             {"status": null} while it runs, or its wait status
    {"kill": 4711}                                                              {"status": …}

A program is a console script of this environment, or a file that ends in `.py`. Each has standard input closed, and both its
outputs in the file. All of them end with this process, and this process with its standard input.
"""

import ctypes
import json
import os
import random
import runpy
import signal
import sys
from importlib.metadata import entry_points

import botocore.session  # noqa: F401
import moto.server  # noqa: F401
import werkzeug.serving  # noqa: F401
from moto.backends import get_backend
from moto.moto_api import recorder
from moto.moto_api._internal import mock_random

for service in ("ec2", "sts"):
    get_backend(service)

PR_SET_PDEATHSIG = 1


def run(program, arguments):
    sys.argv = [program, *arguments]
    if program.endswith(".py"):
        sys.path.insert(0, os.path.dirname(program))
        runpy.run_path(program, run_name="__main__")
        return
    [script] = entry_points(group="console_scripts", name=program)
    sys.exit(script.load()())


def become(wish, parent):
    """The child: what a new process would have, and nothing of this one's random numbers."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    output = os.open(wish["output"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(wish["environment"])
    random.seed()
    mock_random.seed()
    recorder._location = os.environ.get("MOTO_RECORDER_FILEPATH", recorder._location)
    run(wish["start"], wish["arguments"])


def start(wish):
    parent = os.getpid()
    child = os.fork()
    if child:
        return {"id": child}
    code = 1
    try:
        become(wish, parent)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def ended(wish):
    child, status = os.waitpid(wish["ended"], os.WNOHANG)
    return {"status": status if child else None}


def kill(wish):
    os.kill(wish["kill"], signal.SIGKILL)
    return {"status": os.waitpid(wish["kill"], 0)[1]}


WISHES = {"start": start, "ended": ended, "kill": kill}

# One line at a time: what is buffered here would be there in every child.
for line in iter(sys.stdin.readline, ""):
    wish = json.loads(line)
    [do] = [do for name, do in WISHES.items() if name in wish]
    print(json.dumps(do(wish)), flush=True)
