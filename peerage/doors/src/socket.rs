//! The user of a process at the other end of a Unix socket, as the kernel says.

use crate::{Authenticated, name::name};
use domain::{
    access::{Identity, Proof, Subject},
    text::ActorName,
};
use std::{collections::BTreeMap, path::Path};

/// The names of this machine's users, by their numbers.
#[derive(Clone, Debug, Default)]
pub struct Users(BTreeMap<u32, ActorName>);

impl Users {
    /// As this file has them, in the form of `/etc/passwd`. What cannot be read has no names:
    /// numbers do.
    pub fn of_file(path: &Path) -> Self {
        Self::of(&std::fs::read_to_string(path).unwrap_or_default())
    }

    fn of(text: &str) -> Self {
        let users = text.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let user = name(fields.next()?)?;
            let uid = fields.nth(1)?.parse().ok()?;
            Some((uid, user))
        });
        let mut found = BTreeMap::new();
        for (uid, user) in users {
            // As the system does: the first line with the number counts.
            found.entry(uid).or_insert(user);
        }
        Self(found)
    }
}

/// The user with this number, at this machine. A binding may name the number as well: `uid:1000`.
pub fn socket(uid: u32, machine: &ActorName, users: &Users) -> Option<Authenticated> {
    let number: ActorName = format!("uid:{uid}").parse().ok()?;
    let subject = users.0.get(&uid).unwrap_or(&number).clone();
    Some(Authenticated {
        identity: Identity {
            subject: Subject {
                method: Proof::Socket,
                issuer: machine.clone(),
                subject,
            },
            also: vec![number],
            groups: Vec::new(),
        },
        expires: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_its_name_and_its_number() {
        let users =
            Users::of("root:x:0:0::/:/bin/sh\nada:x:1000:1000::/:\nagain:x:1000:1::/:\nbroken\n");
        let machine = "db1".parse().expect("a name");
        let known = |uid| socket(uid, &machine, &users).expect("somebody").identity;
        assert_eq!(known(1000).subject.subject.as_str(), "ada");
        assert_eq!(known(1000).also, ["uid:1000".parse().expect("a name")]);
        assert_eq!(known(4711).subject.subject.as_str(), "uid:4711");
        assert_eq!(known(0).subject.method, Proof::Socket);
    }
}
