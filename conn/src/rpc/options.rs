//! The form of structs of settings.

/// Defines a struct of settings: its fields with their defaults, and a setter for each.
macro_rules! options {
    (
        $(#[$attribute:meta])*
        pub struct $options:ident {
            $($(#[$doc:meta])* $name:ident: $type:ty = $default:expr;)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug)]
        pub struct $options {
            $(pub(in crate::rpc) $name: $type,)*
        }

        impl Default for $options {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl $options {
            $(
                $(#[$doc])*
                pub const fn $name(mut self, $name: $type) -> Self {
                    self.$name = $name;
                    self
                }
            )*
        }
    };
}
pub(super) use options;
