//! What the peers that stand on xmlrpc-c have in common.

use std::process::Command;

use super::CARRIAGE_RETURN_LOST;
use crate::Capability;
use crate::peer::{Known, Start};

pub(super) const NO_GZIP: (Capability, &str) = (Capability::Gzip, NO_COMPRESSION);

const NO_COMPRESSION: &str = "xmlrpc-c has no compression: it neither sends nor asks for it";

/// What our checks of a server show, whether it is written in C or in C++.
pub(super) const KNOWN: &[Known] = &[
    Known::lacks(
        Capability::Gzip,
        "Call is not valid XML.  not well-formed",
        NO_COMPRESSION,
    ),
    Known::defect(
        Capability::Unicode,
        "UTF-8 string contains a character not in the Basic Multilingual Plane",
        "characters beyond the BMP are refused, with a fault that says so",
    ),
    Known::defect(
        Capability::Fault,
        "UTF-8 string contains a character not in the Basic Multilingual Plane",
        "a text with characters beyond the BMP does not get as far as the method",
    ),
    Known::defect(
        Capability::Whitespace,
        CARRIAGE_RETURN_LOST,
        "a carriage return that is read, also one written as `&#13;`, becomes a newline",
    ),
    Known::defect(
        Capability::Double,
        "got Double(1.0000000000000007e-7), wanted Double(1e-7)",
        "a number that is read is off by a few units in the last place: 1e-7 is read as 1.0000000000000007e-7",
    ),
];

/// Prints the version, where the compiler finds a header.
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
