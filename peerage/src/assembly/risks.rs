//! What is risky about a configuration, and what is worth knowing about it: told to whoever asks
//! the server, and what to do.

use crate::config::Config;

/// What is risky about the API's own address, about the rest of the configuration, and otherwise.
pub(super) fn all(
    api: Vec<String>,
    config: &Config,
    others: impl IntoIterator<Item = String>,
) -> Vec<String> {
    api.into_iter()
        .chain(warnings(config))
        .chain(others)
        .collect()
}

/// What is risky, beside the API's own address.
fn warnings(config: &Config) -> Vec<String> {
    let store = &config.store;
    let mut found = Vec::new();
    if store.connection_string.is_empty() && store.embedded_open {
        found.push(
            "the embedded store answers other clients than the engine, which acts on what they append: unset store.embedded_open",
        );
    }
    if is_far(&store.connection_string) {
        if says(&store.connection_string, "tls", "false") {
            found.push(
                "the event store is on another machine, and is spoken to without TLS: say tls=true in store.connection_string",
            );
        }
        if says(&store.connection_string, "tlsverifycert", "false") {
            found.push(
                "whoever answers for the event store is taken for it: leave tlsVerifyCert=false out of store.connection_string, and name its authority with tlsCaFile",
            );
        }
    }
    if config
        .probes
        .listen
        .is_some_and(|it| !it.ip().is_loopback())
    {
        found.push(
            "figures are shown without TLS to whoever reaches probes.listen: let a firewall or a network policy admit the scrapers alone",
        );
    }
    found.into_iter().map(str::to_owned).collect()
}

/// What is worth knowing.
pub(super) fn notes(config: &Config) -> Vec<String> {
    let mut found = Vec::new();
    if !config.authenticates() {
        found.push(
            "it is not known who calls, so everybody who reaches the API may do everything: configure access.issuers, access.sockets or api.tls.client_ca",
        );
    }
    if config.audit.key_file.as_os_str().is_empty() {
        found.push(
            "nothing is signed, so a changed history cannot be told by its checkpoints: `peerage audit key new` makes a key, audit.key_file names it",
        );
    } else if config.audit.witnesses.is_empty() {
        found.push(
            "no witness cosigns the checkpoints, so two who are shown different histories cannot tell: audit.witnesses names some",
        );
    }
    found.into_iter().map(str::to_owned).collect()
}

/// Whether a store is on another machine.
fn is_far(connection_string: &str) -> bool {
    let Some((_, rest)) = connection_string.split_once("://") else {
        return false;
    };
    let rest = rest.rsplit_once('@').map_or(rest, |(_, hosts)| hosts);
    let hosts = rest.split(['/', '?']).next().unwrap_or_default();
    hosts.split(',').any(|host| !is_loopback(host))
}

fn is_loopback(host: &str) -> bool {
    let bare = match host.strip_prefix('[').and_then(|it| it.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let address: Option<std::net::IpAddr> = bare.parse().ok();
    address.map_or(bare.eq_ignore_ascii_case("localhost"), |it| {
        it.is_loopback()
    })
}

/// Whether a connection string says this. Its keys are written in any case.
fn says(connection_string: &str, key: &str, value: &str) -> bool {
    let (_, settings) = connection_string.rsplit_once('?').unwrap_or_default();
    settings
        .split('&')
        .filter_map(|it| it.split_once('='))
        .any(|(name, said)| name.eq_ignore_ascii_case(key) && said.eq_ignore_ascii_case(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AuditWitness;

    /// Which key each of some texts tells to look at.
    fn names<'a>(found: &[String], keys: &[&'a str]) -> Vec<&'a str> {
        let named = |text: &String| keys.iter().find(|key| text.contains(**key)).copied();
        found.iter().map(|it| named(it).expect("a key")).collect()
    }

    #[test]
    fn a_store_that_is_open_far_or_not_verified_is_risky() {
        let keys = ["embedded_open", "tls=true", "tlsCaFile", "probes.listen"];
        let mut config = Config::default();
        assert_eq!(warnings(&config), [""; 0]);
        config.store.embedded_open = true;
        assert_eq!(names(&warnings(&config), &keys), ["embedded_open"]);
        for (text, wanted) in [
            ("kurrentdb://db:2113?tls=true", &[][..]),
            ("kurrentdb://db:2113?tls=false", &["tls=true"]),
            ("kurrentdb://127.0.0.1:2113?tls=false", &[]),
            ("kurrentdb://a:b@localhost:2113?tls=false", &[]),
            ("kurrentdb://[::1]:2113?tls=false", &[]),
            ("kurrentdb://localhost:1,db:2?Tls=False&x=y", &["tls=true"]),
            (
                "kurrentdb+discover://a:b@db?tlsVerifyCert=false",
                &["tlsCaFile"],
            ),
        ] {
            config.store.connection_string = text.to_owned();
            assert_eq!(names(&warnings(&config), &keys), wanted, "{text}");
        }
        config.store.connection_string.clear();
        config.store.embedded_open = false;
        for (listen, wanted) in [("127.0.0.1:1", 0), ("0.0.0.0:1", 1)] {
            config.probes.listen = Some(listen.parse().unwrap());
            assert_eq!(warnings(&config).len(), wanted, "{listen}");
        }
    }

    #[test]
    fn what_is_not_known_signed_or_witnessed_is_worth_knowing() {
        let keys = ["access.issuers", "audit.key_file", "audit.witnesses"];
        let mut config = Config::default();
        assert_eq!(names(&notes(&config), &keys), keys[..2]);
        config.access.sockets = true;
        config.audit.key_file = "audit.key".into();
        assert_eq!(names(&notes(&config), &keys), keys[2..]);
        config.audit.witnesses.push(AuditWitness::default());
        assert_eq!(notes(&config), [""; 0]);
    }
}
