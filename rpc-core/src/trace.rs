//! The trace that a call belongs to, in the form of W3C Trace Context.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// The name of the header that identifies a trace and a span in it.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The name of the header with what tracing systems note about a trace.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Maximum length in bytes of a `tracestate`, over all its headers. The specification asks for at
/// least 512 (3.3.1.5). A longer one is dropped.
const MAX_STATE: usize = 512;

/// Maximum members of a `tracestate` (3.3.1.1). One with more is dropped.
const MAX_MEMBERS: usize = 32;

/// The trace that a call belongs to, and the span in it that made the call, as in the headers
/// `traceparent` and `tracestate` of [W3C Trace Context](https://www.w3.org/TR/trace-context/).
///
/// Calls that a handler makes belong to the trace of its own call, each with a new random span id,
/// so that this program never breaks a trace, whether it records spans or not.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    flags: u8,
    state: Option<Arc<str>>,
}

impl TraceContext {
    /// Creates the context of a span; `None` if one of the ids has only zeros. Of the flags, bit 0
    /// means that the caller records the trace.
    #[must_use]
    pub fn new(trace_id: [u8; 16], span_id: [u8; 8], flags: u8) -> Option<Self> {
        let is_valid = trace_id != [0; 16] && span_id != [0; 8];
        is_valid.then_some(Self {
            trace_id,
            span_id,
            flags,
            state: None,
        })
    }

    /// Returns the context of the first span of a new trace, with random ids, which is recorded.
    pub(crate) fn random() -> Self {
        Self {
            trace_id: fastrand::u128(1..).to_be_bytes(),
            span_id: random_span_id(),
            flags: 1,
            state: None,
        }
    }

    /// Returns the context in the headers of a request. A `traceparent` that is malformed or occurs
    /// twice is none, and a `tracestate` without it is ignored. A malformed `tracestate` is dropped
    /// alone.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        let parent = Self::parse(value.as_bytes())?;
        let mut states = headers.get_all(TRACESTATE).iter();
        let state = match (states.next(), states.next()) {
            (None, _) => None,
            (Some(state), None) => state.to_str().ok().map(str::to_owned),
            (Some(_), Some(_)) => {
                // Several headers are one list (RFC 9110, 5.3).
                let all = headers.get_all(TRACESTATE).iter();
                let all: Result<Vec<_>, _> = all.map(HeaderValue::to_str).collect();
                all.ok().map(|all| all.join(","))
            }
        };
        Some(match state {
            Some(state) => parent.with_state(&state),
            None => parent,
        })
    }

    /// Reads a `traceparent`: `00-TRACE ID-SPAN ID-FLAGS`, in lower-case hexadecimal digits. The
    /// additions of a later version at its end are ignored (2.3, "Versioning of traceparent").
    fn parse(text: &[u8]) -> Option<Self> {
        let [version] = hex(text.get(..2)?)?;
        let is_complete = match version {
            0xff => false,
            0 => text.len() == 55,
            _ => text.len() == 55 || text.get(55) == Some(&b'-'),
        };
        let dashes = [2, 35, 52].map(|at| text.get(at) == Some(&b'-'));
        if !is_complete || dashes.contains(&false) {
            return None;
        }
        let [flags] = hex(text.get(53..55)?)?;
        Self::new(hex(text.get(3..35)?)?, hex(text.get(36..52)?)?, flags)
    }

    /// Sets the notes of tracing systems about the trace: the value of `tracestate`. One that is
    /// malformed, or has more than 512 bytes or 32 members, is dropped. Default: none.
    #[must_use]
    pub fn with_state(mut self, state: &str) -> Self {
        self.state = is_state(state).then(|| state.into());
        self
    }

    /// Returns the context of another span of the same trace, with a random id: that of a call
    /// which this one causes.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            span_id: random_span_id(),
            ..self.clone()
        }
    }

    /// The id of the trace.
    #[must_use]
    pub const fn trace_id(&self) -> [u8; 16] {
        self.trace_id
    }

    /// The id of the span that made the call.
    #[must_use]
    pub const fn span_id(&self) -> [u8; 8] {
        self.span_id
    }

    /// The flags.
    #[must_use]
    pub const fn flags(&self) -> u8 {
        self.flags
    }

    /// Returns `true` if the caller records the trace.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags & 1 != 0
    }

    /// The notes of tracing systems about the trace: the value of `tracestate`.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Returns the value of `traceparent`.
    #[must_use]
    pub fn traceparent(&self) -> String {
        let (trace, span) = (Hex(&self.trace_id), Hex(&self.span_id));
        // Only these flags are defined; others must be sent as zeros (2.2.2.5).
        format!("00-{trace}-{span}-{:02x}", self.flags & 3)
    }

    /// Sets the headers of this context, in place of those of another.
    pub fn set_headers(&self, headers: &mut HeaderMap) {
        headers.remove(TRACESTATE);
        // Both are visible ASCII.
        if let Ok(parent) = HeaderValue::try_from(self.traceparent()) {
            headers.insert(TRACEPARENT, parent);
        }
        if let Some(state) = self.state()
            && let Ok(state) = HeaderValue::from_str(state)
        {
            headers.insert(TRACESTATE, state);
        }
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceContext")
            .field("traceparent", &self.traceparent())
            .field("state", &self.state())
            .finish()
    }
}

/// Returns the id of a new span. Ids have to differ, nothing more: a random id is not a secret.
/// Zeros are no id.
fn random_span_id() -> [u8; 8] {
    fastrand::u64(1..).to_be_bytes()
}

/// The hexadecimal digits of an id.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Decodes lower-case hexadecimal digits.
fn hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = (value(pair[0])? << 4) | value(pair[1])?;
    }
    (digits.len() == 2 * N).then_some(bytes)
}

/// Checks a `tracestate`: members `key=value` between commas, with distinct keys (3.3.1).
fn is_state(state: &str) -> bool {
    let members = || {
        let members = state
            .split(',')
            .map(|member| member.trim_matches([' ', '\t']));
        // Empty members are allowed (3.3.1.1).
        members.filter(|member| !member.is_empty())
    };
    let is_member = |member: &str| {
        let is_key = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(&byte)
        };
        member.split_once('=').is_some_and(|(key, value)| {
            (1..=256).contains(&key.len())
                && key.bytes().all(is_key)
                && (1..=256).contains(&value.len())
                && value
                    .bytes()
                    .all(|byte| matches!(byte, b' '..=b'~') && byte != b'=')
        })
    };
    let keys = || members().filter_map(|member| member.split_once('=').map(|(key, _)| key));
    state.len() <= MAX_STATE
        && (1..=MAX_MEMBERS).contains(&members().count())
        && members().all(is_member)
        && keys()
            .enumerate()
            .all(|(at, key)| !keys().take(at).any(|other| other == key))
}

thread_local! {
    /// The trace of the call that this thread is handling, if it has one.
    static CURRENT: RefCell<Option<Arc<TraceContext>>> = const { RefCell::new(None) };
}

/// Returns the trace of the call that this thread is handling.
pub(crate) fn current() -> Option<Arc<TraceContext>> {
    CURRENT.with_borrow(Clone::clone)
}

/// Sets the trace of the call that this thread is handling. Returns the previous one.
pub(crate) fn replace_current(trace: Option<Arc<TraceContext>>) -> Option<Arc<TraceContext>> {
    CURRENT.replace(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn of(headers: &[(&str, &str)]) -> Option<TraceContext> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            map.append(name, value.parse().unwrap());
        }
        TraceContext::from_headers(&map)
    }

    #[test]
    fn a_context_is_read_and_written() {
        let parent = format!("00-{TRACE}-{SPAN}-01");
        let context = of(&[("traceparent", &parent), ("tracestate", "a=1,b=2")]).unwrap();
        assert!(context.is_sampled());
        assert_eq!(context.traceparent(), parent);
        assert_eq!(context.state(), Some("a=1,b=2"));
        let child = context.child();
        assert_eq!(child.trace_id(), context.trace_id());
        assert_ne!(child.span_id(), context.span_id());
        let mut headers = HeaderMap::new();
        child.set_headers(&mut headers);
        assert_eq!(TraceContext::from_headers(&headers), Some(child));
    }

    #[test]
    fn later_versions_are_read_as_this_one() {
        for end in ["", "-", "-what=follows"] {
            let parent = format!("cc-{TRACE}-{SPAN}-ff{end}");
            let context = of(&[("traceparent", &parent)]).unwrap();
            assert_eq!(context.traceparent(), format!("00-{TRACE}-{SPAN}-03"));
        }
        assert_eq!(
            of(&[("traceparent", &format!("cc-{TRACE}-{SPAN}-01.x"))]),
            None
        );
    }

    #[test]
    fn a_malformed_parent_is_none() {
        let zeros = "0".repeat(32);
        for parent in [
            String::new(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}-0g"),
            format!("00-{TRACE}-{SPAN}-0A"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("00-{zeros}-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", &zeros[..16]),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00_{TRACE}_{SPAN}_01"),
            format!("00-{TRACE}-{SPAN}-01 "),
            "x".repeat(4000),
        ] {
            assert_eq!(of(&[("traceparent", &parent)]), None, "{parent}");
        }
        let parent = format!("00-{TRACE}-{SPAN}-01");
        let twice = [("traceparent", parent.as_str()), ("traceparent", &parent)];
        assert_eq!(of(&twice), None);
    }

    #[test]
    fn a_malformed_state_is_dropped_alone() {
        let parent = format!("00-{TRACE}-{SPAN}-00");
        let state = |state: &str| {
            let context = of(&[("traceparent", &parent), ("tracestate", state)]).unwrap();
            context.state().map(str::to_owned)
        };
        let member = |n: usize| format!("k{n}=v");
        let many = |count| (0..count).map(member).collect::<Vec<_>>().join(",");
        // Three members, of 256 bytes at most, which are as long as permitted together.
        let members = |length: usize| {
            let first = format!("a={}", "1".repeat(250));
            let second = format!("b={}", "2".repeat(250));
            let rest = length - first.len() - second.len() - ",,c=".len();
            format!("{first},{second},c={}", "3".repeat(rest))
        };
        let (longest, too_long) = (members(512), members(513));
        for good in [
            "a=1",
            "a=1, b=2",
            "a=1,,b=2",
            "t@v=x y",
            &many(32),
            &longest,
        ] {
            assert_eq!(state(good).as_deref(), Some(good));
        }
        let long = format!("a={}", "1".repeat(257));
        for bad in [
            "",
            ",",
            "a",
            "a=",
            "=1",
            "A=1",
            "a=1,a=2",
            "a=1=2",
            &many(33),
            &long,
            &too_long,
        ] {
            assert_eq!(state(bad), None, "{bad}");
        }
        let two = [
            ("traceparent", parent.as_str()),
            ("tracestate", "a=1"),
            ("tracestate", "b=2"),
        ];
        assert_eq!(of(&two).unwrap().state(), Some("a=1,b=2"));
    }
}
