//! Argument lists, on the caller's side and on the method's side.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Deserializer, SeqAccess, Visitor};
use serde::ser::{SerializeTuple, Serializer};
use serde::{Deserialize, Serialize};

use crate::describe::{MissingParameter, Parameter};

/// A type that can be an argument of a remote method: any owned type that serde can deserialize.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a remote method",
    label = "an argument must be an owned type that implements `serde::Deserialize`",
    note = "take `String` instead of `&str` and `Vec<T>` instead of `&[T]`",
    note = "`farcall_core::Context` can be the first argument, taken by value"
)]
pub trait Arg: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Arg for T {}

/// The arguments of a call on the caller's side: a tuple of types that serde can serialize, or a
/// [`Variadic`] list.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of arguments",
    label = "arguments are a tuple: `()`, `(a,)`, `(a, b)`",
    note = "a list whose length is known only at run time is `Variadic(list)`"
)]
pub trait Args {
    /// Serializes the arguments as one tuple.
    ///
    /// # Errors
    /// If the serializer cannot represent an argument.
    fn serialize_args<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

/// The arguments of a call on the method's side.
pub trait FromArgs: Sized {
    /// Deserializes the arguments from a tuple. Optional arguments at its end may be missing.
    ///
    /// # Errors
    /// If the number or the types of the arguments do not match.
    fn deserialize_args<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    /// Describes the parameters, for introspection.
    fn describe() -> Vec<Parameter>;

    /// `true` if any number of parameters is accepted.
    const VARIADIC: bool = false;
}

/// A list of parameters whose length is known only at run time.
///
/// A method that takes it as its only argument (after an optional [`Context`](crate::Context))
/// accepts any number of parameters. A call passes its items as the parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variadic<T>(pub Vec<T>);

impl<A: Args + ?Sized> Args for &A {
    fn serialize_args<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize_args(serializer)
    }
}

impl<T: Serialize> Args for Variadic<T> {
    fn serialize_args<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl<T: Arg> FromArgs for Variadic<T> {
    fn deserialize_args<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self)
    }

    fn describe() -> Vec<Parameter> {
        Vec::new()
    }

    const VARIADIC: bool = true;
}

macro_rules! tuples {
    ($($len:literal: $($arg:ident)*;)*) => {$(
        impl<$($arg: Serialize),*> Args for ($($arg,)*) {
            #[allow(non_snake_case)]
            fn serialize_args<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let ($($arg,)*) = self;
                #[allow(unused_mut)]
                let mut tuple = serializer.serialize_tuple($len)?;
                $(tuple.serialize_element($arg)?;)*
                tuple.end()
            }
        }

        impl<$($arg: Arg),*> FromArgs for ($($arg,)*) {
            fn deserialize_args<'de, De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
                struct Tuple<T>(PhantomData<T>);

                impl<'de, $($arg: Arg),*> Visitor<'de> for Tuple<($($arg,)*)> {
                    type Value = ($($arg,)*);

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(match $len {
                            0 => "no parameters",
                            1 => "1 parameter",
                            _ => concat!($len, " parameters"),
                        })
                    }

                    #[allow(non_snake_case, unused_mut, unused_variables, unused_assignments)]
                    fn visit_seq<Seq: SeqAccess<'de>>(self, mut seq: Seq) -> Result<Self::Value, Seq::Error> {
                        let mut given = 0;
                        $(let $arg = match seq.next_element()? {
                            Some(value) => { given += 1; value }
                            None => MissingParameter::<Seq::Error>::value()
                                .ok_or_else(|| serde::de::Error::invalid_length(given, &self))?,
                        };)*
                        Ok(($($arg,)*))
                    }
                }

                deserializer.deserialize_tuple($len, Tuple(PhantomData))
            }

            fn describe() -> Vec<Parameter> {
                vec![$(Parameter::of::<$arg>()),*]
            }
        }
    )*};
}

/// Passes the names of the elements of all tuples of arguments to a macro.
macro_rules! for_tuples {
    ($callback:ident) => {
        $callback! {
            0: ;
            1: A;
            2: A B;
            3: A B C;
            4: A B C D;
            5: A B C D E;
            6: A B C D E F;
            7: A B C D E F G;
            8: A B C D E F G H;
            9: A B C D E F G H I;
            10: A B C D E F G H I J;
            11: A B C D E F G H I J K;
            12: A B C D E F G H I J K L;
        }
    };
}
pub(crate) use for_tuples;

for_tuples!(tuples);
