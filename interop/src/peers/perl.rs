//! Perl: RPC::XML, whose client stands on LWP and whose server on HTTP::Daemon.

use crate::Peer;
use crate::peer::{Client, Server, Start};

pub(super) fn peer() -> Peer {
    Peer {
        name: "perl".to_owned(),
        title: "Perl RPC::XML".to_owned(),
        packages: "librpc-xml-perl libhttp-daemon-perl",
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
            lacks: &[],
        },
        server: Some(Server {
            start: Start::script("perl", "perl/server.pl"),
            lacks: &[],
            known: &[],
        }),
    }
}
