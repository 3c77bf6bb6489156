//! What is measured, in the order of the report.

mod echo;
mod rpc;

use crate::case::{Case, Scale};

/// All cases.
pub(crate) fn all(_scale: Scale) -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(echo::cases());
    cases.extend(rpc::cases());
    cases
}
