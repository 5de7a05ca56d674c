"""Everything the proxy knows beside what the emulator keeps: the told clock, the switches, the peerings, the calls seen."""

import threading
from collections import Counter
from datetime import datetime, timedelta, timezone

from rules import TABLE

# How much of each semantic there is. Whatever comes first ends a phase: so many looks, which are Describe calls that show the
# thing and refused writes to it, or so many seconds on the told clock. The clock goes on by itself as well, so these are long:
# on a busy machine, too, it is the looks that count.
SETTINGS = {
    "unseen_reads": 1,  # a new peering is NotFound for so many looks of each side
    "unseen_others_reads": 0,  # the same for route tables, security groups and their rules
    "unseen_seconds": 300,
    "stale_reads": 0,  # after a change, so many looks of each side still show what was before
    "stale_seconds": 300,
    "initiating_reads": 1,
    "initiating_seconds": 300,
    "provisioning_reads": 2,
    "provisioning_seconds": 300,
    "deleting_reads": 1,
    "deleting_seconds": 300,
    "page_size": 1000,  # a page never has more, whatever MaxResults says
    "active_per_vpc": 50,
    "outstanding_requests": 25,
    "routes_per_table": 500,
    "groups_per_interface": 5,
    "tells_quotas": 0,  # 1: Service Quotas is there, and tells them; see `quotas.py`
}


# What can be prepared for one call; see `app.py`.
FAILURES = ("throttled", "answer-lost", "malformed", "credentials-refused", "session-expired", "unheard")


class World:
    def __init__(self, upstream):
        self.upstream = upstream
        self.lock = threading.RLock()
        self.faults = 0
        self.reset()

    def reset(self):
        """As at the start. What the emulator holds is not touched."""
        with self.lock:
            self.off, self.denied, self.settings = set(), set(), dict(SETTINGS)
            self.offset = timedelta()
            self.calls, self.failures = [], []
            self.forget_cloud()

    def forget_cloud(self):
        """The emulator was emptied, and so is what leans on it."""
        with self.lock:
            self.peerings, self.lags, self.blocks, self.numbered = {}, {}, {}, 0
            self.shared = set()
            # What stands in the emulator for a group of another account, by account, region and group.
            self.across = {}
            self.upstream.forget()

    def now(self):
        return datetime.now(timezone.utc) + self.offset

    def advance(self, seconds):
        if seconds < 0:
            raise ValueError("the clock goes forward only")
        self.offset += timedelta(seconds=seconds)

    def on(self, rule):
        if rule not in TABLE:
            raise KeyError(f"no rule is called {rule}")
        return rule not in self.off

    def switch(self, rule, on):
        self.on(rule)
        (self.off.discard if on else self.off.add)(rule)

    def set(self, name, value):
        if name not in SETTINGS:
            raise KeyError(f"no setting is called {name}")
        self.settings[name] = int(value)

    def deny(self, account, action, lifted=False):
        (self.denied.discard if lifted else self.denied.add)((account, action))

    def is_denied(self, call):
        wanted = {(account, action) for account in (call.account, "*") for action in (call.action, "*")}
        return bool(wanted & self.denied)

    def share(self, owner, network, account):
        """From now on `account` sees the network."""
        self.shared.add((owner, network, account))

    def fail_next(self, account, action, how):
        if how not in FAILURES:
            raise ValueError(f"a call fails as one of {FAILURES}, not {how!r}")
        self.failures.append((account, action, how))

    def failure_of(self, call):
        """What was prepared for the next such call; it happens once."""
        for prepared in self.failures:
            if prepared[:2] == (call.account, call.action):
                self.failures.remove(prepared)
                return prepared[2]
        return None

    def note(self, call, reply):
        """One line of the audit log."""
        self.calls.append(
            {
                "at": self.now().isoformat(),
                "began": call.began.isoformat(),
                "access_key": call.access_key,
                "account": call.account,
                "region": call.region,
                "service": call.service,
                "action": call.action,
                "dry_run": call.flag("DryRun"),
                "parameters": {name: value for name, value in call.said.items() if name not in ("Action", "Version")},
                "status": reply.status,
                "outcome": reply.code or "ok",
                "issued": reply.issued if call.action == "AssumeRole" else None,
            }
        )

    def counts(self):
        return dict(Counter(entry["action"] for entry in self.calls))

    def invent_id(self):
        """The id of a peering that the emulator never hears of. The same run after run."""
        self.numbered += 1
        return f"pcx-0{self.numbered:016x}"
