//! The model: the history of each call and stream, and the rules for it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use farcall_core::protocol::Payload;
use farcall_core::{CallError, Execution, FaultKind};

use super::run::Run;
use crate::rpc::error::StreamError;
use crate::rpc::message::ObjectId;

/// The history of a run. Calls and streams are known by their indexes, objects by their numbers.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) calls: Vec<Call>,
    pub(super) streams: Vec<StreamRecord>,
    pub(super) objects: HashMap<ObjectId, u64>,
    /// The number of events of each kind.
    pub(super) counts: BTreeMap<String, u64>,
    /// Connections that ended, and sessions that were told to close.
    pub(super) interruptions: u64,
}

/// A call, as its caller and its callee saw it.
pub(super) struct Call {
    pub(super) plan: Plan,
    pub(super) target: Target,
    starts: u32,
    completions: u32,
    /// Objects that it returned, by their numbers.
    returned: Vec<u64>,
    ended: Option<Execution>,
}

/// The target of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Root,
    /// The object with this number.
    Object(u64),
    /// The object that this call promised.
    Promise(usize),
}

/// The kind of a call, and its work at the callee.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) one_way: bool,
    pub(super) idempotent: bool,
    pub(super) promise: bool,
    pub(super) timeout: Timeout,
    /// The time that it takes; `None` if it completes at once.
    pub(super) delay: Option<Duration>,
    /// It does not complete by itself.
    pub(super) hangs: bool,
    /// It makes a call to its caller first.
    pub(super) calls_back: bool,
    /// It does not notice that it was cancelled, as code that runs without awaiting anything.
    pub(super) deaf: bool,
    pub(super) returns: Returns,
    /// Length of its arguments and its result.
    pub(super) length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timeout {
    Unlimited,
    Default,
    After(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Returns {
    Bytes,
    Object,
    Stream,
    /// An object of the caller.
    Given,
    Fault,
}

/// A stream, as both sides saw it.
#[derive(Default)]
pub(super) struct StreamRecord {
    pub(super) sent: u64,
    pub(super) received: u64,
    /// The source has no more items.
    pub(super) is_complete: bool,
}

impl Plan {
    pub(super) fn random(run: &Run, is_callback: bool, has_default: bool) -> Self {
        let calls_back = run.chance(if is_callback { 15 } else { 25 });
        let hangs = run.chance(4);
        let is_late = calls_back || hangs || run.chance(60);
        let one_way = run.chance(12);
        Self {
            one_way,
            idempotent: run.chance(20),
            promise: !one_way && run.chance(20),
            timeout: match run.below(4) {
                // A client that reconnects keeps calls for its next connection, which a leaving
                // server no longer takes. A call that waits for one ends by its timeout.
                0 if !hangs && !calls_back => Timeout::Unlimited,
                1 | 2 if has_default && !one_way => Timeout::Default,
                // A one-way call that hangs has no other end.
                _ => Timeout::After(Duration::from_micros(run.below(900_000))),
            },
            delay: is_late.then(|| Duration::from_micros(run.below(400_000))),
            hangs,
            calls_back,
            deaf: !hangs && !calls_back && run.chance(3),
            returns: match run.below(10) {
                0 | 1 => Returns::Object,
                2 | 3 => Returns::Stream,
                4 => Returns::Given,
                5 => Returns::Fault,
                _ => Returns::Bytes,
            },
            length: match run.below(40) {
                0 => 150 << 10,
                1..8 => 5_000,
                _ => run.below(300) as usize,
            },
        }
    }
}

impl Ledger {
    pub(super) fn count(&mut self, event: impl Into<String>) {
        *self.counts.entry(event.into()).or_default() += 1;
    }

    pub(super) fn add(&mut self, plan: Plan, target: Target) -> usize {
        self.calls.push(Call {
            plan,
            target,
            starts: 0,
            completions: 0,
            returned: Vec::new(),
            ended: None,
        });
        self.calls.len() - 1
    }

    /// A call starts, on the object with this number.
    pub(super) fn start(&mut self, number: usize, object: Option<u64>) -> Plan {
        let call = &mut self.calls[number];
        call.starts += 1;
        let may_repeat = call.plan.idempotent && !call.plan.one_way;
        assert!(
            call.starts == 1 || may_repeat,
            "call {number} ran {} times",
            call.starts
        );
        let told = call.ended;
        assert_ne!(
            told,
            Some(Execution::Never),
            "call {number} ran, although its caller was told that it would not"
        );
        let (plan, target) = (call.plan, call.target);
        match target {
            Target::Root => assert_eq!(object, None, "target of call {number}"),
            Target::Object(target) => assert_eq!(object, Some(target), "target of call {number}"),
            Target::Promise(promise) => {
                let returned = &self.calls[promise].returned;
                assert!(
                    object.is_some_and(|object| returned.contains(&object)),
                    "call {number} ran on {object:?}, not on what call {promise} returned: \
                     {returned:?}"
                );
            }
        }
        plan
    }

    /// A call completes at its callee, and returns this object.
    pub(super) fn complete(&mut self, number: usize, object: Option<u64>) {
        let call = &mut self.calls[number];
        call.completions += 1;
        call.returned.extend(object);
    }

    /// A call completes at its caller, with a result or an error.
    pub(super) fn end(&mut self, number: usize, result: Result<&Payload, &CallError>) {
        let call = &self.calls[number];
        let (plan, completions) = (call.plan, call.completions);
        match result {
            // The caller of a one-way call knows only that it was sent.
            Ok(_) if plan.one_way => self.set_ended(number, Execution::Maybe, "sent one-way"),
            Ok(reply) => {
                assert!(
                    completions > 0,
                    "call {number} has a result, but did not run"
                );
                assert_eq!(number_of(reply), number, "result of another call");
                self.set_ended(number, Execution::Completed, "returned");
            }
            Err(error) => self.fail(number, error),
        }
    }

    /// The caller of a call no longer waits.
    pub(super) fn drop_call(&mut self, number: usize) {
        self.set_ended(number, Execution::Maybe, "dropped");
    }

    fn fail(&mut self, number: usize, error: &CallError) {
        let call = &self.calls[number];
        let (target, plan, ran) = (call.target, call.plan, call.completions > 0);
        let kind = match error {
            CallError::Fault(fault) => {
                let kind = fault.kind();
                match kind {
                    FaultKind::Application => {
                        assert!(
                            ran && plan.returns == Returns::Fault,
                            "fault of call {number}"
                        );
                    }
                    FaultKind::Gone => assert!(
                        matches!(target, Target::Promise(_)),
                        "call {number} is on an object that its caller holds: {error}"
                    ),
                    FaultKind::Internal => assert!(ran, "call {number} did not run: {error}"),
                    FaultKind::DeadlineExceeded => {
                        assert!(
                            plan.timeout != Timeout::Unlimited,
                            "timeout of call {number}"
                        );
                    }
                    FaultKind::Overloaded | FaultKind::Cancelled => {}
                    _ => panic!("call {number}: {error}"),
                }
                format!("{kind:?}")
            }
            CallError::NotSent(_) => "not sent".to_owned(),
            CallError::Lost(_) => {
                assert!(
                    self.interruptions > 0,
                    "call {number} was lost for no reason"
                );
                "lost".to_owned()
            }
            CallError::NotAReply(_) => {
                assert!(ran && plan.promise && plan.returns != Returns::Object);
                "promised nothing".to_owned()
            }
            _ => panic!("call {number}: {error}"),
        };
        self.set_ended(number, error.execution(), &kind);
    }

    fn set_ended(&mut self, number: usize, execution: Execution, kind: &str) {
        let call = &mut self.calls[number];
        let before = call.ended.replace(execution);
        assert_eq!(before, None, "call {number} completed twice");
        if execution == Execution::Never {
            assert_eq!(
                call.starts, 0,
                "call {number} ran, its caller was told: {kind}"
            );
        }
        self.count(format!("call: {kind}"));
    }

    /// The next item of a stream arrives.
    pub(super) fn receive(&mut self, number: usize, index: u64) {
        let stream = &mut self.streams[number];
        assert_eq!(index, stream.received, "order of stream {number}");
        stream.received += 1;
        assert!(stream.received <= stream.sent, "stream {number}");
    }

    /// A stream ends at its reader.
    pub(super) fn end_stream(&mut self, number: Option<usize>, error: Option<&StreamError>) {
        let kind = match error {
            None => {
                if let Some(number) = number {
                    let stream = &self.streams[number];
                    assert!(stream.is_complete, "stream {number} ended too early");
                    assert_eq!(stream.received, stream.sent, "items of stream {number}");
                }
                "ended".to_owned()
            }
            Some(StreamError::Fault(fault)) => format!("{:?}", fault.kind()),
            Some(StreamError::Disconnected(reason)) => {
                assert!(self.interruptions > 0, "stream {number:?}: {reason}");
                "disconnected".to_owned()
            }
            Some(error) => panic!("stream {number:?}: {error}"),
        };
        self.count(format!("stream: {kind}"));
    }

    /// Every call has completed.
    pub(super) fn check_all_ended(&self) {
        for (number, call) in self.calls.iter().enumerate() {
            assert!(
                call.ended.is_some(),
                "call {number} never completed: {:?}",
                call.plan
            );
        }
    }
}

/// Returns a payload of this length or longer, with numbers at its beginning.
pub(super) fn numbered(numbers: &[u64], length: usize) -> Payload {
    let mut bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    bytes.resize(length.max(bytes.len()), 0);
    Payload::from(bytes)
}

/// Returns the first number in a payload.
pub(super) fn number_of(payload: &Payload) -> usize {
    number_at(payload, 0) as usize
}

/// Returns a number in a payload.
pub(super) fn number_at(payload: &Payload, index: usize) -> u64 {
    let (numbers, _) = payload.as_slice().as_chunks::<8>();
    u64::from_le_bytes(numbers[index])
}
