"""The control side of the proxy: JSON below `/_strict/`. Nothing here is AWS; tests speak to it."""

import json
from dataclasses import asdict

import quotas
import rules
from werkzeug.wrappers import Response
from world import SETTINGS


def serve(world, request):
    name = f"{request.method} {request.path.removeprefix('/_strict/').strip('/')}"
    if name not in ENDPOINTS:
        return answer({"error": f"no such endpoint: {name}", "endpoints": sorted(ENDPOINTS)}, 404)
    try:
        body = json.loads(request.get_data() or b"{}")
        with world.lock:
            return answer(ENDPOINTS[name](world, body))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        return answer({"error": f"{type(error).__name__}: {error}"}, 400)


def answer(content, status=200):
    return Response(json.dumps(content), status=status, content_type="application/json")


def health(world, _):
    """`faults` counts the requests that this program itself could not cope with; any is a defect of it."""
    return {"status": "ok", "upstream": world.upstream.url, "faults": world.faults}


def reset(world, _):
    """Everything as at the start; the emulator has a reset of its own."""
    world.reset()
    return {"status": "ok"}


def clock(world, body):
    """`{"advance_seconds": 3600}`; an empty body asks only."""
    if "advance_seconds" in body:
        world.advance(body["advance_seconds"])
    return {"now": world.now().isoformat()}


def list_rules(world, _):
    return [{**asdict(rule), "on": world.on(rule.name)} for rule in rules.TABLE.values()]


def switch(world, body):
    """`{"overlap": false}`, any number of rules; `*` for all."""
    for name, on in body.items():
        if not isinstance(on, bool):
            raise ValueError(f"a rule is on or off: {name}={on!r}")
        for rule in rules.TABLE if name == "*" else [name]:
            world.switch(rule, on)
    return {"off": sorted(world.off)}


def settings(world, body):
    """`{"provisioning_reads": 5}`, any number of settings."""
    for name, value in body.items():
        world.set(name, value)
    return {name: world.settings[name] for name in SETTINGS}


def deny(world, body):
    """`{"account": "222222222222", "action": "CreateRoute"}`, either may be `*`; with `"lift": true` no longer."""
    world.deny(body["account"], body["action"], bool(body.get("lift", False)))
    return {"denied": [{"account": account, "action": action} for account, action in sorted(world.denied)]}


def fail(world, body):
    """`{"account": "222222222222", "action": "CreateRoute", "how": "answer-lost"}`, or another of `FAILURES`: the next such call, once."""
    world.fail_next(body["account"], body["action"], body["how"])
    return {"status": "ok"}


def share(world, body):
    """`{"owner": "333333333333", "network": "vpc-…", "account": "222222222222"}`: the account sees it from now on."""
    world.share(body["owner"], body["network"], body["account"])
    return {"status": "ok"}


def calls(world, _):
    """The audit log: every call of a client, in the order in which they ended."""
    return {"total": len(world.calls), "counts": world.counts(), "calls": world.calls}


def clear_calls(world, _):
    world.calls.clear()
    return {"status": "ok"}


def peerings(world, _):
    """What is so, whoever may see it and however late."""
    return [peering.truth() for peering in quotas.current(world)]


ENDPOINTS = {
    "GET health": health,
    "POST reset": reset,
    "GET clock": clock,
    "POST clock": clock,
    "GET rules": list_rules,
    "POST rules": switch,
    "GET settings": settings,
    "POST settings": settings,
    "POST deny": deny,
    "POST fail": fail,
    "POST share": share,
    "GET calls": calls,
    "DELETE calls": clear_calls,
    "GET peerings": peerings,
}


