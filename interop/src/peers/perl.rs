//! Perl: RPC::XML, with a client based on LWP and a server based on HTTP::Daemon.

use crate::peer::{Client, Known, Server, Start};
use crate::{Capability, Evidence, Peer};

const DEFLATE: &str = "RPC::XML supports only `deflate` compression (`$COMPRESSION_AVAILABLE` in RPC/XML/Client.pm and \
                       Server.pm)";

pub(super) fn peer() -> Peer {
    Peer {
        name: "perl".to_owned(),
        title: "Perl RPC::XML".to_owned(),
        packages: "librpc-xml-perl and libhttp-daemon-perl",
        version: Start::program(
            "perl",
            &[
                "-MHTTP::Daemon",
                "-MRPC::XML",
                "-e",
                "print $RPC::XML::VERSION",
            ],
        ),
        client: Client {
            start: Start::script("perl", "perl/client.pl"),
            lacks: &[(Capability::Gzip, DEFLATE)],
            defects: &[],
        },
        server: Some(Server {
            start: Start::script("perl", "perl/server.pl"),
            known: KNOWN,
        }),
    }
}

const KNOWN: &[Known] = &[
    Known::lacks(
        Capability::Gzip,
        "Parse error in (compressed) XML request",
        DEFLATE,
    ),
    Known::note(
        Capability::Array,
        "got Array([Int(1), String(\"two\"), Array([Double(2.5), Array([Int(1)])])])",
        "methods receive plain Perl values, which have no boolean: one in an array is returned \
                           as an `int`",
    ),
    Known::defect(
        Capability::Multicall,
        "expected array, found struct",
        "a fault of one call becomes the result of the whole multicall, and results are not wrapped in \
                           arrays (RPC/XML/multicall.xpl: `return $result if $result->is_fault; push @results, \
                           $result->value`)",
        Evidence::sent(&["<member><name>value</name><value><fault>"])
            .received(&["<methodName>system.multicall</methodName>"]),
    ),
];
