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
    Int "int" "0, 1 and the largest of 32 bits.";
    Negative "negative" "-1 and the smallest of 32 bits.";
    Boolean "boolean" "True and false, as a type of its own.";
    String "string" "Plain text.";
    Entities "entities" "The characters `<&>\"'` and `]]>`.";
    Unicode "unicode" "`é中` and, beyond the first 65,536 characters, `😀`.";
    EmptyString "empty string" "A text without characters.";
    Whitespace "whitespace" "Blanks at the ends, tab, newline and carriage return are kept.";
    Double "double" "Fractions, large and small numbers to their last digit.";
    Date "date" "A date and time.";
    Base64 "base64" "All 256 bytes, and none.";
    Array "array" "Nested and of mixed types.";
    EmptyArray "empty array" "An array without elements.";
    Struct "struct" "Nested, with names that need escapes.";
    EmptyStruct "empty struct" "A struct without members.";
    Nil "nil" "Nothing, an extension.";
    I8 "i8" "Integers of 64 bits, an extension.";
    Fault "fault" "Code and unicode text.";
    UnknownMethod "unknown method" "A fault.";
    WrongParams "wrong params" "Too few arguments are a fault.";
    ListMethods "listMethods" "`system.listMethods`.";
    MethodHelp "methodHelp" "`system.methodHelp`.";
    MethodSignature "methodSignature" "`system.methodSignature`.";
    Multicall "multicall" "`system.multicall`, with a fault between two results.";
    LargeDocument "large document" "A text of 1 MiB and an array of 10,000 integers, both ways.";
    ThousandCalls "1,000 calls" "One after the other, over one connection.";
    Gzip "gzip" "Compressed calls and replies.";
    Error "error" "For clients no server and no such path, for servers broken documents and their own end: errors, in time, and no results.";
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
