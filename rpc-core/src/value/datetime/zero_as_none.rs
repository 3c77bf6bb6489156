//! An optional date and time, for peers that send a zero date instead of none.
//!
//! Blogs, MySQL and programs without a nil value send `00000000T00:00:00` or an empty element for
//! "never". A plain `Option<DateTime>` reports an error for these, as they are not valid dates.
//! With this module they become `None`, like nil. `None` is written as nil.
//!
//! ```
//! use farcall::{DateTime, Struct, Value, from_value, zero_as_none};
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Post {
//!     // `default`, so that the member can be missing as well.
//!     #[serde(with = "zero_as_none", default)]
//!     published: Option<DateTime>,
//! }
//!
//! let mut members = Struct::new();
//! members.insert("published", Value::DateTimeText("00000000T00:00:00".to_owned()));
//! let post: Post = from_value(members.into())?;
//! assert_eq!(post.published, None);
//! # Ok::<(), farcall::FormatError>(())
//! ```

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::{DateTime, NEWTYPE, TextVisitor};

/// Serialises it like a plain `Option<DateTime>`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(
    datetime: &Option<DateTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    datetime.serialize(serializer)
}

/// Deserialises a date and time. Nil, an empty text and a date whose digits are all 0 become
/// `None`.
///
/// # Errors
/// If it is not a date and time, or is one that is invalid for another reason.
pub fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DateTime>, D::Error> {
    Ok(Option::<NonZero>::deserialize(deserializer)?.and_then(|NonZero(datetime)| datetime))
}

/// A date and time, or `None` for a zero date.
struct NonZero(Option<DateTime>);

impl<'de> Deserialize<'de> for NonZero {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &str| {
            if is_zero(text) {
                Ok(Self(None))
            } else {
                text.parse().map(|date| Self(Some(date)))
            }
        };
        deserializer.deserialize_newtype_struct(NEWTYPE, TextVisitor(read))
    }
}

/// Returns `true` if the text has only characters of a date and time and no digit but 0, or is
/// empty.
fn is_zero(text: &str) -> bool {
    let is_allowed = |b: u8| b"0-:.,+TtZz ".contains(&b);
    text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::value::{Value, from_value, to_value};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Post {
        #[serde(with = "super", default)]
        published: Option<DateTime>,
    }

    fn post(published: Value) -> Result<Post, crate::FormatError> {
        let mut members = crate::Struct::new();
        members.insert("published", published);
        from_value(Value::Struct(members))
    }

    #[test]
    fn zero_dates_are_none_and_others_stay() {
        for never in [
            "00000000T00:00:00",
            "",
            "0000-00-00 00:00:00",
            "00000000T000000Z",
        ] {
            let never = Value::DateTimeText(never.to_owned());
            assert_eq!(post(never).unwrap(), Post { published: None });
        }
        let empty = from_value::<Post>(Value::Struct(crate::Struct::new()));
        assert_eq!(empty.unwrap().published, None);
        assert_eq!(post(Value::Nil).unwrap().published, None);
        let date: DateTime = "20000101T00:00:00".parse().unwrap();
        let read = post(Value::DateTime(date)).unwrap();
        assert_eq!(read.published, Some(date));
        assert_eq!(to_value(&read).unwrap()["published"], Value::DateTime(date));
        for bad in [
            "20000001T00:00:00",
            "20000101",
            "never",
            "20000101T24:00:00",
        ] {
            assert!(post(Value::DateTimeText(bad.to_owned())).is_err(), "{bad}");
        }
        assert!(post("".into()).is_err(), "a string is no date");
    }
}
