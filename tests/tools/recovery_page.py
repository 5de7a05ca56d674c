"""Runs the commands of docs/disaster-recovery.md, in their order, against the program: recovery_page.py PEERAGE PAGE FOLDER.

Each line of the page's code blocks is either run as it stands or named below with why it is not. A line that is neither ends this with an
error, and so does an entry below that the page has no line for: the page cannot change unnoticed.
"""

import atexit
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

peerage, page, folder = sys.argv[1:]
os.chdir(folder)

KURRENTDB = "kurrentdb://admin:PASSWORD@db1:2113?tls=true"

# What is not run, and why. The first words of the line are the key.
NOT_RUN = {
    "peerage node backup --store": "asks for a node with TLS and users on another machine; the tests of backups have one",
    "peerage node restore --from ./backups/peerage --data ./peerage-data/events --until": "run into a folder of its own, below",
    "peerage network register …": "the rest of the line is the network's own",
    "peerage peering adopt …": "the rest of the line is the link's own",
    "peerage serve --store": "works on AWS itself",
}


def port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


ENGINE, NODE, OTHER = (f"127.0.0.1:{port()}" for _ in range(3))
environment = dict(os.environ, PEERAGE_SERVER=f"http://{ENGINE}", PATH=f"{os.path.dirname(peerage)}:{os.environ['PATH']}")
running = {}
atexit.register(lambda: [it.kill() for it in running.values()])


def start(name, line):
    log = open(f"{name}.log", "a")
    running[name] = subprocess.Popen(["sh", "-c", "exec " + line], env=environment, stdout=log, stderr=log)


def stop(name):
    process = running.pop(name)
    process.send_signal(signal.SIGTERM)
    if process.wait(60) != 0:
        sys.exit(f"{name} ended with {process.returncode}: {open(name + '.log').read()}")


def run(line, once=True):
    done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, timeout=120)
    if once and done.returncode != 0:
        sys.exit(f"{line}\n{done.stdout}{done.stderr}")
    return done


def ready(line):
    until = time.monotonic() + 120
    while True:
        done = run(line, once=False)
        if done.returncode == 0:
            return done.stdout
        for name, process in running.items():
            if process.poll() is not None:
                sys.exit(f"{name} has ended: {open(name + '.log').read()}")
        if time.monotonic() > until:
            sys.exit(f"{line}\n{done.stdout}{done.stderr}")
        time.sleep(0.1)


def serve(line="peerage serve --data-dir ./peerage-data"):
    start("engine", f"{line} --listen {ENGINE}")
    ready("peerage network list")


def networks():
    listed = json.loads(run("peerage network list --output json").stdout)
    return {it["name"]: it["networkId"] for it in listed}


def register(name, vpc, cidr):
    run(f"peerage network register --name {name} --region eu-west-1 --account 111122223333 --vpc {vpc} --range {cidr}")


# What the page begins with: an engine with a network and a peering, and a node beside it.
serve()
register("orders", "vpc-0a1b2c3d", "10.20.0.0/16")
asked = "peerage peering request --network orders --region us-east-1 --account 444455556666 --vpc vpc-0d4c3b2a --range 10.30.0.0/16"
peering = json.loads(run(asked + " --output json").stdout)["peeringId"]
start("node", f"peerage node --data ./events --listen {NODE}")
ready(f"peerage node export --store 'kurrentdb://{NODE}?tls=false' --to nothing.jsonl")
run("mkdir -p keys backups")

text = open(page).read()
lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines() if line.strip()]
unused = set(NOT_RUN)
ran = 0
for line in lines:
    command = re.sub(r"\s{2,}#.*$", "", line).strip()
    known = [it for it in NOT_RUN if command.startswith(it)]
    if known:
        unused -= set(known)
        if "--until" in command:
            # To the time of the page nothing was on record: the folder is made, and is empty.
            run(command.replace("./peerage-data/events", "./until"))
        continue
    if command.startswith("mv ./peerage-data/events"):
        stop("engine")
    if command.startswith("peerage serve --data-dir"):
        before = {"orders"}
        serve(command)
        if set(networks()) != before:
            sys.exit(f"what was restored has {networks()}")
        ran += 1
        continue
    if command.startswith("peerage node export"):
        stop("engine")
    if command.startswith("peerage node import"):
        start("other", f"peerage node --data ./other --listen {OTHER}")
        ready(f"peerage node export --store 'kurrentdb://{OTHER}?tls=false' --to empty.jsonl")
        assert KURRENTDB in command, command
        command = command.replace(KURRENTDB, f"kurrentdb://{OTHER}?tls=false")
    command = command.replace(" PEERING ", f" {peering} ").replace(" NETWORK ", " orders ")
    if command.startswith("peerage peering abandon"):
        # At a terminal it asks first.
        run(command + " --yes")
    elif command.startswith("peerage network retire"):
        # Once the engine has let go of the peering.
        ready(command)
    else:
        run(command)
    ran += 1
if unused:
    sys.exit(f"the page has no line for {unused}")
events = open("history.jsonl").readlines()
if ran < 12 or len(events) < 3:
    sys.exit(f"{ran} commands were run, and {len(events)} events moved")
for name in list(running):
    stop(name)
print(f"{ran} commands")
