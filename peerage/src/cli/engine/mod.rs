//! The engine at the other end: where it is, which calls it takes, and what becomes of a call whose
//! answer is lost.
//!
//! `calls` lists the calls of the API; `servers` sends them, to the next server where one does not
//! answer; `failure` tells what went wrong; `context` is what every command carries.

mod calls;
mod context;
mod failure;
mod servers;

pub(super) use calls::{Command, Page, Read, Watch};
pub(super) use context::Context;
#[cfg(test)]
pub(super) use context::HEADING as COMMAND_HEADING;
pub(super) use servers::{Done, Servers};

use super::{CliError, Output};
use clap::Args;
use tonic::transport::Endpoint;

/// Where the help lists these arguments.
pub(super) const HEADING: &str = "Engine and output";

/// Where the engine is, and how its answers are printed.
#[derive(Clone, Debug, Args)]
pub struct Remote {
    /// The engine's API, as http://HOST:PORT. Several (repeated, or separated by commas) are tried
    /// in turn where one does not answer: http://10.0.0.1:2114,http://10.0.0.2:2114.
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
    /// The log position that answers must include, as a command's JSON answer has it, like 4711/4711.
    /// Within one call it follows by itself.
    #[arg(help_heading = HEADING, long, value_name = "POSITION", hide_short_help = true)]
    pub min_position: Option<String>,
}

impl Remote {
    /// The servers, none of them connected yet.
    pub(super) fn servers(&self) -> Result<Servers, CliError> {
        let endpoints: Vec<_> = self
            .servers
            .iter()
            .map(|it| endpoint(it))
            .collect::<Result<_, _>>()?;
        Ok(Servers::new(
            endpoints,
            self.min_position.clone().unwrap_or_default(),
        ))
    }
}

fn endpoint(url: &str) -> Result<Endpoint, CliError> {
    let wrong = |why: &str| {
        CliError::usage(format!(
            "--server {url}: {why}; write it as http://127.0.0.1:2114"
        ))
    };
    let full = if url.contains("://") {
        url.to_owned()
    } else {
        format!("http://{url}")
    };
    let endpoint = Endpoint::from_shared(full).map_err(|error| wrong(&error.to_string()))?;
    match endpoint.uri().scheme_str() {
        Some("http") if endpoint.uri().host().is_some() => Ok(endpoint),
        Some(_) | None => Err(wrong("it is no http URL")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_url_and_its_scheme_may_be_left_out() {
        assert_eq!(
            endpoint("127.0.0.1:1").unwrap().uri().to_string(),
            "http://127.0.0.1:1/"
        );
        assert_eq!(
            endpoint("http://a.example:1").unwrap().uri().host(),
            Some("a.example")
        );
        for wrong in ["", "ftp://a", "http://", "not a url"] {
            let error = endpoint(wrong).unwrap_err();
            assert!(
                error.text.contains("http://127.0.0.1:2114"),
                "{wrong}: {error:?}"
            );
        }
    }
}
