//! All cases, in the order of the report.

mod base64;
mod bulk;
mod documents;
mod echo;
mod growth;
mod idle;
mod jsonrpc;
mod managers;
mod rpc;
mod tls;
mod watching;
mod xmlrpc_client;
mod xmlrpc_server;

use crate::case::{Case, Scale};

/// Returns all cases.
pub(crate) fn all(scale: Scale) -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(xmlrpc_server::cases(scale));
    cases.push(xmlrpc_client::case());
    cases.extend(jsonrpc::cases(scale));
    cases.extend(documents::cases(scale));
    cases.extend(base64::cases(scale));
    cases.extend(echo::cases());
    cases.extend(rpc::cases());
    cases.extend(bulk::cases(scale));
    cases.extend(managers::cases(scale));
    cases.push(idle::case(scale));
    cases.extend(tls::cases(scale));
    cases.extend(growth::cases(scale));
    cases.extend(watching::cases(scale));
    cases
}
