use rpc_core::{Fault, service};

struct Person {
    name: String,
}

#[service]
impl Person {
    fn name(&self) -> &str {
        &self.name
    }

    async fn first_name(&self) -> Result<Option<&str>, Fault> {
        Ok(self.name.split(' ').next())
    }

    fn shown(&self) -> impl serde::Serialize {
        self.name.clone()
    }
}

fn main() {}
