//! The API's port: what it may listen on, and with what.

use super::StartError;
use crate::{
    config::{ClientCertificates as Wanted, Config},
    descriptors::{self, Share},
    storage::check_secret,
};
use gateway::{Access, ClientCertificates, Limits, Listen, Listener, Tls, TlsFiles};

/// What is said, at start and to whoever asks, of an API that anybody may command.
pub(super) const INSECURE: &str = "the API listens for other machines, and anybody who reaches it may command it: api.insecure is set";

/// The listener, and what follows the files of its TLS.
pub(super) struct Door {
    pub(super) listener: Listener,
    pub(super) address: Listen,
    pub(super) tls: Option<Tls>,
    /// What is risky about it.
    pub(super) warnings: Vec<String>,
}

pub(super) async fn open(config: &Config) -> Result<Door, StartError> {
    let warnings = judge(config)?;
    let tls = match files(config) {
        Some(files) => {
            check_secret(&files.key).map_err(StartError::LooseSecret)?;
            Some(Tls::load(files).await.map_err(StartError::Tls)?)
        }
        None => None,
    };
    let failed = |source| StartError::Listen {
        address: config.api.listen.clone(),
        source,
    };
    let bound = Listener::bind(&config.api.listen, config.api.socket_mode.0, tls.clone()).await;
    let listener = bound.map_err(failed)?;
    let address = listener.address().map_err(failed)?;
    for warning in &warnings {
        tracing::warn!(api = address.url(tls.is_some()), "{warning}");
    }
    Ok(Door {
        listener,
        address,
        tls,
        warnings,
    })
}

/// Who may come near it: hosts and origins.
pub(super) fn access(config: &Config, address: &Listen, is_secure: bool) -> Access {
    let (hosts, origins) = (config.api.hosts.clone(), config.api.origins.clone());
    match address {
        Listen::Tcp(address) if is_secure => Access::new(*address, hosts, origins).over_tls(),
        Listen::Tcp(address) => Access::new(*address, hosts, origins),
        Listen::Unix(_) => Access::of_socket(origins),
    }
}

/// Other machines are listened for with TLS and with knowing who calls, or because it was said that
/// neither is wanted; then that is told.
fn judge(config: &Config) -> Result<Vec<String>, StartError> {
    let api = &config.api;
    let has_tls = files(config).is_some();
    if api.listen.is_local() || (has_tls && config.authenticates()) {
        return Ok(Vec::new());
    }
    if api.insecure {
        return Ok(vec![INSECURE.to_owned()]);
    }
    let missing = match (has_tls, config.authenticates()) {
        (false, false) => "TLS and a way to know who calls are",
        (false, true) => "TLS is",
        (true, _) => "a way to know who calls is",
    };
    Err(StartError::Insecure {
        address: api.listen.clone(),
        missing,
    })
}

fn files(config: &Config) -> Option<TlsFiles> {
    let tls = &config.api.tls;
    let is_named = |path: &std::path::Path| !path.as_os_str().is_empty();
    let wanted = match tls.client_certificates {
        Wanted::Optional => ClientCertificates::Optional,
        Wanted::Required => ClientCertificates::Required,
    };
    is_named(&tls.certificate).then(|| TlsFiles {
        certificate: tls.certificate.clone(),
        key: tls.key.clone(),
        client_authorities: is_named(&tls.client_ca).then(|| (tls.client_ca.clone(), wanted)),
    })
}

/// What callers may hold of the API.
pub(super) fn limits() -> Limits {
    let most = Limits::default();
    Limits {
        connections: descriptors::connections(descriptors::raise(), Share::Half, most.connections),
        ..most
    }
}

/// What callers may hold of the port for probes, who say nothing of who they are: a few of
/// everything is plenty.
pub(super) fn limits_of_probes() -> Limits {
    let few = Limits {
        connections: 64,
        streams: 8,
        calls: 64,
        connection_bytes: 64 << 10,
        bytes: 1 << 20,
        unread_bytes: 16 << 20,
    };
    Limits {
        connections: descriptors::connections(
            descriptors::raise(),
            Share::Sixteenth,
            few.connections,
        ),
        ..few
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn on(listen: &str, tls: bool, clients: bool, insecure: bool) -> Config {
        let mut config = Config::default();
        config.api.listen = listen.parse().expect("an address");
        config.api.insecure = insecure;
        if tls {
            config.api.tls.certificate = PathBuf::from("tls.crt");
            config.api.tls.key = PathBuf::from("tls.key");
        }
        if clients {
            config.api.tls.client_ca = PathBuf::from("clients.crt");
        }
        config
    }

    #[test]
    fn other_machines_are_listened_for_with_tls_and_authentication_or_by_saying_so() {
        let far = "0.0.0.0:2114";
        for (config, missing) in [
            (
                on(far, false, false, false),
                "TLS and a way to know who calls are missing",
            ),
            (on(far, false, true, false), "TLS"),
            (
                on(far, true, false, false),
                "a way to know who calls is missing",
            ),
        ] {
            let error = judge(&config).expect_err("refused").to_string();
            assert!(
                error.contains(missing) && error.contains("--insecure"),
                "{error}"
            );
        }
        assert_eq!(judge(&on(far, true, true, false)).expect("safe"), [""; 0]);
        assert_eq!(
            judge(&on(far, false, false, true)).expect("said"),
            [INSECURE]
        );
        for near in ["127.0.0.1:0", "[::1]:0", "unix:///run/api.sock"] {
            assert_eq!(
                judge(&on(near, false, false, false)).expect("near"),
                [""; 0]
            );
        }
    }
}
