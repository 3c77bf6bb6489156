//! References to objects, counted in both directions.

use std::collections::hash_map::Entry;
use std::sync::{Arc, Weak};

use farcall_core::protocol::Attachment;
use farcall_core::{Cancellation, Registry};

use super::deferred::DeferredDrop;
use super::object::{ImportedObject, MissingAttachment, ObjectHandle, SessionLink, random};
use super::outbox::Outbox;
use super::tables::{Map, in_order};
use crate::rpc::encoding::Encoding;
use crate::rpc::error::Violation;
use crate::rpc::message::{Counts, Message, ObjectId, Reference, write_counts};

/// Objects that the two sides have passed to each other. The tables are allocated on first use:
/// most sessions have no objects.
#[derive(Default)]
pub(super) struct References(Option<Box<ObjectTables>>);

#[derive(Default)]
struct ObjectTables {
    /// Objects made for this session alone, by the number of their factory.
    instances: Map<u64, Registry<Encoding>>,
    exports: Map<ObjectId, Export>,
    last_export: u64,
    imports: Map<ObjectId, Import>,
    /// Cancelled when none of the imports can be reached any more. Set once there is an import.
    imports_lost: Option<Cancellation>,
    /// References dropped since the last `Release`, with their counts.
    releases: Vec<(ObjectId, u64)>,
}

/// An object that the peer refers to.
struct Export {
    object: ObjectHandle,
    /// Exports are dropped in the order in which they were first passed.
    sequence: u64,
    /// Number of times it was sent and not released.
    count: u64,
    /// Number of times it was sent over the current connection.
    sent_on_connection: u64,
}

impl DeferredDrop for Export {}

impl Export {
    fn in_order(exports: impl Iterator<Item = (ObjectId, Self)>) -> Vec<Self> {
        in_order(exports.map(|(_, export)| (export.sequence, export))).collect()
    }
}

/// An object of the peer that the local side refers to.
struct Import {
    handle: Weak<ImportedObject>,
    /// Number of times it was received and not released.
    count: u64,
}

impl References {
    fn tables(&mut self) -> &mut ObjectTables {
        self.0.get_or_insert_default()
    }

    /// Returns the object that the factory with this number made.
    pub(super) fn instance(&self, factory: u64) -> Option<Registry<Encoding>> {
        self.0.as_ref()?.instances.get(&factory).cloned()
    }

    /// Adds an object that a factory made, and returns the first one that it made.
    pub(super) fn add_instance(
        &mut self,
        factory: u64,
        made: &Registry<Encoding>,
    ) -> Registry<Encoding> {
        let first = self.tables().instances.entry(factory);
        first.or_insert_with(|| made.clone()).clone()
    }

    pub(super) fn drop_instances(&mut self, outbox: &mut Outbox) {
        if let Some(tables) = &mut self.0 {
            outbox.drop(tables.instances.drain().collect::<Vec<_>>());
        }
    }

    /// Returns the number of local objects that the peer refers to.
    pub(super) fn exports(&self) -> usize {
        self.0.as_ref().map_or(0, |tables| tables.exports.len())
    }

    /// Returns the number of objects of the peer that the local side refers to.
    pub(super) fn imports(&self) -> usize {
        self.0.as_ref().map_or(0, |tables| tables.imports.len())
    }

    /// Returns an object that the peer refers to.
    pub(super) fn exported(&self, id: ObjectId) -> Option<&ObjectHandle> {
        let export = self.0.as_ref()?.exports.get(&id)?;
        Some(&export.object)
    }

    /// Passes an object to the peer of `session`.
    pub(super) fn export(
        &mut self,
        object: ObjectHandle,
        session: &Weak<dyn SessionLink>,
    ) -> Reference {
        let is_own =
            |other: &Arc<dyn SessionLink>| std::ptr::addr_eq(Arc::as_ptr(other), session.as_ptr());
        let id = match &object {
            ObjectHandle::Imported(imported) if is_own(&imported.session) => {
                return Reference::ReceiverHosted(imported.id);
            }
            // An object of a third peer: calls on it are forwarded.
            ObjectHandle::Imported(imported) => imported.id,
            ObjectHandle::Local(local) => local.id(),
            // Such an object does not exist: calls on it fail for this reason.
            ObjectHandle::Promised(_) | ObjectHandle::Failed(_) => ObjectId::new(random()),
        };
        let tables = self.tables();
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

    /// Receives an object of the peer. There is no session if its last handle was dropped.
    pub(super) fn import(
        &mut self,
        id: ObjectId,
        session: Option<&Arc<dyn SessionLink>>,
        max_objects: u64,
    ) -> Result<Attachment, Violation> {
        let tables = self.tables();
        let count = tables.imports.len() as u64;
        let Some(session) = session else {
            tables.releases.push((id, 1));
            return Ok(Arc::new(MissingAttachment));
        };
        let entry = tables.imports.entry(id);
        if matches!(entry, Entry::Vacant(_)) && count >= max_objects {
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

    /// Returns `true` if the peer still has the object: it has not begun a new session since.
    pub(super) fn is_imported(&self, object: &ImportedObject) -> bool {
        let tables = self.0.as_ref();
        let import = tables.and_then(|tables| tables.imports.get(&object.id));
        import.is_some_and(|import| std::ptr::eq(import.handle.as_ptr(), object))
    }

    /// Removes an object of the peer whose last handle was dropped.
    pub(super) fn release(&mut self, handle: &ImportedObject, outbox: &Outbox) {
        let tables = self.tables();
        if let Entry::Occupied(entry) = tables.imports.entry(handle.id)
            && std::ptr::eq(entry.get().handle.as_ptr(), handle)
        {
            let count = entry.remove().count;
            // Without a connection, the next one starts with the references that are left.
            if outbox.is_open() {
                tables.releases.push((handle.id, count));
            }
        }
    }

    /// Returns the number of references that wait to be released at the peer.
    pub(super) fn unsent_releases(&self) -> usize {
        self.0.as_ref().map_or(0, |tables| tables.releases.len())
    }

    /// Releases the references that wait for it.
    pub(super) fn push_releases(&mut self, outbox: &mut Outbox) {
        if self.unsent_releases() > 0 {
            let releases = std::mem::take(&mut self.tables().releases);
            let mut counts = Vec::new();
            write_counts(releases, &mut counts);
            outbox.push(&Message::Release(Counts(&counts)));
        }
    }

    /// Subtracts the references that the peer released.
    pub(super) fn on_release(
        &mut self,
        released: Counts<'_>,
        outbox: &mut Outbox,
    ) -> Result<(), Violation> {
        for (id, count) in released {
            let Entry::Occupied(mut entry) = self.tables().exports.entry(id) else {
                return Err(Violation::UnknownReference);
            };
            let export = entry.get_mut();
            match export.count.checked_sub(count) {
                Some(0) => outbox.drop(entry.remove()),
                Some(left) => export.count = left,
                None => return Err(Violation::ReleasedTooOften),
            }
        }
        Ok(())
    }

    /// Sends the peer of a resumed session the references that the local side still holds.
    pub(super) fn push_held(&mut self, outbox: &mut Outbox) {
        let tables = self.tables();
        tables.releases.clear();
        for export in tables.exports.values_mut() {
            export.sent_on_connection = 0;
        }
        let held = tables
            .imports
            .iter()
            .map(|(id, import)| (*id, import.count));
        let mut counts = Vec::new();
        write_counts(held, &mut counts);
        outbox.push(&Message::Held(Counts(&counts)));
    }

    /// Replaces the counts of exports by those of the peer of a resumed session: what was sent when
    /// the connection broke may not have arrived. References sent since then are added.
    pub(super) fn on_held(&mut self, held: Counts<'_>, outbox: &mut Outbox) {
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
        outbox.drop(Export::in_order(released));
    }

    /// Drops all references in both directions.
    pub(super) fn clear(&mut self, outbox: &mut Outbox) {
        let Some(tables) = &mut self.0 else {
            return;
        };
        outbox.drop(Export::in_order(tables.exports.drain()));
        tables.imports.clear();
        tables.releases.clear();
        if let Some(lost) = tables.imports_lost.take() {
            outbox.later(move || lost.cancel());
        }
    }
}
