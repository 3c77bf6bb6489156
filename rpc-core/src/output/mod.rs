//! Output to logs and terminals: display of texts that peers sent, and limits on log lines.

mod excerpt;
mod foreign;
mod quota;

pub(crate) use excerpt::{excerpt, shortened};
pub use foreign::{Causes, Foreign, debug_error, is_harmless};
pub use quota::{Admitted, Quota};
