//! Costs of messages: the one measure of whatever waits at an end of a session.

/// Cost of a message beyond its bytes. An item without any takes about as much memory while it waits.
const MESSAGE: u64 = 128;

/// Cost of a reference beyond its bytes: entries in tables, handles and the list that it stands in. They take 64
/// bytes for an object that is known already and up to 400 for a stream.
const REFERENCE: u64 = 256;

/// Returns the cost of a message of so many bytes, its frame not counted, which has so many references.
///
/// Both ends of a stream count the items with it, so it is a part of the protocol: see `docs/RPC.md`.
pub(in crate::rpc) const fn cost(length: usize, references: usize) -> u64 {
    length as u64 + MESSAGE + REFERENCE * references as u64
}

/// Returns whether a message of this cost can wait beside what waits already. One that waits alone may cost more
/// than the limit: there would be no other time for it.
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
    fn what_waits_alone_may_cost_more_than_the_limit() {
        assert!(fits(0, 11, 10));
        assert!(fits(1, 9, 10));
        assert!(!fits(1, 10, 10));
        assert!(!fits(u64::MAX, 1, 10));
    }
}
