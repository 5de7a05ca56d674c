//! The headers that a connector's owner adds: any but those that the engine sets itself.

use crate::wrong::{Problem, Wrong};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use secrecy::{ExposeSecret as _, SecretString};

/// The most headers, and the longest value in bytes.
const MOST: usize = 50;
const LONGEST: usize = 4096;

/// Names that belong to the connection, the body or the engine.
const RESERVED: [HeaderName; 15] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::TRANSFER_ENCODING,
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::EXPECT,
    header::RANGE,
    header::PROXY_AUTHORIZATION,
    header::PROXY_AUTHENTICATE,
    HeaderName::from_static("keep-alive"),
];

/// Families of names that are the engine's.
const RESERVED_PREFIXES: [&str; 4] = ["webhook-", "peerage-", "ce-", "proxy-"];

/// Checks them all. `authorized`: the authentication sets the `authorization` header.
pub(super) fn checked(
    given: &[(String, SecretString)],
    authorized: Option<HeaderName>,
    wrong: &mut Vec<Wrong>,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if given.len() > MOST {
        wrong.push(Wrong::of("headers", Problem::TooMany { most: MOST }));
    }
    for (name, value) in given {
        match one(name, value, authorized.as_ref()) {
            Ok((name, value)) => {
                headers.append(name, value);
            }
            Err(problem) => wrong.push(Wrong::of(format!("headers:{name}"), problem)),
        }
    }
    headers
}

fn one(
    name: &str,
    value: &SecretString,
    authorized: Option<&HeaderName>,
) -> Result<(HeaderName, HeaderValue), Problem> {
    let parsed = name
        .parse::<HeaderName>()
        .map_err(|_| Problem::HeaderName)?;
    let is_reserved = RESERVED.contains(&parsed)
        || authorized == Some(&parsed)
        || RESERVED_PREFIXES
            .iter()
            .any(|prefix| parsed.as_str().starts_with(prefix));
    if is_reserved {
        return Err(Problem::ReservedHeader);
    }
    let value = secret_value(value.expose_secret()).ok_or(Problem::HeaderValue)?;
    Ok((parsed, value))
}

/// A header's value that `Debug` does not show.
pub(super) fn secret_value(text: &str) -> Option<HeaderValue> {
    let fits = !text.is_empty() && text.len() <= LONGEST;
    let mut value = HeaderValue::from_str(text).ok().filter(|_| fits)?;
    value.set_sensitive(true);
    Some(value)
}
