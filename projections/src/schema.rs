//! The tables, and what is read of them in order to go on writing.

/// What the domain folds, a row each, and what is searched across networks.
const STATES: &str = "
CREATE TABLE networks (
    network_id TEXT PRIMARY KEY,
    commit_position INTEGER NOT NULL, -- of its stream's first event
    prepare_position INTEGER NOT NULL,
    revision INTEGER NOT NULL, -- of the last event of its stream
    changed_at TEXT NOT NULL,
    state TEXT, -- the folded network without its peerings, as JSON; NULL until it is registered
    name TEXT,
    project TEXT,
    account TEXT,
    provider TEXT,
    retired INTEGER NOT NULL,
    orphans INTEGER NOT NULL -- how many its state names
);
CREATE UNIQUE INDEX networks_in_order ON networks (commit_position, prepare_position);
CREATE INDEX networks_with_orphans ON networks (network_id, orphans) WHERE orphans > 0;
CREATE TABLE peerings (
    peering_id TEXT NOT NULL,
    network_id TEXT NOT NULL,
    commit_position INTEGER NOT NULL, -- of its request or adoption
    prepare_position INTEGER NOT NULL,
    revision INTEGER NOT NULL, -- of the last event that it could follow
    changed_at TEXT NOT NULL,
    state TEXT NOT NULL, -- the folded peering, as JSON
    life TEXT NOT NULL,
    live INTEGER NOT NULL,
    converged INTEGER NOT NULL,
    blocked TEXT,
    account TEXT NOT NULL,
    drifting INTEGER NOT NULL,
    exposed INTEGER NOT NULL,
    causes TEXT NOT NULL DEFAULT '[]', -- the last command on each of its subjects, as JSON
    PRIMARY KEY (peering_id, network_id)
);
CREATE UNIQUE INDEX peerings_in_order ON peerings (commit_position, prepare_position);
CREATE INDEX peerings_of_network ON peerings (network_id, live, life, blocked, exposed);
CREATE TABLE exposures (
    since TEXT NOT NULL,
    network_id TEXT NOT NULL,
    peering_id TEXT NOT NULL,
    side TEXT NOT NULL,
    rule_id TEXT NOT NULL,
    exposure TEXT NOT NULL, -- JSON
    PRIMARY KEY (peering_id, network_id, side, rule_id)
);
CREATE UNIQUE INDEX exposures_in_order ON exposures (since, network_id, peering_id, side, rule_id);
CREATE TABLE drift (
    since TEXT NOT NULL,
    network_id TEXT NOT NULL,
    peering_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    drift TEXT NOT NULL, -- the kind with its facts, as JSON
    PRIMARY KEY (peering_id, network_id, drift)
);
CREATE UNIQUE INDEX drift_in_order ON drift (since, network_id, peering_id, drift);
";

/// Every event that is audited, as it stands in the log. Rows are added in the log's order and
/// stay, so that theirs is that of `rowid`. What rows are found by comes first and what is long
/// last: a row is looked at without the pages that the rest of it takes.
const TIMELINE: &str = "
CREATE TABLE timeline (
    commit_position INTEGER NOT NULL,
    prepare_position INTEGER NOT NULL,
    stream TEXT NOT NULL,
    revision INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    network_id TEXT,
    peering_id TEXT,
    event_type TEXT NOT NULL,
    problem TEXT, -- why it cannot be read
    created TEXT NOT NULL, -- when the store wrote it
    time TEXT NOT NULL, -- when it was decided
    actor_name TEXT,
    ticket TEXT,
    command_id TEXT,
    account TEXT, -- the peer's, of an event that is about a peering
    part TEXT, -- of what is no network's: connectors, access or approvals
    correlation_id TEXT,
    causation_id TEXT,
    cause TEXT, -- the command that an outcome of a peering goes back to
    schema_version INTEGER,
    actor TEXT, -- JSON of four fields
    reason TEXT,
    traceparent TEXT,
    data BLOB NOT NULL, -- as stored
    command TEXT, -- JSON, of a command's first event
    unsaid TEXT, -- JSON: what the event takes away and names by an id, or not at all
    PRIMARY KEY (commit_position, prepare_position)
);
CREATE INDEX timeline_unreadable ON timeline (network_id, revision) WHERE problem IS NOT NULL;
CREATE TABLE timeline_blocks (
    block INTEGER NOT NULL, -- so many rows of the timeline, see `blocks`
    field TEXT NOT NULL, -- a column of the timeline
    value TEXT NOT NULL,
    found BLOB NOT NULL, -- which rows of the block have it there
    PRIMARY KEY (block, field, value)
) WITHOUT ROWID;
CREATE TABLE timeline_ranges_named (
    lowest BLOB NOT NULL, -- the first address of a range that the event names, see `ranges`
    highest BLOB NOT NULL,
    event INTEGER NOT NULL, -- the row of the timeline
    PRIMARY KEY (lowest, highest, event)
) WITHOUT ROWID;
CREATE TABLE timeline_times (
    part INTEGER PRIMARY KEY, -- so many rows of the timeline, see `times`
    earliest TEXT NOT NULL,
    latest TEXT NOT NULL
);
";

/// The position that the rows stand for: a row that is changed and never added.
const CHECKPOINT: &str = "
CREATE TABLE checkpoint (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    commit_position INTEGER NOT NULL,
    prepare_position INTEGER NOT NULL
);
";

/// What a file has.
pub(crate) const TABLES: [&str; 3] = [STATES, TIMELINE, CHECKPOINT];

/// A network's row.
pub(crate) const READ_NETWORK: &str = "
SELECT commit_position, prepare_position, revision, changed_at, state
FROM networks WHERE network_id = ?1";

/// A peering's row, with columns that every form has, and what else is there.
pub(crate) const READ_PEERING: &str = "
SELECT commit_position, prepare_position, revision, changed_at, state, drifting, peerings.*,
    EXISTS (
        SELECT 1 FROM exposures
        WHERE exposures.peering_id = peerings.peering_id AND exposures.network_id = peerings.network_id
    ) AS has_exposures
FROM peerings WHERE peering_id = ?1 AND network_id = ?2";

/// The newest events of networks, to tell the log by: those every form has.
pub(crate) const READ_LAST: &str = "
SELECT commit_position, prepare_position, event_id FROM timeline
WHERE network_id IS NOT NULL ORDER BY rowid DESC LIMIT 2";

/// The newest event of all.
pub(crate) const READ_NEWEST: &str = "
SELECT commit_position, prepare_position FROM timeline ORDER BY rowid DESC LIMIT 1";

/// The position.
pub(crate) const READ_CHECKPOINT: &str = "SELECT commit_position, prepare_position FROM checkpoint";

/// What must be there for a file to be followed on.
pub(crate) const READS: [&str; 5] = [
    READ_NETWORK,
    READ_PEERING,
    READ_LAST,
    READ_NEWEST,
    READ_CHECKPOINT,
];
