//! The versions that the lock file must hold, and why.
//!
//! h2 0.4.13 and later write HEADERS and DATA in two segments. The event store's client never sets
//! `TCP_NODELAY`, so with them each call on an idle connection waits some 40 ms for a delayed
//! acknowledgement; releases from 0.4.16 on also cut connections that carry many small frames.
//! hyper 1.10 demands such an h2. Hence hyper 1.9.0 with h2 0.4.12, once each: a second copy of
//! either means that something else of ours has moved on, and the stall is back where it is used.

/// The pinned crates with the only version each may have.
const PINS: [(&str, &str); 2] = [("hyper", "1.9.0"), ("h2", "0.4.12")];

/// One complaint per pinned crate whose versions in `lock`, the text of a `Cargo.lock`, are not the
/// pinned one alone.
#[must_use]
pub fn complaints(lock: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (name, wanted) in PINS {
        let versions = locked(lock, name);
        if versions != [wanted] {
            found.push(format!("Cargo.lock must hold {name} {wanted} alone, it holds {versions:?}: see checks/pins.rs"));
        }
    }
    found
}

/// The versions of a crate in the text of a lock file.
fn locked<'a>(lock: &'a str, name: &str) -> Vec<&'a str> {
    let line = format!("name = \"{name}\"");
    let mut versions = Vec::new();
    let mut lines = lock.lines();
    while let Some(current) = lines.next() {
        if current == line
            && let Some(version) = lines
                .next()
                .and_then(|next| next.strip_prefix("version = \""))
        {
            versions.push(version.trim_end_matches('"'));
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[[package]]\nname = \"h2\"\nversion = \"0.4.12\"\n\n[[package]]\nname = \"hyper\"\nversion = \"1.9.0\"\n";

    #[test]
    fn the_pinned_versions_pass() {
        assert_eq!(complaints(GOOD), Vec::<String>::new());
    }

    #[test]
    fn a_later_version_a_second_copy_and_a_missing_crate_fail() {
        assert_eq!(complaints(&GOOD.replace("0.4.12", "0.4.13")).len(), 1);
        assert_eq!(
            complaints(&format!(
                "{GOOD}\n[[package]]\nname = \"hyper\"\nversion = \"0.14.32\"\n"
            ))
            .len(),
            1
        );
        assert_eq!(complaints("").len(), 2);
    }
}
