//! Framed byte streams of a server.

use farcall::jsonrpc::{Framing, Service, Session, SessionOptions};
use farcall::{Caller as _, Context, Fault, Registry};

use super::{connected, exchange, service_with};

#[tokio::test]
async fn calls_of_one_connection_run_concurrently() {
    let io = connected(service_with(SessionOptions::default()), Framing::Lines).await;
    let answers = exchange(
        io,
        b"{\"jsonrpc\":\"2.0\",\"method\":\"sleep\",\"params\":[80],\"id\":1}\n\
          {\"jsonrpc\":\"2.0\",\"method\":\"sleep\",\"params\":[20],\"id\":2}\n\
          {\"jsonrpc\":\"2.0\",\"method\":\"add\",\"params\":[1,2]}\n\
          \n\
          {\"jsonrpc\":\"2.0\",\"method\":\"add\",\"params\":{\"a\":1,\"b\":2},\"id\":\"x\"}\n\
          {\n\
          [{\"jsonrpc\":\"2.0\",\"method\":\"add\",\"params\":[3,4],\"id\":null},5]",
    )
    .await;
    let lines: Vec<_> = answers.lines().collect();
    assert_eq!(lines.len(), 5, "{answers}");
    assert_eq!(lines[0], r#"{"jsonrpc":"2.0","result":3,"id":"x"}"#);
    assert!(lines[1].contains("-32700"), "{answers}");
    assert!(
        lines[2].starts_with(r#"[{"jsonrpc":"2.0","result":7,"id":null},"#),
        "{answers}"
    );
    assert!(lines[3].contains(r#""result":20,"id":2"#), "{answers}");
    assert!(lines[4].contains(r#""result":80,"id":1"#), "{answers}");
}

#[tokio::test]
async fn what_a_handler_sends_comes_before_its_answer() {
    let registry = Registry::new();
    registry
        .register_function(
            "work",
            async |cx: Context, part: u64| -> Result<u64, Fault> {
                // Calls that send something, and those that do not, come together.
                if let Some(client) = Session::of(&cx).filter(|_| part.is_multiple_of(3)) {
                    client.notify("progress", (part,)).await?;
                }
                Ok(part)
            },
        )
        .unwrap();
    let io = connected(Service::new(registry), Framing::Lines).await;
    let calls: String = (0..60)
        .map(|part| {
            format!(
                "{{\"jsonrpc\":\"2.0\",\"method\":\"work\",\"params\":[{part}],\"id\":{part}}}\n"
            )
        })
        .collect();
    let answers = exchange(io, calls.as_bytes()).await;
    let place = |text: &str| {
        answers
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {answers}"))
    };
    for part in 0..60 {
        let answer = place(&format!("\"result\":{part},"));
        if part % 3 == 0 {
            let progress = place(&format!("\"method\":\"progress\",\"params\":[{part}]"));
            assert!(progress < answer, "{part}: {answers}");
        }
    }
    assert_eq!(answers.lines().count(), 80, "{answers}");
}

#[tokio::test]
async fn messages_that_arrive_together_are_answered_in_order() {
    let io = connected(service_with(SessionOptions::default()), Framing::Lines).await;
    let call = |id| {
        format!("{{\"jsonrpc\":\"2.0\",\"method\":\"add\",\"params\":[{id},1],\"id\":{id}}}\n")
    };
    let calls: String = (0..500).map(call).collect();
    let expected: String = (0..500)
        .map(|id| {
            format!(
                "{{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":{id}}}\n",
                id + 1
            )
        })
        .collect();
    assert_eq!(exchange(io, calls.as_bytes()).await, expected);
}

#[tokio::test]
async fn headers_come_before_answers_too() {
    let io = connected(service_with(SessionOptions::default()), Framing::Headers).await;
    let request = r#"{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}"#;
    let message = format!("Content-Length: {}\r\n\r\n{request}", request.len());
    let answers = exchange(io, message.repeat(2).as_bytes()).await;
    let answer = "Content-Length: 35\r\n\r\n{\"jsonrpc\":\"2.0\",\"result\":3,\"id\":1}";
    assert_eq!(answers, answer.repeat(2));
}

#[tokio::test]
async fn a_message_that_breaks_the_framing_is_answered_and_ends_the_connection() {
    const NO_HEADER: &str = "there is no header";

    let options = SessionOptions::default().max_message(1000);
    let request = r#"{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}"#;
    let cases = [
        (
            Framing::Headers,
            "Content-Length: -5\r\n\r\n".to_owned(),
            NO_HEADER,
        ),
        (
            Framing::Headers,
            "Content-Length: 99999999999999999999999\r\n\r\n".to_owned(),
            NO_HEADER,
        ),
        (
            Framing::Headers,
            "Content-Length: 1001\r\n\r\n".to_owned(),
            "limit of 1000 bytes",
        ),
        (Framing::Headers, "x".repeat(10_000), "over 4096 bytes"),
        (Framing::Headers, request.to_owned(), NO_HEADER),
        (
            Framing::Headers,
            "Content-Len".to_owned(),
            "within a message",
        ),
        (Framing::Lines, "x".repeat(100_000), "limit of 1000 bytes"),
        (
            Framing::Lines,
            "GET / HTTP/1.1\r\n\r\n".to_owned(),
            "-32700",
        ),
    ];
    for (framing, bytes, expected) in cases {
        let io = connected(service_with(options), framing).await;
        let answer = exchange(io, bytes.as_bytes()).await;
        assert!(answer.contains(expected), "{bytes:.40}: {answer}");
    }
}

#[tokio::test]
async fn a_request_of_a_web_page_makes_no_call() {
    let request = r#"{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}"#;
    for framing in [Framing::Lines, Framing::Headers] {
        for path in ["/", "/:80", "http://127.0.0.1:80/"] {
            let http = format!(
                "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n{request}\n",
                request.len() + 1
            );
            let io = connected(service_with(SessionOptions::default()), framing).await;
            let answer = exchange(io, http.as_bytes()).await;
            assert_eq!(answer.matches("jsonrpc").count(), 1, "{answer}");
            assert!(answer.contains("-32700"), "{answer}");
        }
    }
}
