//! What a connector delivers, where to and how: its settings, as they are stored. Names and fields
//! are for ever; what is added is optional.

use super::Sealed;
use crate::text::{FileName, HeaderField, HeaderText, HostName, Pattern, Url};
use chrono::{DateTime, Utc};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where records go.
    pub sink: Sink,
    /// Which records. Not set: every event of a network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// Where in the log it begins the first time.
    #[serde(default)]
    pub initial_position: InitialPosition,
    /// What is delivered in order.
    #[serde(default)]
    pub lanes: Lanes,
    /// When a delivery that failed is tried again.
    #[serde(default)]
    pub resilience: Resilience,
    /// What becomes of a record that is not delivered in the end.
    #[serde(default)]
    pub on_exhaustion: OnExhaustion,
    /// What becomes of the lane of a record that was parked.
    #[serde(default)]
    pub after_park: AfterPark,
    /// What changes a record before it is delivered. Not set: nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transformer: Option<Transformer>,
}

/// What changes a record before it is delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Transformer {
    /// JavaScript with a function `transform(record)` that changes the record in place. `drop()`
    /// leaves the record out, `cancel(reason)` stops the connector.
    pub function: String,
}

/// Where records go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are webhooks, and there are few"
)]
pub enum Sink {
    /// An HTTP endpoint.
    Webhook(Webhook),
    /// A file of JSON lines, in the folder that the server's configuration names.
    File(FileSink),
    /// The server's standard output, as JSON lines.
    Stdout,
}

/// An HTTP endpoint that takes records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Its URL. The path may hold `{event-type}`, `{stream}`, `{schema-subject}` and `{network}`.
    pub url: Url,
    /// The method.
    #[serde(default)]
    pub method: WebhookMethod,
    /// What the body is.
    #[serde(default)]
    pub format: WebhookFormat,
    /// Headers that are sent with each delivery.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<HeaderField, HeaderValue>,
    /// How the connector proves who it is.
    #[serde(default)]
    pub authentication: Authentication,
    /// A certificate of the engine's own, for receivers that ask for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<ClientCertificate>,
    /// The authorities (PEM) that sign the receiver's certificate, instead of the machine's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorities: Option<String>,
    /// The keys that deliveries are signed with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signing: Vec<SigningKey>,
    /// Networks' addresses, other than public ones, that may be dialled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub allowed_ranges: Vec<IpNet>,
    /// Hosts that may be dialled whatever their address is, and without TLS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_hosts: Vec<HostName>,
    /// How long one attempt may take in all, in milliseconds.
    #[serde(default = "Webhook::timeout")]
    pub timeout_ms: u32,
    /// Sends several records of a lane at once, as a JSON array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
}

impl Webhook {
    /// Standard Webhooks: 15 to 30 s.
    fn timeout() -> u32 {
        15_000
    }
}

/// How a delivery is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum WebhookMethod {
    /// `POST`.
    #[default]
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
}

/// What a delivery's body is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum WebhookFormat {
    /// The event and what stands beside it: who, why, by which command, of which network.
    #[default]
    Envelope,
    /// The event's data alone, as KurrentDB's own connectors send it.
    Record,
    /// CloudEvents 1.0, all of it in the body.
    CloudEvents,
    /// CloudEvents 1.0, its attributes in headers.
    CloudEventsBinary,
}

/// A header's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HeaderValue {
    /// Shown to whoever may look at the connector.
    Plain(HeaderText),
    /// Never shown.
    Secret(Sealed),
}

/// How a connector proves who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Authentication {
    /// It does not, other than by its signature.
    #[default]
    None,
    /// HTTP Basic.
    Basic {
        /// The user.
        username: HeaderText,
        /// The password.
        password: Sealed,
    },
    /// A bearer token.
    Bearer {
        /// The token.
        token: Sealed,
    },
    /// OAuth 2.0 client credentials.
    ClientCredentials {
        /// Where tokens are asked for.
        token_url: Url,
        /// The client.
        client_id: HeaderText,
        /// Its secret.
        client_secret: Sealed,
        /// What the tokens are for: the scopes, separated by spaces.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<HeaderText>,
        /// Whom they are for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audience: Option<HeaderText>,
    },
}

/// A certificate that is shown to a receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClientCertificate {
    /// The certificate and what leads to its authority, PEM.
    pub chain: String,
    /// Its private key, PEM.
    pub key: Sealed,
}

/// A key that deliveries are signed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SigningKey {
    /// The kind of signature.
    pub scheme: SignatureScheme,
    /// The key.
    pub key: Sealed,
    /// What receivers verify an ed25519 signature with (`whpk_…`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<HeaderText>,
    /// Until when it signs beside its successor. Not set: it is the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

/// A kind of signature, as Standard Webhooks names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SignatureScheme {
    /// HMAC-SHA256, with a secret that both sides have.
    V1,
    /// ed25519.
    V1a,
}

/// Several records at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// The most records.
    pub max_records: u16,
    /// How long the first one waits for more, in milliseconds.
    pub max_wait_ms: u32,
}

/// A file of JSON lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FileSink {
    /// Its name.
    pub name: FileName,
    /// The size, in bytes, at which a new file is begun.
    #[serde(default = "FileSink::size")]
    pub max_bytes: u64,
    /// How many full files are kept.
    #[serde(default = "FileSink::kept")]
    pub keep: u16,
}

impl FileSink {
    fn size() -> u64 {
        64 << 20
    }

    fn kept() -> u16 {
        10
    }
}

/// Which records are delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// What is looked at.
    pub scope: FilterScope,
    /// How.
    #[serde(rename = "type")]
    pub kind: FilterKind,
    /// For what.
    pub expression: Pattern,
}

/// What a filter looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FilterScope {
    /// The stream's name.
    Stream,
    /// The record: its type, or with JSONPath its data.
    Record,
}

/// How a filter looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FilterKind {
    /// Exactly this stream.
    StreamId,
    /// Begins with one of these, separated by commas.
    Prefix,
    /// A regular expression.
    Regex,
    /// A JSONPath (RFC 9535) that finds something in the record.
    JsonPath,
}

/// Where in the log a connector begins the first time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum InitialPosition {
    /// At its end.
    #[default]
    Latest,
    /// At its beginning.
    Earliest,
}

/// What is delivered in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Lanes {
    /// The records of a network.
    #[default]
    Network,
    /// The records of a peering; those of a network that are about none of its peerings make a lane
    /// of their own.
    Peering,
}

/// When a delivery that failed is tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "preset", rename_all = "kebab-case")]
pub enum Resilience {
    /// Ten attempts over 75 h 35 min: at once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h,
    /// 20 h and 24 h.
    #[default]
    StandardWebhooks,
    /// As KurrentDB's connectors: three bounds, each with a pause, one after the other.
    DelayBounds {
        /// The first: every 5 s for a minute.
        #[serde(default = "DelayBound::first")]
        first_delay_bound: DelayBound,
        /// The second: every 10 min for an hour.
        #[serde(default = "DelayBound::second")]
        second_delay_bound: DelayBound,
        /// The third: every hour, for ever.
        #[serde(default = "DelayBound::third")]
        third_delay_bound: DelayBound,
    },
    /// It is not.
    None,
}

/// A pause between attempts, and for how long it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DelayBound {
    /// The pause, in milliseconds.
    pub delay_ms: u64,
    /// How long after the first attempt it is used, in milliseconds; -1: for ever.
    pub upper_limit_ms: i64,
}

impl DelayBound {
    fn first() -> Self {
        Self {
            delay_ms: 5_000,
            upper_limit_ms: 60_000,
        }
    }

    fn second() -> Self {
        Self {
            delay_ms: 600_000,
            upper_limit_ms: 3_600_000,
        }
    }

    fn third() -> Self {
        Self {
            delay_ms: 3_600_000,
            upper_limit_ms: -1,
        }
    }
}

/// What becomes of a record that is not delivered in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnExhaustion {
    /// It is set aside, with its cause and attempts, and can be replayed.
    #[default]
    Park,
    /// It is tried for ever, each time after the longest pause; its lane waits.
    Block,
    /// The connector fails.
    Stop,
}

/// What becomes of the lane of a record that was parked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AfterPark {
    /// It goes on; the receiver sees the gap in the lane's numbers.
    #[default]
    GoOn,
    /// It waits until the record was replayed or discarded.
    Hold,
}
