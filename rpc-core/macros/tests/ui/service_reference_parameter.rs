use std::borrow::Cow;

use farcall_core::{service, Context};

struct Echo;

#[service]
impl Echo {
    pub fn lent(&self, cx: &Context, text: &str, list: &[i64]) -> usize {
        let _ = cx;
        text.len() + list.len()
    }

    pub fn reference(&self, number: &i64) -> i64 {
        *number
    }

    pub fn exclusive(&self, text: &mut str) -> usize {
        text.len()
    }

    pub fn inside(&self, text: Option<&str>) -> bool {
        text.is_some()
    }

    pub fn lifetime(&self, text: Cow<'_, str>) -> usize {
        text.len()
    }

    pub async fn context_second(&self, text: String, cx: &Context) -> usize {
        let _ = cx;
        text.len()
    }
}

fn main() {}
