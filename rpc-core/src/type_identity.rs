//! Types that serde presents as lists of numbers, and that are bytes.

use std::any::TypeId;

/// The identity of a type, whatever its lifetimes. It tells formats with a type for bytes which
/// lists are bytes: serde presents a `Vec<u8>` like any other list.
///
/// A type is told from all others by its [`TypeId`], not by its name, which two types can share.
/// `TypeId::of` refuses types with lifetimes, which most serializable types may have; the crate
/// `typeid` is for these.
#[derive(Clone, Copy, Debug)]
pub struct TypeIdentity(TypeId);

// Inlined, so that the compiler knows the result for each type.
impl TypeIdentity {
    /// Returns the identity of `T`.
    #[must_use]
    #[inline(always)]
    pub fn of<T: ?Sized>() -> Self {
        Self(typeid::of::<T>())
    }

    /// Returns `true` for `u8`, and for a reference to it: a list of these is bytes.
    #[must_use]
    #[inline(always)]
    pub fn is_byte(self) -> bool {
        self.0 == TypeId::of::<u8>() || self.0 == TypeId::of::<&u8>()
    }

    /// Returns `true` for `Vec<u8>` and `[u8]`, and for up to three references to one. They are
    /// bytes also when they are empty.
    #[must_use]
    #[inline(always)]
    pub fn is_bytes(self) -> bool {
        self.is::<Vec<u8>>() || self.is::<[u8]>()
    }

    /// Returns `true` for `Option<Vec<u8>>`.
    #[must_use]
    pub(crate) fn is_optional_bytes(self) -> bool {
        self.0 == TypeId::of::<Option<Vec<u8>>>()
    }

    /// Returns `true` for `[u8; LEN]`, and for up to three references to it, where `LEN` is `len`.
    /// serde presents arrays as tuples, of which it knows those of up to 32 elements.
    #[must_use]
    pub fn is_byte_array(self, len: usize) -> bool {
        macro_rules! is_one_of {
            ($($len:literal)*) => {
                match len {
                    $($len => self.is::<[u8; $len]>(),)*
                    _ => false,
                }
            };
        }
        is_one_of! {
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
            17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
        }
    }

    /// Returns `true` for `T`, and for up to three references to it: one more than a list of
    /// references has, whose elements serde passes by reference.
    #[inline(always)]
    fn is<T: ?Sized + 'static>(self) -> bool {
        self.0 == TypeId::of::<T>()
            || self.0 == TypeId::of::<&T>()
            || self.0 == TypeId::of::<&&T>()
            || self.0 == TypeId::of::<&&&T>()
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::collections::BTreeSet;
    use std::num::NonZeroU8;

    use super::*;

    #[test]
    fn types_with_lifetimes_have_an_identity() {
        fn is_bytes<'a>(text: &'a [u8]) -> [bool; 4] {
            fn of<T: ?Sized>(_: &T) -> bool {
                TypeIdentity::of::<T>().is_bytes()
            }
            let (one, two): (&'a [u8], &&[u8]) = (text, &text);
            [of(text), of(&one), of(&two), of(&&two)]
        }
        assert_eq!(is_bytes(&[1]), [true; 4]);
        assert!(TypeIdentity::of::<&Vec<u8>>().is_bytes());
        assert!(TypeIdentity::of::<&[u8; 3]>().is_byte_array(3));
    }

    #[test]
    fn only_bytes_are_bytes() {
        /// A type whose path ends like that of the standard library's.
        mod vec {
            #[allow(dead_code, reason = "only the type counts")]
            pub(super) struct Vec<T>(T);
        }
        #[allow(dead_code, reason = "only the type counts")]
        struct Newtype(Vec<u8>);
        for other in [
            TypeIdentity::of::<vec::Vec<u8>>(),
            TypeIdentity::of::<Newtype>(),
            TypeIdentity::of::<Vec<i8>>(),
            TypeIdentity::of::<Vec<&u8>>(),
            TypeIdentity::of::<Box<[u8]>>(),
            TypeIdentity::of::<Cow<'_, [u8]>>(),
            TypeIdentity::of::<BTreeSet<u8>>(),
            TypeIdentity::of::<&mut Vec<u8>>(),
            TypeIdentity::of::<NonZeroU8>(),
            TypeIdentity::of::<(u8, u8)>(),
            TypeIdentity::of::<[i8; 2]>(),
            TypeIdentity::of::<str>(),
            TypeIdentity::of::<()>(),
        ] {
            assert!(!other.is_byte() && !other.is_bytes(), "{other:?}");
            assert!((0..40).all(|len| !other.is_byte_array(len)), "{other:?}");
        }
        let byte = TypeIdentity::of::<u8>();
        assert!(byte.is_byte() && TypeIdentity::of::<&u8>().is_byte());
        assert!(!byte.is_bytes() && !TypeIdentity::of::<&&u8>().is_byte());
    }

    #[test]
    fn an_array_of_bytes_has_one_length() {
        for (array, len) in [
            (TypeIdentity::of::<[u8; 0]>(), 0),
            (TypeIdentity::of::<[u8; 2]>(), 2),
            (TypeIdentity::of::<[u8; 32]>(), 32),
        ] {
            for other in 0..40 {
                assert_eq!(array.is_byte_array(other), other == len, "{other}");
            }
            assert!(!array.is_bytes());
        }
    }
}
