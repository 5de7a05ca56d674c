//! Listeners that are of no use any more.

use rustix::io::Errno;
use std::io;

/// Whether a listener that answers so never takes a connection again: its socket is gone. Whatever
/// else it answers may be over the next time: files are closed meanwhile, callers leave early, and
/// Linux tells an error of a connection in the place of that connection (`accept(2)`).
#[must_use]
pub fn is_lost(error: &io::Error) -> bool {
    let lost = [Errno::BADF, Errno::INVAL, Errno::NOTSOCK];
    let lost = lost.map(|it| Some(it.raw_os_error()));
    lost.contains(&error.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_socket_that_is_gone_takes_no_connection_ever_again() {
        let is_lost = |it: Errno| is_lost(&it.into());
        for gone in [Errno::BADF, Errno::INVAL, Errno::NOTSOCK] {
            assert!(is_lost(gone), "{gone}");
        }
        let passing = [
            Errno::MFILE,
            Errno::NFILE,
            Errno::NOBUFS,
            Errno::NOMEM,
            Errno::CONNABORTED,
            Errno::PROTO,
            Errno::PERM,
            Errno::OPNOTSUPP,
            Errno::NETDOWN,
        ];
        for passing in passing {
            assert!(!is_lost(passing), "{passing}");
        }
        assert!(!super::is_lost(&io::ErrorKind::InvalidInput.into()));
    }
}
