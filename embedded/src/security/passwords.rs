//! Passwords are kept as salted hashes that are slow to make.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const ROUNDS: NonZeroU32 = NonZeroU32::new(50_000).unwrap();

/// A password that can be checked but not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hashed {
    salt: Uuid,
    rounds: NonZeroU32,
    hash: [u8; 32],
}

impl Hashed {
    /// Takes some milliseconds.
    pub(super) fn new(password: &str, salt: Uuid) -> Self {
        let mut hash = [0; 32];
        pbkdf2::derive(
            PBKDF2_HMAC_SHA256,
            ROUNDS,
            salt.as_bytes(),
            password.as_bytes(),
            &mut hash,
        );
        Self {
            salt,
            rounds: ROUNDS,
            hash,
        }
    }

    /// Takes as long as making it, whatever the password.
    pub(super) fn is(&self, password: &str) -> bool {
        pbkdf2::verify(
            PBKDF2_HMAC_SHA256,
            self.rounds,
            self.salt.as_bytes(),
            password.as_bytes(),
            &self.hash,
        )
        .is_ok()
    }
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
