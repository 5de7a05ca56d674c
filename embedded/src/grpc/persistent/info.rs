//! What a group says of itself.

use protocol::persistent_subscriptions::{
    SubscriptionInfo,
    subscription_info::{ConnectionInfo, Measurement},
};

use crate::{
    persistent::{ConsumerInfo, GroupInfo, Measured, Origin},
    read::{AllStart, StreamStart},
};

pub(super) fn write(info: GroupInfo) -> SubscriptionInfo {
    let settings = info.config.settings;
    let connections = info.consumers.into_iter().map(connection);
    SubscriptionInfo {
        event_source: info.config.name.source.to_string(),
        group_name: info.config.name.group,
        status: if info.is_live { "Live" } else { "Behind" }.to_owned(),
        connections: connections.collect(),
        average_per_second: per_second(info.handed_out),
        total_items: wide(info.handed_out.total),
        count_since_last_measurement: wide(info.handed_out.since_last),
        last_checkpointed_event_position: info.last_checkpoint.unwrap_or_default(),
        last_known_event_position: info.last_known.unwrap_or_default(),
        resolve_link_tos: settings.resolve_links,
        start_from: start_text(&info.config.origin),
        message_timeout_milliseconds: setting(settings.message_timeout_ms),
        extra_statistics: settings.extra_statistics,
        max_retry_count: setting(settings.max_retry_count),
        live_buffer_size: setting(settings.live_buffer_size),
        buffer_size: setting(settings.history_buffer_size),
        read_batch_size: setting(settings.read_batch_size),
        check_point_after_milliseconds: setting(settings.checkpoint_after_ms),
        min_check_point_count: setting(settings.min_checkpoint_count),
        max_check_point_count: setting(settings.max_checkpoint_count),
        read_buffer_count: narrow(info.waiting),
        live_buffer_count: wide(info.live),
        retry_buffer_count: narrow(info.retrying),
        total_in_flight_messages: narrow(info.in_flight),
        outstanding_messages_count: narrow(info.in_flight),
        named_consumer_strategy: settings.strategy.name().to_owned(),
        max_subscriber_count: setting(settings.max_subscriber_count),
        parked_message_count: wide(info.parked),
    }
}

fn connection(consumer: ConsumerInfo) -> ConnectionInfo {
    let took = consumer.took.into_iter().map(|(key, value)| Measurement {
        key: key.to_owned(),
        value: wide(value),
    });
    ConnectionInfo {
        from: consumer.caller.from,
        username: consumer.caller.user,
        average_items_per_second: per_second(consumer.handed_out),
        total_items: wide(consumer.handed_out.total),
        count_since_last_measurement: wide(consumer.handed_out.since_last),
        observed_measurements: took.collect(),
        available_slots: narrow(consumer.free),
        in_flight_messages: narrow(consumer.in_flight),
        connection_name: consumer.caller.connection,
    }
}

fn per_second(measured: Measured) -> i32 {
    i32::try_from(measured.per_second).unwrap_or(i32::MAX)
}

/// Where a group began, as a real server writes it.
fn start_text(origin: &Origin) -> String {
    match origin {
        Origin::Stream(StreamStart::Start) => "0".to_owned(),
        Origin::Stream(StreamStart::End) => "-1".to_owned(),
        Origin::Stream(StreamStart::Revision(number)) => number.to_string(),
        Origin::All {
            start: AllStart::Start,
            ..
        } => "C:0/P:0".to_owned(),
        Origin::All {
            start: AllStart::End,
            ..
        } => "C:-1/P:-1".to_owned(),
        Origin::All {
            start: AllStart::Position { commit, prepare },
            ..
        } => {
            format!("C:{}/P:{}", commit.get(), prepare.get())
        }
    }
}

fn setting(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn narrow(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn wide(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
