use farcall_core::{service, Context};

struct Opaque;

struct Sink;

#[service]
impl Sink {
    pub fn take(&self, number: i64, opaque: Opaque) -> i64 {
        let _ = opaque;
        number
    }

    pub async fn context_second(&self, number: i64, cx: Context) -> i64 {
        let _ = cx;
        number
    }
}

fn main() {}
