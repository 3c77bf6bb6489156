//! The methods of the demo server, for peers in any language. Its program is an example; tests of
//! other packages serve the same methods.

pub mod connections;
mod methods;
mod validator1;

pub use methods::Demo;
