use std::collections::BTreeMap;
use std::time::Duration;

use farcall_conn::rpc::names::{Names, NamesApi as _, Operation, Right};
use farcall_conn::rpc::{Client, Remote, Server};
use farcall_core::{CallError, FaultKind, client, service};
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
async fn objects_are_found_by_name_while_they_exist() {
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
    assert!(owner.unbind("other").await.unwrap());
    assert!(!owner.unbind("other").await.unwrap());
    // The registry no longer holds the object.
    until(|| owner.stats().exported_objects == 2).await;

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
    panic!("the names outlive the connection of their objects");
}

fn kind<T: std::fmt::Debug>(result: Result<T, CallError>) -> FaultKind {
    result.unwrap_err().fault().unwrap().kind()
}

/// Service that returns one object of the server to all clients.
struct Shelf(Remote<dyn EchoApi>);

#[service]
impl Shelf {
    pub fn take(&self) -> Remote<dyn EchoApi> {
        self.0.clone()
    }
}

fn nothing() -> BTreeMap<String, String> {
    BTreeMap::new()
}

#[tokio::test]
async fn a_name_is_removed_with_the_session_that_bound_it() {
    let server = Server::new();
    server.register_instance(Names::new()).unwrap();
    let shelf = Shelf(Remote::new(Echo));
    server.register_instance(shelf).unwrap();
    let connector = serve(&server).await;
    let owner = Client::over(connector.clone()).await.unwrap();
    let user = Client::over(connector).await.unwrap();
    let object: Remote = owner.call("take", ()).await.unwrap();
    owner.bind("shelf", &object, &nothing()).await.unwrap();
    assert_eq!(user.list("").await.unwrap().len(), 1);
    drop(object);
    owner.close().await;
    for _ in 0..100 {
        if user.list("").await.unwrap().is_empty() {
            user.bind("shelf", &Remote::new(Echo), &nothing())
                .await
                .unwrap();
            return;
        }
        sleep(Duration::from_millis(5)).await;
    }
    panic!("the name outlives the client");
}

#[tokio::test]
async fn only_the_session_that_bound_a_name_can_unbind_it() {
    let server = Server::new();
    server.register_instance(Names::new()).unwrap();
    let connector = serve(&server).await;
    let owner = Client::over(connector.clone()).await.unwrap();
    let other = Client::over(connector).await.unwrap();
    owner
        .bind("echo", &Remote::new(Echo), &nothing())
        .await
        .unwrap();
    assert_eq!(kind(other.unbind("echo").await), FaultKind::Denied);
    let rebound = other.rebind("echo", &Remote::new(Echo), &nothing()).await;
    assert_eq!(kind(rebound), FaultKind::Denied);
    assert_eq!(
        code(other.bind("echo", &Remote::new(Echo), &nothing()).await),
        Names::TAKEN
    );
    let about = BTreeMap::from([("version".to_owned(), "2".to_owned())]);
    owner
        .rebind("echo", &Remote::new(Echo), &about)
        .await
        .unwrap();
    assert_eq!(other.list("").await.unwrap()[0].metadata, about);
    // The registry no longer holds the previous object.
    until(|| owner.stats().exported_objects == 1).await;
    // The program itself is a different owner.
    let program = farcall_core::ServiceCaller::new(
        server.registry().clone(),
        farcall_conn::rpc::Encoding::Bincode,
    );
    assert_eq!(kind(program.unbind("echo").await), FaultKind::Denied);
    program
        .bind("own", &Remote::new(Echo), &nothing())
        .await
        .unwrap();
    assert_eq!(kind(owner.unbind("own").await), FaultKind::Denied);
    assert!(program.unbind("own").await.unwrap());
    assert!(owner.unbind("echo").await.unwrap());
}

#[tokio::test]
async fn a_policy_decides_by_caller_operation_and_name() {
    let names = Names::new();
    let inside = Server::new();
    inside
        .register_instance(names.policy(|_, _, _| Right::All))
        .unwrap();
    let outside = Server::new();
    let public = names.policy(|context, operation, name| {
        assert!(context.has_origin());
        match operation {
            Operation::Lookup | Operation::List if name.starts_with("public/") => Right::Own,
            Operation::Bind if name.starts_with("guest/") => Right::Own,
            _ => Right::None,
        }
    });
    outside.register_instance(public).unwrap();
    let admin = Client::over(serve(&inside).await).await.unwrap();
    let guest = Client::over(serve(&outside).await).await.unwrap();
    for name in ["public/echo", "secret"] {
        admin
            .bind(name, &Remote::new(Echo), &nothing())
            .await
            .unwrap();
    }
    assert_eq!(guest.list("public/").await.unwrap().len(), 1);
    guest.lookup("public/echo").await.unwrap();
    assert_eq!(kind(guest.list("").await), FaultKind::Denied);
    assert_eq!(kind(guest.lookup("secret").await), FaultKind::Denied);
    let bound = guest.bind("mine", &Remote::new(Echo), &nothing()).await;
    assert_eq!(kind(bound), FaultKind::Denied);
    guest
        .bind("guest/1", &Remote::new(Echo), &nothing())
        .await
        .unwrap();
    assert_eq!(kind(guest.unbind("guest/1").await), FaultKind::Denied);
    // A caller with the right to all names can rebind and unbind those of others.
    admin
        .rebind("guest/1", &Remote::new(Echo), &nothing())
        .await
        .unwrap();
    assert!(admin.unbind("guest/1").await.unwrap());
}
