//! Credentials of HTTP authentication: which ones can be sent and received.

/// Credentials that a client cannot send, or that a server can never receive. The error does not
/// contain them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCredentials {
    /// There is no token, for example because a variable is not set.
    #[error("the token is empty")]
    EmptyToken,
    /// The token has characters that a bearer token cannot have (RFC 6750, 2.1).
    #[error(
        "the token has characters other than ASCII letters, digits and `-._~+/`, or a `=` before \
         its end"
    )]
    Token,
    /// The user name contains a colon, which HTTP Basic authentication does not allow (RFC 7617,
    /// 2).
    #[error("the user name contains a colon, which HTTP Basic authentication does not allow")]
    Colon,
    /// The user name or the password contains a control character, which HTTP Basic authentication
    /// does not allow (RFC 7617, 2). It may be the line end of a file.
    #[error(
        "the user name or password contains a control character, such as a line end, which HTTP \
         Basic authentication does not allow"
    )]
    ControlCharacter,
    /// There is no password, for example because a variable is not set. Only a server refuses it.
    #[error("the password is empty")]
    EmptyPassword,
}

crate::debug_errors!(InvalidCredentials);

impl InvalidCredentials {
    /// Checks a bearer token: `b64token` of RFC 6750, 2.1.
    ///
    /// # Errors
    /// If the token is not one.
    pub fn check_token(token: &str) -> Result<(), Self> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        let start = token.trim_end_matches('=');
        match token {
            "" => Err(Self::EmptyToken),
            _ if start.is_empty() || !start.chars().all(is_allowed) => Err(Self::Token),
            _ => Ok(()),
        }
    }

    /// Checks a user name and a password of HTTP Basic authentication, in any encoding that
    /// contains ASCII.
    ///
    /// # Errors
    /// If the scheme cannot transmit them.
    pub fn check_login(user: &[u8], password: &[u8]) -> Result<(), Self> {
        if user.contains(&b':') {
            return Err(Self::Colon);
        }
        if user.iter().chain(password).any(u8::is_ascii_control) {
            Err(Self::ControlCharacter)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_the_characters_of_the_rfc() {
        for token in ["a", "AZaz09-._~+/", "abc=", "abc==", "0"] {
            assert_eq!(InvalidCredentials::check_token(token), Ok(()), "{token}");
        }
        for token in [
            " a",
            "a ",
            "a b",
            "a\n",
            "a\0",
            "é",
            "a:b",
            "a\"b",
            "a=b",
            "=",
            "==",
            "a,b",
            "\u{feff}a",
        ] {
            let checked = InvalidCredentials::check_token(token);
            assert_eq!(checked, Err(InvalidCredentials::Token), "{token}");
        }
        let empty = Err(InvalidCredentials::EmptyToken);
        assert_eq!(InvalidCredentials::check_token(""), empty);
        // As a program prints it that unwraps it.
        assert_eq!(format!("{empty:?}"), "Err(the token is empty)");
    }

    #[test]
    fn logins_have_no_colon_in_the_user_and_no_control_characters() {
        let check = |user: &str, password: &str| {
            InvalidCredentials::check_login(user.as_bytes(), password.as_bytes())
        };
        assert_eq!(check("adé", "se:cret é"), Ok(()));
        assert_eq!(check("", ""), Ok(()));
        assert_eq!(check("a:b", "c"), Err(InvalidCredentials::Colon));
        for (user, password) in [("a\n", "b"), ("a", "b\r\n"), ("a", "\x7f"), ("\0", "")] {
            let control = Err(InvalidCredentials::ControlCharacter);
            assert_eq!(check(user, password), control);
        }
    }
}
