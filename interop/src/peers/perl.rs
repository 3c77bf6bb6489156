//! Perl: RPC::XML, whose client stands on LWP and whose server on HTTP::Daemon.

use crate::Capability;
use crate::Peer;
use crate::peer::{Client, Known, Server, Start, Verdict};

const DEFLATE: (Capability, &str) = (
    Capability::Gzip,
    "RPC::XML compresses by `deflate` alone (`$COMPRESSION_AVAILABLE` in RPC/XML/Client.pm and Server.pm)",
);

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
            lacks: &[DEFLATE],
        },
        server: Some(Server {
            start: Start::script("perl", "perl/server.pl"),
            lacks: &[DEFLATE],
            known: &[
                Known {
                    capability: Capability::Array,
                    shows: "got Array([Int(1), String(\"two\"), Array([Double(2.5), Array([Int(1)])])])",
                    verdict: Verdict::Note,
                    what: "methods get plain Perl values, which know no boolean: one within an array comes back \
                           as an `int`",
                },
                Known {
                    capability: Capability::Multicall,
                    shows: "expected array, found struct",
                    verdict: Verdict::Defect,
                    what: "a fault of one call is the result of the whole multicall, and results are not wrapped in \
                           arrays (RPC/XML/multicall.xpl: `return $result if $result->is_fault; push @results, \
                           $result->value`)",
                },
            ],
        }),
    }
}
