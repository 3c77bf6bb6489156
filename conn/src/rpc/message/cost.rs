//! Costs of messages, by which a session limits everything that waits in it.

/// Cost of a message beyond its bytes: about the memory that an item without bytes takes while it
/// waits.
const MESSAGE: u64 = 128;

/// Cost of a reference beyond its bytes: entries in tables, handles, and its place in a list. They
/// take 64 bytes for an object that is already known, and up to 400 bytes for a stream.
const REFERENCE: u64 = 256;

/// Returns the cost of a message of `length` bytes, without its frame, that has `references`
/// references.
///
/// Both sides of a stream count its items by this cost, so it is a part of the protocol: see
/// `docs/RPC.md`.
pub(in crate::rpc) const fn cost(length: usize, references: usize) -> u64 {
    length as u64 + MESSAGE + REFERENCE * references as u64
}

/// Cost of a header of a call beyond its bytes: its place in a map.
const HEADER: u64 = 128;

/// Returns the cost of a call whose message has `length` bytes. That of its headers is local.
pub(in crate::rpc) const fn call_cost(length: usize, references: usize, headers: usize) -> u64 {
    cost(length, references) + HEADER * headers as u64
}

/// Returns `true` if a message of this cost can wait in addition to a cost of `waiting`. A message
/// that waits alone may cost more than the limit, because it would otherwise never be accepted.
pub(in crate::rpc) const fn fits(waiting: u64, cost: u64, limit: u64) -> bool {
    waiting == 0 || waiting.saturating_add(cost) <= limit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_messages_and_references_cost() {
        assert_eq!(cost(0, 0), 128);
        assert_eq!(cost(1000, 0), 1128);
        assert_eq!(cost(1000, 2), 1640);
    }

    #[test]
    fn a_message_that_waits_alone_may_cost_more_than_the_limit() {
        assert!(fits(0, 11, 10));
        assert!(fits(1, 9, 10));
        assert!(!fits(1, 10, 10));
        assert!(!fits(u64::MAX, 1, 10));
    }
}
