//! The capabilities that are checked for each peer.

use std::fmt;
use std::str::FromStr;

macro_rules! capabilities {
    ($($variant:ident $name:literal $about:literal;)*) => {
        /// A feature that two XML-RPC libraries should support between them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Capability {
            $(#[doc = $about] $variant,)*
        }

        impl Capability {
            /// All capabilities, in the order of the document.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns the name that client programs and the document use.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Returns the description of the check.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self {
                    $(Self::$variant => $about,)*
                }
            }
        }
    };
}

capabilities! {
    Int "int" "0, 1 and the largest 32-bit integer.";
    Negative "negative" "-1 and the smallest 32-bit integer.";
    Boolean "boolean" "True and false, as a separate type.";
    String "string" "Plain text.";
    Entities "entities" "The characters `<&>\"'` and `]]>`.";
    Unicode "unicode" "`é中` and, beyond the first 65,536 characters (the BMP), `😀`.";
    EmptyString "empty string" "A string of length 0.";
    Whitespace "whitespace" "Leading and trailing blanks, tab, newline and carriage return are kept.";
    Double "double" "Fractions, large and small numbers, to the last digit.";
    Date "date" "A date and time.";
    Base64 "base64" "All 256 byte values, and an empty value.";
    Array "array" "Nested and of mixed types.";
    EmptyArray "empty array" "An array without elements.";
    Struct "struct" "Nested, with names that need escaping.";
    EmptyStruct "empty struct" "A struct without members.";
    Nil "nil" "The nil value, an extension.";
    I8 "i8" "64-bit integers, an extension.";
    Fault "fault" "A code and a unicode message.";
    UnknownMethod "unknown method" "A call of an unknown method is a fault.";
    WrongParams "wrong params" "Too few arguments are a fault.";
    ListMethods "listMethods" "`system.listMethods`.";
    MethodHelp "methodHelp" "`system.methodHelp`.";
    MethodSignature "methodSignature" "`system.methodSignature`.";
    Multicall "multicall" "`system.multicall`, with a fault between two results.";
    LargeDocument "large document" "A string of 1 MiB and an array of 10,000 integers, in both directions.";
    ThousandCalls "1,000 calls" "Sequential, over one connection.";
    Gzip "gzip" "Compressed calls and replies.";
    Error "error" "Clients: no server, and an unknown path. Servers: malformed documents, and a killed server. Each is an error, in time, never a result.";
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Capability {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().copied().find(|c| c.name() == name);
        found.ok_or_else(|| anyhow::anyhow!("no capability is called `{name}`"))
    }
}
