//! Names of elements.

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
    /// Returns the tag with exactly this name.
    pub(super) fn of(name: &[u8]) -> Self {
        match name {
            b"value" => Self::Value,
            b"string" => Self::String,
            b"int" | b"i4" | b"i8" | b"i1" | b"i2" => Self::Int,
            b"member" => Self::Member,
            b"name" => Self::Name,
            b"param" => Self::Param,
            b"params" => Self::Params,
            b"struct" => Self::Struct,
            b"array" => Self::Array,
            b"data" => Self::Data,
            b"boolean" => Self::Boolean,
            b"double" | b"float" => Self::Double,
            b"nil" => Self::Nil,
            b"base64" => Self::Base64,
            b"dateTime.iso8601" | b"dateTime" => Self::DateTime,
            b"bigdecimal" => Self::BigDecimal,
            b"biginteger" => Self::BigInteger,
            b"methodCall" => Self::MethodCall,
            b"methodName" => Self::MethodName,
            b"methodResponse" => Self::MethodResponse,
            b"fault" => Self::Fault,
            _ => Self::Other,
        }
    }

    /// Returns the tag of a name with or without a namespace prefix.
    pub(crate) fn local(name: &[u8]) -> Self {
        match Self::of(name) {
            Self::Other => memchr::memrchr(b':', name)
                .map_or(Self::Other, |colon| Self::of(&name[colon + 1..])),
            tag => tag,
        }
    }
}

/// Returns `true` if XML allows a name. Only its ASCII characters are checked.
pub(super) fn is_name(name: &[u8]) -> bool {
    name.first().is_some_and(|&b| starts_name(b) || b >= 0x80)
        && name.iter().all(|&b| continues_name(b) || b >= 0x80)
}

/// Returns the ASCII name at the start of a tag, and the bytes after it.
pub(super) fn plain_name(tag: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = tag.iter().position(|&b| !continues_name(b))?;
    starts_name(*tag.first()?).then(|| tag.split_at(len))
}

const fn starts_name(b: u8) -> bool {
    b.is_ascii_alphabetic() || matches!(b, b'_' | b':')
}

const fn continues_name(b: u8) -> bool {
    starts_name(b) || b.is_ascii_digit() || matches!(b, b'-' | b'.')
}
