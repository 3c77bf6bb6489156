//! Known behaviour of all peers that are based on xmlrpc-c.

use std::process::Command;

use super::CARRIAGE_RETURN_LOST;
use crate::peer::{Known, Start};
use crate::{Capability, Evidence};

pub(super) const NO_GZIP: (Capability, &str) = (Capability::Gzip, NO_COMPRESSION);

const NO_COMPRESSION: &str = "xmlrpc-c has no compression: it neither sends nor requests it";

/// A hundred digits of a large number.
macro_rules! hundred_zeros {
    () => {
        "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    };
}

/// The bytes that prove the defects of the clients in C and C++.
pub(super) const DEFECTS: &[(Capability, Evidence)] = &[
    (
        Capability::Unicode,
        Evidence::sent(&["\u{e9}"]).did_not_send(&["\u{1f600}", "&#128512;", "&#x1f600;"]),
    ),
    (
        Capability::Whitespace,
        Evidence::sent(&[" b &#x0d;\n c &#x0d; "]).received(&[" b &#13;\n c &#13; "]),
    ),
    (
        Capability::Double,
        Evidence::sent(&["<double>123456789.1234568</double>"]).received(&[concat!(
            "<double>1",
            hundred_zeros!(),
            hundred_zeros!(),
            hundred_zeros!(),
            ".0</double>"
        )]),
    ),
];

/// The fault of a server that received a character outside the BMP.
const BEYOND_BMP: Evidence =
    Evidence::sent(&["UTF-8 string contains a character not in the Basic Multilingual Plane"])
        .received(&["\u{1f600}"]);

/// Known behaviour of the servers in C and C++.
pub(super) const KNOWN: &[Known] = &[
    Known::lacks(
        Capability::Gzip,
        "Call is not valid XML.  not well-formed",
        NO_COMPRESSION,
    ),
    Known::defect(
        Capability::Unicode,
        "UTF-8 string contains a character not in the Basic Multilingual Plane",
        "characters beyond the BMP are refused with a fault that says so",
        BEYOND_BMP,
    ),
    Known::defect(
        Capability::Fault,
        "UTF-8 string contains a character not in the Basic Multilingual Plane",
        "a string with characters beyond the BMP does not reach the method",
        BEYOND_BMP,
    ),
    Known::defect(
        Capability::Whitespace,
        CARRIAGE_RETURN_LOST,
        "a carriage return is decoded as a newline, even if it was written as `&#13;`",
        Evidence::sent(&["carriage\nreturn\n"]).received(&["carriage&#13;return&#13;\n"]),
    ),
    Known::defect(
        Capability::Double,
        "got Double(1.0000000000000007e-7), wanted Double(1e-7)",
        "decoded numbers are off by a few units in the last place: 1e-7 is decoded as 1.0000000000000007e-7",
        Evidence::sent(&["<double>0.00000010000000000000008</double>"])
            .received(&["<double>0.0000001</double>"]),
    ),
];

/// Returns the command that prints the version, if the compiler finds a header.
pub(super) fn version(
    compiler: &'static str,
    language: &'static str,
    header: &'static str,
) -> Start {
    Start::new(move || {
        let script = "printf '#include <%s>' \"$3\" | \"$1\" -E -x \"$2\" - >/dev/null \
                      && xmlrpc-c-config --version";
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh", compiler, language, header]);
        Ok(command)
    })
}
