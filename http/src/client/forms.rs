//! The forms in which servers repeat secrets.

use std::sync::Arc;

use base64::prelude::{
    BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine as _,
};

/// Minimum length of a secret in bytes: shorter ones would match in ordinary text.
pub(super) const SHORTEST: usize = 4;

/// The same for the words of a header with several, such as a sentence.
const SHORTEST_WORD: usize = 8;

/// Parameters of HTTP authentication whose values are not secret (RFC 7616, 3.4).
const PUBLIC_PARAMETERS: [&[u8]; 8] = [
    b"algorithm",
    b"charset",
    b"nc",
    b"qop",
    b"realm",
    b"uri",
    b"userhash",
    b"username",
];

/// Secrets in the forms in which servers repeat them, except the escapes of single characters.
///
/// They are computed when a secret becomes known: errors may be many, and a server controls their
/// number.
#[derive(Clone, Default)]
pub(super) struct Forms(
    /// In ascending order. Shared, so that a copy costs little.
    Vec<Arc<[u8]>>,
);

impl Forms {
    /// Returns the forms of a cookie that a server sets.
    #[cfg(feature = "cookies")]
    pub(super) fn of_cookie(value: &str) -> Self {
        let mut forms = Self::default();
        forms.add(unquoted(value.as_bytes()));
        forms
    }

    /// Returns the forms of several secrets.
    #[cfg(feature = "cookies")]
    pub(super) fn merged<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        let mut forms: Vec<_> = all.flat_map(|forms| &forms.0).map(Arc::clone).collect();
        forms.sort_unstable();
        forms.dedup();
        Self(forms)
    }

    /// Returns the forms that begin with a byte.
    pub(super) fn beginning_with(&self, byte: u8) -> &[Arc<[u8]>] {
        let is_before = |form: &Arc<[u8]>| form.first() < Some(&byte);
        let forms = &self.0[self.0.partition_point(is_before)..];
        &forms[..forms.partition_point(|form| form.first() == Some(&byte))]
    }

    /// Adds a secret, and its base64 in both alphabets, without padding. The secret may be base64
    /// itself, so it is also added without its own padding.
    pub(super) fn add(&mut self, secret: &[u8]) {
        let secret = secret.trim_ascii();
        if secret.len() < SHORTEST {
            return;
        }
        self.push(secret.to_vec());
        let padding = secret
            .iter()
            .rev()
            .take_while(|byte| **byte == b'=')
            .count();
        if secret.len() - padding >= SHORTEST {
            self.push(secret[..secret.len() - padding].to_vec());
        }
        // The text that stands for a secret that is not UTF-8.
        self.push(String::from_utf8_lossy(secret).into_owned().into());
        self.push(BASE64_STANDARD_NO_PAD.encode(secret).into());
        self.push(BASE64_URL_SAFE_NO_PAD.encode(secret).into());
    }

    fn push(&mut self, form: Vec<u8>) {
        #[cfg(test)]
        work::add();
        if let Err(at) = self.0.binary_search_by(|other| (**other).cmp(&form)) {
            self.0.insert(at, form.into());
        }
    }

    /// Adds the value of a header and its parts: the token after the scheme of credentials, the
    /// password in them, and the values of cookies and parameters.
    pub(super) fn add_header(&mut self, value: &[u8]) {
        let value = value.trim_ascii();
        self.add(value);
        let is_end = |byte: &u8| matches!(byte, b' ' | b'=' | b';' | b',');
        let end = value.iter().position(is_end).unwrap_or(value.len());
        let (scheme, rest) = match value.get(end) {
            Some(b' ') => value.split_at(end),
            _ => (&b""[..], value),
        };
        let rest = rest.trim_ascii();
        if scheme.eq_ignore_ascii_case(b"basic")
            && let Ok(pair) = BASE64_STANDARD.decode(rest)
            && let Some(colon) = pair.iter().position(|byte| *byte == b':')
        {
            self.add(&pair);
            // A user without a password is a token.
            match &pair[colon + 1..] {
                b"" => self.add(&pair[..colon]),
                password => self.add(password),
            }
        }
        let mut is_quoted = false;
        let parts = rest.split(|byte| {
            is_quoted ^= *byte == b'"';
            !is_quoted && matches!(byte, b' ' | b'\t' | b';' | b',')
        });
        for part in parts {
            let equals = part.iter().position(|byte| *byte == b'=');
            let (name, value) = match equals.map(|at| (&part[..at], &part[at + 1..])) {
                // A part that ends with `=` may be base64.
                Some((name, value)) if !value.iter().all(|byte| *byte == b'=') => (name, value),
                _ => (&b""[..], part),
            };
            let is = |public: &&[u8]| name.eq_ignore_ascii_case(public);
            let is_word = name.is_empty() && part.len() < rest.len();
            if PUBLIC_PARAMETERS.iter().any(is) || is_word && value.len() < SHORTEST_WORD {
                continue;
            }
            self.add(unquoted(value));
        }
    }
}

fn unquoted(value: &[u8]) -> &[u8] {
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    value.strip_suffix(b"\"").unwrap_or(value)
}

/// Number of forms that this thread has computed.
#[cfg(test)]
pub(super) mod work {
    use std::cell::Cell;

    thread_local! {
        static FORMS: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn add() {
        FORMS.set(FORMS.get() + 1);
    }

    /// Returns the number of forms computed since the last call, and resets it.
    pub(in crate::client) fn take() -> usize {
        FORMS.take()
    }
}
