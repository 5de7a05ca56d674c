//! What is mutated, and what it is about. A sample is taken of what belongs to no topic.

/// Folders and files that are mutated.
pub(crate) const PLACES: [&str; 44] = [
    "workers/src/provisioner/plan/",
    "workers/src/provisioner/peering_pass/",
    "workers/src/provisioner/apply.rs",
    "workers/src/provisioner/pass.rs",
    "workers/src/provisioner/block.rs",
    "workers/src/provisioner/sides.rs",
    "workers/cloud/src/views.rs",
    "workers/aws/src/",
    "domain/src/network/",
    "domain/src/range.rs",
    "projections/tree/src/",
    "projections/audit/src/",
    "projections/src/beside.rs",
    "projections/src/rebuild/",
    "projections/src/evidence/beside.rs",
    "projections/src/evidence/anew.rs",
    "projections/src/queries/search.rs",
    "projections/src/times.rs",
    "workers/gcp/src/",
    "workers/azure/src/",
    "workers/src/provisioner/lease.rs",
    "connectors/src/run/",
    "connectors/src/runtime/",
    "connectors/src/built_in.rs",
    "connectors/src/checkpoint.rs",
    "connectors/src/filter.rs",
    "connectors/src/gate.rs",
    "connectors/src/lane.rs",
    "connectors/src/lease.rs",
    "connectors/src/log.rs",
    "connectors/src/parked.rs",
    "connectors/src/registry.rs",
    "connectors/src/replays.rs",
    "connectors/src/schedule.rs",
    "connectors/src/servers.rs",
    "connectors/src/sinks/",
    "connectors/src/streams.rs",
    "connectors/src/tracker.rs",
    "connectors/webhook/src/",
    "connectors/transform/src/",
    "embedded/limits/src/",
    "domain/src/connector/",
    "domain/src/approval/",
    "domain/src/access/",
];

/// Rooms with a mutated file, by folder and package.
pub(crate) const ROOMS: [(&str, &str); 14] = [
    ("domain", "peerage-domain"),
    ("workers", "peerage-workers"),
    ("workers/cloud", "peerage-cloud"),
    ("workers/aws", "peerage-aws"),
    ("workers/gcp", "peerage-gcp"),
    ("workers/azure", "peerage-azure"),
    ("projections", "peerage-projections"),
    ("projections/tree", "peerage-tree"),
    ("projections/audit", "peerage-audit"),
    ("connectors", "peerage-connectors"),
    ("connectors/webhook", "peerage-webhook"),
    ("connectors/transform", "peerage-transform"),
    ("embedded", "peerage-embedded"),
    ("embedded/limits", "peerage-limits"),
];

/// A suite of `tests/` that is about a room, as a package of its own in the copy: so that it is
/// built without the clouds and the program, which the package of all suites needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Suite {
    pub(crate) room: &'static str,
    pub(crate) name: &'static str,
    /// What it needs, by the workspace's names.
    pub(crate) needs: &'static [&'static str],
}

pub(crate) const SUITES: [Suite; 1] = [Suite {
    room: "connectors",
    name: "connectors",
    needs: &[
        "async-trait",
        "bytes",
        "chrono",
        "connectors",
        "domain",
        "embedded",
        "fastrand",
        "futures",
        "http",
        "http-body-util",
        "journal",
        "parking_lot",
        "serde_json",
        "tempfile",
        "testkit",
        "tokio-util",
    ],
}];

/// What a change is about; of these every one is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Topic {
    /// What a rule or an access list lets in.
    Exposure,
    /// What is withdrawn, revoked, removed or left behind.
    Closing,
    /// What is ours and what is not: tags, records, links.
    Ownership,
    /// Anything else.
    Rest,
}

impl Topic {
    /// The topic of this name.
    #[must_use]
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "closing" => Some(Self::Closing),
            "ownership" => Some(Self::Ownership),
            "exposure" => Some(Self::Exposure),
            "rest" => Some(Self::Rest),
            _ => None,
        }
    }

    /// What a function in a file is about.
    #[must_use]
    pub(crate) fn of(path: &str, function: &str) -> Self {
        let is = |ends: &[&str]| ends.iter().any(|end| path.contains(end));
        let says = |words: &[&str]| words.iter().any(|word| function.contains(word));
        if is(&[
            "plan/exposure",
            "aws/src/ec2/network_acls",
            "aws/src/ec2/security_group_rules",
            "aws/src/ec2/prefix_lists",
            "aws/src/views/firewall",
            "cloud/src/views",
            "domain/src/range",
            "network/restrict_firewall",
            "network/policy",
        ]) || says(&["expos", "Expos", "admits", "hold_back"])
        {
            return Self::Exposure;
        }
        if is(&[
            "plan/closing",
            "plan/removal",
            "plan/abandonment",
            "plan/ingress",
            "plan/routes/",
            "peering_pass/",
            "aws/src/ec2/routes",
            "aws/src/views/routes",
            "network/withdraw_route",
            "network/remove_peering",
            "network/quarantine",
            "network/freeze",
            "network/connector_ingress",
            "peering/routes",
            "peering/ingress",
            "record/routes",
            "record/ingress",
        ]) || says(&[
            "clos",
            "withdraw",
            "abandon",
            "remov",
            "quarantine",
            "may_open",
            "opens",
        ]) {
            return Self::Closing;
        }
        if is(&[
            "plan/firewall",
            "plan/link",
            "plan/adoption",
            "plan/pair",
            "plan/states",
            "aws/src/ec2/tags",
            "aws/src/views/links",
            "network/adopt_peering",
            "peering/installation",
            "peering/ended",
            "peering/firewall",
            "peering/link",
            "record/installation",
            "record/firewall",
            "network/ended",
        ]) || says(&[
            "owns",
            "is_ours",
            "on_record",
            "was_found",
            "made_the_link",
            "tag",
        ]) {
            return Self::Ownership;
        }
        Self::Rest
    }
}
