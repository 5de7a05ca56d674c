//! What a caller proves with who it is: a certificate, or a bearer token from a file, the
//! environment, or a command that makes one, as `kubectl` has it.
//!
//! A command gets a bounded time, and its token is kept until it expires. A token is never printed,
//! and never sent to another machine in plain text.

use crate::{cli::CliError, config::Client, storage::check_secret};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use parking_lot::Mutex;
use serde::Deserialize;
use std::{
    fmt, fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::process::Command;
use tonic::{
    metadata::{Ascii, MetadataValue},
    transport::{Certificate, ClientTlsConfig, Endpoint, Identity},
};

use super::HEADING;

/// How long a token command may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most that a token command may print.
const LARGEST_TOKEN: usize = 64 * 1024;

/// A token is renewed so long before it expires: it has to reach the engine.
const MARGIN: TimeDelta = TimeDelta::seconds(10);

/// The variable that holds a bearer token.
const TOKEN: &str = "PEERAGE_TOKEN";

/// What the caller proves with who it is. Each can stand under `[client]` in the file that
/// `PEERAGE_CONFIG` names, too.
#[derive(Clone, Debug, Default, Args)]
pub struct ClientArgs {
    /// The authorities that the engine's certificate is believed of, PEM, like /etc/peerage/ca.crt.
    /// Default: the system's.
    #[arg(help_heading = HEADING, long, env = "PEERAGE_CLIENT__CA", value_name = "FILE", hide_short_help = true)]
    pub ca: Option<PathBuf>,
    /// A certificate to prove with who calls (mutual TLS), PEM, like ~/.peerage/me.crt.
    #[arg(help_heading = HEADING, long, env = "PEERAGE_CLIENT__CERT", value_name = "FILE", hide_short_help = true)]
    pub cert: Option<PathBuf>,
    /// The certificate's private key, PEM, like ~/.peerage/me.key.
    #[arg(help_heading = HEADING, long, env = "PEERAGE_CLIENT__KEY", value_name = "FILE", hide_short_help = true)]
    pub key: Option<PathBuf>,
    /// A file with a bearer token, like /run/secrets/peerage-token. It is read again for each call.
    /// PEERAGE_TOKEN holds the token itself.
    #[arg(help_heading = HEADING, long, env = "PEERAGE_CLIENT__TOKEN_FILE", value_name = "FILE", hide_short_help = true)]
    pub token_file: Option<PathBuf>,
    /// A command that prints a bearer token, or an ExecCredential as kubectl's plugins do, like
    /// 'idp token --audience peerage'. It is split at spaces, has 30 seconds, and is asked again
    /// once its token expires.
    #[arg(help_heading = HEADING, long, value_name = "COMMAND", hide_short_help = true)]
    pub token_command: Option<String>,
}

/// The same, looked at.
#[derive(Debug, Default)]
pub(in crate::cli) struct Credentials {
    ca: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, Secret<Vec<u8>>)>,
    token: Source,
}

/// Where a token comes from.
#[derive(Debug, Default)]
enum Source {
    #[default]
    None,
    Given(Secret<String>),
    File(PathBuf),
    Command(Vec<String>, Mutex<Option<Kept>>),
}

/// A token, and until when it is good.
#[derive(Clone, Debug)]
struct Kept {
    token: Secret<String>,
    until: Option<DateTime<Utc>>,
}

/// Something that is never shown.
#[derive(Clone)]
struct Secret<T>(T);

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Credentials {
    /// Flags and their variables come before the file, and of the ways to a token the most explicit
    /// one.
    pub(super) fn of(args: &ClientArgs, configured: &Client) -> Result<Self, CliError> {
        let path = |flag: &Option<PathBuf>, key: &Path| {
            let key = (!key.as_os_str().is_empty()).then(|| key.to_owned());
            flag.clone().or(key)
        };
        let ca = path(&args.ca, &configured.ca)
            .map(|it| read("--ca", &it))
            .transpose()?;
        let identity = match (
            path(&args.cert, &configured.cert),
            path(&args.key, &configured.key),
        ) {
            (Some(cert), Some(key)) => {
                check_secret(&key)
                    .map_err(|problem| CliError::usage(format!("--key {problem}")))?;
                Some((read("--cert", &cert)?, Secret(read("--key", &key)?)))
            }
            (None, None) => None,
            _ => {
                return Err(CliError::usage(
                    "--cert and --key belong together: name both",
                ));
            }
        };
        let split = |it: &String| it.split_whitespace().map(str::to_owned).collect();
        let command = args.token_command.as_ref().map(split);
        let given = std::env::var(TOKEN).ok().filter(|it| !it.trim().is_empty());
        let configured_file = path(&None, &configured.token_file);
        let token = match (command, &args.token_file, given) {
            (Some(command), None, _) => Source::Command(command, Mutex::default()),
            (Some(_), Some(_), _) => {
                return Err(CliError::usage(
                    "name --token-file or --token-command, not both",
                ));
            }
            (None, Some(file), _) => Source::File(file.clone()),
            (None, None, Some(token)) => Source::Given(Secret(token.trim().to_owned())),
            (None, None, None) if !configured.token_command.is_empty() => {
                Source::Command(configured.token_command.clone(), Mutex::default())
            }
            (None, None, None) => configured_file.map_or(Source::None, Source::File),
        };
        Ok(Self {
            ca,
            identity,
            token,
        })
    }

    #[cfg(test)]
    pub(super) fn of_token(token: &str) -> Self {
        Self {
            token: Source::Given(Secret(token.to_owned())),
            ..Self::default()
        }
    }

    /// A token is for the engine alone: in plain text it goes no further than this machine.
    pub(super) fn check_plain(&self, url: &str, host: &str) -> Result<(), CliError> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_near = bare == "localhost"
            || bare
                .parse::<IpAddr>()
                .is_ok_and(|it| it.to_canonical().is_loopback());
        if is_near || matches!(self.token, Source::None) {
            return Ok(());
        }
        Err(CliError::usage(format!(
            "--server {url}: a token is not sent to another machine in plain text; use https://"
        )))
    }

    /// The endpoint with TLS.
    pub(super) fn secure(&self, endpoint: Endpoint) -> Result<Endpoint, tonic::transport::Error> {
        let mut tls = ClientTlsConfig::new();
        tls = match &self.ca {
            Some(ca) => tls.ca_certificate(Certificate::from_pem(ca)),
            None => tls.with_native_roots(),
        };
        if let Some((cert, Secret(key))) = &self.identity {
            tls = tls.identity(Identity::from_pem(cert, key));
        }
        endpoint.tls_config(tls)
    }

    /// What the `authorization` of a call says, if anything.
    pub(super) async fn bearer(&self) -> Result<Option<MetadataValue<Ascii>>, String> {
        let token = match &self.token {
            Source::None => return Ok(None),
            Source::Given(Secret(token)) => token.clone(),
            Source::File(path) => {
                check_secret(path).map_err(|problem| format!("the token file {problem}"))?;
                let read = fs::read_to_string(path);
                read.map_err(|error| format!("the token file {}: {error}", path.display()))?
            }
            Source::Command(command, kept) => from_command(command, kept).await?,
        };
        let mut value = MetadataValue::try_from(format!("Bearer {}", token.trim()))
            .map_err(|_| "the token has characters that no token has".to_owned())?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

async fn from_command(command: &[String], kept: &Mutex<Option<Kept>>) -> Result<String, String> {
    let now = Utc::now();
    let good = kept.lock().clone();
    if let Some(Kept { token, until }) = good
        && until.is_some_and(|until| now + MARGIN < until)
    {
        return Ok(token.0);
    }
    let made = made_by(command, PATIENCE).await.map_err(|why| {
        format!(
            "the token command {:?}: {why}",
            command.first().map_or("", String::as_str)
        )
    })?;
    *kept.lock() = Some(made.clone());
    Ok(made.token.0)
}

/// Runs the command. Its errors go where this program's go, so that it can ask a person.
async fn made_by(command: &[String], patience: Duration) -> Result<Kept, String> {
    let (program, arguments) = command.split_first().ok_or("it is empty")?;
    let running = Command::new(program)
        .args(arguments)
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(patience, running)
        .await
        .map_err(|_| format!("it did not end within {} s", patience.as_secs()))?
        .map_err(|error: io::Error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("it ended with {}", output.status));
    }
    if output.stdout.len() > LARGEST_TOKEN {
        return Err("it printed more than any token has".to_owned());
    }
    let printed = String::from_utf8(output.stdout).map_err(|_| "it printed no text")?;
    kept(printed.trim())
}

/// What was printed: an `ExecCredential`, or the token itself.
fn kept(printed: &str) -> Result<Kept, String> {
    #[derive(Deserialize)]
    struct ExecCredential {
        status: Status,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Status {
        token: Option<String>,
        expiration_timestamp: Option<DateTime<Utc>>,
    }
    let (token, until) = if printed.starts_with('{') {
        // What is wrong with it is not repeated: it may hold the token.
        let status = serde_json::from_str::<ExecCredential>(printed)
            .map_err(|_| "it printed no ExecCredential")?
            .status;
        let token = status.token.ok_or("its ExecCredential has no token")?;
        let until = status.expiration_timestamp.or_else(|| expiry(&token));
        (token, until)
    } else {
        (printed.to_owned(), expiry(printed))
    };
    if token.trim().is_empty() {
        return Err("it printed no token".to_owned());
    }
    Ok(Kept {
        token: Secret(token),
        until,
    })
}

/// When a token says that it ends. The engine judges it; this is only to know when to ask again.
fn expiry(token: &str) -> Option<DateTime<Utc>> {
    #[derive(Deserialize)]
    struct Claims {
        exp: f64,
    }
    let payload = token.split('.').nth(1)?;
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "a second is near enough")]
    DateTime::from_timestamp(claims.exp as i64, 0)
}

fn read(flag: &str, path: &Path) -> Result<Vec<u8>, CliError> {
    fs::read(path).map_err(|error| CliError::usage(format!("{flag} {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[tokio::test]
    async fn a_token_command_is_asked_once_until_its_token_expires() {
        let folder = tempfile::tempdir().unwrap();
        let counted = folder.path().join("counted");
        let ask = async |until: DateTime<Utc>, kept: &Mutex<Option<Kept>>| {
            let script = format!(
                r#"echo x >> {}; echo '{{"kind":"ExecCredential","status":{{"token":"t","expirationTimestamp":"{}"}}}}'"#,
                counted.display(),
                until.to_rfc3339()
            );
            from_command(&shell(&script), kept).await.unwrap()
        };
        let times = || fs::read_to_string(&counted).unwrap().lines().count();
        let kept = Mutex::default();
        for _ in 0..3 {
            assert_eq!(ask(Utc::now() + TimeDelta::hours(1), &kept).await, "t");
        }
        assert_eq!(times(), 1);
        let kept = Mutex::default();
        for _ in 0..2 {
            ask(Utc::now() + TimeDelta::seconds(1), &kept).await;
        }
        assert_eq!(times(), 3, "one that is about to expire is not kept");
    }

    #[tokio::test]
    async fn a_token_command_that_fails_or_hangs_is_told_without_what_it_printed() {
        let made = |script: &str| {
            let command = shell(script);
            async move {
                made_by(&command, Duration::from_millis(300))
                    .await
                    .unwrap_err()
            }
        };
        assert!(made("echo secret; exit 3").await.contains("exit status: 3"));
        assert!(made("exec tail -f /dev/null").await.contains("did not end"));
        for script in ["true", "echo '{\"secret\": 1}'", "echo '{\"status\": {}}'"] {
            let why = made(script).await;
            assert!(
                why.contains("printed no") || why.contains("no token"),
                "{why}"
            );
            assert!(!why.contains("secret"), "{why}");
        }
        assert!(
            made_by(&["/no/such/program".to_owned()], PATIENCE)
                .await
                .is_err()
        );
        assert!(made_by(&[], PATIENCE).await.is_err());
    }

    #[test]
    fn a_token_says_itself_when_it_ends() {
        let payload = BASE64_URL_SAFE_NO_PAD.encode(r#"{"exp":1900000000}"#);
        let told = kept(&format!("e30.{payload}.x")).unwrap();
        assert_eq!(told.until.unwrap().timestamp(), 1_900_000_000);
        assert!(kept("opaque").unwrap().until.is_none());
        assert!(!format!("{told:?}").contains(&payload), "never shown");
    }
}
