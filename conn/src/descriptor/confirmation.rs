//! What is known of whether a peer confirms descriptors.

use rpc_core::transport::Peer;

use super::{ACKNOWLEDGEMENT, Acknowledge};
use crate::codec::{Codec, Pickle};
use crate::frame::Decoder;

/// What CPython 3.14 pickles by default; those before it write 3 or 4.
const PROTOCOL_OF_3_14: u8 = 5;

/// What is known of the peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Sign {
    #[default]
    None,
    /// It has sent pickles of protocol 5 and no others.
    Modern,
    /// It has sent an older pickle.
    Old,
    /// It goes on after a descriptor without a confirmation, or its handshake is too old.
    Silent,
    /// It has confirmed one.
    Confirms,
}

/// What to do with a descriptor that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Nothing,
    Confirm,
    /// Only time can tell: see [`GRACE`](super::GRACE).
    Watch,
}

/// What a connection knows of whether its peer confirms descriptors.
#[derive(Debug, Default)]
pub(crate) struct Confirmations {
    sign: Sign,
    /// How many may still come.
    due: u32,
}

impl Confirmations {
    /// Takes note of a message that came.
    #[inline]
    pub(crate) const fn notice(&mut self, message: &[u8]) {
        if let [0x80, protocol, ..] = message {
            self.notice_pickle(*protocol);
        }
    }

    const fn notice_pickle(&mut self, protocol: u8) {
        self.sign = match self.sign {
            Sign::None | Sign::Modern if protocol < PROTOCOL_OF_3_14 => Sign::Old,
            Sign::None => Sign::Modern,
            other => other,
        };
    }

    /// Takes note that the peer is not one that waits for a confirmation.
    pub(crate) const fn notice_silent(&mut self) {
        if !matches!(self.sign, Sign::Confirms) {
            self.sign = Sign::Silent;
        }
    }

    /// Takes note that a descriptor was sent. Says whether a confirmation is to be waited for.
    pub(crate) fn sent<C: Codec>(&mut self, setting: Acknowledge) -> bool {
        let may_come = match setting {
            Acknowledge::Never => false,
            Acknowledge::Always => true,
            Acknowledge::Auto => is_pickle::<C>() && self.sign != Sign::Silent,
        };
        if may_come {
            self.due = self.due.saturating_add(1);
        }
        setting == Acknowledge::Always
    }

    /// Whether confirmations may still come.
    #[inline]
    pub(crate) const fn are_due(&self) -> bool {
        self.due > 0
    }

    /// Takes note that a confirmation came, if this byte is one, where a message could begin.
    pub(crate) const fn takes(&mut self, byte: Option<u8>) -> bool {
        let comes = self.due > 0 && matches!(byte, Some(ACKNOWLEDGEMENT));
        if comes {
            self.due -= 1;
            self.sign = Sign::Confirms;
        }
        comes
    }

    /// Takes the confirmations off that stand where the next message begins.
    #[inline]
    pub(crate) fn skip(&mut self, decoder: &mut Decoder) {
        while self.due > 0 && !decoder.is_large() && self.takes(decoder.peek_byte()) {
            decoder.byte();
        }
    }

    /// What to do with a descriptor that came from this peer.
    pub(crate) fn reply<C: Codec>(&self, setting: Acknowledge, peer: &Peer) -> Reply {
        match setting {
            Acknowledge::Never => Reply::Nothing,
            Acknowledge::Always => Reply::Confirm,
            Acknowledge::Auto if !is_pickle::<C>() => Reply::Nothing,
            Acknowledge::Auto => match self.sign {
                Sign::None | Sign::Old | Sign::Silent => Reply::Nothing,
                Sign::Confirms => Reply::Confirm,
                Sign::Modern => match interpreter(peer) {
                    Some(minor) if minor < 14 => Reply::Nothing,
                    Some(_) => Reply::Confirm,
                    None => Reply::Watch,
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

    fn reply(known: &Confirmations) -> Reply {
        known.reply::<Pickle>(Acknowledge::Auto, &this_process())
    }

    #[test]
    fn protocol_5_alone_is_no_sure_sign() {
        let mut known = Confirmations::default();
        assert_eq!(reply(&known), Reply::Nothing);
        known.notice(b"\x80\x05K\x01.");
        assert_eq!(reply(&known), Reply::Watch);
        known.notice(b"\x80\x04K\x01.");
        assert_eq!(reply(&known), Reply::Nothing);
        known.notice(b"\x80\x05K\x01.");
        assert_eq!(reply(&known), Reply::Nothing, "it writes 5 when asked to");
    }

    #[test]
    fn what_a_peer_does_outweighs_what_it_writes() {
        let mut known = Confirmations::default();
        known.notice(b"\x80\x04K\x01.");
        assert!(!known.takes(Some(b'A')), "none is due");
        assert!(
            !known.sent::<Pickle>(Acknowledge::Auto),
            "nothing to wait for"
        );
        assert!(!known.takes(Some(b'B')) && !known.takes(None));
        assert!(known.takes(Some(b'A')) && !known.are_due());
        known.notice(b"\x80\x04K\x01.");
        assert_eq!(reply(&known), Reply::Confirm);

        let mut known = Confirmations::default();
        known.notice(b"\x80\x05K\x01.");
        known.notice_silent();
        known.notice(b"\x80\x05K\x01.");
        assert_eq!(reply(&known), Reply::Nothing);
        known.sent::<Pickle>(Acknowledge::Auto);
        assert!(!known.are_due());
    }

    #[test]
    fn settings_and_other_codecs_ask_for_no_sign() {
        let here = this_process();
        let mut known = Confirmations::default();
        known.notice(b"\x80\x05K\x01.");
        let always = known.reply::<Bincode>(Acknowledge::Always, &here);
        assert_eq!(always, Reply::Confirm);
        let never = known.reply::<Pickle>(Acknowledge::Never, &here);
        assert_eq!(never, Reply::Nothing);
        let other = known.reply::<Bincode>(Acknowledge::Auto, &here);
        assert_eq!(other, Reply::Nothing);
        known.sent::<Bincode>(Acknowledge::Auto);
        known.sent::<Pickle>(Acknowledge::Never);
        assert!(!known.are_due());
        assert!(known.sent::<Bincode>(Acknowledge::Always) && known.are_due());
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
