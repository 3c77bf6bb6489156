//! Decoding of HTTP responses into replies.

use bytes::Bytes;
use farcall_core::protocol::Payload;
use farcall_core::{CallError, Fault, FaultKind, FormatError};
use farcall_http::client::{HttpClient, Response, Secrets, Transport, Unread};
use farcall_http::coding::charset;
use http::StatusCode;

use crate::XmlRpc;
use crate::de::De;
use crate::document::reply_fault;
use crate::xml::encoding::decode_document;

/// Decodes a response, and returns the result that `read` decodes together with the reply document.
///
/// # Errors
/// [`CallError::Fault`] if the reply is a fault, the errors of `read`, and otherwise the reason why
/// the response holds no reply.
pub(super) fn reply<R>(
    client: &HttpClient<impl Transport, XmlRpc>,
    response: Response,
    format: XmlRpc,
    read: impl FnOnce(&mut De<'_>) -> Result<R, FormatError>,
) -> Result<(R, Payload), CallError> {
    client.read(
        response,
        |status, content_type, mut body| match decode_document(&mut body, charset(content_type)) {
            Ok(()) => read_document(body, status, format, client.secrets(), read),
            Err(error) => Err(Unread::NotAReply(body, Some(error))),
        },
    )
}

fn read_document<R>(
    body: Bytes,
    status: StatusCode,
    format: XmlRpc,
    secrets: &Secrets,
    read: impl FnOnce(&mut De<'_>) -> Result<R, FormatError>,
) -> Result<(R, Payload), Unread> {
    let document = Payload::from(body);
    let mut de = De::of_response(&document, format);
    let error = match reply_fault(&mut de) {
        Ok(Some(fault)) => {
            let fault = with_overloaded_kind(status, secrets.redact_fault(&fault));
            return Err(Unread::Failed(CallError::Fault(fault)));
        }
        Ok(None) if status.is_success() => {
            return match read(&mut de) {
                Ok(result) => Ok((result, document)),
                Err(error) => {
                    let error = CallError::Decode(secrets.redact_error(error));
                    Err(Unread::Failed(error))
                }
            };
        }
        Ok(None) => None,
        Err(error) => Some(error),
    };
    Err(Unread::NotAReply(document.into_bytes(), error))
}

/// Returns the fault, as `Overloaded` if both its code and the status 503 say so. The code alone
/// does not mean overload, and the status alone may come from a proxy.
fn with_overloaded_kind(status: StatusCode, fault: Fault) -> Fault {
    let overloaded = FaultKind::Overloaded;
    if status == StatusCode::SERVICE_UNAVAILABLE && fault.code() == overloaded.code() {
        Fault::of(overloaded, fault.message())
    } else {
        fault
    }
}
