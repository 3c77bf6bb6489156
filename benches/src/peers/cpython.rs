//! CPython's own modules: `xmlrpc.server`, `xmlrpc.client`, and the connections and managers of
//! `multiprocessing`.

use super::Transport;
use super::farcall::managers::Work;
use crate::case::{Contestant, Part};

const HTTP: &str = concat!(
    include_str!("../../python/common.py"),
    include_str!("../../python/xmlrpc_http.py")
);
const DOCUMENTS: &str = concat!(
    include_str!("../../python/common.py"),
    include_str!("../../python/documents.py")
);
const TLS_BULK: &str = concat!(
    include_str!("../../python/common.py"),
    include_str!("../../python/tls_bulk.py")
);
const CONNECTION: &str = concat!(
    include_str!("../../python/common.py"),
    include_str!("../../python/connection.py")
);

const MANAGERS: &str = concat!(
    include_str!("../../python/common.py"),
    include_str!("../../python/managers.py")
);

fn script(text: &'static str, arguments: &[&str]) -> Part {
    script_of("python3.11", text, arguments)
}

fn script_of(interpreter: &'static str, text: &'static str, arguments: &[&str]) -> Part {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned());
    Part::Python(interpreter, text, arguments.collect())
}

pub(crate) fn http_server() -> Part {
    script(HTTP, &["serve"])
}

pub(crate) fn http_client() -> Part {
    script(HTTP, &["load"])
}

/// Returns a load that opens a connection for each call.
pub(crate) fn http_handshakes() -> Part {
    script(HTTP, &["handshakes"])
}

/// Creates a contestant that sends messages of `size` bytes over sockets of the module `ssl`.
pub(crate) fn tls_bulk(name: &str, size: usize) -> Contestant {
    let size = size.to_string();
    let part = |role| script(TLS_BULK, &[role, &size]);
    Contestant::of_parts(name, Some(part("serve")), part("load"))
}

/// Creates a contestant that decodes or encodes a [document](crate::document) that the harness
/// prints for these arguments.
pub(crate) fn documents(name: &str, mode: &str, document: &[&str]) -> Contestant {
    let arguments = [&[mode], document].concat();
    Contestant::of_parts(name, None, script(DOCUMENTS, &arguments))
}

/// Creates a contestant over a connection. `mode` is one of `bytes`, `tuple` and `bulk`, the last
/// with messages of `size` bytes.
pub(crate) fn connection(name: &str, mode: &str, transport: Transport, size: usize) -> Contestant {
    let size = size.to_string();
    let part = |role| script(CONNECTION, &[role, mode, transport.name(), &size]);
    Contestant::of_parts(name, Some(part("serve")), part("load"))
}

/// Returns a load that sends messages of this number of bytes over a connection, and receives them
/// back. It counts the bytes of both directions.
pub(crate) fn echo_load(size: usize) -> Part {
    script(CONNECTION, &["load", "echo", "TCP", &size.to_string()])
}

/// Returns a manager with the objects of the benchmark.
pub(crate) fn manager(interpreter: &'static str) -> Part {
    script_of(interpreter, MANAGERS, &["serve"])
}

/// Returns a load of this number of processes that use a manager.
pub(crate) fn manager_load(interpreter: &'static str, work: Work, clients: usize) -> Part {
    let size = match work {
        Work::Bulk(size) => size,
        _ => 0,
    };
    let (clients, size) = (clients.to_string(), size.to_string());
    script_of(
        interpreter,
        MANAGERS,
        &["load", work.name(), &clients, &size],
    )
}
