//! Decoding of HTTP responses into replies.

use bytes::Bytes;
use farcall_core::protocol::Payload;
use farcall_core::{CallError, Fault, FaultKind, FormatError};
use http::StatusCode;

use super::error::{HttpError, Problem};
use super::response::{Headers, Response};
use super::secrets::Secrets;
use crate::XmlRpc;
use crate::coding::Broken;
use crate::coding::{Coding, Undecodable, charset};
use crate::de::De;
use crate::document::reply_fault;
use crate::xml::encoding::decode_document;

/// Decodes a response, and returns the result that `read` decodes together with the reply document.
///
/// # Errors
/// [`CallError::Fault`] if the reply is a fault, the errors of `read`, and otherwise the reason why
/// the response holds no reply.
pub(super) fn reply<T>(
    response: Response,
    max_body: usize,
    format: XmlRpc,
    secrets: &Secrets,
    read: impl FnOnce(&mut De<'_>) -> Result<T, FormatError>,
) -> Result<(T, Payload), CallError> {
    let Response {
        status,
        headers,
        mut body,
        broken,
        unfollowed,
        ..
    } = response;
    let problem = match broken {
        None => match decode(&mut body, &headers, max_body) {
            Ok(()) => {
                let document = Payload::from(body);
                let mut de = De::of_response(&document, format);
                let problem = match reply_fault(&mut de) {
                    Ok(Some(fault)) => {
                        let fault = with_overloaded_kind(status, secrets.redact_fault(&fault));
                        return Err(CallError::Fault(fault));
                    }
                    Ok(None) if status.is_success() => {
                        let result = read(&mut de)
                            .map_err(|error| CallError::Decode(secrets.redact_error(error)))?;
                        return Ok((result, document));
                    }
                    Ok(None) => Problem::Status,
                    Err(error) => Problem::NotAReply(error),
                };
                body = document.into_bytes();
                problem
            }
            Err(problem) => problem,
        },
        Some(Broken::TooLarge) => Problem::TooLarge(max_body),
        Some(Broken::Disconnected(error)) if status.is_success() => {
            return Err(CallError::Lost(error));
        }
        Some(Broken::Disconnected(_)) => Problem::Status,
    };
    // An error response is not expected to hold a reply: its status is the problem.
    let problem = match problem {
        Problem::NotAReply(_) if !status.is_success() => Problem::Status,
        problem => problem,
    };
    let error = HttpError::new(status, &headers, &body, problem, secrets);
    Err(error.unfollowed(unfollowed).into_call_error())
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

/// Decompresses a body and converts it to UTF-8.
fn decode(body: &mut Bytes, headers: &Headers, limit: usize) -> Result<(), Problem> {
    if body.is_empty() {
        return Err(Problem::Empty);
    }
    let coding = Coding::of(&headers.content_encoding).map_err(Problem::ContentEncoding)?;
    coding.decode(body, limit).map_err(|error| match error {
        Undecodable::TooLarge => Problem::TooLarge(limit),
        Undecodable::Damaged(error) => Problem::Inflate(error),
    })?;
    let charset = charset(headers.content_type.as_ref());
    decode_document(body, charset).map_err(Problem::NotAReply)
}
