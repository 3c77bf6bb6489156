//! Arguments in the formats of all hosts of a fleet.

use std::sync::Arc;

use farcall_core::protocol::{Args, Attachment, Call, Format, FromArgs, Payload};
use farcall_core::{CallError, Context, FormatError, FormatErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::host::Host;
use crate::client::AnyFormat;

/// The format of calls to any host of a fleet: arguments are encoded once for each format that the
/// hosts have, however many there are.
///
/// The payloads of both directions carry the encoded forms as an attachment.
#[derive(Clone, Debug)]
pub struct FleetFormat(Arc<[AnyFormat]>);

/// Arguments in each format. A format that cannot represent them has the error.
pub(super) struct Encoded(Vec<(AnyFormat, Result<Payload, Unencodable>)>);

/// The kind and the text of an error, which goes to several hosts.
type Unencodable = (FormatErrorKind, String);

/// A reply, with its format.
pub(super) struct EncodedReply {
    pub(super) format: AnyFormat,
    pub(super) reply: Payload,
}

impl FleetFormat {
    pub(super) fn of(hosts: &[Host]) -> Self {
        use farcall_core::Caller as _;

        let mut formats = Vec::new();
        for host in hosts {
            let format = host.format();
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        Self(formats.into())
    }

    pub(super) fn encode<A: Args + ?Sized>(&self, args: &A) -> Encoded {
        let encode = |format: &AnyFormat| {
            let params = format.params(args).map(shared);
            let params = params.map_err(|error| (error.kind(), error.to_string()));
            (*format, params)
        };
        Encoded(self.0.iter().map(encode).collect())
    }

    fn first(&self) -> Result<&AnyFormat, FormatError> {
        self.0
            .first()
            .ok_or_else(|| unknown("the fleet has no host"))
    }
}

/// Returns the payload with its bytes shared by all clones.
fn shared(params: Payload) -> Payload {
    let attachments = params.attachments().to_vec();
    Payload::from(params.into_bytes()).with_attachments(attachments)
}

fn unknown(message: &str) -> FormatError {
    FormatError::new(FormatErrorKind::Unrepresentable, message)
}

impl Encoded {
    /// Returns the arguments that a call to a fleet was made with.
    pub(super) fn of(params: &Payload) -> Option<Arc<Self>> {
        let attachment = params.attachments().first()?;
        Arc::clone(attachment).downcast().ok()
    }

    /// Returns the call to a host with this format.
    ///
    /// # Errors
    /// [`CallError::Encode`] if the format cannot represent the arguments.
    pub(super) fn call(
        &self,
        format: AnyFormat,
        context: Context,
    ) -> Result<Call<AnyFormat>, CallError> {
        let encoded = self.0.iter().find(|(known, _)| *known == format);
        let params = match encoded {
            Some((_, Ok(params))) => Ok(params.clone()),
            Some((_, Err((kind, message)))) => Err(FormatError::new(*kind, message)),
            None => Err(unknown("the format of the host has changed")),
        };
        Ok(Call {
            params: params.map_err(CallError::Encode)?,
            format,
            context,
        })
    }
}

impl EncodedReply {
    pub(super) fn into_payload(self) -> Payload {
        let attachment: Attachment = Arc::new(self);
        Payload::copied(&[]).with_attachments(vec![attachment])
    }
}

impl Format for FleetFormat {
    const NAME: &'static str = "any protocol of a fleet";

    fn encode_args<A: Args + ?Sized>(
        &self,
        args: &A,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        self.first()?.encode_args(args, out)
    }

    fn params<A: Args + ?Sized>(&self, args: &A) -> Result<Payload, FormatError> {
        let attachment: Attachment = Arc::new(self.encode(args));
        Ok(Payload::copied(&[]).with_attachments(vec![attachment]))
    }

    fn decode_args<A: FromArgs>(&self, _: &Payload) -> Result<A, FormatError> {
        Err(unknown("a fleet serves no calls"))
    }

    fn encode_reply<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        self.first()?.encode_reply(value, out)
    }

    fn decode_reply<T: DeserializeOwned>(&self, reply: &Payload) -> Result<T, FormatError> {
        let attachment = reply.attachments().first();
        match attachment.and_then(|reply| reply.downcast_ref::<EncodedReply>()) {
            Some(EncodedReply { format, reply }) => format.decode_reply(reply),
            None => Err(unknown("the reply is not that of a fleet")),
        }
    }
}
