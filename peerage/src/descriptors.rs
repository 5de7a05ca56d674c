//! How many files and connections the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// As many as anything here needs.
const ENOUGH: u64 = 65_536;

/// Raises the limit as far as the system lets, up to what is enough, and says what it is then.
pub(crate) fn raise() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(ENOUGH).min(ENOUGH);
    let current = limit.current.unwrap_or(ENOUGH);
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum,
    };
    let now = if current >= wanted {
        current
    } else {
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => wanted,
            Err(error) => {
                tracing::warn!(%error, current, "cannot raise the limit of open files");
                current
            }
        }
    };
    usize::try_from(now).unwrap_or(usize::MAX)
}

/// How many connections there may be, so that the store and the read models keep the other half.
pub(crate) fn connections(descriptors: usize, most: usize) -> usize {
    most.min(descriptors / 2).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_half_of_the_open_files_to_everything_else() {
        for (descriptors, wanted) in [(65_536, 4_096), (1_024, 512), (256, 128), (1, 1)] {
            assert_eq!(connections(descriptors, 4_096), wanted);
        }
    }

    #[test]
    fn the_limit_is_raised_to_what_the_system_allows() {
        let hard = getrlimit(Resource::Nofile).maximum.unwrap_or(ENOUGH);
        let now = raise() as u64;
        assert!(now >= hard.min(ENOUGH), "{now} of {hard}");
    }
}
