"""A peering as it really is, and how it moves on by itself.

    initiating-request -> failed | pending-acceptance
    pending-acceptance -> provisioning | rejected | expired | deleted
    provisioning -> active -> (deleting, across regions) -> deleted

The emulator holds a peering of the same id, because its routes and tags refer to it; its state counts only where somebody
changed it behind our back. A request that is going to fail has no counterpart there.
"""

import copy
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from rules import declare

declare("initiating", "1.4, 3.1", "a new request is initiating-request first, and waits for acceptance a little later")
declare("provisioning", "1.4, 3.1", "an accepted request is provisioning first, and active a little later")
declare("deleting", "1.4, 3.1", "a peering between regions passes deleting before it is deleted")
declare("expiry", "1.4, 3.1, 3.2", "a request shows its ExpirationTime and is expired after 168 h on the told clock")
declare("visible-windows", "1.4, 3.1", "an ended peering is shown for 2 h or 2 d, by who ended it, and is NotFound afterwards")
declare("stale-reads", "3.5", "after a change some reads still show what was before (setting stale_reads)")

INITIATING, PENDING, PROVISIONING, ACTIVE = "initiating-request", "pending-acceptance", "provisioning", "active"
REJECTED, EXPIRED, FAILED, DELETING, DELETED = "rejected", "expired", "failed", "deleting", "deleted"
LIVE = {INITIATING, PENDING, PROVISIONING, ACTIVE}
ENDED = {REJECTED, EXPIRED, FAILED, DELETED}

EXPIRES_AFTER = timedelta(hours=168)
SHORT, LONG = timedelta(hours=2), timedelta(days=2)

OPTION = "AllowDnsResolutionFromRemoteVpc"
MULTIPATH = "AllowMultipathResilience"


@dataclass
class Side:
    account: str
    region: str
    vpc: str

    @property
    def place(self):
        return (self.account, self.region)


@dataclass
class Peering:
    id: str
    requester: Side
    accepter: Side
    created: datetime
    state: str
    message: str
    since: datetime
    # What the request will fail of; it is found out a little later than asked.
    doomed: str | None = None
    # Who deleted it.
    ended_by: tuple | None = None
    reads: int = 0
    # The DNS option, by role.
    options: dict = field(default_factory=lambda: {"requester": False, "accepter": False})
    # Whether each end allows multipath resilience, by role.
    multipath: dict = field(default_factory=lambda: {"requester": False, "accepter": False})
    # Tags by place, for a peering that the emulator does not know.
    tags: dict = field(default_factory=dict)
    # What late reads still show, and until when and how often, by place.
    past: "Peering | None" = None
    past_reads: dict = field(default_factory=dict)
    past_until: datetime | None = None

    @property
    def mirrored(self):
        return self.doomed is None

    @property
    def expires(self):
        return self.created + EXPIRES_AFTER

    @property
    def same_account(self):
        return self.requester.account == self.accepter.account

    @property
    def inter_region(self):
        return self.requester.region != self.accepter.region

    def roles(self, place):
        """Which ends belong to `place`: one, both, or none."""
        ends = {"requester": self.requester, "accepter": self.accepter}
        return [role for role, side in ends.items() if side.place == place]

    def pair(self):
        """Its two networks, whichever asked."""
        return frozenset([(*self.requester.place, self.requester.vpc), (*self.accepter.place, self.accepter.vpc)])

    def truth(self):
        shown = asdict(replace_past(self))
        return {name: value.isoformat() if isinstance(value, datetime) else plain(value) for name, value in shown.items()}


def plain(value):
    """For JSON: places as keys become text."""
    if isinstance(value, dict):
        return {"/".join(key) if isinstance(key, tuple) else key: plain(inner) for key, inner in value.items()}
    return value


def replace_past(peering):
    """A copy without its memory of what was before."""
    now = copy.copy(peering)
    now.past, now.past_reads, now.past_until = None, {}, None
    return now


def remember(world, peering):
    """Before a change: late reads will still show this."""
    reads = world.settings["stale_reads"]
    if world.on("stale-reads") and reads > 0:
        peering.past = replace_past(peering)
        peering.past.options = dict(peering.options)
        peering.past.multipath = dict(peering.multipath)
        peering.past_reads = {peering.requester.place: reads, peering.accepter.place: reads}
        peering.past_until = world.now() + timedelta(seconds=world.settings["stale_seconds"])


def enter(world, peering, state, message, since=None):
    remember(world, peering)
    peering.state, peering.message, peering.reads = state, message, 0
    peering.since = since or world.now()


def advance(world, peering):
    """Lets happen what has become due."""
    while (step := due(world, peering)) is not None:
        enter(world, peering, *step)


def due(world, peering):
    state, accepter = peering.state, peering.accepter.account
    if state == INITIATING and over(world, peering, "initiating"):
        return (FAILED, peering.doomed) if peering.doomed else (PENDING, f"Pending Acceptance by {accepter}")
    if state == PENDING and world.on("expiry") and world.now() >= peering.expires:
        return (EXPIRED, "Expired", peering.expires)
    if state == PROVISIONING and over(world, peering, "provisioning"):
        return (ACTIVE, "Active")
    if state == DELETING and over(world, peering, "deleting"):
        return (DELETED, f"Deleted by {peering.ended_by[0]}")
    return None


def over(world, peering, phase):
    """Whether a passing state has lasted long enough: so many reads, or so many seconds."""
    if not world.on(phase):
        return True
    lasted = (world.now() - peering.since).total_seconds()
    return peering.reads >= world.settings[f"{phase}_reads"] or lasted >= world.settings[f"{phase}_seconds"]


def visible(world, peering, place):
    """Whether `place` is shown the peering at all."""
    roles = peering.roles(place)
    if not roles or (peering.doomed and "requester" not in roles):
        return False
    if peering.state not in ENDED or not world.on("visible-windows"):
        return True
    return world.now() < peering.since + window(peering, place)


def window(peering, place):
    """How long an ended peering is shown to `place`."""
    if peering.state == EXPIRED:
        return LONG
    if peering.state == FAILED or peering.same_account:
        return SHORT
    if peering.state == REJECTED:
        return LONG if place == peering.requester.place else SHORT
    return SHORT if place == peering.ended_by else LONG


def shown(world, peering, place):
    """The peering as a read of `place` shows it: now, or as it was. Counts the read."""
    peering.reads += 1
    left = peering.past_reads.get(place, 0)
    if peering.past is not None and left > 0 and world.now() < peering.past_until and world.on("stale-reads"):
        peering.past_reads[place] = left - 1
        return peering.past
    return peering
