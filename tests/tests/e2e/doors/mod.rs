//! Who gets in: TLS, who is believed to be whom, and what they may do. Certificates are openssl's.

mod tls;

use peerage_tests::engine::{Finished, finish, peerage};

/// Runs the command line with these variables.
pub(crate) async fn with(variables: &[(&str, &str)], arguments: &[&str]) -> Finished {
    let mut command = peerage();
    command.args(arguments).envs(variables.iter().copied());
    finish(command).await
}
