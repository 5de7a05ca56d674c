//! The task behind a follower: one session after another, each behind the last.

use super::{
    Followed, Signal,
    outlet::{Cursor, Disconnect, Outlet},
    session::Session,
};
use crate::{
    FollowError, JournalSettings, Position, nodes::Nodes, parked::Parked, retry::pauses,
    transport::Transport,
};
use backon::ExponentialBackoff;
use std::{error::Error, sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::Instant};

/// The first pause after a break.
const LEAST_PAUSE: Duration = Duration::from_millis(50);

pub(super) struct Feed {
    transport: Arc<Transport>,
    nodes: Nodes,
    followed: Followed,
    outlet: Outlet,
    open_within: Duration,
    longest_pause: Duration,
    denials: Denials,
}

impl Feed {
    pub(super) fn new(
        transport: Arc<Transport>,
        parked: Arc<Parked>,
        settings: &JournalSettings,
        from: Option<Position>,
        followed: Followed,
        signals: mpsc::Sender<Result<Signal, FollowError>>,
    ) -> Self {
        let outlet = Outlet {
            cursor: Cursor::after(from),
            signals,
            parked,
            stall: settings.follow_stall,
            broken: None,
            is_let_in: false,
            followed: followed.to_string(),
        };
        Self {
            nodes: Nodes::of(&transport.settings),
            transport,
            followed,
            outlet,
            open_within: settings.command_deadline,
            longest_pause: settings.follow_backoff,
            denials: Denials::borne_for(settings.denied_patience),
        }
    }

    pub(super) async fn run(mut self) {
        let mut pauses = self.pauses();
        loop {
            let opened = Instant::now();
            match self.session().await {
                Disconnect::ReaderGone => return,
                Disconnect::Stalled => {
                    tracing::debug!(followed = %self.followed, "the reader is behind; following stops until it has room");
                    // A little room would be filled at once, at the price of a connection.
                    let room = self.outlet.signals.max_capacity().div_ceil(2);
                    if self.outlet.signals.reserve_many(room).await.is_err() {
                        return;
                    }
                }
                Disconnect::Fatal(error) => {
                    // Nobody may be listening any more, and then nobody needs to know.
                    let _ = self.outlet.signals.send(Err(error)).await;
                    return;
                }
                Disconnect::Lost(cause) => {
                    // A server that accepts and breaks at once must not be asked without a pause.
                    if opened.elapsed() > self.longest_pause {
                        pauses = self.pauses();
                    }
                    self.note_break(cause.as_ref());
                    tokio::select! {
                        () = tokio::time::sleep(pauses.next().unwrap_or(self.longest_pause)) => {}
                        () = self.outlet.signals.closed() => return,
                    }
                }
            }
        }
    }

    /// One subscription on one node, until it breaks.
    async fn session(&mut self) -> Disconnect {
        // A new connection each time: whatever ailed the old one goes with it.
        let http = self.transport.connect_follower();
        let Some(node) = self.nodes.choose(&self.transport, &http).await else {
            return Disconnect::Lost("no node of the cluster answers".into());
        };
        let session = Session {
            transport: &self.transport,
            http,
            node: &node,
            followed: &self.followed,
            open_within: self.open_within,
        };
        let ended = session.run(&mut self.outlet, &self.nodes).await;
        let ended = self.denials.judge(ended, self.outlet.is_let_in);
        if matches!(ended, Disconnect::Lost(_)) {
            self.nodes.failed(node);
        }
        ended
    }

    fn pauses(&self) -> ExponentialBackoff {
        // A pause is lengthened by up to itself, so that followers do not all come back at once.
        let most = self.longest_pause / 2;
        pauses(LEAST_PAUSE.min(most), most)
    }

    /// Says it once per outage, whatever the number of attempts.
    fn note_break(&mut self, cause: &(dyn Error + Send + Sync + 'static)) {
        let cause = cause as &dyn Error;
        if self.outlet.broken.is_none() {
            self.outlet.broken = Some(Instant::now());
            tracing::warn!(followed = %self.followed, cause, "following broke off; it resumes by itself");
        } else {
            tracing::debug!(followed = %self.followed, cause, "still not following");
        }
    }
}

/// Denials of access, one after the other. Where access was granted before, they may be a node's
/// that is catching up and does not know yet who is who: it is asked again, and others are.
#[derive(Debug)]
struct Denials {
    patience: Duration,
    since: Option<Instant>,
}

/// How long access is denied that never was granted.
const NEVER_GRANTED: Duration = Duration::from_secs(5);

impl Denials {
    fn borne_for(patience: Duration) -> Self {
        let since = None;
        Self { patience, since }
    }

    fn judge(&mut self, ended: Disconnect, is_let_in: bool) -> Disconnect {
        let Disconnect::Fatal(error @ FollowError::AccessDenied { .. }) = ended else {
            self.since = None;
            return ended;
        };
        let since = *self.since.get_or_insert_with(Instant::now);
        let patience = match is_let_in {
            true => self.patience,
            false => self.patience.min(NEVER_GRANTED),
        };
        match since.elapsed() < patience {
            true => Disconnect::Lost(Box::new(error)),
            false => Disconnect::Fatal(error),
        }
    }
}
