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

/// How many of the open files may be connections of one port; the store and the read models keep
/// the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    Half,
    Quarter,
    Sixteenth,
}

/// How many connections there may be.
pub(crate) fn connections(descriptors: usize, share: Share, most: usize) -> usize {
    let mine = match share {
        Share::Half => descriptors / 2,
        Share::Quarter => descriptors / 4,
        Share::Sixteenth => descriptors / 16,
    };
    most.min(mine).max(1)
}

/// What callers may hold of an event store in this process.
pub(crate) fn of_store(descriptors: usize, share: Share) -> embedded::Limits {
    embedded::Limits {
        connections: connections(descriptors, share, embedded::LIMITS.connections),
        ..embedded::LIMITS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_half_of_the_open_files_to_everything_else() {
        for (descriptors, wanted) in [(65_536, 4_096), (1_024, 512), (256, 128), (1, 1)] {
            assert_eq!(connections(descriptors, Share::Half, 4_096), wanted);
            assert!(connections(descriptors, Share::Quarter, 4_096) <= wanted);
        }
    }

    #[test]
    fn the_api_the_probes_and_the_store_in_one_process_leave_a_sixth_to_files() {
        for all in [64, 256, 1_024, 4_096, 65_536] {
            let store = of_store(all, Share::Quarter).connections;
            let probes = connections(all, Share::Sixteenth, 4_096);
            let taken = connections(all, Share::Half, 4_096) + store + probes;
            assert!(all - taken >= all / 6, "{taken} of {all}");
        }
    }

    #[test]
    fn the_limit_is_raised_to_what_the_system_allows() {
        let hard = getrlimit(Resource::Nofile).maximum.unwrap_or(ENOUGH);
        let now = raise() as u64;
        assert!(now >= hard.min(ENOUGH), "{now} of {hard}");
    }
}
