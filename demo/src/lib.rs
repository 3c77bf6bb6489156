//! The methods of the demo server, for peers in any language. The server is a program of the
//! package `examples`; tests of other packages serve the same methods.

pub mod connections;
mod hostile;
pub mod managers;
mod methods;
mod shapes;
mod specification;
mod ticks;
mod validator1;

pub use hostile::Hostile;
pub use methods::Demo;
pub use shapes::Shapes;
pub use specification::Specification;
pub use ticks::Ticks;
