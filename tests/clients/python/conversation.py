"""What the official Python client sees of an event store: one check after the other, each on streams of its own.

    python conversation.py CONNECTION_STRING

Prints one line per check, and ends with a failure if one of them failed.
"""

import sys
import traceback
from datetime import datetime, timezone
from uuid import uuid4

from kurrentdbclient import KurrentDBClient, NewEvent, StreamState
from kurrentdbclient.exceptions import (
    AlreadyExistsError,
    DeadlineExceededError,
    FailedPreconditionError,
    GrpcError,
    MaximumAppendSizeExceededError,
    NotFoundError,
    StreamIsDeletedError,
    WrongCurrentVersionError,
)

BOUND = 20.0


def unused(hint: str = "python") -> str:
    return f"{hint}-{uuid4()}"


def event(event_type: str = "Tested", data: bytes = b"{}", **more: object) -> NewEvent:
    return NewEvent(type=event_type, data=data, **more)


def events(count: int) -> list[NewEvent]:
    return [event() for _ in range(count)]


def raises(kind: type[Exception], work) -> Exception:
    try:
        work()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was to come")


def numbers(client: KurrentDBClient, stream: str, **options: object) -> list[int]:
    return [one.stream_position for one in client.get_stream(stream, **options)]


def an_append_of_one_event_and_of_a_list_answer_with_the_position_of_the_last(client: KurrentDBClient) -> None:
    stream = unused()
    one = client.append_to_stream(stream, events=event(), current_version=StreamState.NO_STREAM)
    three = client.append_to_stream(stream, events=events(3), current_version=0)
    read = client.get_stream(stream)
    assert [read[0].commit_position, read[3].commit_position] == [one, three]
    assert [one.stream_position for one in read] == [0, 1, 2, 3]


def events_come_back_as_they_were_written(client: KurrentDBClient) -> None:
    stream, event_id = unused(), uuid4()
    written = event("Größe", b'{"n": 1}', metadata=b'{"by": "x"}', id=event_id)
    noise = event("Bytes", bytes(range(256)), content_type="application/octet-stream")
    client.append_to_stream(stream, events=[written, noise], current_version=StreamState.NO_STREAM)
    first, second = client.get_stream(stream)
    assert (first.id, first.type, first.data, first.metadata) == (event_id, "Größe", b'{"n": 1}', b'{"by": "x"}')
    assert (second.data, second.content_type) == (bytes(range(256)), "application/octet-stream")
    assert abs((datetime.now(timezone.utc) - first.recorded_at).total_seconds()) < 60


def a_wrong_version_tells_the_true_one(client: KurrentDBClient) -> None:
    stream = unused()
    error = raises(WrongCurrentVersionError, lambda: client.append_to_stream(stream, events=event(), current_version=5))
    assert "does not exist" in str(error), error
    client.append_to_stream(stream, events=event(), current_version=StreamState.NO_STREAM)
    for given in (event(), events(2)):
        for version in (5, StreamState.NO_STREAM):
            work = lambda: client.append_to_stream(stream, events=given, current_version=version)
            assert "Stream position of last event is 0 not" in str(raises(WrongCurrentVersionError, work))
    raises(WrongCurrentVersionError, lambda: client.append_to_stream(unused(), events=event(), current_version=StreamState.EXISTS))


def a_repeated_append_is_answered_as_the_first_and_writes_nothing(client: KurrentDBClient) -> None:
    for same in (event(), events(3)):
        for version in (StreamState.NO_STREAM, StreamState.ANY):
            stream = unused()
            first = client.append_to_stream(stream, events=same, current_version=version)
            again = client.append_to_stream(stream, events=same, current_version=version)
            assert first == again
            assert len(client.get_stream(stream)) == (1 if isinstance(same, NewEvent) else 3)


def the_same_event_ten_thousand_times_in_one_append_is_taken(client: KurrentDBClient) -> None:
    stream, one = unused(), event(data=b"")
    client.append_to_stream(stream, events=[one] * 10_000, current_version=StreamState.NO_STREAM)
    assert client.get_current_version(stream) == 9_999


def a_stream_reads_in_every_shape(client: KurrentDBClient) -> None:
    stream = unused()
    client.append_to_stream(stream, events=events(5), current_version=StreamState.NO_STREAM)
    assert numbers(client, stream, stream_position=1, limit=2) == [1, 2]
    assert numbers(client, stream, backwards=True, limit=2) == [4, 3]
    assert numbers(client, stream, backwards=True, stream_position=2) == [2, 1, 0]
    assert numbers(client, stream, stream_position=10) == []


def a_missing_stream_is_not_found_in_every_shape(client: KurrentDBClient) -> None:
    shapes = ({}, {"backwards": True}, {"stream_position": 1}, {"stream_position": 1, "backwards": True})
    for shape in shapes:
        raises(NotFoundError, lambda: client.get_stream(unused(), **shape))
        raises(NotFoundError, lambda: client.get_stream(unused(), limit=10, **shape))
    assert client.get_current_version(unused()) is StreamState.NO_STREAM


def a_deleted_stream_can_be_written_again_and_goes_on_counting(client: KurrentDBClient) -> None:
    stream = unused()
    raises(NotFoundError, lambda: client.delete_stream(stream, current_version=StreamState.ANY))
    client.append_to_stream(stream, events=events(2), current_version=StreamState.NO_STREAM)
    raises(WrongCurrentVersionError, lambda: client.delete_stream(stream, current_version=0))
    client.delete_stream(stream, current_version=1)
    raises(NotFoundError, lambda: client.get_stream(stream))
    client.delete_stream(stream, current_version=1)
    client.append_to_stream(stream, events=event(), current_version=StreamState.NO_STREAM)
    assert numbers(client, stream) == [2]


def a_tombstoned_stream_is_deleted_for_ever(client: KurrentDBClient) -> None:
    stream = unused()
    client.append_to_stream(stream, events=event(), current_version=StreamState.NO_STREAM)
    client.tombstone_stream(stream, current_version=0)
    raises(StreamIsDeletedError, lambda: client.get_stream(stream))
    # Of one event alone the client has no kind of its own for this.
    raises(FailedPreconditionError, lambda: client.append_to_stream(stream, events=event(), current_version=StreamState.ANY))
    raises(StreamIsDeletedError, lambda: client.append_to_stream(stream, events=events(2), current_version=StreamState.ANY))
    raises(StreamIsDeletedError, lambda: client.tombstone_stream(stream, current_version=StreamState.ANY))
    raises(StreamIsDeletedError, lambda: client.delete_stream(stream, current_version=StreamState.ANY))


def metadata_is_set_got_and_truncates(client: KurrentDBClient) -> None:
    stream = unused()
    assert client.get_stream_metadata(stream) == ({}, StreamState.NO_STREAM)
    client.append_to_stream(stream, events=events(5), current_version=StreamState.NO_STREAM)
    client.set_stream_metadata(stream, metadata={"$maxCount": 2, "colour": "green"})
    assert client.get_stream_metadata(stream) == ({"$maxCount": 2, "colour": "green"}, 0)
    assert numbers(client, stream) == [3, 4]
    client.delete_stream(stream, current_version=4)
    assert client.get_stream_metadata(stream) == ({"$tb": 2**63 - 1}, 1)
    client.tombstone_stream(stream, current_version=StreamState.ANY)
    raises(StreamIsDeletedError, lambda: client.get_stream_metadata(stream))
    client.set_stream_metadata(stream, metadata={"x": 1})


def all_is_filtered_by_default_by_prefix_and_by_expression(client: KurrentDBClient) -> None:
    prefix = unused()
    start = client.append_to_stream(unused("mark"), events=event(), current_version=StreamState.ANY)
    client.append_to_stream(f"{prefix}-a", events=[event("Alpha"), event("Beta")], current_version=StreamState.ANY)
    client.append_to_stream(f"{prefix}-b", events=event("Gamma"), current_version=StreamState.ANY)
    client.set_stream_metadata(f"{prefix}-b", metadata={"x": 1})

    def types(**options: object) -> list[str]:
        found = client.read_all(commit_position=start, **options)
        return [one.type for one in found if prefix in one.stream_name]

    assert types() == ["Alpha", "Beta", "Gamma"]
    assert types(filter_exclude=()) == ["Alpha", "Beta", "Gamma", "$metadata"]
    assert types(filter_include=["Al.*", "Gam.*"]) == ["Alpha", "Gamma"]
    assert types(filter_include=[f"{prefix}-b"], filter_by_stream_name=True, filter_by_prefix=True) == ["Gamma"]


def all_reads_from_a_position_inclusive_forwards_and_exclusive_backwards(client: KurrentDBClient) -> None:
    stream = unused()
    first, second = (client.append_to_stream(stream, events=event(), current_version=StreamState.ANY) for _ in range(2))
    options = {"filter_include": [stream], "filter_by_stream_name": True, "filter_by_prefix": True}
    assert [one.commit_position for one in client.read_all(commit_position=first, **options)] == [first, second]
    assert [one.commit_position for one in client.read_all(commit_position=second, backwards=True, limit=1, **options)] == [first]


def a_stream_subscription_catches_up_says_so_and_goes_on_live(client: KurrentDBClient) -> None:
    stream = unused()
    client.append_to_stream(stream, events=events(2), current_version=StreamState.NO_STREAM)
    with client.subscribe_to_stream(stream, include_caught_up=True, timeout=BOUND) as subscription:
        came = [next(subscription) for _ in range(3)]
        assert [one.stream_position for one in came[:2]] == [0, 1]
        assert came[2].is_caught_up
        client.append_to_stream(stream, events=events(2), current_version=1)
        assert [next(subscription).stream_position for _ in range(2)] == [2, 3]


def a_subscription_to_all_gets_events_and_checkpoints(client: KurrentDBClient) -> None:
    stream = unused()
    start = client.append_to_stream(stream, events=event(), current_version=StreamState.ANY)
    client.append_to_stream(unused("other"), events=events(5), current_version=StreamState.ANY)
    client.append_to_stream(stream, events=event("Last"), current_version=StreamState.ANY)
    options = {"filter_include": [stream], "filter_by_stream_name": True, "filter_by_prefix": True}
    checkpoints = {"include_checkpoints": True, "window_size": 1, "checkpoint_interval_multiplier": 1}
    seen = []
    with client.subscribe_to_all(commit_position=start, timeout=BOUND, **options, **checkpoints) as subscription:
        for one in subscription:
            seen.append(one)
            if one.is_checkpoint and any(other.type == "Last" for other in seen):
                break
    assert [one.stream_position for one in seen if not one.is_checkpoint] == [1]
    positions = [one.commit_position for one in seen if one.is_checkpoint]
    assert positions == sorted(positions)


def a_deadline_ends_a_subscription(client: KurrentDBClient) -> None:
    subscription = client.subscribe_to_stream(unused(), timeout=0.5)
    raises(DeadlineExceededError, lambda: next(subscription))


def an_append_above_the_limit_is_refused(client: KurrentDBClient) -> None:
    stream, large = unused(), event(data=b"x" * (15 << 20))
    refused = (GrpcError, MaximumAppendSizeExceededError)
    for given in (large, [large]):
        try:
            client.append_to_stream(stream, events=given, current_version=StreamState.ANY)
        except Exception as error:
            assert isinstance(error, refused) or "Exceeded" in str(error), repr(error)
        else:
            return  # Newer servers take as much.
    raises(NotFoundError, lambda: client.get_stream(stream))


def links_are_resolved(client: KurrentDBClient) -> None:
    stream, links = unused(), unused("links")
    client.append_to_stream(stream, events=events(2), current_version=StreamState.NO_STREAM)
    link = event("$>", f"1@{stream}".encode(), content_type="application/octet-stream")
    client.append_to_stream(links, events=link, current_version=StreamState.NO_STREAM)
    (resolved,) = client.get_stream(links, resolve_links=True)
    assert (resolved.stream_name, resolved.stream_position, resolved.link.stream_position) == (stream, 1, 0)


def gossip_shows_one_living_leader(client: KurrentDBClient) -> None:
    assert [one.state for one in client.read_gossip() if one.state == "NODE_STATE_LEADER"] == ["NODE_STATE_LEADER"]


def a_persistent_subscription_delivers_takes_acks_and_parks(client: KurrentDBClient) -> str | None:
    stream, group = unused(), "group"
    client.append_to_stream(stream, events=events(2), current_version=StreamState.NO_STREAM)
    try:
        client.create_subscription_to_stream(group, stream)
    except GrpcError as error:
        if "UNIMPLEMENTED" in repr(error):
            return "the store has none"
        raise
    raises(AlreadyExistsError, lambda: client.create_subscription_to_stream(group, stream))
    came = []
    with client.read_subscription_to_stream(group, stream) as subscription:
        for one in subscription:
            came.append(one.stream_position)
            if len(came) == 1:
                subscription.ack(one)
            else:
                subscription.nack(one, "park")
                subscription.stop()
    assert came == [0, 1]
    assert client.get_subscription_info(group, stream).group_name == group
    assert group in [one.group_name for one in client.list_subscriptions_to_stream(stream)]
    client.delete_subscription(group, stream)
    raises(NotFoundError, lambda: client.get_subscription_info(group, stream))
    assert all(one.event_source != stream for one in client.list_subscriptions())
    return None


CHECKS = [
    an_append_of_one_event_and_of_a_list_answer_with_the_position_of_the_last,
    events_come_back_as_they_were_written,
    a_wrong_version_tells_the_true_one,
    a_repeated_append_is_answered_as_the_first_and_writes_nothing,
    the_same_event_ten_thousand_times_in_one_append_is_taken,
    a_stream_reads_in_every_shape,
    a_missing_stream_is_not_found_in_every_shape,
    a_deleted_stream_can_be_written_again_and_goes_on_counting,
    a_tombstoned_stream_is_deleted_for_ever,
    metadata_is_set_got_and_truncates,
    all_is_filtered_by_default_by_prefix_and_by_expression,
    all_reads_from_a_position_inclusive_forwards_and_exclusive_backwards,
    a_stream_subscription_catches_up_says_so_and_goes_on_live,
    a_subscription_to_all_gets_events_and_checkpoints,
    a_deadline_ends_a_subscription,
    an_append_above_the_limit_is_refused,
    links_are_resolved,
    gossip_shows_one_living_leader,
    a_persistent_subscription_delivers_takes_acks_and_parks,
]


def main() -> int:
    client = KurrentDBClient(sys.argv[1])
    failed = 0
    for check in CHECKS:
        name = check.__name__.replace("_", " ")
        try:
            aside = check(client)
            print(f"aside: {name}: {aside}" if aside else f"ok: {name}", flush=True)
        except Exception:
            failed += 1
            print(f"FAILED: {name}\n{traceback.format_exc()}", flush=True)
    client.close()
    print(f"{len(CHECKS) - failed} of {len(CHECKS)} held")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
