//! Messages of strangers that are no calls, or hardly.

use farcall::cluster::nats::{Client, ClientOptions, Connection, Gather, Server, ServerOptions};
use farcall::cluster::{HostGroups, ServiceGroups};
use farcall::protocol::http::HeaderValue;
use farcall::{CallError, Caller as _, Context, Execution, TraceContext};

use super::{client, serves};
use crate::failures::until;
use crate::raw::Raw;
use crate::server::NatsServer;
use crate::start;

#[tokio::test(flavor = "multi_thread")]
async fn reply_subjects_of_any_kind_break_nothing() {
    let nats = NatsServer::start();
    let (served, called) = (nats.connect().await, nats.connect().await);
    let running = start(&served, "demo", ServerOptions::default()).await;
    let other = start(&nats.connect().await, "other", ServerOptions::default()).await;
    let _short = start(&served, "d", ServerOptions::default()).await;
    let client = client(&called, "demo");
    let sleeping = {
        let client = client.clone();
        tokio::spawn(async move { client.call::<u64>("sleep", (2000,)).await })
    };
    until("the call is sent", async || called.waiting() == 1).await;
    let mut raw = Raw::connect(&nats).await;
    let connects = |connection: &Connection| {
        let statistics = connection.client().statistics();
        statistics
            .connects
            .load(std::sync::atomic::Ordering::Relaxed)
    };
    let before = connects(&served);
    let replies = [
        "demo.*",
        "demo.>",
        ">",
        "*",
        "$SYS.>",
        "$SYS.REQ.SERVER.PING",
        "_INBOX.>",
        "a..b",
        ".",
        "a.",
        "demo.echo",
        "demo.add",
        "other.run",
        "farcall.all.other.run",
        "farcall.cancel.demo",
        "farcall.session.demo",
        "$SRV.PING",
        "$SRV.INFO.demo",
        "$SRV.STATS",
        "\u{fe0f}\u{200b}",
    ];
    for reply in replies {
        raw.publish("demo.echo", reply, "[[\"token\"]]").await;
        raw.publish("demo.add", reply, "[3,5]").await;
        raw.publish("demo.x", reply, "[3,5]").await;
        raw.publish("$SRV.PING", reply, "").await;
        raw.publish("farcall.all.demo.fail", reply, "[1,\"a\"]")
            .await;
        raw.settle().await;
    }
    // The longest line that the NATS server takes of a stranger, and those before: the line of the
    // answer would be longer.
    for length in 4060..=4088 {
        let reply = "r".repeat(length);
        raw.publish("d.big", &reply, "[900000]").await;
        raw.settle().await;
    }
    serves(&client, "odd reply subjects").await;
    assert_eq!(
        sleeping.await.unwrap().unwrap(),
        2000,
        "its connection did not break"
    );
    assert_eq!(connects(&served), before);
    assert!(
        other.ledger.runs().is_empty(),
        "an answer was run as a call"
    );
    // Names of methods can be as long, on the side of callers.
    for length in [1000, 1100, 4000, 4050, 5000, 2_000_000] {
        let error = client
            .call::<()>("m".repeat(length).as_str(), ())
            .await
            .unwrap_err();
        assert_eq!(error.execution(), Execution::Never, "{length}: {error:?}");
    }
    assert_eq!(connects(&called), before);
    // And on the side of services.
    for length in [1000, 1100, 5000] {
        let server = &running.server;
        server
            .register_function("m".repeat(length).as_str(), || 1)
            .unwrap();
    }
    let long = "m".repeat(1000);
    until("a long name is offered", async || {
        client.call::<i64>(long.as_str(), ()).await.is_ok()
    })
    .await;
    assert_eq!(connects(&served), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_of_any_kind_are_refused_or_read() {
    let nats = NatsServer::start();
    let (served, called) = (nats.connect().await, nats.connect().await);
    let _running = start(&served, "demo", ServerOptions::default()).await;
    let client = client(&called, "demo");
    let mut raw = Raw::connect(&nats).await;
    raw.subscribe("answers.*").await;
    let deep = "[".repeat(1_000_000);
    let bodies: [&[u8]; 9] = [
        b"{",
        b"[1",
        b"\xff\xfe\xfd",
        b"[1,2,3,4]",
        b"null",
        b"[\"\\ud800\",1]",
        &[0xdd; 5],
        &[0x93; 9],
        deep.as_bytes(),
    ];
    for format in [
        "application/json",
        "application/msgpack",
        "application/vnd.farcall.bincode",
        "x/y",
    ] {
        let headers = format!("NATS/1.0\r\nContent-Type: {format}\r\n\r\n");
        for body in bodies {
            let body = &body[..body.len().min(1_000_000 - headers.len())];
            raw.publish_with("demo.add", "answers.1", &headers, body)
                .await;
            let answer = raw.next().await;
            let fault = answer.header("Farcall-Fault");
            assert!(
                fault.is_some(),
                "{format} {:?}: {answer:?}",
                &body[..body.len().min(9)]
            );
        }
    }
    serves(&client, "odd arguments").await;
    assert_eq!(called.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_without_replies_is_over_when_it_is_over() {
    let nats = NatsServer::start();
    let (served, called) = (nats.connect().await, nats.connect().await);
    let options = ServerOptions::default().max_calls(100);
    let running = start(&served, "demo", options).await;
    let client = client(&called, "demo");
    let mut raw = Raw::connect(&nats).await;
    let headers = "NATS/1.0\r\nFarcall-Timeout: 2000000\r\n\r\n";
    for round in 0..50 {
        for _ in 0..100 {
            raw.publish_with("demo.sleep", "", headers, "[3600000]")
                .await;
            raw.publish("demo.run", "", format!("[\"{round}\"]")).await;
            raw.publish("$SRV.INFO", "", "").await;
            raw.publish("farcall.cancel.demo", "", "x").await;
        }
    }
    raw.settle().await;
    serves(&client, "a flood").await;
    assert!(!running.task.is_finished());
    assert_eq!(called.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_becomes_a_header_of_its_own() {
    let nats = NatsServer::start();
    let (served, called) = (nats.connect().await, nats.connect().await);
    let options = ServerOptions::default()
        .description("a\r\nEvil: 1\r\n\r\n")
        .metadata("b\r\nEvil: 1", "c\r\nEvil: 1");
    let running = start(&served, "demo", options).await;
    let mut raw = Raw::connect(&nats).await;
    raw.subscribe(">").await;
    let calls = client(&called, "demo").to_instance(&running.id).unwrap();
    let ends = [
        "\r\n",
        "\r",
        "\n",
        "\r\n\r\n",
        "\u{b}",
        "\u{85}",
        "\u{2028}",
        "\0",
        "\u{1b}[2J",
    ];
    for end in ends {
        let text = format!("a{end}Evil: 1{end}PUB demo.run 7{end}[\"ran\"]{end}");
        let error = calls.call::<()>("fail", (7, &text)).await.unwrap_err();
        assert_eq!(error.fault().unwrap().message(), text);
        let error = calls.call::<()>(text.as_str(), ()).await.unwrap_err();
        assert_eq!(error.execution(), Execution::Never, "{error:?}");
        assert!(calls.to_instance(&text).is_err());
        assert!(Client::new(&called, &text).is_err());
        for (name, value) in [("X-Token", text.as_str()), (text.as_str(), "a")] {
            let options = ClientOptions::default().header(name, value);
            let client = Client::with_options(&called, "demo", options).unwrap();
            let error = client.call::<i64>("add", (3, 5)).await.unwrap_err();
            assert!(matches!(error, CallError::NotSent(_)), "{error:?}");
            assert!(error.to_string().len() + format!("{error:?}").len() > 20);
            assert!(!format!("{error:?}").contains('\r'), "{error:?}");
            let all = client.call_all::<i64>(Context::new("add"), (3, 5), Gather::default());
            assert!(matches!(all.await, Err(CallError::NotSent(_))));
            assert!(client.notify("add", (3, 5)).await.is_err());
        }
        for options in [
            ServerOptions::default().id(&text),
            ServerOptions::default().version(&text),
        ] {
            assert!(
                Server::with_options("demo", options)
                    .bind(&served)
                    .await
                    .is_err()
            );
        }
        assert!(Server::new(text.as_str()).bind(&served).await.is_err());
    }
    // A header that HTTP permits and NATS does not.
    let latin = HeaderValue::from_bytes(b"\xe9").unwrap();
    let context = Context::new("add").with_header("x-name".parse().unwrap(), latin);
    let error = calls.call_in::<i64>(context, (3, 5)).await.unwrap_err();
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
    // Headers of the protocol keep their values, in whatever case.
    let html = HeaderValue::from_static("text/html");
    let context = Context::new("add").with_header("content-type".parse().unwrap(), html);
    assert_eq!(calls.call_in::<i64>(context, (3, 5)).await.unwrap(), 8);
    let trace = TraceContext::new([1; 16], [2; 8], 1)
        .unwrap()
        .with_state("a=1");
    let context = Context::new("add").with_trace(trace);
    assert_eq!(calls.call_in::<i64>(context, (3, 5)).await.unwrap(), 8);

    let known = [
        "Content-Type",
        "Farcall-Timeout",
        "Farcall-Clock",
        "Farcall-Instance",
        "Farcall-Fault",
        "Nats-Service-Error",
        "Nats-Service-Error-Code",
        "traceparent",
        "tracestate",
    ];
    let seen = raw.all().await;
    assert!(seen.len() > 30, "{}", seen.len());
    for message in seen {
        assert!(message.subject.is_ascii() && !message.subject.starts_with("demo.run"));
        let headers = String::from_utf8(message.headers).unwrap();
        let is_end = |c: char| c.is_control() || "\u{2028}\u{2029}".contains(c);
        let lines = headers.split(is_end).filter(|line| !line.is_empty());
        for line in lines.filter(|line| !line.starts_with("NATS/1.0")) {
            let name = line.split_once(": ").map(|(name, _)| name);
            assert!(
                name.is_some_and(|name| known.contains(&name)),
                "{headers:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_who_claim_to_be_instances_are_hosts_only_by_their_names() {
    let nats = NatsServer::start();
    let called = nats.connect().await;
    let running = start(&nats.connect().await, "demo", ServerOptions::default()).await;
    let mut raw = Raw::connect(&nats).await;
    raw.subscribe("$SRV.>").await;
    let (done, mut is_done) = tokio::sync::oneshot::channel::<()>();
    let answering = tokio::spawn(async move {
        loop {
            let question = tokio::select! {
                _ = &mut is_done => return,
                question = raw.next() => question,
            };
            for (name, id) in [
                ("demo", "evil,@all"),
                ("demo", "evil[1-100000]"),
                ("demo", "\\u001b[2J"),
                ("demo", "a.b.>"),
                ("demo", ""),
                ("other", "evil"),
                ("*", "evil"),
            ] {
                let metadata = "\"metadata\":{\"farcall\":\"1\"}";
                let answer = format!("{{\"name\":\"{name}\",\"id\":\"{id}\",{metadata}}}");
                raw.publish(question.reply.as_ref().unwrap(), "", &answer)
                    .await;
            }
            for answer in ["", "{", "[]", "{\"name\":5}", "\u{0}"] {
                raw.publish(question.reply.as_ref().unwrap(), "", answer)
                    .await;
            }
        }
    });
    let client = Client::new(&called, "demo").unwrap();
    let found = client.instances(Gather::default()).await.unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|found| found.instance().unwrap())
        .collect();
    assert_eq!(found, [running.id.as_str()]);
    let groups = HostGroups::new().source("nats", ServiceGroups::new(&called));
    let hosts = groups.resolve("@nats:demo").await.unwrap();
    assert_eq!(hosts.iter().collect::<Vec<_>>(), [running.id.as_str()]);
    for odd in ["a b", "*", ">", "a\r\nPUB x 0", "a.b", ""] {
        assert_eq!(called.ping(Some(odd), Gather::default()).await.unwrap(), []);
    }
    drop(done);
    answering.await.unwrap();
}
