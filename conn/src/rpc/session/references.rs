//! References to objects, counted in both directions, and the tables of all objects and streams.

use std::collections::hash_map::Entry;
use std::sync::{Arc, Weak};

use farcall_core::protocol::Attachment;
use farcall_core::{Fault, Registry};
use tokio_util::sync::CancellationToken;

use super::object::{ImportedObject, ObjectHandle};
use super::streams::{Consumer, ItemSource, Producer, is_stream, source};
use super::{
    Deferred, Map, MissingAttachment, Session, SessionHandle, SessionState, in_order, overloaded,
};
use crate::rpc::encoding::Encoding;
use crate::rpc::error::Violation;
use crate::rpc::message::{self, Counts, Message, ObjectId, Reference};

/// Objects and streams that the two sides have passed to each other.
#[derive(Default)]
pub(super) struct AttachmentTables {
    /// Objects made for this session alone, by the number of their factory.
    pub(super) instances: Map<u64, Registry<Encoding>>,
    pub(super) exports: Map<ObjectId, Export>,
    pub(super) last_export: u64,
    pub(super) imports: Map<ObjectId, Import>,
    /// Cancelled when none of the imports can be reached any more. Set once there is an import.
    pub(super) imports_lost: Option<CancellationToken>,
    /// References dropped since the last `Release`, with their counts.
    pub(super) releases: Vec<(ObjectId, u64)>,

    pub(super) producers: Map<u64, Producer>,
    pub(super) last_stream: u64,
    pub(super) consumers: Map<u64, Consumer>,
    /// Cost of the items that were received and not taken.
    pub(super) unread_cost: u64,
    /// Cost of the calls that wait for promises.
    pub(super) dependents_cost: u64,
    /// Streams that wait for room in the outbox.
    pub(super) blocked_producers: Vec<u64>,
}

impl AttachmentTables {
    /// Returns `true` if no stream is open.
    pub(super) fn is_idle(&self) -> bool {
        self.producers.is_empty() && self.consumers.values().all(Consumer::has_ended)
    }
}

impl SessionState {
    /// Returns an object that the peer refers to.
    pub(super) fn exported(&self, id: ObjectId) -> Option<&ObjectHandle> {
        let export = self.tables.as_ref()?.exports.get(&id)?;
        Some(&export.object)
    }

    /// Subtracts the references that the peer released.
    pub(super) fn on_release(
        &mut self,
        deferred: &mut Deferred,
        released: Counts<'_>,
    ) -> Result<(), Violation> {
        for (id, count) in released {
            let Entry::Occupied(mut entry) = self.tables().exports.entry(id) else {
                return Err(Violation::UnknownReference);
            };
            let export = entry.get_mut();
            match export.count.checked_sub(count) {
                Some(0) => deferred.drop(entry.remove()),
                Some(left) => export.count = left,
                None => return Err(Violation::ReleasedTooOften),
            }
        }
        Ok(())
    }

    /// Replaces the counts of exports by those of the peer of a resumed session: what was sent when
    /// the connection broke may not have arrived. References sent since then are added.
    pub(super) fn on_held(&mut self, deferred: &mut Deferred, held: Counts<'_>) {
        let exports = &mut self.tables().exports;
        for export in exports.values_mut() {
            export.count = export.sent_on_connection;
        }
        for (id, count) in held {
            if let Some(export) = exports.get_mut(&id) {
                export.count = export.count.saturating_add(count);
            }
        }
        let released = exports.extract_if(|_, export| export.count == 0);
        deferred.drop(Export::in_order(released));
    }
}

/// An object that the peer refers to.
pub(super) struct Export {
    pub(super) object: ObjectHandle,
    /// Exports are dropped in the order in which they were first passed.
    sequence: u64,
    /// Number of times it was sent and not released.
    count: u64,
    /// Number of times it was sent over the current connection.
    sent_on_connection: u64,
}

/// An object of the peer that the local side refers to.
pub(super) struct Import {
    handle: Weak<ImportedObject>,
    /// Number of times it was received and not released.
    count: u64,
}

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

impl Export {
    fn in_order(exports: impl Iterator<Item = (ObjectId, Self)>) -> Vec<Self> {
        in_order(exports.map(|(_, export)| (export.sequence, export))).collect()
    }
}

impl Session {
    /// Exports attachments to the peer, and returns the references that stand for them on the wire.
    /// On error, none of them is exported.
    pub(super) fn export(
        &self,
        state: &mut SessionState,
        deferred: &mut Deferred,
        attachments: &[Attachment],
    ) -> Result<Vec<Reference>, Fault> {
        if attachments.is_empty() {
            return Ok(Vec::new());
        }
        let streams = attachments.iter().filter(|item| is_stream(item)).count();
        let peer = state.peer_limits;
        let tables = state.tables();
        if (tables.producers.len() + streams) as u64 > peer.max_streams {
            return Err(overloaded("too many streams are open on this connection"));
        }
        let objects = attachments.len() - streams;
        if (tables.exports.len() + objects) as u64 > peer.max_objects {
            return Err(overloaded(
                "too many objects are passed over this connection",
            ));
        }
        let mut items = Vec::with_capacity(attachments.len());
        for attachment in attachments {
            let item = OutgoingAttachment::of(attachment);
            if let Err(fault) = item {
                deferred.drop(items);
                return Err(fault);
            }
            items.extend(item);
        }
        let export = |item| match item {
            OutgoingAttachment::Object(object) => self.export_object(state.tables(), object),
            OutgoingAttachment::Stream(source) => self.export_stream(state, deferred, source),
        };
        Ok(items.into_iter().map(export).collect())
    }

    fn export_object(&self, tables: &mut AttachmentTables, object: ObjectHandle) -> Reference {
        let id = match &object {
            ObjectHandle::Imported(imported) if self.is_session_of(&imported.session) => {
                return Reference::ReceiverHosted(imported.id);
            }
            // An object of a third peer: calls on it are forwarded.
            ObjectHandle::Imported(imported) => imported.id,
            ObjectHandle::Local(local) => local.id(),
            // Such an object does not exist: calls on it fail for this reason.
            ObjectHandle::Promised(_) | ObjectHandle::Failed(_) => ObjectId::new(super::random()),
        };
        let export = tables.exports.entry(id).or_insert_with(|| {
            tables.last_export += 1;
            Export {
                object,
                sequence: tables.last_export,
                count: 0,
                sent_on_connection: 0,
            }
        });
        export.count += 1;
        export.sent_on_connection += 1;
        Reference::SenderHosted(id)
    }

    /// Imports the references that the peer passed.
    pub(super) fn import(
        &self,
        state: &mut SessionState,
        deferred: &mut Deferred,
        references: &[Reference],
    ) -> Result<Vec<Attachment>, Violation> {
        if references.is_empty() {
            return Ok(Vec::new());
        }
        let session = self.handle();
        let mut attachments = Vec::with_capacity(references.len());
        let imported = references.iter().try_for_each(|reference| {
            attachments.push(match reference {
                Reference::SenderHosted(id) => {
                    self.import_object(state.tables(), *id, session.as_ref())?
                }
                Reference::ReceiverHosted(id) => match state.exported(*id) {
                    Some(object) => Arc::new(object.clone()) as Attachment,
                    None => Arc::new(MissingAttachment),
                },
                Reference::Stream(id) => self.import_stream(state, *id, session.as_ref())?,
            });
            Ok(())
        });
        // The destructors of both take the lock.
        deferred.drop(session);
        match imported {
            Ok(()) => Ok(attachments),
            Err(violation) => {
                deferred.drop(attachments);
                Err(violation)
            }
        }
    }

    fn import_object(
        &self,
        tables: &mut AttachmentTables,
        id: ObjectId,
        session: Option<&Arc<SessionHandle>>,
    ) -> Result<Attachment, Violation> {
        let count = tables.imports.len() as u64;
        let Some(session) = session else {
            // No handle of the session is left to refer to the object.
            tables.releases.push((id, 1));
            return Ok(Arc::new(MissingAttachment));
        };
        let entry = tables.imports.entry(id);
        if matches!(entry, Entry::Vacant(_)) && count >= self.settings.limits.max_objects {
            return Err(Violation::TooManyObjects);
        }
        let import = entry.or_insert(Import {
            handle: Weak::new(),
            count: 0,
        });
        import.count += 1;
        let handle = import.handle.upgrade().unwrap_or_else(|| {
            let handle = Arc::new(ImportedObject {
                session: Arc::clone(session),
                id,
                lost: tables.imports_lost.get_or_insert_default().clone(),
            });
            import.handle = Arc::downgrade(&handle);
            handle
        });
        Ok(Arc::new(ObjectHandle::Imported(handle)))
    }

    /// Removes an object of the peer whose last handle was dropped.
    pub(in crate::rpc) fn release(&self, handle: &ImportedObject) {
        self.update(|state, _| {
            let is_connected = state.is_connected();
            let tables = state.tables();
            if let Entry::Occupied(entry) = tables.imports.entry(handle.id)
                && std::ptr::eq(entry.get().handle.as_ptr(), handle)
            {
                let count = entry.remove().count;
                // Without a connection, the next one starts with the references that are left.
                if is_connected {
                    tables.releases.push((handle.id, count));
                }
            }
        });
    }

    /// Sends the peer of a resumed session the references that the local side still holds.
    pub(super) fn push_held(&self, state: &mut SessionState) {
        let tables = state.tables();
        tables.releases.clear();
        for export in tables.exports.values_mut() {
            export.sent_on_connection = 0;
        }
        let held = tables
            .imports
            .iter()
            .map(|(id, import)| (*id, import.count));
        let mut counts = Vec::new();
        message::write_counts(held, &mut counts);
        state.push(&Message::Held(Counts(&counts)));
    }

    /// Drops all references in both directions.
    pub(super) fn clear_references(&self, state: &mut SessionState, deferred: &mut Deferred) {
        let Some(tables) = &mut state.tables else {
            return;
        };
        deferred.drop(Export::in_order(tables.exports.drain()));
        tables.imports.clear();
        tables.releases.clear();
        if let Some(token) = tables.imports_lost.take() {
            deferred.rare().lost_imports.push(token);
        }
    }
}
