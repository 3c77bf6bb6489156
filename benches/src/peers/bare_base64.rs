//! The crate `base64` on bare text.

use anyhow::{Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::task::Task;

pub(crate) fn decode(task: &Task, text: &str) -> Result<f64> {
    task.rate(|| {
        ensure!(!STANDARD.decode(text)?.is_empty());
        Ok(())
    })
}

pub(crate) fn encode(task: &Task, bytes: &[u8]) -> Result<f64> {
    task.rate(|| {
        ensure!(!STANDARD.encode(bytes).is_empty());
        Ok(())
    })
}
