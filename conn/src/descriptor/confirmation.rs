//! What is known of whether a peer confirms descriptors.

use rpc_core::transport::Peer;

use super::{ACKNOWLEDGEMENT, Acknowledge};
use crate::codec::{Codec, Pickle};
use crate::frame::Decoder;

/// What CPython 3.14 pickles by default; those before it write 3 or 4.
const PYTHON_3_14_PROTOCOL: u8 = 5;

/// What is known of the peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Evidence {
    #[default]
    None,
    /// It has sent pickles of protocol 5 and no others.
    Protocol5,
    /// It has sent an older pickle.
    OlderProtocol,
    /// It goes on after a descriptor without a confirmation, or its handshake is too old.
    NoConfirmation,
    /// It has confirmed one.
    Confirmed,
}

/// What to do with a descriptor that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConfirmationDecision {
    Skip,
    Confirm,
    /// Only time can tell: see [`SILENCE_TIMEOUT`](super::SILENCE_TIMEOUT).
    Watch,
}

/// What a connection knows of whether its peer confirms descriptors.
#[derive(Debug, Default)]
pub(crate) struct Confirmations {
    evidence: Evidence,
    /// How many may still come.
    outstanding: u32,
}

impl Confirmations {
    /// Takes note of a message that came.
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

    /// Takes note that the peer is not one that waits for a confirmation.
    pub(crate) const fn record_no_confirmation(&mut self) {
        if !matches!(self.evidence, Evidence::Confirmed) {
            self.evidence = Evidence::NoConfirmation;
        }
    }

    /// Takes note that a descriptor was sent. Says whether a confirmation is to be waited for.
    pub(crate) fn record_sent<C: Codec>(&mut self, setting: Acknowledge) -> bool {
        let may_come = match setting {
            Acknowledge::Never => false,
            Acknowledge::Always => true,
            Acknowledge::Auto => is_pickle::<C>() && self.evidence != Evidence::NoConfirmation,
        };
        if may_come {
            self.outstanding = self.outstanding.saturating_add(1);
        }
        setting == Acknowledge::Always
    }

    /// Whether confirmations may still come.
    #[inline]
    pub(crate) const fn are_outstanding(&self) -> bool {
        self.outstanding > 0
    }

    /// Takes note that a confirmation came, if this byte is one, where a message could begin.
    pub(crate) const fn consume(&mut self, byte: Option<u8>) -> bool {
        let is_confirmation = self.outstanding > 0 && matches!(byte, Some(ACKNOWLEDGEMENT));
        if is_confirmation {
            self.outstanding -= 1;
            self.evidence = Evidence::Confirmed;
        }
        is_confirmation
    }

    /// Takes the confirmations off that stand where the next message begins.
    #[inline]
    pub(crate) fn skip_in(&mut self, decoder: &mut Decoder) {
        while self.outstanding > 0 && !decoder.is_large() && self.consume(decoder.peek_byte()) {
            decoder.take_byte();
        }
    }

    /// What to do with a descriptor that came from this peer.
    pub(crate) fn decide<C: Codec>(
        &self,
        setting: Acknowledge,
        peer: &Peer,
    ) -> ConfirmationDecision {
        match setting {
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
    C::NAME == Pickle::NAME
}

/// The N of the `python3.N` that the process at the other end runs, where the system tells.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn interpreter(peer: &Peer) -> Option<u32> {
    let Peer::Unix(Some(credentials)) = peer else {
        return None;
    };
    // Those of other namespaces are 0. The number may have been given to another process since: so may the
    // connection, and what is read here decides about one byte.
    let process = credentials.pid.filter(|process| *process > 0)?;
    let program = std::fs::read_link(format!("/proc/{process}/exe")).ok()?;
    minor_version(program.file_name()?.to_str()?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
const fn interpreter(_: &Peer) -> Option<u32> {
    None
}

/// The N of `python3.N`, which may have letters behind it: `python3.13t` has no global lock, a `python3.8d` is for
/// debugging; and of a file that was replaced while it runs, ` (deleted)`.
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android")),
    allow(dead_code, reason = "only there are names to read")
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
    use super::*;
    use crate::codec::Bincode;

    /// It is no Python.
    fn this_process() -> Peer {
        Peer::Unix(Some(crate::connection::own_credentials()))
    }

    fn decide(known: &Confirmations) -> ConfirmationDecision {
        known.decide::<Pickle>(Acknowledge::Auto, &this_process())
    }

    #[test]
    fn protocol_5_alone_is_not_sufficient() {
        let mut known = Confirmations::default();
        assert_eq!(decide(&known), ConfirmationDecision::Skip);
        known.record_message(b"\x80\x05K\x01.");
        assert_eq!(decide(&known), ConfirmationDecision::Watch);
        known.record_message(b"\x80\x04K\x01.");
        assert_eq!(decide(&known), ConfirmationDecision::Skip);
        known.record_message(b"\x80\x05K\x01.");
        assert_eq!(
            decide(&known),
            ConfirmationDecision::Skip,
            "it writes 5 when asked to"
        );
    }

    #[test]
    fn a_confirmation_outweighs_the_pickle_protocol() {
        let mut known = Confirmations::default();
        known.record_message(b"\x80\x04K\x01.");
        assert!(!known.consume(Some(b'A')), "none is outstanding");
        assert!(
            !known.record_sent::<Pickle>(Acknowledge::Auto),
            "nothing to wait for"
        );
        assert!(!known.consume(Some(b'B')) && !known.consume(None));
        assert!(known.consume(Some(b'A')) && !known.are_outstanding());
        known.record_message(b"\x80\x04K\x01.");
        assert_eq!(decide(&known), ConfirmationDecision::Confirm);

        let mut known = Confirmations::default();
        known.record_message(b"\x80\x05K\x01.");
        known.record_no_confirmation();
        known.record_message(b"\x80\x05K\x01.");
        assert_eq!(decide(&known), ConfirmationDecision::Skip);
        known.record_sent::<Pickle>(Acknowledge::Auto);
        assert!(!known.are_outstanding());
    }

    #[test]
    fn settings_and_other_codecs_need_no_evidence() {
        let here = this_process();
        let mut known = Confirmations::default();
        known.record_message(b"\x80\x05K\x01.");
        let always = known.decide::<Bincode>(Acknowledge::Always, &here);
        assert_eq!(always, ConfirmationDecision::Confirm);
        let never = known.decide::<Pickle>(Acknowledge::Never, &here);
        assert_eq!(never, ConfirmationDecision::Skip);
        let other = known.decide::<Bincode>(Acknowledge::Auto, &here);
        assert_eq!(other, ConfirmationDecision::Skip);
        known.record_sent::<Bincode>(Acknowledge::Auto);
        known.record_sent::<Pickle>(Acknowledge::Never);
        assert!(!known.are_outstanding());
        assert!(known.record_sent::<Bincode>(Acknowledge::Always) && known.are_outstanding());
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
