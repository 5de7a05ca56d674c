"""A strict EC2 in front of a lenient one, for tests only.

    python strict.py --upstream http://127.0.0.1:5000 --port 5001
    python strict.py --rules

The emulator keeps networks, route tables, security groups and tags; this adds what AWS does and the emulator does not: the
whole life of a peering, and refusals. What no rule speaks of passes through unchanged. Every rule cites a fact, see `rules.py`;
`--rules` prints them all. Read `app.py` next. It listens on the loopback only and ends on SIGTERM.
"""

import argparse
import signal
import threading

import werkzeug.serving
from app import App
from rules import TABLE
from upstream import Upstream
from world import World


class Handler(werkzeug.serving.WSGIRequestHandler):
    """Keeps connections open, and keeps quiet: the audit log says what was called."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *_):
        pass


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--upstream", help="where the emulator listens")
    options.add_argument("--port", type=int, help="where to listen; 0 for any free port")
    options.add_argument("--rules", action="store_true", help="print the table of rules and end")
    given = options.parse_args()
    if given.rules:
        for rule in TABLE.values():
            print(f"{rule.name:22} {rule.facts:20} {rule.says}")
        return
    if given.upstream is None or given.port is None:
        options.error("--upstream and --port are needed")
    app = App(World(Upstream(given.upstream)))
    server = werkzeug.serving.make_server("127.0.0.1", given.port, app, threaded=True, request_handler=Handler)
    # A client that keeps its connection open must not keep the process.
    server.daemon_threads = True
    server.block_on_close = False
    # `shutdown` waits for the loop that this very thread runs, so another one has to ask.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start())
    print(f"strict on http://127.0.0.1:{server.port} in front of {given.upstream}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


if __name__ == "__main__":
    main()
