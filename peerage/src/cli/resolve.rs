//! Names and the first characters of an id, wherever an id is taken.
//!
//! A full id is taken as it is: it needs nothing but the log. Names and prefixes are looked up in
//! the read models, and have to mean one thing.

use super::{CliError, engine::Servers};
use crate::api::v1::{
    GetPeeringRequest, Ingress, ListNetworksRequest, ListPeeringsRequest, Network, NetworkState,
    Peering,
};
use std::str::FromStr;
use uuid::Uuid;

/// The forms in which a network can be named.
pub(super) const NETWORK_FORMS: &str =
    "a network's id (a UUID), the id's first characters, its name, or PROJECT/NAME";

/// The forms in which a peering can be named.
pub(super) const PEERING_FORMS: &str = "a peering's id (a UUID), the id's first characters, its \
     link's id, the peer's cloud network, or ACCOUNT/CLOUD_NETWORK";

/// The most that an error lists.
const LISTED: usize = 8;

/// Something as the person names it: by its id, or by what leads to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Id(Uuid),
    Text(String),
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("an id or a name is expected".to_owned());
        }
        // Only the hyphenated form is an id: 32 digits in a row are a name like any other.
        let id = Uuid::parse_str(text).ok().filter(|_| text.len() == 36);
        Ok(id.map_or_else(|| Self::Text(text.to_owned()), Self::Id))
    }
}

/// Whether an id may begin like this.
fn is_prefix(text: &str) -> bool {
    text.len() < 36 && text.chars().all(|it| it.is_ascii_hexdigit() || it == '-')
}

/// The id of the network that is named.
pub(super) async fn network(servers: &mut Servers, named: &Named) -> Result<String, CliError> {
    let text = match named {
        Named::Id(id) => return Ok(id.to_string()),
        Named::Text(text) => text,
    };
    let (project, name) = text.split_once('/').unwrap_or(("", text));
    let by_name = ListNetworksRequest {
        project: project.to_owned(),
        name: name.to_owned(),
        ..Default::default()
    };
    let mut found = servers
        .list(by_name, LISTED + 1)
        .await
        .map_err(needs_read_models)?;
    if is_prefix(text) {
        let by_prefix = ListNetworksRequest {
            id_prefix: text.to_lowercase(),
            ..Default::default()
        };
        let begin_so = servers
            .list(by_prefix, LISTED + 1)
            .await
            .map_err(needs_read_models)?;
        found.extend(begin_so.into_iter().filter(|it| it.name != *text));
    }
    match one(found, |it| it.state() == NetworkState::Registered) {
        Ok(network) => Ok(network.network_id),
        Err(found) if found.is_empty() => Err(no_network(servers, text).await),
        Err(found) => Err(ambiguous("network", text, found.iter().map(network_line))),
    }
}

/// The same where a network may be named: empty, as requests write it, where none is.
pub(super) async fn network_if_any(
    servers: &mut Servers,
    named: Option<&Named>,
) -> Result<String, CliError> {
    match named {
        Some(named) => network(servers, named).await,
        None => Ok(String::new()),
    }
}

/// The same of a network that the arguments have to name.
pub(super) async fn given(
    servers: &mut Servers,
    named: Option<&Named>,
) -> Result<String, CliError> {
    match named {
        Some(named) => network(servers, named).await,
        None => Err(CliError::usage(format!(
            "--network is missing; expected: {NETWORK_FORMS}"
        ))),
    }
}

/// The id of the peering that may be named; empty where none is.
pub(super) async fn peering_if_any(
    servers: &mut Servers,
    named: Option<&Named>,
) -> Result<String, CliError> {
    match named {
        Some(named) => peering(servers, named).await,
        None => Ok(String::new()),
    }
}

/// The id of the peering that is named.
pub(super) async fn peering(servers: &mut Servers, named: &Named) -> Result<String, CliError> {
    let text = match named {
        Named::Id(id) => return Ok(id.to_string()),
        Named::Text(text) => text,
    };
    if is_prefix(text) {
        let message = ListPeeringsRequest {
            id_prefix: text.to_lowercase(),
            ..Default::default()
        };
        let found = servers
            .list(message, LISTED + 1)
            .await
            .map_err(needs_read_models)?;
        match found.len() {
            0 => {}
            1 => return Ok(found.into_iter().map(|it| it.peering_id).collect()),
            _ => return Err(ambiguous("peering", text, found.iter().map(peering_line))),
        }
    }
    let account = text.split_once('/').map(|(account, _)| account.to_owned());
    let message = ListPeeringsRequest {
        account: account.unwrap_or_default(),
        ..Default::default()
    };
    let found = servers
        .list(message, usize::MAX)
        .await
        .map_err(needs_read_models)?;
    let found = found.into_iter().filter(|it| is_called(it, text)).collect();
    match one(found, |it| !super::states::has_ended(it.state())) {
        Ok(peering) => Ok(peering.peering_id),
        Err(found) if found.is_empty() => Err(CliError::failed(format!(
            "no peering is known as `{text}`; expected: {PEERING_FORMS}"
        ))
        .with_hint(Some("`peerage peering list` shows the peerings on record"))),
        Err(found) => Err(ambiguous("peering", text, found.iter().map(peering_line))),
    }
}

/// The id of the connector ingress that is named: by its id or first characters, or by its target
/// and port.
pub(super) async fn ingress(
    servers: &mut Servers,
    peering_id: &str,
    named: &Named,
) -> Result<String, CliError> {
    let text = match named {
        Named::Id(id) => return Ok(id.to_string()),
        Named::Text(text) => text,
    };
    let message = GetPeeringRequest {
        peering_id: peering_id.to_owned(),
        ..Default::default()
    };
    let peering = servers
        .read(message)
        .await
        .map_err(needs_read_models)?
        .peering;
    let open = peering.unwrap_or_default().ingress;
    let is_meant = |it: &&Ingress| {
        let port = it.rule.as_ref().map(|rule| rule.port).unwrap_or_default();
        it.ingress_id.starts_with(&text.to_lowercase()) || *text == format!("{}:{port}", it.target)
    };
    let found: Vec<_> = open.iter().filter(is_meant).collect();
    match found.as_slice() {
        [it] => Ok(it.ingress_id.clone()),
        [] => Err(CliError::failed(format!(
            "no open ingress is known as `{text}`; expected: an ingress's id (a UUID), the id's \
             first characters, or TARGET:PORT"
        ))
        .with_hint(Some(
            "`peerage peering show PEERING` lists the ingresses that are open",
        ))),
        [..] => Err(ambiguous(
            "ingress",
            text,
            found.iter().map(|it| ingress_line(it)),
        )),
    }
}

/// The only one that is found, or the only live one.
fn one<T>(found: Vec<T>, is_live: impl Fn(&T) -> bool) -> Result<T, Vec<T>> {
    let index = match found.len() {
        1 => Some(0),
        _ => {
            let mut live = (0..found.len()).filter(|index| is_live(&found[*index]));
            live.next().filter(|_| live.next().is_none())
        }
    };
    let mut found = found;
    match index {
        Some(index) => Ok(found.swap_remove(index)),
        None => Err(found),
    }
}

fn is_called(peering: &Peering, text: &str) -> bool {
    let peer = peering.peer.as_ref();
    let is_peer = peer.is_some_and(|it| {
        it.cloud_network == text || format!("{}/{}", it.account, it.cloud_network) == text
    });
    is_peer || peering.link == text
}

async fn no_network(servers: &mut Servers, text: &str) -> CliError {
    let known = servers
        .list(ListNetworksRequest::default(), 1000)
        .await
        .unwrap_or_default();
    let names = known
        .iter()
        .flat_map(|it| [it.name.clone(), format!("{}/{}", it.project, it.name)]);
    let near = names
        .map(|it| (strsim::jaro_winkler(&it, text), it))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    let meant = near
        .map(|(_, name)| format!("; did you mean `{name}`?"))
        .unwrap_or_default();
    CliError::failed(format!(
        "no network is known as `{text}`; expected: {NETWORK_FORMS}{meant}"
    ))
    .with_hint(Some("`peerage network list` shows the networks on record"))
}

fn ambiguous(what: &str, text: &str, found: impl Iterator<Item = String>) -> CliError {
    let found: Vec<_> = found.collect();
    let shown = found.iter().take(LISTED).map(|it| format!("  {it}"));
    let more = (found.len() > LISTED).then(|| "  and more".to_owned());
    let lines: Vec<_> = std::iter::once(format!("`{text}` may be more than one {what}:"))
        .chain(shown)
        .chain(more)
        .collect();
    CliError::failed(lines.join("\n")).with_hint(Some("use more of the id, or all of it"))
}

fn network_line(it: &Network) -> String {
    format!("{}  {}/{}", it.network_id, it.project, it.name)
}

fn peering_line(it: &Peering) -> String {
    let peer = it.peer.clone().unwrap_or_default();
    let state = super::output::word(it.state());
    format!(
        "{}  {}/{}  {state}",
        it.peering_id, peer.account, peer.cloud_network
    )
}

fn ingress_line(it: &Ingress) -> String {
    let port = it.rule.as_ref().map(|rule| rule.port).unwrap_or_default();
    format!("{}  {}:{port}", it.ingress_id, it.target)
}

/// What helps where a name cannot be looked up.
fn needs_read_models(error: CliError) -> CliError {
    match &error.hint {
        Some(_) => error,
        None => error.with_hint(Some(
            "names and first characters are looked up in the read models; a full id needs nothing but the log",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_id_is_an_id() {
        let id = "0f9a6a52-2c39-4a7e-9a52-5b7c0a1d6f11";
        assert_eq!(id.parse(), Ok(Named::Id(id.parse().unwrap())));
        for text in ["orders", "0f9a", "0f9a6a522c394a7e9a525b7c0a1d6f11", "a/b"] {
            assert_eq!(text.parse(), Ok(Named::Text(text.to_owned())));
        }
        assert!(" ".parse::<Named>().is_err());
    }

    #[test]
    fn the_only_one_is_meant_or_the_only_live_one() {
        let live = |it: &(u32, bool)| it.1;
        assert_eq!(one(vec![(1, false)], live), Ok((1, false)));
        assert_eq!(one(vec![(1, false), (2, true)], live), Ok((2, true)));
        assert_eq!(one(vec![(1, true), (2, true)], live).unwrap_err().len(), 2);
        assert_eq!(
            one(vec![(1, false), (2, false)], live).unwrap_err().len(),
            2
        );
        assert!(one(Vec::new(), live).unwrap_err().is_empty());
    }

    #[test]
    fn an_ambiguous_name_lists_what_it_may_be_and_no_more_than_fits() {
        let error = ambiguous("peering", "ab", (0..12).map(|it| format!("p{it}")));
        let lines: Vec<_> = error.text.lines().collect();
        assert_eq!(lines.len(), LISTED + 2, "{error:?}");
        assert_eq!((lines[1], lines[LISTED + 1]), ("  p0", "  and more"));
    }
}
