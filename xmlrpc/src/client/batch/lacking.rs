//! Whether a server lacks `system.multicall`, so that the calls of a batch can be made one by one.

use rpc_core::{Call, CallError, Caller as _, Context, Fault, FaultKind};

use super::{EPILOGUE, MULTICALL, PROLOGUE};
use crate::XmlRpc;
use crate::client::endpoint::Endpoint;
use crate::client::error::HttpError;
use crate::client::transport::Transport;

/// Whether the HTTP layer found nothing to hand the call to, be it for its path or, as with Node's
/// package `xmlrpc`, for its method. No method ran then, and none of those in a multicall.
pub(super) fn is_not_found(error: &CallError) -> bool {
    HttpError::of(error).is_some_and(|error| error.status() == 404)
}

/// Whether a fault that answers a multicall may say that the server has no such method: the code of
/// the interoperability specification, that of xmlrpc-c, or, whatever the code, a text that speaks
/// of `system.multicall` or of a method as unknown, as CPython's
/// `<class 'Exception'>:method "system.multicall" is not supported` does.
///
/// It is no proof. A server that has it puts the faults of the calls into the results, as a rule;
/// but Perl's `RPC::XML` answers with the first of them, and a method that makes calls itself may
/// pass on what it was told elsewhere.
pub(super) fn is_shown_by(fault: &Fault) -> bool {
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

/// Whether the server knows not even a multicall of no calls: there is no call then that the fault
/// could be of.
pub(super) async fn is_proved<T: Transport>(server: &Endpoint<T>, format: XmlRpc) -> bool {
    let call = Call {
        params: [PROLOGUE, EPILOGUE].concat().into(),
        format,
        context: Context::new(MULTICALL),
    };
    matches!(server.send(call).await, Err(CallError::Fault(fault)) if is_shown_by(&fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_that_may_be_of_an_unknown_multicall_are_recognised() {
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
            assert!(is_shown_by(&Fault::received(code, text)), "{text}");
        }
        let texts = [
            (1, "too many calls in system.multicall"),
            (-32602, "invalid method parameters"),
            (1, "no such user"),
        ];
        for (code, text) in texts {
            assert!(!is_shown_by(&Fault::received(code, text)), "{text}");
        }
    }
}
