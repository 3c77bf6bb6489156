//! Attachments of payloads, and the references that stand for them on the wire.

use std::sync::Arc;

use farcall_core::protocol::Attachment;
use farcall_core::{Fault, FaultKind};

use super::SessionState;
use crate::rpc::error::{Violation, overloaded};
use crate::rpc::message::{Message, Reference};
use crate::rpc::session::item_source::ItemSource;
use crate::rpc::session::object::{MissingAttachment, ObjectHandle, SessionLink};
use crate::rpc::session::stream_handles::{IncomingStream, is_stream, source};

/// An attachment to be passed to the peer.
enum OutgoingAttachment {
    Object(ObjectHandle),
    Stream(Box<dyn ItemSource>),
}

impl OutgoingAttachment {
    fn of(attachment: &Attachment) -> Result<Self, Fault> {
        if let Some(object) = attachment.downcast_ref::<ObjectHandle>() {
            return match object.resolved().map_err(Fault::internal)? {
                ObjectHandle::Promised(_) => Err(Fault::internal(
                    "a promised object cannot be passed on: await `ready()` first",
                )),
                object => Ok(Self::Object(object)),
            };
        }
        match source(attachment) {
            Some(Some(source)) => Ok(Self::Stream(source)),
            Some(None) => Err(Fault::internal("a stream can only be passed once")),
            None => Err(Fault::internal(
                "unsupported attachment: expected an object or a stream",
            )),
        }
    }
}

impl SessionState {
    /// Exports attachments to the peer, and returns the references that stand for them on the wire.
    /// On error, none of them is exported.
    #[inline]
    pub(super) fn export(&mut self, attachments: &[Attachment]) -> Result<Vec<Reference>, Fault> {
        if attachments.is_empty() {
            return Ok(Vec::new());
        }
        self.export_some(attachments)
    }

    fn export_some(&mut self, attachments: &[Attachment]) -> Result<Vec<Reference>, Fault> {
        let streams = attachments.iter().filter(|item| is_stream(item)).count();
        if (self.streams.outgoing() + streams) as u64 > self.peer_limits.max_streams {
            return Err(overloaded("too many streams are open on this connection"));
        }
        let objects = attachments.len() - streams;
        if (self.references.exports() + objects) as u64 > self.peer_limits.max_objects {
            return Err(overloaded(
                "too many objects are passed over this connection",
            ));
        }
        let mut items = Vec::with_capacity(attachments.len());
        for attachment in attachments {
            match OutgoingAttachment::of(attachment) {
                Ok(item) => items.push(item),
                Err(fault) => {
                    self.outbox.drop(items);
                    return Err(fault);
                }
            }
        }
        let export = |item| match item {
            OutgoingAttachment::Object(object) => self.references.export(object, &self.link),
            OutgoingAttachment::Stream(source) => {
                let id = self.streams.open_outgoing(self.peer_limits.window);
                self.outbox.start_stream(id, source);
                Reference::Stream(id)
            }
        };
        Ok(items.into_iter().map(export).collect())
    }

    /// Exports the attachments of a result, or of an item of a stream. A refusal becomes a fault of
    /// another kind, because its own would mean that the call did not run.
    pub(super) fn export_result(
        &mut self,
        attachments: &[Attachment],
    ) -> Result<Vec<Reference>, Fault> {
        self.export(attachments).map_err(|fault| {
            if !fault.kind().is_refusal() {
                return fault;
            }
            let text = fault.message();
            let message = format!("the call ran, but its result cannot be sent: {text}");
            Fault::of(FaultKind::Internal, message)
        })
    }

    /// Imports the references that the peer passed.
    pub(super) fn import(
        &mut self,
        references: &[Reference],
    ) -> Result<Vec<Attachment>, Violation> {
        let session = self.link.upgrade();
        let mut attachments = Vec::with_capacity(references.len());
        let imported = references.iter().try_for_each(|reference| {
            attachments.push(self.import_one(*reference, session.as_ref())?);
            Ok(())
        });
        // The destructors of both take the lock.
        self.outbox.drop(session);
        if let Err(violation) = imported {
            self.outbox.drop(attachments);
            return Err(violation);
        }
        Ok(attachments)
    }

    /// Imports a reference. There is no session if its last handle was dropped.
    fn import_one(
        &mut self,
        reference: Reference,
        session: Option<&Arc<dyn SessionLink>>,
    ) -> Result<Attachment, Violation> {
        let limits = &self.settings.limits;
        Ok(match (reference, session) {
            (Reference::SenderHosted(id), _) => {
                self.references.import(id, session, limits.max_objects)?
            }
            (Reference::ReceiverHosted(id), _) => match self.references.exported(id) {
                Some(object) => Arc::new(object.clone()),
                None => Arc::new(MissingAttachment),
            },
            (Reference::Stream(id), Some(session)) => {
                let key = self.streams.open_incoming(id, limits, true)?;
                Arc::new(IncomingStream::new(Arc::clone(session), key))
            }
            (Reference::Stream(id), None) => {
                self.streams.open_incoming(id, limits, false)?;
                self.outbox.push(&Message::Stop(id));
                Arc::new(MissingAttachment)
            }
        })
    }
}
