//! PHP: the extension xmlrpc, which makes and reads documents; HTTP is curl's and PHP's own web server's.

use super::CARRIAGE_RETURN_LOST;
use crate::peer::{Client, Known, Server, Start, Verdict};
use crate::{Capability, Peer};

pub(super) fn peer() -> Peer {
    Peer {
        name: "php".to_owned(),
        title: "PHP xmlrpc".to_owned(),
        packages: "php8.2-cli, php8.2-xmlrpc and php8.2-curl",
        version: Start::program(
            "php",
            &[
                "-r",
                "curl_init(); xmlrpc_server_create(); echo phpversion('xmlrpc');",
            ],
        ),
        client: Client {
            start: Start::script("php", "php/client.php"),
            lacks: &[],
        },
        server: Some(Server {
            start: Start::script("php", "php/server.php"),
            lacks: &[
                (
                    Capability::WrongParams,
                    "methods get an array of whatever came",
                ),
                (
                    Capability::Gzip,
                    "the extension makes and reads documents, and knows no HTTP",
                ),
            ],
            known: &[
                Known {
                    capability: Capability::Whitespace,
                    shows: CARRIAGE_RETURN_LOST,
                    verdict: Verdict::Defect,
                    what: "a carriage return is written as it is, which XML reads as a newline",
                },
                Known {
                    capability: Capability::Double,
                    shows: "got Double(3.141593), wanted Double(3.141592653589793)",
                    verdict: Verdict::Defect,
                    what: "doubles are written with six decimals (`%f`): pi as 3.141593, 1e-7 as 0.000000",
                },
                Known {
                    capability: Capability::EmptyStruct,
                    shows: "got Array([]), wanted Struct({})",
                    verdict: Verdict::Defect,
                    what: "an empty struct is read as an empty PHP array, and that is written as an empty array",
                },
                Known {
                    capability: Capability::Nil,
                    shows: "got String(\"\"), wanted Nil",
                    verdict: Verdict::Defect,
                    what: "null is written as an empty string; a nil is read as null",
                },
                Known {
                    capability: Capability::I8,
                    shows: "got String(\"\"), wanted Int(2147483648)",
                    verdict: Verdict::Defect,
                    what: "an i8 is read as null",
                },
                Known {
                    capability: Capability::ThousandCalls,
                    shows: "1000 connections",
                    verdict: Verdict::Note,
                    what: "PHP's own web server closes each connection",
                },
            ],
        }),
    }
}
