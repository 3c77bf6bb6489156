use std::collections::BTreeMap;
use std::time::Duration;

use conn::rpc::names::{Names, NamesApi as _};
use conn::rpc::{Client, Remote, Server};
use rpc_core::{CallError, FaultKind, client, service};
use tokio::time::sleep;

use crate::support::{serve, until};

struct Echo;

#[service]
impl Echo {
    pub fn echo(&self, text: String) -> String {
        text
    }
}

#[client]
trait EchoApi {
    async fn echo(&self, text: &str) -> Result<String, CallError>;
}

fn code<T: std::fmt::Debug>(result: Result<T, CallError>) -> i64 {
    result.unwrap_err().fault().unwrap().code()
}

#[tokio::test]
async fn objects_are_found_by_name_while_they_are_there() {
    let server = Server::new();
    server.register_instance(Names::new()).unwrap();
    let connector = serve(&server).await;
    let owner = Client::over(connector.clone()).await.unwrap();
    let user = Client::over(connector).await.unwrap();
    let about = BTreeMap::from([("language".to_owned(), "Rust".to_owned())]);

    owner
        .bind("echo/1", &Remote::new(Echo), &about)
        .await
        .unwrap();
    owner
        .bind("echo/2", &Remote::new(Echo), &BTreeMap::new())
        .await
        .unwrap();
    owner
        .bind("other", &Remote::new(Echo), &BTreeMap::new())
        .await
        .unwrap();
    let again = owner.bind("echo/1", &Remote::new(Echo), &about).await;
    assert_eq!(code(again), Names::TAKEN);

    let found = user.list("echo/").await.unwrap();
    assert_eq!(
        found.iter().map(|l| &*l.name).collect::<Vec<_>>(),
        ["echo/1", "echo/2"]
    );
    assert_eq!(found[0].metadata, about);
    let echo: Remote<dyn EchoApi> = user.lookup("echo/1").await.unwrap().cast();
    assert_eq!(echo.echo("hello").await.unwrap(), "hello");
    assert_eq!(code(user.lookup("nothing").await), Names::UNKNOWN);
    assert!(user.unbind("other").await.unwrap());
    assert!(!user.unbind("other").await.unwrap());
    // Nothing holds the object any more.
    until(|| owner.load().exports == 2).await;

    let long = "x".repeat(257);
    let refused = owner
        .bind(&long, &Remote::new(Echo), &about)
        .await
        .unwrap_err();
    assert_eq!(refused.fault().unwrap().kind(), FaultKind::InvalidParams);

    owner.close().await;
    for _ in 0..100 {
        if user.list("").await.unwrap().is_empty() {
            return;
        }
        sleep(Duration::from_millis(5)).await;
    }
    panic!("names go with the connection of their objects");
}
