//! Code shared by the example programs in `src/bin`.

pub mod demo;
pub mod slow_link;

/// Compiles the code of the READMEs. That of the crate `farcall` is compiled there.
#[cfg(doctest)]
mod readmes {
    #[doc = include_str!("../../README.md")]
    mod workspace {}
    #[doc = include_str!("../../rpc-core/README.md")]
    mod core {}
    #[doc = include_str!("../../rpc-core/macros/README.md")]
    mod macros {}
    #[doc = include_str!("../../xmlrpc/README.md")]
    mod xmlrpc {}
    #[doc = include_str!("../../conn/README.md")]
    mod conn {}
}
