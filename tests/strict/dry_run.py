"""Dry runs: whether a call would be allowed, without carrying it out."""

from rules import before
from wire import Refusal


@before("dry-run", "0, 1.4, 1.5, 3.4", "DryRun answers 412 DryRunOperation (or 403 when denied) and changes nothing")
def dry_run(world, call):
    if call.flag("DryRun"):
        raise Refusal("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
