//! What the ends of a session have passed each other: objects and streams.

use rpc_core::Registry;
use tokio_util::sync::CancellationToken;

use super::object::Object;
use super::objects::{Export, Import};
use super::streams::{Consumer, Producer};
use super::{Map, State};
use crate::rpc::encoding::Encoding;
use crate::rpc::message::ObjectId;

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
