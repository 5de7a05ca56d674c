"""Every request's way: control, then denial, dry run, the rules before, the emulator or a handler of ours, the rules after.

Calls that some rule concerns go one at a time, so that what a rule has checked still holds when the call is carried out.
"""

import socket
import traceback

# The order of these is the order in which their rules look at a call.
import dry_run  # noqa: F401
import tags  # noqa: F401
import visibility  # noqa: F401
import peering_create  # noqa: F401
import peering_calls  # noqa: F401
import options  # noqa: F401
import routes  # noqa: F401
import route_filters  # noqa: F401
import security_groups  # noqa: F401
import interfaces  # noqa: F401
import sharing  # noqa: F401
import access_lists  # noqa: F401
import quotas  # noqa: F401
import paging  # noqa: F401
import control
import rules
from werkzeug.wrappers import Request, Response
from upstream import Silence
from wire import Call, Refusal, Reply, failure


# What is prepared for a call and refuses it, in the words of EC2; the last of them are nobody's.
REFUSALS = {
    "throttled": ("RequestLimitExceeded", "Request limit exceeded.", 503),
    "malformed": ("InvalidParameterValue", "Value () for parameter is invalid.", 400),
    "credentials-refused": ("AuthFailure", "AWS was not able to validate the provided access credentials", 401),
    "session-expired": ("RequestExpired", "Request has expired.", 400),
    "unheard": ("TeapotEncountered", "short and stout", 418),
}


class App:
    def __init__(self, world):
        self.world = world

    def __call__(self, environ, start):
        request = Request(environ)
        if request.path.startswith("/_strict/"):
            response = control.serve(self.world, request)
        else:
            try:
                reply = self.proxied(request)
            except Silence:
                return cut_off(environ, start)
            response = Response(reply.body, status=reply.status, content_type=reply.content_type)
        return response(environ, start)

    def proxied(self, request):
        path = request.full_path if request.query_string else request.path
        call = Call(request.method, path, request.headers, request.get_data())
        if call.action is None or call.service is None:
            reply = self.world.upstream.forward(call)
            if request.path == "/moto-api/reset" and request.method == "POST":
                self.world.forget_cloud()
            return reply
        try:
            reply = self.answered(call)
        except Refusal as refusal:
            reply = failure(refusal, call.service)
        except Silence:
            with self.world.lock:
                self.world.note(call, Reply(0, b"", "no answer"))
            raise
        except Exception:
            # A fault of this program must never look like a fault of the cloud.
            traceback.print_exc()
            self.world.faults += 1
            reply = Reply(500, traceback.format_exc().encode(), "text/plain")
        with self.world.lock:
            self.world.note(call, reply)
        return reply

    def answered(self, call):
        world = self.world
        call.account = world.upstream.account(call)
        if call.service == "ec2":
            with world.lock:
                return self.ec2(call)
        if call.service == "servicequotas" and call.action == "ListServiceQuotas" and world.settings["tells_quotas"]:
            return quotas.told(world, call)
        if world.is_denied(call):
            raise Refusal("AccessDenied", f"not authorized to perform: {call.service}:{call.action}", 403)
        return world.upstream.forward(call)

    def ec2(self, call):
        world = self.world
        if world.is_denied(call):
            raise Refusal("UnauthorizedOperation", "You are not authorized to perform this operation.", 403)
        failure = world.failure_of(call)
        if failure in REFUSALS:
            raise Refusal(*REFUSALS[failure])
        rules.run(rules.BEFORE, world, call)
        handler = rules.HANDLERS.get(call.action)
        reply = handler(world, call) if handler else world.upstream.forward(call)
        rules.run(rules.AFTER, world, call, reply)
        if failure == "answer-lost":
            raise Silence("the answer is lost, as was prepared")
        return reply


def cut_off(environ, start):
    """No answer of the emulator becomes no answer of ours: the client cannot know more than we do."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    start("502 Bad Gateway", [("Content-Length", "0")])
    return []
