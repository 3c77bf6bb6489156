//! Detection of peers that confirm descriptors.

use farcall_core::transport::Peer;

use super::{ACKNOWLEDGEMENT, Acknowledge};
use crate::codec::{Codec, PICKLE};
use crate::frame::Decoder;

/// The default pickle protocol of CPython 3.14; older versions default to 3 or 4.
const PYTHON_3_14_PROTOCOL: u8 = 5;

/// Evidence for or against a peer that confirms descriptors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Evidence {
    #[default]
    None,
    /// The peer has sent pickles of protocol 5 and no others.
    Protocol5,
    /// The peer has sent a pickle of an older protocol.
    OlderProtocol,
    /// The peer continued after a descriptor without a confirmation, or its handshake is too old.
    NoConfirmation,
    /// The peer has confirmed a descriptor.
    Confirmed,
}

/// The decision on confirming a received descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConfirmationDecision {
    Skip,
    Confirm,
    /// Watch whether the peer sends more bytes within [`SILENCE_TIMEOUT`](super::SILENCE_TIMEOUT).
    Watch,
}

/// The evidence of one connection, and the confirmations that it may still receive.
#[derive(Debug, Default)]
pub(crate) struct Confirmations {
    pub(crate) policy: Acknowledge,
    evidence: Evidence,
    /// The number of confirmations that may still be received.
    outstanding: u32,
}

impl Confirmations {
    /// Records a received message.
    #[inline]
    pub(crate) const fn record_message(&mut self, message: &[u8]) {
        if let [0x80, protocol, ..] = message {
            self.record_pickle(*protocol);
        }
    }

    const fn record_pickle(&mut self, protocol: u8) {
        self.evidence = match self.evidence {
            Evidence::None | Evidence::Protocol5 if protocol < PYTHON_3_14_PROTOCOL => {
                Evidence::OlderProtocol
            }
            Evidence::None => Evidence::Protocol5,
            other => other,
        };
    }

    /// Records that the peer does not use confirmations.
    pub(crate) const fn record_no_confirmation(&mut self) {
        if !matches!(self.evidence, Evidence::Confirmed) {
            self.evidence = Evidence::NoConfirmation;
        }
    }

    /// Records that a descriptor was sent. Returns `true` if the caller must wait for confirmation.
    pub(crate) fn record_sent<C: Codec>(&mut self) -> bool {
        let may_come = match self.policy {
            Acknowledge::Never => false,
            Acknowledge::Always => true,
            Acknowledge::Auto => is_pickle::<C>() && self.evidence != Evidence::NoConfirmation,
        };
        if may_come {
            self.outstanding = self.outstanding.saturating_add(1);
        }
        self.policy == Acknowledge::Always
    }

    /// Returns `true` if confirmations may still be received.
    #[inline]
    pub(crate) const fn are_outstanding(&self) -> bool {
        self.outstanding > 0
    }

    /// Returns `true` if `byte`, at a frame boundary, is a confirmation.
    pub(crate) const fn is_confirmation(&self, byte: Option<u8>) -> bool {
        self.outstanding > 0 && matches!(byte, Some(ACKNOWLEDGEMENT))
    }

    /// Records that a confirmation was taken.
    pub(crate) const fn record_confirmation(&mut self) {
        self.outstanding = self.outstanding.saturating_sub(1);
        self.evidence = Evidence::Confirmed;
    }

    /// Skips confirmations in front of the next message.
    #[inline]
    pub(crate) fn skip_in(&mut self, decoder: &mut Decoder) {
        while self.are_outstanding() && self.take_from(decoder) {}
    }

    /// Takes a confirmation in front of the next message. Returns `true` if there was one.
    pub(crate) fn take_from(&mut self, decoder: &mut Decoder) -> bool {
        let is_confirmation = !decoder.is_large() && self.is_confirmation(decoder.peek_byte());
        if is_confirmation {
            decoder.take_byte();
            self.record_confirmation();
        }
        is_confirmation
    }

    /// Decides whether to confirm a descriptor from `peer`.
    pub(crate) fn decide<C: Codec>(&self, peer: &Peer) -> ConfirmationDecision {
        match self.policy {
            Acknowledge::Never => ConfirmationDecision::Skip,
            Acknowledge::Always => ConfirmationDecision::Confirm,
            Acknowledge::Auto if !is_pickle::<C>() => ConfirmationDecision::Skip,
            Acknowledge::Auto => match self.evidence {
                Evidence::None | Evidence::OlderProtocol | Evidence::NoConfirmation => {
                    ConfirmationDecision::Skip
                }
                Evidence::Confirmed => ConfirmationDecision::Confirm,
                Evidence::Protocol5 => match interpreter(peer) {
                    Some(minor) if minor < 14 => ConfirmationDecision::Skip,
                    Some(_) => ConfirmationDecision::Confirm,
                    None => ConfirmationDecision::Watch,
                },
            },
        }
    }
}

fn is_pickle<C: Codec>() -> bool {
    C::NAME == PICKLE
}

/// Returns the N of the `python3.N` that the process of the peer runs, if the system reports it.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn interpreter(peer: &Peer) -> Option<u32> {
    let Peer::Unix(Some(credentials)) = peer else {
        return None;
    };
    // Processes of other namespaces have the id 0. The id may belong to another process by now; the
    // socket may have been passed on just as well, and the result only decides about one byte.
    let process = credentials.pid.filter(|process| *process > 0)?;
    let program = std::fs::read_link(format!("/proc/{process}/exe")).ok()?;
    minor_version(program.file_name()?.to_str()?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
const fn interpreter(_: &Peer) -> Option<u32> {
    None
}

/// Returns the N of `python3.N`. Suffixes are ignored: `python3.13t` has no global lock,
/// `python3.8d` is a debug build, and ` (deleted)` follows the name of a file that was replaced
/// while it runs.
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android")),
    allow(dead_code, reason = "only these systems report programs")
)]
fn minor_version(program: &str) -> Option<u32> {
    let version = program.strip_prefix("python3.")?;
    let end = version
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(version.len());
    version[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use farcall_pickle::Pickle;

    use super::*;
    use crate::codec::Bincode;

    /// The peer of a test: this process, which is not Python.
    fn this_process() -> Peer {
        Peer::Unix(Some(crate::connection::own_credentials()))
    }

    fn decide(confirmations: &Confirmations) -> ConfirmationDecision {
        confirmations.decide::<Pickle>(&this_process())
    }

    #[test]
    fn protocol_5_alone_is_not_sufficient() {
        let mut confirmations = Confirmations::default();
        assert_eq!(decide(&confirmations), ConfirmationDecision::Skip);
        confirmations.record_message(b"\x80\x05K\x01.");
        assert_eq!(decide(&confirmations), ConfirmationDecision::Watch);
        confirmations.record_message(b"\x80\x04K\x01.");
        assert_eq!(decide(&confirmations), ConfirmationDecision::Skip);
        confirmations.record_message(b"\x80\x05K\x01.");
        assert_eq!(
            decide(&confirmations),
            ConfirmationDecision::Skip,
            "older versions write 5 on request"
        );
    }

    #[test]
    fn a_confirmation_outweighs_the_pickle_protocol() {
        let mut confirmations = Confirmations::default();
        confirmations.record_message(b"\x80\x04K\x01.");
        assert!(
            !confirmations.is_confirmation(Some(b'A')),
            "no confirmation is outstanding"
        );
        assert!(!confirmations.record_sent::<Pickle>(), "Auto does not wait");
        assert!(!confirmations.is_confirmation(Some(b'B')));
        assert!(!confirmations.is_confirmation(None));
        assert!(confirmations.is_confirmation(Some(b'A')));
        confirmations.record_confirmation();
        assert!(!confirmations.are_outstanding());
        confirmations.record_message(b"\x80\x04K\x01.");
        assert_eq!(decide(&confirmations), ConfirmationDecision::Confirm);

        let mut confirmations = Confirmations::default();
        confirmations.record_message(b"\x80\x05K\x01.");
        confirmations.record_no_confirmation();
        confirmations.record_message(b"\x80\x05K\x01.");
        assert_eq!(decide(&confirmations), ConfirmationDecision::Skip);
        confirmations.record_sent::<Pickle>();
        assert!(!confirmations.are_outstanding());
    }

    #[test]
    fn settings_and_other_codecs_need_no_evidence() {
        let peer = this_process();
        let mut confirmations = Confirmations::default();
        confirmations.record_message(b"\x80\x05K\x01.");
        let other = confirmations.decide::<Bincode>(&peer);
        assert_eq!(other, ConfirmationDecision::Skip);
        confirmations.record_sent::<Bincode>();
        confirmations.policy = Acknowledge::Never;
        assert_eq!(decide(&confirmations), ConfirmationDecision::Skip);
        confirmations.record_sent::<Pickle>();
        assert!(!confirmations.are_outstanding());
        confirmations.policy = Acknowledge::Always;
        let always = confirmations.decide::<Bincode>(&peer);
        assert_eq!(always, ConfirmationDecision::Confirm);
        assert!(confirmations.record_sent::<Bincode>() && confirmations.are_outstanding());
    }

    #[test]
    fn interpreters_by_their_names() {
        let names = ["python3.8", "python3.13t", "python3.14 (deleted)"];
        assert_eq!(names.map(minor_version), [Some(8), Some(13), Some(14)]);
        for other in ["python", "python3", "python3.", "python2.7", "uwsgi"] {
            assert_eq!(minor_version(other), None, "{other}");
        }
    }
}
