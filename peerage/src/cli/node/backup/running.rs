//! A store that runs, asked for its records: over its port, or through the socket in its data
//! directory.

use crate::cli::{
    CliError,
    node::{
        backup_failed,
        meter::{Meter, grouped},
    },
};
use backup::{
    BackupError, Folder, Written,
    wire::{self, BUSY, EXCEPTION, ReadReply, SOCKET},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::Utc;
use kurrentdb::ClientSettings;
use percent_encoding::percent_decode;
use serde::Deserialize;
use std::{
    fs::{self, File},
    io,
    os::{fd::AsRawFd as _, unix::ffi::OsStrExt as _},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{net::UnixStream, time::timeout};
use tonic::{
    Code, Status, Streaming,
    metadata::{Ascii, MetadataValue},
    transport::{Certificate, ClientTlsConfig, Endpoint, Identity},
};

/// How long a connection may take, and the next page.
const CONNECT: Duration = Duration::from_secs(10);
const PAGE: Duration = Duration::from_secs(60);
/// The kernel takes no longer path of a socket.
const LONGEST_PATH: usize = 107;

/// A store that runs.
pub(super) struct Running {
    name: String,
    endpoints: Vec<Endpoint>,
    authorization: Option<MetadataValue<Ascii>>,
    /// What a short path leads through.
    _directory: Option<File>,
}

/// What the client shows of the user only when it is serialised.
#[derive(Deserialize)]
struct Hidden {
    #[serde(default)]
    default_user_name: Option<User>,
}

#[derive(Deserialize)]
struct User {
    login: Vec<u8>,
    password: Vec<u8>,
}

impl Running {
    /// The node of a data directory. None: none runs there.
    pub(super) async fn in_directory(data: &Path) -> Result<Option<Self>, CliError> {
        let (path, directory) = reachable(data);
        let failed = |error: &(dyn std::error::Error + 'static)| {
            let socket = data.join(SOCKET);
            CliError::failed(format!(
                "cannot ask {}: {}",
                socket.display(),
                domain::error_chain(error)
            ))
        };
        match UnixStream::connect(&path).await {
            Ok(_) => {}
            // Whoever left it has been killed.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&error)),
        }
        let endpoint = Endpoint::from_shared(format!("unix://{}", path.display()));
        let endpoint = endpoint.map_err(|error| failed(&error))?;
        let origin = http::Uri::from_static("http://localhost");
        Ok(Some(Self {
            name: format!("the node of {}", data.display()),
            endpoints: vec![endpoint.origin(origin)],
            authorization: None,
            _directory: directory,
        }))
    }

    /// The store of a connection string.
    pub(super) fn of(text: &str) -> Result<Self, CliError> {
        let wrong = |why: String| CliError::usage(format!("--store: {why}"));
        let settings: ClientSettings = text.parse().map_err(|error| wrong(format!("{error}")))?;
        let hidden = serde_json::to_value(&settings).and_then(serde_json::from_value);
        let Hidden { default_user_name } = hidden.map_err(|error| wrong(error.to_string()))?;
        let authorization = default_user_name.map(|user| {
            // Both parts stand there as in the URL, where whatever has a meaning is encoded.
            let [login, password] = [&user.login, &user.password]
                .map(|part| -> Vec<u8> { percent_decode(part).collect() });
            let pair = [&login[..], b":", &password[..]].concat();
            MetadataValue::try_from(format!("Basic {}", STANDARD.encode(pair)))
        });
        let endpoints = settings.hosts().iter().map(|host| {
            let uri = settings.to_uri(host);
            let endpoint = Endpoint::from(uri).connect_timeout(CONNECT);
            if settings.is_secure_mode_enabled() {
                secure(endpoint, &settings)
            } else {
                Ok(endpoint)
            }
        });
        let hosts = settings.hosts().iter();
        let hosts: Vec<_> = hosts.map(|it| format!("{}:{}", it.host, it.port)).collect();
        Ok(Self {
            name: format!("kurrentdb://{}", hosts.join(",")),
            endpoints: endpoints.collect::<Result<_, _>>()?,
            authorization: authorization
                .transpose()
                .map_err(|error| wrong(error.to_string()))?,
            _directory: None,
        })
    }

    /// Adds to a backup what the store has more.
    pub(super) async fn back_up(&self, mut folder: Folder) -> Result<Written, CliError> {
        let mut pages = self.ask(&folder).await?;
        let (mut end, mut meter) = (None, Meter::new("backing up"));
        loop {
            let page = timeout(PAGE, pages.message()).await;
            let page = page.map_err(|_| self.broke("it says nothing any more"))?;
            let page = page.map_err(|status| self.refused(&status))?;
            let ReadReply {
                begun,
                frames,
                done,
            } = page.ok_or_else(|| self.broke("its answer ended early"))?;
            let mut take = || -> Result<(), BackupError> {
                if let Some(begun) = &begun {
                    folder.recognise(begun)?;
                    end = Some(begun.end);
                }
                folder.append(&frames)
            };
            take().map_err(|error| backup_failed(error.into()))?;
            if done {
                break;
            }
            let (at, of) = (folder.wanted().from, end.unwrap_or_default());
            meter.at(at, of, || format!("position {}", grouped(at)));
        }
        let end = end.ok_or_else(|| self.broke("it does not say where its log ends"))?;
        let finished = folder.finish(end, Utc::now());
        finished.map_err(|error| backup_failed(error.into()))
    }

    /// The first of its nodes that answers.
    async fn ask(&self, folder: &Folder) -> Result<Streaming<ReadReply>, CliError> {
        let mut problem = String::new();
        for endpoint in &self.endpoints {
            let channel = match endpoint.connect().await {
                Ok(channel) => channel,
                Err(error) => {
                    problem = domain::error_chain(&error);
                    continue;
                }
            };
            let asked = wire::read(channel, folder.wanted(), self.authorization.clone());
            return asked.await.map_err(|status| self.refused(&status));
        }
        Err(CliError::failed(format!(
            "{} does not answer: {problem}",
            self.name
        )))
    }

    fn broke(&self, why: &str) -> CliError {
        CliError::failed(format!(
            "{}: {why}; what came is kept, and the same command goes on",
            self.name
        ))
    }

    fn refused(&self, status: &Status) -> CliError {
        let name = &self.name;
        let exception = status.metadata().get(EXCEPTION);
        let is_busy = exception.is_some_and(|it| it.as_bytes() == BUSY.as_bytes());
        let text = match status.code() {
            Code::ResourceExhausted if is_busy => {
                format!("{name} is being backed up already; there is one backup at a time")
            }
            Code::PermissionDenied => format!(
                "{name} lets administrators alone read a backup: a user of the group $admins"
            ),
            Code::Unauthenticated => format!(
                "{name} does not know this user and password; the store inside `peerage serve` is asked through its directory: --data"
            ),
            Code::Unimplemented => format!(
                "{name} has no such backups: it is no `peerage node`, or an older one; `peerage node export` copies the events of any KurrentDB"
            ),
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::InvalidArgument
            | Code::DeadlineExceeded
            | Code::NotFound
            | Code::AlreadyExists
            | Code::ResourceExhausted
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::OutOfRange
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss => return self.broke(status.message()),
        };
        CliError::failed(text)
    }
}

/// A path of the socket that the kernel takes, and what it leads through.
fn reachable(data: &Path) -> (PathBuf, Option<File>) {
    let path = std::path::absolute(data.join(SOCKET)).unwrap_or_else(|_| data.join(SOCKET));
    if path.as_os_str().as_bytes().len() <= LONGEST_PATH {
        return (path, None);
    }
    match File::open(data) {
        Ok(directory) => {
            let short = format!("/proc/self/fd/{}/{SOCKET}", directory.as_raw_fd());
            (short.into(), Some(directory))
        }
        Err(_) => (path, None),
    }
}

fn secure(endpoint: Endpoint, settings: &ClientSettings) -> Result<Endpoint, CliError> {
    let read = |file: &str| {
        fs::read(file).map_err(|error| CliError::usage(format!("--store: {file}: {error}")))
    };
    if !settings.is_tls_certificate_verification_enabled() {
        return Err(CliError::usage(
            "--store: a backup is read only of a store that proves who it is: name its authority with tlsCaFile in place of tlsVerifyCert=false",
        ));
    }
    let mut tls = ClientTlsConfig::new();
    tls = match settings.tls_ca_file() {
        Some(file) => tls.ca_certificate(Certificate::from_pem(read(file)?)),
        None => tls.with_native_roots(),
    };
    if let Some((certificate, key)) = settings.user_certificate() {
        tls = tls.identity(Identity::from_pem(read(certificate)?, read(key)?));
    }
    let secured = endpoint.tls_config(tls);
    secured.map_err(|error| CliError::usage(format!("--store: {}", domain::error_chain(&error))))
}
