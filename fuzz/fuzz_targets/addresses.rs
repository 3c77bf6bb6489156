//! Parsing of addresses and URLs: the `Display` output of a parsed one parses to the same.
#![no_main]

use farcall::transport::{Address, Target, ToTarget as _};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(address) = text.parse::<Address>() {
        let shown = address.to_string();
        assert_eq!(shown.parse(), Ok(address), "shown as {shown}");
        assert!(text.to_target().is_ok());
    }
    if let Ok(Target::Host(host, port)) = text.to_target() {
        let again = format!("{host}:{port}").to_target();
        assert_eq!(again, (host.as_str(), port).to_target());
    }
    if let Ok((shown, place)) = farcall::xmlrpc::fuzzing::url(text) {
        let again = farcall::xmlrpc::fuzzing::url(&shown);
        assert_eq!(again, Ok((shown, place)));
    }
});
