//! References to objects: those that the other end has, and those that this one has.

use std::collections::hash_map::Entry;
use std::sync::{Arc, Weak};

use rpc_core::Fault;
use rpc_core::payload::Attachment;

use super::streams::{is_stream, source};
use super::{Effects, Map, Session, State, overloaded};
use crate::rpc::error::Disconnected;
use crate::rpc::message::{Message, ObjectId, Reference};
use crate::rpc::object::{Imported, Object};

/// An object that the other end refers to.
pub(super) struct Export {
    pub(super) object: Object,
    /// How many times it was sent and not given back.
    count: u64,
    /// How many times it was sent over the present connection.
    fresh: u64,
}

/// An object that this end refers to.
pub(super) struct Import {
    handle: Weak<Imported>,
    /// How many times it was received and not given back.
    count: u64,
}

/// Stands where an object was to be that is no longer there.
pub(in crate::rpc) struct Missing;

impl Session {
    /// Passes these to the other end: tells what stands for them on the wire. After an error nothing was
    /// passed.
    pub(super) fn export(
        &self,
        state: &mut State,
        effects: &mut Effects,
        attachments: &[Attachment],
    ) -> Result<Vec<Reference>, Fault> {
        if attachments.is_empty() {
            return Ok(Vec::new());
        }
        let streams = attachments.iter().filter(|item| is_stream(item)).count();
        if (state.producers.len() + streams) as u64 > state.peer.max_streams {
            return Err(overloaded("too many streams are open on this connection"));
        }
        let objects = attachments.len() - streams;
        if (state.exports.len() + objects) as u64 > state.peer.max_objects {
            return Err(overloaded(
                "too many objects are passed over this connection",
            ));
        }
        let mut references = Vec::with_capacity(attachments.len());
        for attachment in attachments {
            if let Some(object) = attachment.downcast_ref::<Object>() {
                let object = object.resolved().map_err(Fault::internal)?;
                references.push(self.export_object(state, object)?);
            } else if let Some(source) = source(attachment) {
                references.push(self.export_stream(state, effects, source)?);
            } else {
                return Err(Fault::internal("something else than an object or a stream"));
            }
        }
        Ok(references)
    }

    fn export_object(&self, state: &mut State, object: Object) -> Result<Reference, Fault> {
        let id = match &object {
            Object::Local(local) => local.id(),
            Object::Imported(imported) if self.is(&imported.session) => {
                return Ok(Reference::Yours(imported.id));
            }
            // An object of somebody else: calls on it pass through here.
            Object::Imported(imported) => imported.id,
            Object::Promised(_) | Object::Failed(_) => {
                return Err(Fault::internal(
                    "an object that is still to come cannot be passed on: wait until it is there",
                ));
            }
        };
        let export = state.exports.entry(id).or_insert(Export {
            object,
            count: 0,
            fresh: 0,
        });
        export.count += 1;
        export.fresh += 1;
        Ok(Reference::Mine(id))
    }

    /// Takes what the other end passed.
    pub(super) fn import(
        &self,
        state: &mut State,
        references: &[Reference],
    ) -> Result<Vec<Attachment>, Disconnected> {
        let mut attachments = Vec::with_capacity(references.len());
        for reference in references {
            attachments.push(match reference {
                Reference::Mine(id) => self.import_object(state, *id)?,
                Reference::Yours(id) => match state.exports.get(id) {
                    Some(export) => Arc::new(export.object.clone()) as Attachment,
                    None => Arc::new(Missing),
                },
                Reference::Stream(id) => self.import_stream(state, *id)?,
            });
        }
        Ok(attachments)
    }

    fn import_object(&self, state: &mut State, id: ObjectId) -> Result<Attachment, Disconnected> {
        let count = state.imports.len() as u64;
        let Some(lifeline) = self.lifeline() else {
            // Nobody is left here who could refer to it.
            state.releases.push((id, 1));
            return Ok(Arc::new(Missing));
        };
        let entry = state.imports.entry(id);
        if matches!(entry, Entry::Vacant(_)) && count >= self.settings.limits.max_objects {
            let message = "more objects were passed than this side takes".to_owned();
            return Err(Disconnected::Protocol(message));
        }
        let import = entry.or_insert(Import {
            handle: Weak::new(),
            count: 0,
        });
        import.count += 1;
        let handle = import.handle.upgrade().unwrap_or_else(|| {
            let handle = Arc::new(Imported {
                session: lifeline,
                id,
                gone: state.references.clone(),
            });
            import.handle = Arc::downgrade(&handle);
            handle
        });
        Ok(Arc::new(Object::Imported(handle)))
    }

    /// Takes note that the last handle of an object of the other end went.
    pub(in crate::rpc) fn release(&self, handle: &Imported) {
        self.change(|state, _| {
            if let Entry::Occupied(entry) = state.imports.entry(handle.id)
                && std::ptr::eq(entry.get().handle.as_ptr(), handle)
            {
                let count = entry.remove().count;
                // Without a connection, the next one begins with what is still referred to.
                if state.is_connected() {
                    state.releases.push((handle.id, count));
                }
            }
        });
    }

    /// Takes note that the other end gave back references.
    pub(super) fn released(&self, released: &[(ObjectId, u64)]) -> Result<(), Disconnected> {
        self.change(|state, effects| {
            for (id, count) in released {
                let Entry::Occupied(mut entry) = state.exports.entry(*id) else {
                    let message = "a reference was given back that was not passed".to_owned();
                    return Err(Disconnected::Protocol(message));
                };
                let export = entry.get_mut();
                match export.count.checked_sub(*count) {
                    Some(0) => effects.drop(entry.remove()),
                    Some(left) => export.count = left,
                    None => {
                        let message = "more references were given back than were passed".to_owned();
                        return Err(Disconnected::Protocol(message));
                    }
                }
            }
            Ok(())
        })
    }

    /// Tells the other end of a resumed session what this one still refers to.
    pub(super) fn tell_held(&self, state: &mut State) {
        state.releases.clear();
        for export in state.exports.values_mut() {
            export.fresh = 0;
        }
        let held = state.imports.iter().map(|(id, import)| (*id, import.count));
        let held = held.collect();
        state.push(&Message::Held(held));
    }

    /// Takes note of what the other end of a resumed session still refers to: what was sent when the
    /// connection broke may not have arrived. What was sent since then comes on top.
    pub(super) fn held(&self, held: Vec<(ObjectId, u64)>) {
        let held: Map<ObjectId, u64> = held.into_iter().collect();
        self.change(|state, effects| {
            for (id, export) in &mut state.exports {
                let held = held.get(id).copied().unwrap_or_default();
                export.count = held.saturating_add(export.fresh);
            }
            let gone: Vec<_> = state
                .exports
                .extract_if(|_, export| export.count == 0)
                .collect();
            effects.drop(gone);
        });
    }

    /// Takes note that neither end refers to anything of the other any more.
    pub(super) fn forget_references(&self, state: &mut State, effects: &mut Effects) {
        let exports: Map<ObjectId, Export> = std::mem::take(&mut state.exports);
        effects.drop(exports);
        state.imports.clear();
        state.releases.clear();
        effects.gone.push(std::mem::take(&mut state.references));
    }
}
