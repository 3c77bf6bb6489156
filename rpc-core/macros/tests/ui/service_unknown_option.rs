use farcall_core::service;

struct Counter;

#[service(rename = "counter")]
impl Counter {
    #[service(skipped)]
    fn value(&self) -> i64 {
        0
    }
}

struct Other;

#[service(rename_all = "kebab-case")]
impl Other {
    #[service = "value"]
    pub fn value(&self) -> i64 {
        0
    }
}

struct Third;

#[service(crate = "no path")]
impl Third {
    pub fn value(&self) -> i64 {
        0
    }
}

fn main() {}
