//! Documents in any character encoding: they are converted to UTF-8, and get at most 3 times as
//! long.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// Charsets of the HTTP header. Documents have declarations of their own.
const CHARSETS: [Option<&str>; 14] = [
    None,
    Some("utf-8"),
    Some("latin1"),
    Some("cp1252"),
    Some("us-ascii"),
    Some("utf-16"),
    Some("utf-16be"),
    Some("iso-8859-11"),
    Some("shift_jis"),
    Some("gb18030"),
    Some("big5"),
    Some("euc-jp"),
    Some("euc-kr"),
    Some("\u{0}"),
];

fuzz_target!(|input: (u8, Vec<u8>)| {
    let (charset, document) = input;
    let charset = CHARSETS[usize::from(charset) % CHARSETS.len()];
    let length = document.len();
    if let Some(text) = farcall::xmlrpc::fuzzing::to_utf8(document.into(), charset) {
        assert!(std::str::from_utf8(&text).is_ok());
        assert!(text.len() <= 3 * length);
        // Not after a byte order mark: UTF-16 may have two, of which one is left.
        if !text.starts_with("\u{feff}".as_bytes()) {
            let again = farcall::xmlrpc::fuzzing::to_utf8(text.clone(), Some("utf-8"));
            assert_eq!(again, Some(text), "the result is not UTF-8");
        }
    }
});
