//! The options that help against an error.

use std::error::Error;

use farcall::conn::RecvError;
use farcall::conn::auth::AuthError;
use farcall::http::HttpError;
use farcall::rpc::GreetingError;

use crate::tls;

/// Returns the options that help against an error, if there are any.
pub(crate) fn advice(error: &(dyn Error + 'static)) -> Option<&'static str> {
    if let Some(advice) = tls::advice(error) {
        return Some(advice);
    }
    let mut next = Some(error);
    while let Some(error) = next {
        let needs_key = matches!(error.downcast_ref(), Some(GreetingError::KeyExpected))
            || matches!(error.downcast_ref(), Some(RecvError::KeyExpected));
        let http = error.downcast_ref::<HttpError>();
        let http = http.map(HttpError::status);
        match error.downcast_ref() {
            _ if needs_key => return Some("use --authkey-file or FARCALL_AUTHKEY"),
            _ if http == Some(401) => {
                return Some(
                    "use --header 'Authorization: Bearer TOKEN', or bearer_file of the configuration",
                );
            }
            Some(AuthError::LegacyPeer) => return Some("--legacy-md5 allows it"),
            Some(AuthError::Rejected | AuthError::WrongAnswer) => {
                return Some("check the key of --authkey-file or FARCALL_AUTHKEY");
            }
            _ => next = error.source(),
        }
    }
    None
}
