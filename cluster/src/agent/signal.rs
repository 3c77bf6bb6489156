//! Signals by name.

use std::fmt;
use std::str::FromStr;

use farcall_core::protocol::output::Foreign;
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, EnumAccess, Error, Unexpected, VariantAccess, Visitor};

/// Defines the signals, with their names.
macro_rules! signals {
    ($($(#[$doc:meta])* $signal:ident = $name:literal, $raw:ident;)*) => {
        /// A signal that a caller can send to a process.
        ///
        /// Its text form is the name, such as `"TERM"`; `"SIGTERM"` and `"term"` are read, too. It
        /// has no number: those of the system differ between machines.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        #[non_exhaustive]
        pub enum Signal {
            $($(#[$doc])* #[serde(rename = $name)] $signal,)*
        }

        /// The signals in the order of their positions in bincode.
        const SIGNALS: &[Signal] = &[$(Signal::$signal),*];

        const NAMES: &[&str] = &[$($name),*];

        impl Signal {
            pub(super) const fn raw(self) -> rustix::process::Signal {
                match self { $(Self::$signal => rustix::process::Signal::$raw,)* }
            }
        }
    };
}

signals! {
    /// The terminal was closed; for daemons: read the configuration again.
    Hup = "HUP", HUP;
    /// Interrupted at the terminal.
    Int = "INT", INT;
    /// Quit, with a core dump.
    Quit = "QUIT", QUIT;
    /// End at once. It cannot be caught.
    Kill = "KILL", KILL;
    /// For the program to define.
    Usr1 = "USR1", USR1;
    /// For the program to define.
    Usr2 = "USR2", USR2;
    /// End.
    Term = "TERM", TERM;
    /// Go on after a stop.
    Cont = "CONT", CONT;
    /// Stop. It cannot be caught.
    Stop = "STOP", STOP;
}

/// The error of a text that names no [`Signal`].
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no signal `{}`: they are {}", Foreign::excerpt(.0), NAMES.join(", "))]
pub struct UnknownSignal(String);

farcall_core::debug_errors!(UnknownSignal);

/// Parses a name, with or without `SIG`, in any case.
impl FromStr for Signal {
    type Err = UnknownSignal;

    fn from_str(text: &str) -> Result<Self, UnknownSignal> {
        let name = match text.split_at_checked(3) {
            Some((sig, name)) if sig.eq_ignore_ascii_case("SIG") => name,
            _ => text,
        };
        let mut signals = SIGNALS.iter().zip(NAMES);
        let found = signals.find(|(_, own)| own.eq_ignore_ascii_case(name));
        let (signal, _) = found.ok_or_else(|| UnknownSignal(text.to_owned()))?;
        Ok(*signal)
    }
}

/// Reads an enum, as which it is written.
impl<'de> Deserialize<'de> for Signal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_enum("Signal", NAMES, SignalVisitor)
    }
}

struct SignalVisitor;

impl<'de> Visitor<'de> for SignalVisitor {
    type Value = Signal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name of a signal: {}", NAMES.join(", "))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Signal, A::Error> {
        let (SignalName(signal), content) = data.variant()?;
        content.unit_variant()?;
        Ok(signal)
    }

    /// The position of a variant. Only formats that do not describe themselves deliver one.
    fn visit_u64<E: Error>(self, position: u64) -> Result<Signal, E> {
        let position = usize::try_from(position).ok();
        let signal = position.and_then(|position| SIGNALS.get(position));
        let unknown = || E::custom("there are fewer signals");
        signal.copied().ok_or_else(unknown)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Signal, E> {
        name.parse().map_err(E::custom)
    }

    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Signal, E> {
        let text = std::str::from_utf8(name);
        let text = text.map_err(|_| E::invalid_value(Unexpected::Bytes(name), &self))?;
        self.visit_str(text)
    }
}

/// The name of a variant, or its position.
struct SignalName(Signal);

impl<'de> Deserialize<'de> for SignalName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let signal = deserializer.deserialize_identifier(SignalVisitor)?;
        Ok(Self(signal))
    }
}

#[cfg(test)]
mod tests {
    use farcall_conn::rpc::Encoding;
    use farcall_core::protocol::Format as _;
    use farcall_core::{Value, from_value};

    use super::*;

    #[test]
    fn a_signal_has_a_name_and_no_number() {
        for text in ["TERM", "SIGTERM", "term", "SigTerm"] {
            assert_eq!(text.parse(), Ok(Signal::Term));
            assert_eq!(from_value::<Signal>(text.into()).unwrap(), Signal::Term);
        }
        for text in ["", "SIG", "SIGSIGTERM", "0", "15", "TERM ", "TSTP", "§"] {
            assert!(text.parse::<Signal>().is_err(), "{text}");
        }
        for number in [0, 1, 6, 9, 15] {
            for encoding in [Encoding::MessagePack, Encoding::Bincode] {
                let params = encoding.params(&(number,)).unwrap();
                assert!(encoding.decode_args::<(Signal,)>(&params).is_err());
            }
            assert!(from_value::<Signal>(Value::from(number)).is_err());
        }
        for signal in SIGNALS {
            for encoding in [Encoding::MessagePack, Encoding::Bincode] {
                let params = encoding.params(&(signal,)).unwrap();
                let (read,): (Signal,) = encoding.decode_args(&params).unwrap();
                assert_eq!(read, *signal);
            }
        }
    }
}
