//! The descriptors that a run may use.

/// Descriptors beside those of the calls under way: listeners, files and logs of the program, and
/// second sockets of hosts with several addresses.
const RESERVE: u64 = 64;

/// Returns the number of calls that may be under way at once, at most `wanted`: each has a
/// connection. The soft limit of open files is raised if it is too low; where the hard limit does
/// not allow that, the window is smaller.
#[cfg(unix)]
pub(super) fn window(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let used = open() + RESERVE;
    let needed = used.saturating_add(wanted as u64);
    let Some(mut soft) = limit.current.filter(|soft| *soft < needed) else {
        return wanted;
    };
    let raised = limit.maximum.map_or(needed, |hard| hard.min(needed));
    if raised > soft {
        let new = Rlimit {
            current: Some(raised),
            ..limit
        };
        match setrlimit(Resource::Nofile, new) {
            Ok(()) => soft = raised,
            Err(error) => tracing::debug!(%error, "cannot raise the limit of open files"),
        }
    }
    if soft >= needed {
        return wanted;
    }
    let window = usize::try_from(soft.saturating_sub(used)).unwrap_or(wanted);
    let window = window.clamp(1, wanted.max(1));
    tracing::warn!(
        wanted,
        window,
        "the limit of open files does not allow the whole window"
    );
    window
}

/// Other systems have no such limit, or a high one.
#[cfg(not(unix))]
pub(super) fn window(wanted: usize) -> usize {
    let _ = RESERVE;
    wanted
}

/// Returns the number of descriptors that are open, where the system tells it.
#[cfg(unix)]
fn open() -> u64 {
    ["/proc/self/fd", "/dev/fd"]
        .iter()
        .find_map(|folder| std::fs::read_dir(folder).ok())
        .map_or(0, |entries| entries.count() as u64)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_window_fits_into_the_descriptors() {
        assert_eq!(window(64), 64);
        let huge = window(usize::MAX / 2);
        assert!(huge >= 64);
        let hard = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
        assert!(hard.is_none_or(|hard| huge as u64 <= hard));
    }
}
