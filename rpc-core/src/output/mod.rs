//! What logs and terminals are given: texts that a peer had a say in, and how often they are
//! logged.

mod excerpt;
mod foreign;
mod quota;

pub(crate) use excerpt::{excerpt, shortened};
pub use foreign::{Causes, Foreign, is_harmless};
pub use quota::{Admitted, Quota};
