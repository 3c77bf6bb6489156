//! What the system lets this process have.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Lets this process, and those that it starts from here on, have so many files and sockets open.
///
/// # Panics
/// If the system does not.
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
