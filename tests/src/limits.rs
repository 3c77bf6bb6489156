//! Resource limits of this process.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the limit of open files and sockets of this process, and of those that it starts later,
/// to `count`.
///
/// # Panics
/// If the system refuses.
pub fn allow_descriptors(count: u64) {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= count) {
        return;
    }
    limit.current = Some(count);
    limit.maximum = limit.maximum.map(|maximum| maximum.max(count));
    let raised = setrlimit(Resource::Nofile, limit);
    raised.unwrap_or_else(|error| {
        panic!("the tests need {count} open files ({error}): raise the limit (ulimit -Hn {count})")
    });
}
