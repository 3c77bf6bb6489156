use farcall_core::service;

struct Echo;

#[service]
impl Echo {
    pub fn show(&self, value: impl ToString) -> String {
        value.to_string()
    }

    pub fn show_all(&self, values: Vec<impl ToString>) -> usize {
        values.len()
    }
}

fn main() {}
