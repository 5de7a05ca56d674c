//! The sinks that there are, and how they are made of settings.

mod claims;
mod file;
mod hook;
pub(crate) mod outgoing;
mod stdout;

use crate::sink::{Sink, Sinks};
use claims::Claims;
use domain::{
    Clock,
    connector::{Settings, Sink as Wanted},
    text::ConnectorId,
};
use file::FileSink;
use hook::HookSink;
pub use hook::SIGNING;
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};
use stdout::StdoutSink;
use webhook::{BreakerSettings, Breakers, Transport, secrets::MasterKeys};

/// The sinks that there are.
#[derive(Clone)]
pub struct StandardSinks {
    files: Option<PathBuf>,
    claims: Claims,
    keys: Option<Arc<MasterKeys>>,
    transport: Transport,
    clock: Clock,
    breakers: Arc<Breakers>,
}

impl fmt::Debug for StandardSinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("StandardSinks");
        shown.field("files", &self.files).finish_non_exhaustive()
    }
}

impl StandardSinks {
    /// With files in this folder, if connectors may write any, and with these keys for the secrets
    /// of settings, if there are any.
    pub fn new(files: Option<PathBuf>, keys: Option<Arc<MasterKeys>>, clock: Clock) -> Self {
        Self {
            files,
            claims: Claims::default(),
            keys,
            transport: Transport::default(),
            clock,
            breakers: Arc::new(Breakers::new(BreakerSettings::default())),
        }
    }

    /// With hosts left alone as this says, when they fail several times in a row.
    #[must_use]
    pub fn with_breakers(mut self, settings: BreakerSettings) -> Self {
        self.breakers = Arc::new(Breakers::new(settings));
        self
    }

    fn folder(&self) -> Result<&Path, String> {
        let folder = self.files.as_deref();
        folder.ok_or_else(|| {
            "this server writes no files for connectors; `connectors.files` in its configuration names the folder".to_owned()
        })
    }
}

impl Sinks for StandardSinks {
    fn open(&self, id: &ConnectorId, settings: &Settings) -> Result<Arc<dyn Sink>, String> {
        let clock = self.clock.clone();
        Ok(match &settings.sink {
            Wanted::Webhook(webhook) => Arc::new(HookSink::new(
                id,
                webhook,
                self.keys.as_deref(),
                &self.transport,
                Arc::clone(&self.breakers),
                clock,
            )?),
            Wanted::File(file) => {
                let folder = self.folder()?;
                let claim = self.claims.claim(&FileSink::path(folder, file)?, id)?;
                Arc::new(FileSink::open(folder, file, clock, claim)?)
            }
            Wanted::Stdout => Arc::new(StdoutSink::new(clock)),
        })
    }

    fn check(&self, id: &ConnectorId, settings: &Settings) -> Result<(), String> {
        match &settings.sink {
            Wanted::File(file) => FileSink::path(self.folder()?, file).map(|_| ()),
            Wanted::Webhook(_) | Wanted::Stdout => self.open(id, settings).map(|_| ()),
        }
    }
}
