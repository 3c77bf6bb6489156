//! Parsing and folding of host sets: the `Display` output of a set parses to the same, and the
//! place of a mistake is in the text.
#![no_main]

use farcall::cluster::{HostLimits, HostSet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let limits = HostLimits::default().max_hosts(10_000);
    match HostSet::parse_with(text, &limits) {
        Ok(hosts) => {
            let shown = hosts.to_string();
            // Names that have nothing in common are not shortened.
            let limits = limits.max_text(usize::MAX);
            let again = HostSet::parse_with(&shown, &limits).expect("a folded set is valid");
            assert_eq!(again, hosts, "shown as {shown}");
            assert_eq!(again.to_string(), shown);
        }
        Err(error) => {
            let columns = 1..=text.chars().count() + 1;
            assert!(columns.contains(&error.column), "{error}");
        }
    }
});
