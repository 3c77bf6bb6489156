use farcall_core::{service, Fault};

struct Person {
    name: String,
}

#[service]
impl Person {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub async fn first_name(&self) -> Result<Option<&str>, Fault> {
        Ok(self.name.split(' ').next())
    }

    pub fn shown(&self) -> impl serde::Serialize {
        self.name.clone()
    }
}

fn main() {}
