//! Every function that takes a method name takes every type of text.

use std::borrow::Cow;
use std::sync::Arc;

use farcall::protocol::Name;
use farcall::xmlrpc::{Client, Server, XmlRpc, blocking};
use farcall::{BlockingCaller, Caller, Context, Description, Method, Registry};

use crate::served::Served;

/// Repeats an expression with a name of each type.
macro_rules! with_each {
    ($name:expr, |$each:ident| $do:expr) => {{
        let text: &str = $name;
        let string = String::from(text);
        let shared: Arc<str> = text.into();
        let boxed: Box<str> = text.into();
        let cow: Cow<'_, str> = text.into();
        let name = Name::from(text);
        let list = [text];
        {
            let $each = text;
            $do;
        }
        for $each in &list {
            $do;
        }
        {
            let $each = &string;
            $do;
        }
        {
            let $each = &&string;
            $do;
        }
        {
            let $each = &shared;
            $do;
        }
        {
            let $each = &boxed;
            $do;
        }
        {
            let $each = &cow;
            $do;
        }
        {
            let $each = &name;
            $do;
        }
        {
            let $each = string.clone();
            $do;
        }
        {
            let $each = boxed.clone();
            $do;
        }
        {
            let $each = cow.clone();
            $do;
        }
        {
            let $each = name.clone();
            $do;
        }
    }};
}

#[tokio::test]
async fn any_text_type_is_the_name_of_a_method() {
    let served = Served::new().await;
    let client = served.client();
    let five = 5;
    with_each!("add", |name| {
        let sum: i64 = client.call(name, (2, 3)).await.unwrap();
        assert_eq!(sum, five);
    });
    with_each!("add", |name| {
        let sum: i64 = Caller::call(&client, name, (2, 3)).await.unwrap();
        assert_eq!(sum, five);
    });
    with_each!("add", |name| client.notify(name, (2, 3)).await.unwrap());
    with_each!("add", |name| {
        let context = Context::new(name).idempotent();
        let sum: i64 = client.call_in(context, (2, 3)).await.unwrap();
        assert_eq!(sum, five);
    });
    with_each!("sub", |name| {
        assert_eq!(
            Context::new("add").for_method(name).method().as_str(),
            "sub"
        );
    });
    let mut batch = client.batch();
    let mut tickets = Vec::new();
    with_each!("add", |name| tickets.push(batch.call::<i64>(name, (2, 3))));
    let mut results = batch.send().await.unwrap();
    for ticket in tickets {
        assert_eq!(results.take(ticket).unwrap(), five);
    }
    let url = served.url.clone();
    let calls = move || {
        let client = blocking::Client::new(&url).unwrap();
        with_each!("add", |name| {
            let sum: i64 = client.call(name, (2, 3)).unwrap();
            assert_eq!(sum, five);
        });
        with_each!("add", |name| client.notify(name, (2, 3)).unwrap());
        let mut batch = client.batch();
        with_each!("add", |name| drop(batch.call::<i64>(name, (2, 3))));
        batch.send().unwrap();
    };
    tokio::task::spawn_blocking(calls).await.unwrap();
}

#[test]
fn any_text_type_is_the_name_of_a_registered_method() {
    with_each!("f", |name| {
        let server = Server::new();
        server.register_function(name, || 1).unwrap();
        assert!(server.registry().unregister("f"));
    });
    with_each!("f", |name| {
        let server = Server::new();
        server.register_blocking(name, || 1).unwrap();
    });
    with_each!("f", |name| {
        let server = farcall::rpc::Server::new();
        server.register_function(name, || 1).unwrap();
    });
    with_each!("f", |name| {
        let server = farcall::rpc::Server::new();
        server.register_blocking(name, || 1).unwrap();
    });
    with_each!("f", |name| {
        let registry = Registry::<XmlRpc>::new();
        registry.register_function(name, || 1).unwrap();
    });
    with_each!("f", |name| {
        let registry = Registry::<XmlRpc>::new();
        registry.register_blocking(name, || 1).unwrap();
    });
    with_each!("f", |name| {
        let _: Method<XmlRpc> = Method::function(name, || 1);
    });
    with_each!("f", |name| {
        let _: Method<XmlRpc> = Method::blocking(name, || 1);
    });
    with_each!("f", |name| {
        let never = |_: &Registry<XmlRpc>, _| unreachable!("it is not called");
        let _: Method<XmlRpc> = Method::raw(name, Description::default(), never);
    });
}

#[test]
fn any_text_type_is_a_name_in_calls_over_connections() {
    // It is enough that this compiles: the calls are not awaited.
    let client = Client::new("http://127.0.0.1:1").unwrap();
    fn calls<C: Caller>(caller: &C) {
        with_each!("f", |name| drop(caller.call::<i64>(name, ())));
        with_each!("f", |name| drop(caller.notify(name, ())));
    }
    let _: fn(&farcall::rpc::Client) = calls;
    let _: fn(&farcall::rpc::Remote<()>) = calls;
    fn blocks<C: BlockingCaller>(caller: &C, string: &String) {
        drop(caller.call::<i64>(string, ()));
    }
    let _: fn(&blocking::Client, &String) = blocks;
    calls(&client);
}
