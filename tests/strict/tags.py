"""Tags: the keys that nobody may set, and peerings of which the emulator knows nothing."""

from rules import before, handles
from visibility import find
from wire import Refusal, answer


@before("tags-reserved", "1.4", "a tag key that begins with aws: is refused, at creation and afterwards")
def reserved(world, call):
    for name, value in call.params.items():
        if name.endswith(".Key") and ".Tag." in f".{name}" and value.lower().startswith("aws:"):
            raise Refusal("InvalidTagKey.Malformed", "Tag keys starting with 'aws:' are reserved for internal use")


def specified(call, kind):
    """The tags that a call gives to what it makes."""
    found = {}
    for specification in call.structs("TagSpecification"):
        if specification.get("ResourceType") == kind:
            keys = [name for name in specification if name.endswith(".Key")]
            found.update({specification[name]: specification.get(f"{name[:-3]}Value", "") for name in keys})
    return found


@handles("CreateTags")
@handles("DeleteTags")
def change(world, call):
    """Tags of a peering that is going to fail are kept here; all others are kept by the emulator, place by place."""
    kept = []
    for name in call.values("ResourceId"):
        peering = find(world, call, name) if name.startswith("pcx-") else None
        if peering is None or peering.mirrored:
            kept.append(name)
            continue
        tags = peering.tags.setdefault(call.place, {})
        for tag in call.structs("Tag"):
            if call.action == "CreateTags":
                tags[tag["Key"]] = tag.get("Value", "")
            elif tag.get("Value") in (None, tags.get(tag["Key"])):
                tags.pop(tag["Key"], None)
    if not kept:
        return answer(call, {"return": True})
    if len(kept) < len(call.values("ResourceId")):
        call.without("ResourceId.")
        call.change({f"ResourceId.{number}": name for number, name in enumerate(kept, 1)})
    return world.upstream.forward(call)
