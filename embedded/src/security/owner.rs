//! The one caller of a node that belongs to one program.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use std::sync::Arc;

/// How the owner proves itself. Nothing of it is written down.
#[derive(Clone)]
pub(crate) struct Owner {
    login: Arc<str>,
    password: Arc<str>,
}

impl Owner {
    pub(crate) fn new(login: &str, password: &str) -> Self {
        Self {
            login: login.into(),
            password: password.into(),
        }
    }

    /// Whether this is the owner; how long it takes does not tell how much of the password is
    /// right.
    pub(super) fn is(&self, login: &str, password: &str) -> bool {
        let is_right = verify_slices_are_equal(password.as_bytes(), self.password.as_bytes());
        *login == *self.login && is_right.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_and_the_password_together_are_the_owner() {
        let owner = Owner::new("engine", "secret");
        assert!(owner.is("engine", "secret"));
        for (login, password) in [
            ("engine", ""),
            ("engine", "Secret"),
            ("engine", "secret2"),
            ("admin", "secret"),
            ("", ""),
        ] {
            assert!(!owner.is(login, password), "{login}:{password}");
        }
    }
}
