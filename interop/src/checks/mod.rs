//! The checks of our clients against a peer's server.

mod calls;
mod errors;
mod introspection;
mod subject;
mod transport;
mod values;

use anyhow::Result;

pub(crate) use self::errors::error;
pub(crate) use self::subject::Subject;
use crate::Capability;

/// A check of one capability.
pub(crate) type Check = fn(&Subject) -> Result<()>;

/// All checks except the one of errors, which kills the server.
pub(crate) const ALL: &[(Capability, Check)] = &[
    (Capability::Int, values::int),
    (Capability::Negative, values::negative),
    (Capability::Boolean, values::boolean),
    (Capability::String, values::string),
    (Capability::Entities, values::entities),
    (Capability::Unicode, values::unicode),
    (Capability::EmptyString, values::empty_string),
    (Capability::Whitespace, values::whitespace),
    (Capability::Double, values::double),
    (Capability::Date, values::date),
    (Capability::Base64, values::base64),
    (Capability::Array, values::array),
    (Capability::EmptyArray, values::empty_array),
    (Capability::Struct, values::members),
    (Capability::EmptyStruct, values::empty_struct),
    (Capability::Nil, values::nil),
    (Capability::I8, values::i8),
    (Capability::Fault, calls::fault),
    (Capability::UnknownMethod, calls::unknown_method),
    (Capability::WrongParams, calls::wrong_params),
    (Capability::ListMethods, introspection::list_methods),
    (Capability::MethodHelp, introspection::method_help),
    (Capability::MethodSignature, introspection::method_signature),
    (Capability::Multicall, calls::multicall),
    (Capability::LargeDocument, transport::large_document),
    (Capability::ThousandCalls, transport::thousand_calls),
    (Capability::Gzip, transport::gzip),
];
