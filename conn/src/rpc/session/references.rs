//! References to objects: those that the other end has, and those that this one has.

use std::collections::hash_map::Entry;
use std::sync::{Arc, Weak};

use rpc_core::payload::Attachment;
use rpc_core::{Fault, Registry};
use tokio_util::sync::CancellationToken;

use super::object::{Imported, Object};
use super::streams::{Consumer, Producer, Source, is_stream, source};
use super::{Effects, Lifeline, Map, Missing, Session, State, in_order, overloaded};
use crate::rpc::encoding::Encoding;
use crate::rpc::error::Disconnected;
use crate::rpc::message::{self, Counts, Message, ObjectId, Reference};

/// What the ends of a session have passed each other: objects and streams.
#[derive(Default)]
pub(super) struct Passed {
    /// The objects that were made for this session alone, by the number of their registration.
    pub(super) instances: Map<u64, Registry<Encoding>>,
    pub(super) exports: Map<ObjectId, Export>,
    pub(super) last_export: u64,
    pub(super) imports: Map<ObjectId, Import>,
    /// Cancelled when none of the imports leads anywhere any more; there when there are any.
    pub(super) references: Option<CancellationToken>,
    /// References that went since the other end was last told.
    pub(super) releases: Vec<(ObjectId, u64)>,

    pub(super) producers: Map<u64, Producer>,
    pub(super) last_stream: u64,
    pub(super) consumers: Map<u64, Consumer>,
    /// What the items cost that came and were not taken.
    pub(super) unread: u64,
    /// What the calls cost that wait for what others promised.
    pub(super) put_off: u64,
    /// The streams that wait until less is to be written.
    pub(super) want_room: Vec<u64>,
}

impl Passed {
    /// Whether no stream is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.producers.is_empty() && self.consumers.values().all(Consumer::has_ended)
    }
}

impl State {
    /// An object that the other end refers to.
    pub(super) fn exported(&self, id: ObjectId) -> Option<&Object> {
        let export = self.passed.as_ref()?.exports.get(&id)?;
        Some(&export.object)
    }
}

/// An object that the other end refers to.
pub(super) struct Export {
    pub(super) object: Object,
    /// Objects go in the order in which they were first passed.
    number: u64,
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

/// What is to be passed to the other end.
enum Item {
    Object(Object),
    Stream(Box<dyn Source>),
}

impl Item {
    fn of(attachment: &Attachment) -> Result<Self, Fault> {
        if let Some(object) = attachment.downcast_ref::<Object>() {
            return match object.resolved().map_err(Fault::internal)? {
                Object::Promised(_) => Err(Fault::internal(
                    "an object that is still to come cannot be passed on: wait until it is ready",
                )),
                object => Ok(Self::Object(object)),
            };
        }
        match source(attachment) {
            Some(Some(source)) => Ok(Self::Stream(source)),
            Some(None) => Err(Fault::internal("a stream can be passed once")),
            None => Err(Fault::internal("something else than an object or a stream")),
        }
    }
}

impl Export {
    fn in_order(exports: impl Iterator<Item = (ObjectId, Self)>) -> Vec<Self> {
        in_order(exports.map(|(_, export)| (export.number, export))).collect()
    }
}

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
        let peer = state.peer;
        let passed = state.passed();
        if (passed.producers.len() + streams) as u64 > peer.max_streams {
            return Err(overloaded("too many streams are open on this connection"));
        }
        let objects = attachments.len() - streams;
        if (passed.exports.len() + objects) as u64 > peer.max_objects {
            return Err(overloaded(
                "too many objects are passed over this connection",
            ));
        }
        let mut items = Vec::with_capacity(attachments.len());
        for attachment in attachments {
            let item = Item::of(attachment);
            if let Err(fault) = item {
                effects.drop(items);
                return Err(fault);
            }
            items.extend(item);
        }
        let pass = |item| match item {
            Item::Object(object) => self.export_object(state.passed(), object),
            Item::Stream(source) => self.export_stream(state, effects, source),
        };
        Ok(items.into_iter().map(pass).collect())
    }

    fn export_object(&self, passed: &mut Passed, object: Object) -> Reference {
        let id = match &object {
            Object::Imported(imported) if self.is(&imported.session) => {
                return Reference::Yours(imported.id);
            }
            // An object of somebody else: calls on it pass through here.
            Object::Imported(imported) => imported.id,
            Object::Local(local) => local.id(),
            // There is none, and calls on it will say so.
            Object::Promised(_) | Object::Failed(_) => ObjectId::new(super::random()),
        };
        let export = passed.exports.entry(id).or_insert_with(|| {
            passed.last_export += 1;
            Export {
                object,
                number: passed.last_export,
                count: 0,
                fresh: 0,
            }
        });
        export.count += 1;
        export.fresh += 1;
        Reference::Mine(id)
    }

    /// Takes what the other end passed.
    pub(super) fn import(&self, references: &[Reference]) -> Result<Vec<Attachment>, Disconnected> {
        // Their destructors need the lock that is held here.
        let mut attachments = Vec::with_capacity(references.len());
        let lifeline = self.lifeline();
        self.change(|state, _| {
            for reference in references {
                attachments.push(match reference {
                    Reference::Mine(id) => {
                        self.import_object(state.passed(), *id, lifeline.as_ref())?
                    }
                    Reference::Yours(id) => match state.exported(*id) {
                        Some(object) => Arc::new(object.clone()) as Attachment,
                        None => Arc::new(Missing),
                    },
                    Reference::Stream(id) => self.import_stream(state, *id, lifeline.as_ref())?,
                });
            }
            Ok::<(), Disconnected>(())
        })?;
        Ok(attachments)
    }

    fn import_object(
        &self,
        passed: &mut Passed,
        id: ObjectId,
        lifeline: Option<&Arc<Lifeline>>,
    ) -> Result<Attachment, Disconnected> {
        let count = passed.imports.len() as u64;
        let Some(lifeline) = lifeline else {
            // Nobody is left here who could refer to it.
            passed.releases.push((id, 1));
            return Ok(Arc::new(Missing));
        };
        let entry = passed.imports.entry(id);
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
                session: Arc::clone(lifeline),
                id,
                gone: passed.references.get_or_insert_default().clone(),
            });
            import.handle = Arc::downgrade(&handle);
            handle
        });
        Ok(Arc::new(Object::Imported(handle)))
    }

    /// Takes note that the last handle of an object of the other end went.
    pub(in crate::rpc) fn release(&self, handle: &Imported) {
        self.change(|state, _| {
            let is_connected = state.is_connected();
            let passed = state.passed();
            if let Entry::Occupied(entry) = passed.imports.entry(handle.id)
                && std::ptr::eq(entry.get().handle.as_ptr(), handle)
            {
                let count = entry.remove().count;
                // Without a connection, the next one begins with what is still referred to.
                if is_connected {
                    passed.releases.push((handle.id, count));
                }
            }
        });
    }

    /// Takes note that the other end gave back references.
    pub(super) fn released(&self, released: Counts<'_>) -> Result<(), Disconnected> {
        self.change(|state, effects| {
            for (id, count) in released {
                let Entry::Occupied(mut entry) = state.passed().exports.entry(id) else {
                    let message = "a reference was given back that was not passed".to_owned();
                    return Err(Disconnected::Protocol(message));
                };
                let export = entry.get_mut();
                match export.count.checked_sub(count) {
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
        let passed = state.passed();
        passed.releases.clear();
        for export in passed.exports.values_mut() {
            export.fresh = 0;
        }
        let held = passed
            .imports
            .iter()
            .map(|(id, import)| (*id, import.count));
        let mut counts = Vec::new();
        message::write_counts(held, &mut counts);
        state.push(&Message::Held(Counts(&counts)));
    }

    /// Takes note of what the other end of a resumed session still refers to: what was sent when the
    /// connection broke may not have arrived. What was sent since then comes on top.
    pub(super) fn held(&self, held: Counts<'_>) {
        self.change(|state, effects| {
            let exports = &mut state.passed().exports;
            for export in exports.values_mut() {
                export.count = export.fresh;
            }
            for (id, count) in held {
                if let Some(export) = exports.get_mut(&id) {
                    export.count = export.count.saturating_add(count);
                }
            }
            let gone = exports.extract_if(|_, export| export.count == 0);
            effects.drop(Export::in_order(gone));
        });
    }

    /// Takes note that neither end refers to anything of the other any more.
    pub(super) fn forget_references(&self, state: &mut State, effects: &mut Effects) {
        let Some(passed) = &mut state.passed else {
            return;
        };
        effects.drop(Export::in_order(passed.exports.drain()));
        passed.imports.clear();
        passed.releases.clear();
        if let Some(references) = passed.references.take() {
            effects.more().gone.push(references);
        }
    }
}
