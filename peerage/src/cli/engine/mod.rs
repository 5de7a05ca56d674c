//! The engine at the other end: where it is, which calls it takes, and what becomes of a call whose
//! answer is lost.
//!
//! `calls` lists the calls of the API; `servers` sends them, to the next server where one does not
//! answer; `failure` tells what went wrong; `context` is what every command carries; `credentials`
//! is what the caller proves with who it is.

mod calls;
mod context;
mod credentials;
mod failure;
mod servers;

pub(super) use calls::{Command, Page, Read, Watch};
#[cfg(test)]
pub(super) use context::HEADING as COMMAND_HEADING;
pub(super) use context::{Context, Why};
pub use credentials::ClientArgs;
pub(super) use servers::{Done, Servers};

use super::{CliError, Output};
use crate::config::Config;
use clap::Args;
use credentials::Credentials;
use servers::Server;
use std::{path::PathBuf, sync::Arc};
use tonic::transport::Endpoint;

/// Where the help lists these arguments.
pub(super) const HEADING: &str = "Engine and output";

/// Where the engine is, and how its answers are printed.
#[derive(Clone, Debug, Args)]
pub struct Remote {
    /// The engine's API, as https://HOST:PORT, http://HOST:PORT or unix:///PATH. Several (repeated,
    /// or separated by commas) are tried in turn where one does not answer:
    /// https://10.0.0.1:2114,https://10.0.0.2:2114.
    #[arg(help_heading = HEADING, long = "server",
        env = "PEERAGE_SERVER",
        default_value = "http://127.0.0.1:2114",
        value_name = "URL",
        value_delimiter = ','
    )]
    pub servers: Vec<String>,
    /// How answers are printed: a table for people, or JSON as the API defines it.
    #[arg(help_heading = HEADING, long,
        short,
        env = "PEERAGE_OUTPUT",
        default_value = "table",
        value_name = "FORM"
    )]
    pub output: Output,
    /// The log position that answers must include, as a command's JSON answer has it, like
    /// 4711/4711. Within one call it follows by itself.
    #[arg(help_heading = HEADING, long, value_name = "POSITION", hide_short_help = true)]
    pub min_position: Option<String>,
    #[command(flatten)]
    pub client: ClientArgs,
}

impl Remote {
    /// The servers, none of them connected yet.
    pub(super) fn servers(&self) -> Result<Servers, CliError> {
        let file = std::env::var_os("PEERAGE_CONFIG").map(PathBuf::from);
        let configured = Config::client(file.as_deref())?;
        let credentials = Credentials::of(&self.client, &configured)?;
        let servers: Vec<_> = self
            .servers
            .iter()
            .map(|it| server(it, &credentials))
            .collect::<Result<_, _>>()?;
        let position = self.min_position.clone().unwrap_or_default();
        let servers = Servers::new(servers, position, Arc::new(credentials));
        let traceparent = std::env::var("TRACEPARENT").ok();
        Ok(servers.within_trace(traceparent.as_deref()))
    }
}

fn server(url: &str, credentials: &Credentials) -> Result<Server, CliError> {
    let wrong = |why: &str| {
        CliError::usage(format!(
            "--server {url}: {why}; write it as http://127.0.0.1:2114, https://peerage.example.com:2114 or unix:///run/peerage/api.sock"
        ))
    };
    if let Some(path) = url.strip_prefix("unix://") {
        if !path.starts_with('/') {
            return Err(wrong("it names no absolute path"));
        }
        let origin = http::Uri::from_static("http://localhost");
        let endpoint = Endpoint::from_shared(url.to_owned())
            .map_err(|error| wrong(&error.to_string()))?
            .origin(origin);
        return Ok(Server::new(url, endpoint));
    }
    let full = if url.contains("://") {
        url.to_owned()
    } else {
        format!("http://{url}")
    };
    let endpoint =
        Endpoint::from_shared(full.clone()).map_err(|error| wrong(&error.to_string()))?;
    let uri = endpoint.uri().clone();
    let endpoint = match uri.scheme_str() {
        Some("http") if uri.host().is_some() => {
            credentials.check_plain(url, uri.host().unwrap_or_default())?;
            endpoint
        }
        Some("https") if uri.host().is_some() => credentials
            .secure(endpoint)
            .map_err(|error| wrong(&domain::error_chain(&error)))?,
        Some(_) | None => return Err(wrong("it is no http, https or unix URL")),
    };
    Ok(Server::new(full.trim_end_matches('/'), endpoint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_url_and_its_scheme_may_be_left_out() {
        let none = Credentials::default();
        let url = |text: &str| server(text, &none).map(|it| it.url().to_owned());
        assert_eq!(url("127.0.0.1:1").unwrap(), "http://127.0.0.1:1");
        assert_eq!(url("http://a.example:1/").unwrap(), "http://a.example:1");
        assert_eq!(url("https://a.example").unwrap(), "https://a.example");
        assert_eq!(url("unix:///run/x.sock").unwrap(), "unix:///run/x.sock");
        for wrong in ["", "ftp://a", "http://", "not a url", "unix://x"] {
            let error = url(wrong).unwrap_err();
            assert!(
                error.text.contains("http://127.0.0.1:2114"),
                "{wrong}: {error:?}"
            );
        }
    }

    #[test]
    fn a_token_is_not_sent_to_another_machine_in_plain_text() {
        let token = Credentials::of_token("secret");
        for url in ["http://10.0.0.1:2114", "http://engine.example"] {
            let error = server(url, &token).unwrap_err();
            assert!(error.text.contains("https://"), "{error:?}");
            assert!(!error.text.contains("secret"));
        }
        for url in ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"] {
            assert!(server(url, &token).is_ok(), "{url}");
        }
    }
}
