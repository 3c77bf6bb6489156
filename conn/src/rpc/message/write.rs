//! Encoding of messages.

use farcall_core::Fault;

use super::{
    Call, CallTarget, Hello, MAGIC, MAX_CAUSES, Message, ObjectId, Reference, SessionLimits,
    SessionStart, fault_kind_byte, flag, kind, reference, target,
};
use crate::rpc::varint;

#[inline]
fn text(text: &str, out: &mut Vec<u8>) {
    bytes(text.as_bytes(), out);
}

#[inline]
fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
    varint::write(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

#[inline(always)]
fn references(references: &[Reference], out: &mut Vec<u8>) {
    match references {
        // The case of nearly all messages.
        [] => out.push(0),
        some => nonempty_references(some, out),
    }
}

fn nonempty_references(references: &[Reference], out: &mut Vec<u8>) {
    varint::write(references.len() as u64, out);
    for reference in references {
        match reference {
            Reference::SenderHosted(id) => {
                out.push(reference::SENDER_HOSTED);
                out.extend_from_slice(&id.0);
            }
            Reference::ReceiverHosted(id) => {
                out.push(reference::RECEIVER_HOSTED);
                out.extend_from_slice(&id.0);
            }
            Reference::Stream(id) => {
                out.push(reference::STREAM);
                varint::write(*id, out);
            }
        }
    }
}

fn fault_body(fault: &Fault, with_causes: bool, out: &mut Vec<u8>) {
    out.push(fault_kind_byte(fault.kind()));
    varint::write_signed(fault.code(), out);
    text(fault.message(), out);
    let causes: Vec<String> = if with_causes {
        fault.causes().take(MAX_CAUSES).collect()
    } else {
        Vec::new()
    };
    varint::write(causes.len() as u64, out);
    for cause in causes {
        text(&cause, out);
    }
}

impl Call<'_> {
    pub(in crate::rpc) fn write(&self, out: &mut Vec<u8>) {
        out.push(kind::CALL);
        varint::write(self.id, out);
        match self.target {
            CallTarget::Root => out.push(target::ROOT),
            CallTarget::Object(id) => {
                out.push(target::OBJECT);
                out.extend_from_slice(&id.0);
            }
            CallTarget::Promise(call) => {
                out.push(target::PROMISE);
                varint::write(call, out);
            }
        }
        let flag = |set: bool, flag: u64| if set { flag } else { 0 };
        let flags = flag(self.one_way, flag::ONE_WAY)
            | flag(self.promise, flag::PROMISE)
            | flag(self.idempotent, flag::IDEMPOTENT)
            | flag(!self.headers.is_empty(), flag::HEADERS);
        varint::write(flags, out);
        // 0 means no timeout. One is added to the microseconds so that a timeout of zero differs
        // from none.
        let micros = self.timeout.map_or(0, |time| {
            time.as_micros().min(u128::from(u64::MAX / 2)) as u64 + 1
        });
        varint::write(micros, out);
        text(self.method, out);
        if !self.headers.is_empty() {
            self.headers.write(out);
        }
        references(&self.references, out);
    }
}

pub(in crate::rpc) fn write_return(id: u64, attached: &[Reference], out: &mut Vec<u8>) {
    out.push(kind::RETURN);
    varint::write(id, out);
    references(attached, out);
}

pub(in crate::rpc) fn write_fault(id: u64, fault: &Fault, with_causes: bool, out: &mut Vec<u8>) {
    out.push(kind::FAULT);
    varint::write(id, out);
    fault_body(fault, with_causes, out);
}

pub(in crate::rpc) fn write_item(stream: u64, attached: &[Reference], out: &mut Vec<u8>) {
    out.push(kind::ITEM);
    varint::write(stream, out);
    references(attached, out);
}

pub(in crate::rpc) fn write_end(
    stream: u64,
    fault: Option<&Fault>,
    with_causes: bool,
    out: &mut Vec<u8>,
) {
    out.push(kind::END);
    varint::write(stream, out);
    match fault {
        None => out.push(0),
        Some(fault) => {
            out.push(1);
            fault_body(fault, with_causes, out);
        }
    }
}

/// Encodes objects and counts in the form of [`Counts`](super::Counts).
pub(in crate::rpc) fn write_counts(
    objects: impl IntoIterator<Item = (ObjectId, u64)>,
    out: &mut Vec<u8>,
) {
    for (id, count) in objects {
        out.extend_from_slice(&id.0);
        varint::write(count, out);
    }
}

impl Message<'_> {
    /// Appends the message, without its payload.
    pub(in crate::rpc) fn write(&self, out: &mut Vec<u8>) {
        let mut numbers = |kind: u8, numbers: &[u64]| {
            out.push(kind);
            for number in numbers {
                varint::write(*number, out);
            }
        };
        match self {
            Self::Cancel(id) => numbers(kind::CANCEL, &[*id]),
            Self::Finish(id) => numbers(kind::FINISH, &[*id]),
            Self::Credit { stream, bytes } => numbers(kind::CREDIT, &[*stream, *bytes]),
            Self::Stop(stream) => numbers(kind::STOP, &[*stream]),
            Self::Ping(number) => numbers(kind::PING, &[*number]),
            Self::Pong(number) => numbers(kind::PONG, &[*number]),
            Self::Goodbye { last, reason } => {
                numbers(kind::GOODBYE, &[*last]);
                text(reason, out);
            }
            Self::Release(objects) => {
                out.push(kind::RELEASE);
                out.extend_from_slice(objects.0);
            }
            Self::Held(objects) => {
                out.push(kind::HELD);
                out.extend_from_slice(objects.0);
            }
            Self::Hello(hello) => hello.write(out),
            Self::Call(call, _) => call.write(out),
            Self::Return { id, references, .. } => write_return(*id, references, out),
            Self::Fault { id, fault } => write_fault(*id, fault, true, out),
            Self::Item {
                stream, references, ..
            } => write_item(*stream, references, out),
            Self::End { stream, fault } => write_end(*stream, fault.as_ref(), true, out),
        }
    }
}

impl Hello {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(kind::HELLO);
        out.extend_from_slice(MAGIC);
        varint::write(self.version, out);
        let resumed = match self.start {
            SessionStart::New => 0,
            SessionStart::Resumed => flag::RESUMED,
        };
        let takes_headers = if self.takes_headers {
            flag::TAKES_HEADERS
        } else {
            0
        };
        varint::write(resumed | takes_headers, out);
        bytes(&self.encoding, out);
        let SessionLimits {
            max_message,
            max_calls,
            max_streams,
            max_objects,
            window,
        } = self.limits;
        for limit in [max_message, max_calls, max_streams, max_objects, window] {
            varint::write(limit, out);
        }
        bytes(self.session.as_ref().map_or(&[], |token| &token.0), out);
    }
}
