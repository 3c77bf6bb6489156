//! Detection of servers without `system.multicall`, which get the calls of a batch one by one.

use farcall_core::protocol::Call;
use farcall_core::{CallError, Caller as _, Context, Fault, FaultKind};
use farcall_http::client::{HttpError, Transport};

use super::{EPILOGUE, MULTICALL, PROLOGUE};
use crate::XmlRpc;
use crate::client::endpoint::Endpoint;

/// Returns `true` if the server answered with status 404, for the path or, like Node's package
/// `xmlrpc`, for the method. Then no method ran, and none of the calls in a multicall.
pub(super) fn is_not_found(error: &CallError) -> bool {
    HttpError::of(error).is_some_and(|error| error.status() == 404)
}

/// Returns `true` if a fault in reply to a multicall may mean that the server lacks
/// `system.multicall`: if it has the code of the interoperability specification or that of
/// xmlrpc-c, or if its text says that a method or `system.multicall` is unknown, as in CPython's
/// `<class 'Exception'>:method "system.multicall" is not supported`.
///
/// This is not a proof. Most servers with `system.multicall` put the faults of calls into the
/// results, but Perl's `RPC::XML` replies with the first of them, and a method that makes calls
/// itself may pass on a fault of another server.
pub(super) fn may_be_unsupported(fault: &Fault) -> bool {
    const XMLRPC_C_NO_SUCH_METHOD: i64 = -506;
    const UNKNOWN: [&str; 10] = [
        "unknown",
        "not found",
        "no such",
        "not supported",
        "unsupported",
        "not defined",
        "undefined",
        "not exist",
        "not implemented",
        "not registered",
    ];
    if fault.kind() == FaultKind::UnknownMethod || fault.code() == XMLRPC_C_NO_SUCH_METHOD {
        return true;
    }
    let text = fault.message().to_lowercase();
    (text.contains("method") || text.contains(MULTICALL))
        && UNKNOWN.iter().any(|unknown| text.contains(unknown))
}

/// Asks the server with an empty multicall, and returns `true` if it lacks `system.multicall`. The
/// empty multicall contains no call that could have caused the fault.
pub(super) async fn is_unsupported<T: Transport>(server: &Endpoint<T>, format: XmlRpc) -> bool {
    let call = Call {
        params: [PROLOGUE, EPILOGUE].concat().into(),
        format,
        context: Context::new(MULTICALL),
    };
    matches!(server.send(call).await, Err(CallError::Fault(fault)) if may_be_unsupported(&fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_that_suggest_an_unknown_multicall_are_recognised() {
        let texts = [
            (-32601, "server error. requested method not found"),
            (-506, "Method 'system.multicall' not defined"),
            (
                1,
                "<class 'Exception'>:method \"system.multicall\" is not supported",
            ),
            (0, "No such handler: system.multicall"),
            (1, "Unknown method"),
            (1, "UNKNOWN_METHOD"),
            (623, "the method does not exist"),
        ];
        for (code, text) in texts {
            assert!(may_be_unsupported(&Fault::received(code, text)), "{text}");
        }
        let texts = [
            (1, "too many calls in system.multicall"),
            (-32602, "invalid method parameters"),
            (1, "no such user"),
        ];
        for (code, text) in texts {
            assert!(!may_be_unsupported(&Fault::received(code, text)), "{text}");
        }
    }
}
