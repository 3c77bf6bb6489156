//! The names of elements.

/// The elements of XML-RPC documents, by their local names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    MethodCall,
    MethodName,
    MethodResponse,
    Params,
    Param,
    Fault,
    Value,
    Array,
    Data,
    Struct,
    Member,
    Name,
    Nil,
    Boolean,
    Int,
    Double,
    String,
    Base64,
    DateTime,
    BigDecimal,
    BigInteger,
    Other,
}

impl Tag {
    /// The tag of this very name.
    pub(super) fn of(name: &str) -> Self {
        match name {
            "value" => Self::Value,
            "string" => Self::String,
            "int" | "i4" | "i8" | "i1" | "i2" => Self::Int,
            "member" => Self::Member,
            "name" => Self::Name,
            "param" => Self::Param,
            "params" => Self::Params,
            "struct" => Self::Struct,
            "array" => Self::Array,
            "data" => Self::Data,
            "boolean" => Self::Boolean,
            "double" | "float" => Self::Double,
            "nil" => Self::Nil,
            "base64" => Self::Base64,
            "dateTime.iso8601" | "dateTime" => Self::DateTime,
            "bigdecimal" => Self::BigDecimal,
            "biginteger" => Self::BigInteger,
            "methodCall" => Self::MethodCall,
            "methodName" => Self::MethodName,
            "methodResponse" => Self::MethodResponse,
            "fault" => Self::Fault,
            _ => Self::Other,
        }
    }

    /// The tag that a name stands for, with a namespace prefix or without.
    pub(super) fn local(name: &str) -> Self {
        match Self::of(name) {
            Self::Other => name
                .rsplit_once(':')
                .map_or(Self::Other, |(_, name)| Self::of(name)),
            tag => tag,
        }
    }
}

/// Whether a name is one that XML allows, as far as ASCII goes.
pub(super) fn is_name(name: &str) -> bool {
    let starts = |b: u8| b.is_ascii_alphabetic() || matches!(b, b'_' | b':' | 0x80..);
    name.bytes().next().is_some_and(starts)
        && name
            .bytes()
            .all(|b| starts(b) || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
}
