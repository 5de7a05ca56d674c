"""Networks that their owner shares with another account, which sees them, and whose they are.

The emulator has no such sharing; who shares what is told over the control side.
"""

from rules import after
from wire import text


@after("network-shared", "1.4 [G]", "a network is seen by those whom its owner shares it with, as its owner's", "DescribeVpcs")
def shared(world, call, reply):
    if reply.code is not None:
        return
    shown = reply.root.find("vpcSet")
    seen = {text(item, "vpcId") for item in shown.iterfind("item")}
    for owner, name, account in sorted(world.shared):
        if account != call.account or name in seen or name not in call.params.values():
            continue
        theirs = world.upstream.ask((owner, call.region), "DescribeVpcs", **{"Filter.1.Name": "vpc-id", "Filter.1.Value.1": name})
        shown.extend(theirs.iterfind("vpcSet/item"))
