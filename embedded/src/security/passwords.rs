//! Passwords are kept as salted hashes that are slow to make.

use pbkdf2::pbkdf2_hmac;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

const ROUNDS: u32 = 20_000;

/// A password that can be checked but not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hashed {
    salt: Uuid,
    rounds: u32,
    hash: [u8; 32],
}

impl Hashed {
    /// Takes some milliseconds.
    pub(super) fn new(password: &str, salt: Uuid) -> Self {
        Self { salt, rounds: ROUNDS, hash: derive(password, salt, ROUNDS) }
    }

    /// Takes as long as making it.
    pub(super) fn is(&self, password: &str) -> bool {
        let given = derive(password, self.salt, self.rounds);
        // Every byte is compared, so that the time says nothing about where they differ.
        given.iter().zip(&self.hash).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
    }
}

fn derive(password: &str, salt: Uuid, rounds: u32) -> [u8; 32] {
    let mut hash = [0; 32];
    pbkdf2_hmac::<Sha256>(password.as_bytes(), salt.as_bytes(), rounds, &mut hash);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_itself_fits() {
        let hashed = Hashed::new("changeit", Uuid::from_u128(1));
        assert!(hashed.is("changeit"));
        assert!(!hashed.is("changeit "));
        assert_ne!(hashed, Hashed::new("changeit", Uuid::from_u128(2)));
    }
}
