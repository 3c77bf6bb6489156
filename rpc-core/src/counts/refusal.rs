//! Reasons to refuse a peer, a request or a call before a method is found.

/// The reason for which a peer, a request or a call was refused, or a limit had an effect. The
/// figures have a counter for each: `farcall_refused_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The program does not accept the address or the identity of the peer.
    Peer,
    /// A server has its maximum of connections. Counted each time that it is reached.
    Connections,
    /// The oldest handshake was aborted: there were too many.
    Handshakes,
    /// The peer has failed the handshake with the authkey.
    Handshake,
    /// The peer has failed the TLS handshake.
    Tls,
    /// A request has no valid credentials.
    Authorization,
    /// A request is for another host, or from a page of another origin.
    Origin,
    /// A peer has exceeded a limit of its rate.
    Rate,
    /// A head or a body is over its limit.
    Size,
    /// A request did not arrive in time.
    Timeout,
    /// A request is malformed, or not one for this server.
    Request,
    /// A server, or one of its connections, already runs its maximum of calls, or has its maximum
    /// of streams or names.
    Calls,
    /// The budget has no room.
    Budget,
    /// A connection was closed to make room in the budget.
    Evicted,
}

impl Refusal {
    /// All reasons.
    #[cfg(feature = "metrics")]
    pub(crate) const ALL: [Self; 14] = [
        Self::Peer,
        Self::Connections,
        Self::Handshakes,
        Self::Handshake,
        Self::Tls,
        Self::Authorization,
        Self::Origin,
        Self::Rate,
        Self::Size,
        Self::Timeout,
        Self::Request,
        Self::Calls,
        Self::Budget,
        Self::Evicted,
    ];

    /// The reason as the figures name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Connections => "connections",
            Self::Handshakes => "handshakes",
            Self::Handshake => "handshake",
            Self::Tls => "tls",
            Self::Authorization => "authorization",
            Self::Origin => "origin",
            Self::Rate => "rate",
            Self::Size => "size",
            Self::Timeout => "timeout",
            Self::Request => "request",
            Self::Calls => "calls",
            Self::Budget => "budget",
            Self::Evicted => "evicted",
        }
    }
}
