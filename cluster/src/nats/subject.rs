//! Subjects of services and of their methods.

use std::fmt::Write as _;

/// The queue group of all services, by the convention of ADR-32: each call goes to one of them.
pub(super) const QUEUE_GROUP: &str = "q";

/// Maximum length of the name of a service, or of the id of an instance.
const MAX_NAME: usize = 128;

/// Returns `true` for a name of a service, an endpoint or an instance: ASCII letters, digits, `-`
/// and `_`, as ADR-32 permits.
pub(crate) fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_allowed)
}

/// Returns the subject of a method for any instance: `SERVICE.METHOD`.
pub(super) fn any(service: &str, method: &str) -> String {
    format!("{service}.{}", escaped(method))
}

/// Returns the prefix of the subjects of a certain instance: `farcall.one.SERVICE.ID.`.
pub(super) fn one(service: &str, id: &str) -> String {
    format!("farcall.one.{service}.{id}.")
}

/// Returns the prefix of the subjects of all instances: `farcall.all.SERVICE.`.
pub(super) fn all(service: &str) -> String {
    format!("farcall.all.{service}.")
}

/// Returns the subject that cancels calls of a service.
pub(super) fn cancel(service: &str) -> String {
    format!("farcall.cancel.{service}")
}

/// Returns the subject at which any instance of a service opens sessions, or a certain one.
pub(super) fn session(service: &str, id: Option<&str>) -> String {
    match id {
        None => format!("farcall.session.{service}"),
        Some(id) => format!("farcall.session.{service}.{id}"),
    }
}

/// Returns a method name as tokens of a subject: `counter.increment` as it is. Bytes that a subject
/// cannot have, or that would be wildcards, are `%` and two digits. If a token would be empty, so
/// are all dots.
pub(super) fn escaped(method: &str) -> String {
    let has_empty_token = method.split('.').any(str::is_empty);
    let mut subject = String::with_capacity(method.len());
    for byte in method.bytes() {
        match byte {
            b'.' if has_empty_token => subject.push_str("%2E"),
            b'*' | b'>' | b'%' | ..=b' ' | 0x7f.. => {
                // Cannot fail: it writes to a string.
                let _ = write!(subject, "%{byte:02X}");
            }
            byte => subject.push(byte.into()),
        }
    }
    subject
}

/// Returns the method name that tokens of a subject stand for.
pub(super) fn unescaped(tokens: &str) -> String {
    let mut name = Vec::with_capacity(tokens.len());
    let mut rest = tokens.as_bytes();
    while let [first, tail @ ..] = rest {
        (name, rest) = match tail {
            [high, low, tail @ ..] if *first == b'%' && hex(*high, *low).is_some() => {
                name.extend(hex(*high, *low));
                (name, tail)
            }
            _ => {
                name.push(*first);
                (name, tail)
            }
        };
    }
    String::from_utf8_lossy(&name).into_owned()
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some((digit(high)? << 4 | digit(low)?) as u8)
}

/// Returns the name of the endpoint of a method: `counter-increment`. Names that end up equal get a
/// number.
pub(super) fn endpoint_name(method: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let replaced = |c: char| {
        if c.is_ascii_alphanumeric() || c == '_' {
            c
        } else {
            '-'
        }
    };
    let name: String = method.chars().map(replaced).take(MAX_NAME).collect();
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.clone())
        .chain(numbered)
        .find(|name| !is_taken(name))
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usual_names_are_their_own_subjects() {
        for (method, subject) in [
            ("counter.increment", "counter.increment"),
            ("a..b", "a%2E%2Eb"),
            (".", "%2E"),
            ("two words", "two%20words"),
            ("*", "%2A"),
            ("100%", "100%25"),
        ] {
            assert_eq!(escaped(method), subject);
        }
        assert_eq!(super::any("demo", "add"), "demo.add");
        assert_eq!(unescaped("%zz%2"), "%zz%2");
    }

    #[test]
    fn endpoints_have_names_of_their_own() {
        assert_eq!(
            endpoint_name("counter.increment", |_| false),
            "counter-increment"
        );
        assert_eq!(endpoint_name("a.b", |name| name == "a-b"), "a-b-2");
        assert!(is_name(&endpoint_name("grüße ☃", |_| false)));
        assert!(!is_name("") && !is_name("a.b") && !is_name("a b") && is_name("a-B_1"));
    }

    proptest! {
        #[test]
        fn every_name_survives(name in ".{1,40}") {
            let subject = escaped(&name);
            prop_assert!(subject.split('.').all(|token| !token.is_empty()));
            prop_assert!(subject.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(!subject.contains(['*', '>']));
            prop_assert_eq!(unescaped(&subject), name);
        }
    }
}
