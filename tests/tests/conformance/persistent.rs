//! Row 26: persistent subscriptions, as far as the client shows them. A server that has none says
//! so in its features.

use crate::raw;
use crate::support::{SOON, Store, events, soon, store, unused};
use kurrentdb::{
    DeletePersistentSubscriptionOptions, Error, GetPersistentSubscriptionInfoOptions,
    ListPersistentSubscriptionsOptions, NakAction, PersistentSubscription,
    PersistentSubscriptionEvent, PersistentSubscriptionOptions, PersistentSubscriptionToAllOptions,
    ReplayParkedMessagesOptions, ResolvedEvent, StreamPosition,
    SubscribeToPersistentSubscriptionOptions, SubscriptionFilter,
};
use peerage_tests::{golden::wire::Came, wait};
use serde_json::{Value, json};
use std::time::Duration;

const GROUP: &str = "group";

/// Whether the server has persistent subscriptions at all.
async fn supported() -> bool {
    let (came, _) = raw::call("ServerFeatures/GetSupportedMethods", &[json!({})]).await;
    let methods = came[0]["methods"].as_array().unwrap();
    let supported = methods.iter().any(|method| {
        method["service_name"]
            .as_str()
            .unwrap()
            .contains("persistentsubscriptions")
    });
    if !supported {
        eprintln!("stands aside: the server has no persistent subscriptions");
    }
    supported
}

fn from_start() -> PersistentSubscriptionOptions {
    PersistentSubscriptionOptions::default().start_from(StreamPosition::Start)
}

async fn create(store: &Store, stream: &str, options: &PersistentSubscriptionOptions) {
    soon(
        "a group",
        store
            .client
            .create_persistent_subscription(stream, GROUP, options),
    )
    .await
    .unwrap();
}

async fn consume(store: &Store, stream: &str, buffer: usize) -> Consumer {
    let options = SubscribeToPersistentSubscriptionOptions::default().buffer_size(buffer);
    let subscription = soon(
        "a consumer",
        store
            .client
            .subscribe_to_persistent_subscription(stream, GROUP, &options),
    )
    .await
    .unwrap();
    Consumer { subscription }
}

struct Consumer {
    subscription: PersistentSubscription,
}

impl Consumer {
    async fn next(&mut self) -> (ResolvedEvent, usize) {
        loop {
            let next = soon(
                "an event of a group",
                self.subscription.next_subscription_event(),
            )
            .await
            .unwrap();
            if let PersistentSubscriptionEvent::EventAppeared { event, retry_count } = next {
                return (event, retry_count);
            }
        }
    }

    async fn number(&mut self) -> u64 {
        self.next().await.0.get_original_event().revision
    }

    /// Takes the next event and acknowledges it.
    async fn acked(&mut self) -> u64 {
        let (event, _) = self.next().await;
        self.subscription.ack(&event).await.unwrap();
        event.get_original_event().revision
    }

    async fn stays_silent(&mut self) {
        let next = tokio::time::timeout(crate::support::A_WHILE, self.subscription.next());
        assert!(next.await.is_err(), "nothing was to come");
    }
}

#[tokio::test]
async fn row_26_a_group_from_the_start_delivers_what_is_there_and_what_comes() {
    if !supported().await {
        return;
    }
    let store = store().await;
    let stream = store.stream_of(2).await;
    create(&store, &stream, &from_start()).await;
    let mut consumer = consume(&store, &stream, 10).await;
    assert_eq!([consumer.acked().await, consumer.acked().await], [0, 1]);
    store.write(&stream, events(1)).await;
    assert_eq!(consumer.acked().await, 2);
}

#[tokio::test]
async fn row_26_a_group_begins_with_the_event_of_its_start() {
    if !supported().await {
        return;
    }
    let store = store().await;
    let stream = store.stream_of(3).await;
    create(
        &store,
        &stream,
        &PersistentSubscriptionOptions::default().start_from(StreamPosition::Position(1)),
    )
    .await;
    assert_eq!(consume(&store, &stream, 10).await.number().await, 1);
}

#[tokio::test]
async fn row_26_a_group_from_the_end_delivers_only_later_events() {
    if !supported().await {
        return;
    }
    let store = store().await;
    let stream = store.stream_of(3).await;
    create(
        &store,
        &stream,
        &PersistentSubscriptionOptions::default().start_from(StreamPosition::End),
    )
    .await;
    let mut consumer = consume(&store, &stream, 10).await;
    store.write(&stream, events(1)).await;
    assert_eq!(consumer.number().await, 3);
}

#[tokio::test]
async fn row_26_groups_that_exist_or_do_not_are_told_apart() {
    if !supported().await {
        return;
    }
    let store = store().await;
    let stream = store.stream_of(1).await;
    let (client, delete) = (
        &store.client,
        DeletePersistentSubscriptionOptions::default(),
    );
    create(&store, &stream, &from_start()).await;
    let again = client
        .create_persistent_subscription(stream.as_str(), GROUP, &from_start())
        .await;
    assert!(
        matches!(again, Err(Error::ResourceAlreadyExists)),
        "{again:?}"
    );
    client
        .delete_persistent_subscription(stream.as_str(), GROUP, &delete)
        .await
        .unwrap();
    let missing = client
        .delete_persistent_subscription(stream.as_str(), GROUP, &delete)
        .await;
    assert!(
        matches!(missing, Err(Error::ResourceNotFound)),
        "{missing:?}"
    );
    let missing = client
        .update_persistent_subscription(stream.as_str(), GROUP, &from_start())
        .await;
    assert!(
        matches!(missing, Err(Error::ResourceNotFound)),
        "{missing:?}"
    );
    let info = GetPersistentSubscriptionInfoOptions::default();
    let missing = client
        .get_persistent_subscription_info(&stream, GROUP, &info)
        .await;
    assert!(
        matches!(missing, Err(Error::ResourceNotFound)),
        "{missing:?}"
    );
}

#[tokio::test]
async fn row_26_a_buffer_of_one_holds_the_next_event_back_until_the_ack() {
    if !supported().await {
        return;
    }
    let store = store().await;
    let stream = store.stream_of(2).await;
    create(&store, &stream, &from_start()).await;
    let mut consumer = consume(&store, &stream, 1).await;
    let (first, _) = consumer.next().await;
    consumer.stays_silent().await;
    consumer.subscription.ack(&first).await.unwrap();
    assert_eq!(consumer.number().await, 1);
}

#[tokio::test]
async fn row_26_a_nack_with_retry_brings_the_event_again_and_then_parks_it_and_a_replay_brings_it_back()
 {
    if !supported().await {
        return;
    }
    let store = store().await;
    let stream = store.stream_of(1).await;
    create(&store, &stream, &from_start().max_retry_count(2)).await;
    let mut consumer = consume(&store, &stream, 10).await;
    for attempt in 0..3 {
        let (event, retries) = consumer.next().await;
        assert_eq!((event.get_original_event().revision, retries), (0, attempt));
        consumer
            .subscription
            .nack(&event, NakAction::Retry, "again")
            .await
            .unwrap();
    }
    let parked = format!("$persistentsubscription-{stream}::{GROUP}-parked");
    let is_parked = || async { store.read(&parked).await.ok().map(|events| events.len()) };
    assert_eq!(
        wait::until("the parked event", Duration::from_secs(10), is_parked).await,
        1
    );
    store
        .client
        .replay_parked_messages(&stream, GROUP, &ReplayParkedMessagesOptions::default())
        .await
        .unwrap();
    let (replayed, _) = consumer.next().await;
    assert_eq!(replayed.event.as_ref().unwrap().revision, 0);
}

#[tokio::test]
async fn row_26_a_nack_with_park_parks_at_once_and_one_with_skip_forgets() {
    if !supported().await {
        return;
    }
    let store = store().await;
    let stream = store.stream_of(2).await;
    create(&store, &stream, &from_start()).await;
    let mut consumer = consume(&store, &stream, 10).await;
    let (first, _) = consumer.next().await;
    let (second, _) = consumer.next().await;
    consumer
        .subscription
        .nack(&first, NakAction::Skip, "forget")
        .await
        .unwrap();
    consumer
        .subscription
        .nack(&second, NakAction::Park, "later")
        .await
        .unwrap();
    let parked = format!("$persistentsubscription-{stream}::{GROUP}-parked");
    let links = || async {
        let links = store.read(&parked).await.ok()?;
        Some(
            links
                .iter()
                .map(|link| String::from_utf8_lossy(&link.data).into_owned())
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(
        wait::until("the parked event", Duration::from_secs(10), links).await,
        [format!("1@{stream}")]
    );
    consumer.stays_silent().await;
}

#[tokio::test]
async fn row_26_an_event_that_is_not_acked_in_time_comes_again_with_its_retry_count() {
    if !supported().await {
        return;
    }
    let store = store().await;
    let stream = store.stream_of(1).await;
    create(
        &store,
        &stream,
        &from_start().message_timeout(Duration::from_millis(500)),
    )
    .await;
    let mut consumer = consume(&store, &stream, 10).await;
    assert_eq!(consumer.next().await.1, 0);
    assert_eq!(consumer.next().await.1, 1);
}

#[tokio::test]
async fn row_26_what_a_consumer_leaves_unacked_goes_to_the_next() {
    if !supported().await {
        return;
    }
    let store = store().await;
    let stream = store.stream_of(2).await;
    create(&store, &stream, &from_start()).await;
    let mut leaving = consume(&store, &stream, 10).await;
    leaving.number().await;
    drop(leaving);
    let mut next = consume(&store, &stream, 10).await;
    assert_eq!([next.acked().await, next.acked().await], [0, 1]);
}

#[tokio::test]
async fn row_26_a_group_that_is_deleted_or_updated_drops_its_consumers_with_an_error() {
    if !supported().await {
        return;
    }
    let store = store().await;
    let stream = store.stream_of(0).await;
    create(&store, &stream, &from_start()).await;
    let mut consumer = consume(&store, &stream, 10).await;
    soon(
        "the confirmation",
        consumer.subscription.next_subscription_event(),
    )
    .await
    .unwrap();
    store
        .client
        .update_persistent_subscription(stream.as_str(), GROUP, &from_start().max_retry_count(7))
        .await
        .unwrap();
    let dropped = soon("the end", consumer.subscription.next()).await;
    assert!(
        matches!(dropped, Err(Error::IllegalStateError(_))),
        "{dropped:?}"
    );
    let mut consumer = consume(&store, &stream, 10).await;
    soon(
        "the confirmation",
        consumer.subscription.next_subscription_event(),
    )
    .await
    .unwrap();
    store
        .client
        .delete_persistent_subscription(
            stream.as_str(),
            GROUP,
            &DeletePersistentSubscriptionOptions::default(),
        )
        .await
        .unwrap();
    let dropped = soon("the end", consumer.subscription.next()).await;
    assert!(
        matches!(dropped, Err(Error::IllegalStateError(_))),
        "{dropped:?}"
    );
}

/// What a group says of itself, as it is on the wire: what is 0 is absent.
async fn told(stream: &str) -> Value {
    let stream = json!({"stream_name": stream});
    let request = json!({"options": {"group_name": GROUP, "stream_identifier": stream}});
    let (came, ending) = raw::call("PersistentSubscriptions/GetInfo", &[request]).await;
    assert_eq!(ending.code, "OK", "{ending:?}");
    came[0]["subscription_info"].clone()
}

#[tokio::test]
async fn row_26_info_tells_who_consumes_what_was_handed_out_and_how_much_of_it_since_the_last_look()
{
    if !supported().await {
        return;
    }
    let store = store().await;
    let stream = store.stream_of(3).await;
    let mut options = from_start().checkpoint_after(Duration::from_secs(60));
    options = options.extra_statistics(true);
    create(&store, &stream, &options).await;
    let before = told(&stream).await;
    assert_eq!(
        (&before["connections"], &before["total_items"]),
        (&Value::Null, &Value::Null)
    );
    let mut consumer = consume(&store, &stream, 10).await;
    assert_eq!([consumer.acked().await, consumer.acked().await], [0, 1]);
    assert_eq!(consumer.number().await, 2);
    // An acknowledgement is not answered: this look begins the next measurement as well.
    let info = wait::until("what was acknowledged to be told", SOON, || async {
        let info = told(&stream).await;
        (info["total_in_flight_messages"] == json!(1)).then_some(info)
    })
    .await;
    let consumers = info["connections"].as_array().unwrap();
    assert_eq!(consumers.len(), 1, "{info}");
    let consumer_told = &consumers[0];
    // Without users everybody is the server itself; the client has no name for its connection.
    assert_eq!(
        ["username", "connection_name"].map(|it| consumer_told[it].as_str().unwrap()),
        ["system", "<unknown>"]
    );
    assert!(
        consumer_told["from"]
            .as_str()
            .is_some_and(|it| !it.is_empty()),
        "{info}"
    );
    for (name, of_group, of_consumer) in [
        ("total_items", &info, consumer_told),
        ("outstanding_messages_count", &info, &info),
    ] {
        assert_eq!(of_group[name], of_consumer[name], "{name}: {info}");
    }
    let number = |value: &Value| match value {
        Value::String(text) => text.parse().unwrap(),
        other => other.as_u64().unwrap_or(0),
    };
    assert_eq!(number(&info["total_items"]), 3, "{info}");
    assert_eq!(number(&info["outstanding_messages_count"]), 1, "{info}");
    assert_eq!(number(&consumer_told["in_flight_messages"]), 1, "{info}");
    assert_eq!(number(&consumer_told["available_slots"]), 9, "{info}");
    assert_eq!(info["last_known_event_position"], "2", "{info}");
    assert_eq!(info["live_buffer_count"], Value::Null, "{info}");
    let measured = consumer_told["observed_measurements"].as_array().unwrap();
    let keys: Vec<_> = measured.iter().map(|it| it["key"].as_str()).collect();
    assert_eq!(keys.first(), Some(&Some("Mean")), "{info}");
    assert_eq!((keys.len(), keys.last()), (14, Some(&Some("Highest"))));

    // What comes once the group has caught up is live, and what was told before is not told again.
    store.write(&stream, events(2)).await;
    assert_eq!([consumer.acked().await, consumer.acked().await], [3, 4]);
    let info = told(&stream).await;
    assert_eq!(number(&info["total_items"]), 5, "{info}");
    assert_eq!(number(&info["count_since_last_measurement"]), 2, "{info}");
    let of_consumer = &info["connections"][0];
    assert_eq!(
        number(&of_consumer["count_since_last_measurement"]),
        2,
        "{info}"
    );
    assert_eq!(number(&info["live_buffer_count"]), 2, "{info}");
    assert_eq!(info["last_known_event_position"], "4", "{info}");
    let again = told(&stream).await;
    assert_eq!(
        again["count_since_last_measurement"],
        Value::Null,
        "{again}"
    );
    assert_eq!(again["average_per_second"], Value::Null, "{again}");
}

#[tokio::test]
async fn row_26_info_and_list_show_a_group_and_its_settings() {
    if !supported().await {
        return;
    }
    let store = store().await;
    let stream = store.stream_of(1).await;
    create(&store, &stream, &from_start().max_retry_count(3)).await;
    let info = store
        .client
        .get_persistent_subscription_info(
            &stream,
            GROUP,
            &GetPersistentSubscriptionInfoOptions::default(),
        )
        .await
        .unwrap();
    assert_eq!(
        (info.event_source.as_str(), info.group_name.as_str()),
        (stream.as_str(), GROUP)
    );
    assert_eq!(
        info.settings.map(|settings| settings.max_retry_count),
        Some(3)
    );
    let options = ListPersistentSubscriptionsOptions::default();
    let listed = store
        .client
        .list_persistent_subscriptions_for_stream(&stream, &options)
        .await
        .unwrap();
    assert_eq!(
        listed
            .iter()
            .map(|group| group.group_name.as_str())
            .collect::<Vec<_>>(),
        [GROUP]
    );
    let all = store
        .client
        .list_all_persistent_subscriptions(&options)
        .await
        .unwrap();
    assert!(all.iter().any(|group| group.event_source == stream));
}

#[tokio::test]
async fn row_26_a_group_on_all_with_a_filter_delivers_what_matches() {
    if !supported().await {
        return;
    }
    let (store, prefix) = (store().await, unused("conformance-"));
    let filter = SubscriptionFilter::on_stream_name().add_prefix(&prefix);
    let options = PersistentSubscriptionToAllOptions::default()
        .start_from(StreamPosition::End)
        .filter(filter);
    store
        .client
        .create_persistent_subscription_to_all(&prefix, &options)
        .await
        .unwrap();
    let options = SubscribeToPersistentSubscriptionOptions::default();
    let mut consumer = Consumer {
        subscription: store
            .client
            .subscribe_to_persistent_subscription_to_all(&prefix, &options)
            .await
            .unwrap(),
    };
    store.write(&unused("conformance-other-"), events(1)).await;
    store.write(&prefix, events(1)).await;
    let (event, _) = consumer.next().await;
    assert_eq!(event.get_original_stream_id(), prefix);
    store
        .client
        .delete_persistent_subscription_to_all(
            &prefix,
            &DeletePersistentSubscriptionOptions::default(),
        )
        .await
        .unwrap();
}

/// A group as one official client creates it: the stream and the start beside the settings, and
/// the end as the greatest number.
#[tokio::test]
async fn row_26_the_greatest_number_is_the_end_in_the_older_form_too() {
    if !supported().await {
        return;
    }
    let store = store().await;
    let stream = store.stream_of(2).await;
    let settings = json!({
        "revision": u64::MAX.to_string(), "max_retry_count": 2, "min_checkpoint_count": 1,
        "max_checkpoint_count": 5, "live_buffer_size": 50, "read_batch_size": 10,
        "history_buffer_size": 20, "message_timeout_ms": 30000, "checkpoint_after_ms": 100,
    });
    let create = json!({"options": {
        "stream_identifier": {"stream_name": stream}, "group_name": GROUP, "settings": settings,
    }});
    let (_, ending) = raw::call("PersistentSubscriptions/Create", &[create]).await;
    assert_eq!(ending.code, "OK", "{}", ending.message);
    let mut consumer = consume(&store, &stream, 10).await;
    store.write(&stream, events(1)).await;
    assert_eq!(consumer.number().await, 2);
}

#[tokio::test]
async fn row_26_a_consumer_that_closes_its_side_is_pushed_to_until_the_call_ends() {
    if !supported().await {
        return;
    }
    let store = store().await;
    let stream = store.stream_of(1).await;
    create(&store, &stream, &from_start()).await;
    let options = json!({"options": {
        "stream_identifier": {"stream_name": stream}, "group_name": GROUP, "buffer_size": 10,
        "uuid_option": {"string": {}},
    }});
    let mut call = raw::open("PersistentSubscriptions/Read", &[options]).await;
    call.finish_requests();
    store.write(&stream, events(1)).await;
    for what in ["the confirmation", "the first event", "the second event"] {
        let came = raw::next(what, &mut call).await;
        assert!(matches!(came, Came::Message(_)), "{what}: {came:?}");
    }
}
