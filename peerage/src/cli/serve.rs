//! `peerage serve`: the engine until it is told to stop.

use super::{CliError, Settings};
use crate::{
    assembly::{Engine, StartError, Storage},
    config::{CloudKind, Config},
    telemetry,
};
use clap::Args;
use domain::Provider;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    settings: Settings,
    /// The event store, a KurrentDB's connection string like kurrentdb://host:2113?tls=false.
    /// Default: the embedded store.
    #[arg(long, value_name = "CONNECTION STRING")]
    store: Option<String>,
    /// The directory of the engine's files, like ./peerage-data.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where the API listens, like 127.0.0.1:2114 or unix:///run/peerage/api.sock.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// The API's certificate for TLS, PEM, like /etc/peerage/tls.crt. New ones are taken without a
    /// restart.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, PEM, like /etc/peerage/tls.key.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The authorities whose certificates clients may prove with who they are (mutual TLS), PEM,
    /// like /etc/peerage/clients.crt.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    client_ca: Option<PathBuf>,
    /// Listen for other machines without TLS and without knowing who calls.
    #[arg(long)]
    insecure: bool,
    /// Wait at the start for the event store even where no waiting mends what keeps it from being
    /// used: a certificate, a password, a right. Otherwise that ends with 4 at once.
    #[arg(long)]
    wait: bool,
    /// An EC2-compatible endpoint to work on, like http://127.0.0.1:5000. Default: the configured
    /// cloud, which is simulated where nothing else is said.
    #[arg(long, value_name = "URL")]
    aws_endpoint: Option<String>,
    /// The clouds to work on, like aws or aws,azure=simulated; or simulated, all of them, inside
    /// the engine. With --store it has to be said, here or as cloud.mode.
    #[arg(long, value_name = "CLOUDS")]
    cloud: Option<CloudKind>,
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), CliError> {
        if self.aws_endpoint.is_some()
            && self
                .cloud
                .as_ref()
                .is_some_and(|it| !it.serves(Provider::Aws))
        {
            return Err(CliError::usage(
                "--aws-endpoint is of no use where AWS is not worked on; leave out one of the two, or name aws",
            ));
        }
        let flags = [
            ("store.connection_string", self.store.clone()),
            ("data.dir", path(self.data_dir.as_ref())),
            ("api.listen", self.listen.clone()),
            ("api.tls.certificate", path(self.tls_cert.as_ref())),
            ("api.tls.key", path(self.tls_key.as_ref())),
            ("api.tls.client_ca", path(self.client_ca.as_ref())),
            ("store.wait", self.wait.then(|| "true".to_owned())),
            ("api.insecure", self.insecure.then(|| "true".to_owned())),
            ("cloud.aws.endpoint", self.aws_endpoint.clone()),
            (
                "cloud.mode",
                self.cloud
                    .map(|it| it.to_string())
                    .or(self.aws_endpoint.map(|_| "aws".to_owned())),
            ),
        ];
        let flags = flags
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect();
        let config = self.settings.load(flags)?;
        let telemetry = telemetry::start(&config.log, &config.traces).map_err(CliError::usage)?;
        let served = serve(&config).await;
        telemetry.flush().await;
        served
    }
}

/// The engine, from its start to its end.
async fn serve(config: &Config) -> Result<(), CliError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(CliError::failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::failed)?;
    let starting = Engine::start(config, Storage::OnDisk);
    let mut engine = tokio::select! {
        started = starting => started.map_err(start_error)?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    tracing::info!(
        api = engine.url(), store = engine.store(), cloud = %config.cloud.kind(), data = %config.data.dir.display(), "serving"
    );
    let why = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
        failed = engine.failed() => {
            let text = domain::error_chain(&failed);
            engine.stop(config.api.drain).await;
            return Err(CliError::failed(text));
        }
    };
    tracing::info!(why, "stopping");
    if engine.stop(config.api.drain).await {
        tracing::info!("stopped");
        return Ok(());
    }
    Err(CliError::failed(format!(
        "stopped, but not everything was done within api.drain, {:?}: what was cut off goes on with the next start",
        config.api.drain
    )))
}

fn path(path: Option<&PathBuf>) -> Option<String> {
    path.map(|it| it.display().to_string())
}

/// A start that failed because of how it was asked for is a usage error; one that no waiting would
/// have mended ends with a code of its own; all else is a failure.
pub(super) fn start_error(error: StartError) -> CliError {
    let text = domain::error_chain(&error);
    if error.is_usage() {
        CliError::usage(text)
    } else if error.is_out_of_reach() {
        CliError::out_of_reach(text)
    } else {
        CliError::failed(text)
    }
}
