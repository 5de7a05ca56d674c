//! Free ports for child processes. Servers in this process bind port 0 themselves and say where they are.

use std::net::{Ipv4Addr, TcpListener};

/// A loopback port that nothing listened on a moment ago.
///
/// # Panics
/// When the machine has no free port left.
#[must_use]
pub fn free() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a loopback port");
    listener.local_addr().expect("address of a bound socket").port()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_can_be_bound() {
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, free())).is_ok());
    }
}
