//! Requests that are too large in one dimension.

use super::case::{Case, assert_harmless, call, request, with_headers};
use super::victim;

const MIB: usize = 1 << 20;

#[tokio::test]
async fn heads_have_limits() {
    let first = |line: String| (line + " HTTP/1.1\r\nHost: victim\r\n\r\n").into_bytes();
    let headers = |headers: String| request(headers.trim_end(), &call("carrier"));
    let many = |number| {
        (0..number)
            .map(|n| format!("X{n}: y\r\n"))
            .collect::<String>()
    };
    let cases = [
        Case::new(
            "a method of 1 MiB",
            first(format!("{} /", "P".repeat(MIB))),
            "431",
        ),
        Case::new(
            "a path of 1 MiB",
            first(format!("POST /{}", "x".repeat(MIB))),
            "431",
        ),
        Case::new(
            "a path of 60 KiB",
            first(format!("POST /{}", "x".repeat(60 << 10))),
            "404, honest",
        ),
        Case::new(
            "a query of 60 KiB",
            first(format!("GET /RPC2?{}", "x".repeat(60 << 10))),
            "405, honest",
        ),
        Case::new(
            "a value of 1 MiB",
            headers(format!("X: {}", "y".repeat(MIB))),
            "431",
        ),
        Case::new(
            "a value of 60 KiB",
            headers(format!("X: {}", "y".repeat(60 << 10))),
            "carrier, honest",
        ),
        Case::new(
            "a name of 1 MiB",
            headers(format!("{}: y", "X".repeat(MIB))),
            "431",
        ),
        Case::new(
            "a name of 60 KiB",
            headers(format!("{}: y", "X".repeat(60 << 10))),
            "carrier, honest",
        ),
        Case::new(
            "spaces of 1 MiB before a value",
            headers(format!("X:{}y", " ".repeat(MIB))),
            "431",
        ),
        Case::new("101 headers", headers(many(98)), "431"),
        Case::new("10,000 headers", headers(many(10_000)), "431"),
        Case::new(
            "100,000 empty headers",
            headers("X:\r\n".repeat(100_000)),
            "431",
        ),
        Case::new(
            "100,000 letters before the first line",
            vec![b'x'; 100_000],
            "405",
        ),
        Case::new(
            "1 MiB of CRLF before the first line",
            b"\r\n".repeat(MIB / 2),
            "431",
        ),
        Case::new(
            "a head without an end",
            headers("X: y\r\n".repeat(MIB))[..MIB].to_vec(),
            "431",
        )
        .ends(),
        Case::new(
            "a line without an end",
            first("x".repeat(MIB))[..MIB].to_vec(),
            "431",
        )
        .ends(),
        Case::new(
            "a cookie of 60 KiB",
            headers(format!("Cookie: {}", "a=b; ".repeat(12 << 10))),
            "carrier, honest",
        ),
        Case::new(
            "a range of 10,000 parts",
            headers(format!("Range: bytes={}", "0-,".repeat(10_000))),
            "carrier, honest",
        ),
        Case::new(
            "10,000 codings to accept",
            headers(format!("Accept-Encoding: {}", "x;q=1,".repeat(10_000))),
            "carrier, honest",
        ),
        Case::new(
            "10,000 parameters of the content type",
            headers(format!("Content-Type: text/xml{}", ";a=b".repeat(10_000))),
            "carrier, honest",
        ),
        Case::new(
            "10,000 options of the connection",
            headers(format!("Connection: {}", "x,".repeat(10_000))),
            "carrier, honest",
        ),
    ];
    assert_harmless(&victim().await, cases).await;
}

#[tokio::test]
async fn bodies_have_limits() {
    let chunks = |size: usize, count: usize| {
        let chunk = [
            format!("{size:x}\r\n").as_bytes(),
            &b" ".repeat(size),
            b"\r\n",
        ]
        .concat();
        let body = [chunk.repeat(count), b"0\r\n\r\n".to_vec()].concat();
        with_headers("Transfer-Encoding: chunked", body)
    };
    let cases = [
        Case::new(
            "a body of one byte too many",
            request("X: y", &" ".repeat(16 * MIB + 1)),
            "413",
        ),
        Case::new(
            "a body of 16 MiB of nothing",
            request("X: y", &" ".repeat(16 * MIB)),
            "fault -32700, honest",
        ),
        Case::new("17 chunks of 1 MiB", chunks(MIB, 17), "413"),
        Case::new("one chunk of 17 MiB", chunks(17 * MIB, 1), "413"),
        Case::new(
            "100,000 chunks of a byte",
            chunks(1, 100_000),
            "fault -32700, honest",
        ),
        Case::new(
            "a body beyond the limit that another length covers up",
            with_headers(
                format!("Transfer-Encoding: chunked\r\nContent-Length: {}", 5),
                &chunks(MIB, 17)[88..],
            ),
            "400",
        ),
        Case::new(
            "a body that was not requested",
            [
                b"POST /nowhere HTTP/1.1\r\nHost: victim\r\nContent-Length: 1073741824\r\n\r\n"
                    .to_vec(),
                b" ".repeat(20 * MIB),
            ]
            .concat(),
            "404",
        ),
    ];
    assert_harmless(&victim().await, cases).await;
}

/// Calls that exceed a limit, and the resulting faults.
#[tokio::test]
async fn calls_have_limits() {
    let call = |method: &str, params: &str| {
        let document = format!(
            "<methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>"
        );
        request("X: y", &document)
    };
    let param = |value: &str| format!("<param><value>{value}</value></param>");
    let run = |value: &str| call("ledger.run", &param(value));
    let echo = |value: &str| call("echo", &param(value));
    let array = |content: String| {
        call(
            "sum",
            &param(&format!("<array><data>{content}</data></array>")),
        )
    };
    let members = |members: String| run(&format!("<struct>{members}</struct>"));
    let long = "x".repeat(15 * MIB);
    let text = &long[..2 * MIB];
    let cases = [
        Case::new("a name of 15 MiB", call(&long, ""), "fault -32600, honest"),
        Case::new(
            "300,000 parameters",
            call("add", &param("").repeat(300_000)),
            "fault -32602, honest",
        ),
        Case::new(
            "a million values",
            array("<value/>".repeat(1_000_001)),
            "fault -32600, honest",
        ),
        Case::new(
            "as many values as fit",
            array("<value/>".repeat(900_000)),
            "fault -32602, honest",
        ),
        Case::new(
            "300,000 integers",
            array("<value><int>1</int></value>".repeat(300_000)),
            "300000, honest",
        ),
        Case::new(
            "300,000 arrays",
            array("<value><array><data/></array></value>".repeat(300_000)),
            "fault -32602, honest",
        ),
        Case::new(
            "300,000 structs",
            array("<value><struct/></value>".repeat(300_000)),
            "fault -32602, honest",
        ),
        Case::new(
            "200,000 members",
            members(
                (0..200_000)
                    .map(|n| format!("<member><name>{n}</name><value/></member>"))
                    .collect(),
            ),
            "fault -32602, honest",
        ),
        Case::new(
            "200,000 members of one name",
            members("<member><name>x</name><value/></member>".repeat(200_000)),
            "fault -32602, honest",
        ),
        Case::new(
            "a member with a name of 15 MiB",
            members(format!("<member><name>{long}</name><value/></member>")),
            "fault -32602, honest",
        ),
        Case::new(
            "an integer of 1,000,000 digits",
            run(&format!("<int>{}</int>", "1".repeat(1_000_000))),
            "fault -32600, honest",
        ),
        Case::new(
            "an integer of 2 MiB of zeros",
            run(&format!("<int>{}</int>", "0".repeat(2 * MIB))),
            "fault -32602, honest",
        ),
        Case::new(
            "a double of 1,000,000 digits",
            call(
                "divide",
                &param(&format!("<double>1.{}</double>", "1".repeat(1_000_000))).repeat(2),
            ),
            "1.0, honest",
        ),
        Case::new(
            "a double of 1,000,000 exponents",
            call(
                "divide",
                &param(&format!("<double>1e{}</double>", "9".repeat(1_000_000))).repeat(2),
            ),
            "fault -32600, honest",
        ),
        Case::new(
            "a date of 2 MiB",
            echo(&format!("<dateTime.iso8601>{text}</dateTime.iso8601>")),
            // An invalid date is kept as text.
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, honest",
        ),
        Case::new(
            "invalid base64 of 2 MiB",
            run(&format!("<base64>{}=A</base64>", "A".repeat(2 * MIB))),
            "fault -32600, honest",
        ),
        Case::new(
            "base64 of 2 MiB of spaces",
            run(&format!("<base64>{}</base64>", " ".repeat(2 * MIB))),
            "fault -32602, honest",
        ),
        Case::new(
            "a type with a name of 2 MiB",
            run(&format!("<{text}/>")),
            "fault -32600, honest",
        ),
        Case::new(
            "an attribute of 2 MiB",
            run(&format!("<int x='{text}'>1</int>")),
            "fault -32602, honest",
        ),
        Case::new(
            "1,000,000 attributes",
            run(&format!("<int{}>1</int>", " x='y'".repeat(1_000_000))),
            "fault -32602, honest",
        ),
        Case::new(
            "a comment of 2 MiB",
            run(&format!("<!--{text}--><nil/>")),
            "fault -32602, honest",
        ),
        Case::new(
            "1,000,000 comments",
            run(&format!("{}<nil/>", "<!---->".repeat(1_000_000))),
            "fault -32602, honest",
        ),
        Case::new(
            "a processing instruction of 2 MiB",
            run(&format!("<?x {text}?><nil/>")),
            "fault -32602, honest",
        ),
        Case::new(
            "1,000,000 sections of CDATA",
            run(&format!("<int>{}</int>", "<![CDATA[]]>".repeat(1_000_000))),
            "fault -32600, honest",
        ),
        Case::new(
            "1,000,000 references",
            run(&format!("<int>{}</int>", "&#120;".repeat(1_000_000))),
            "fault -32600, honest",
        ),
        Case::new(
            "a reference of 2 MiB",
            run(&format!("<int>&{text};</int>")),
            "fault -32700, honest",
        ),
        Case::new(
            "an end tag of 2 MiB",
            run(&format!("<int>1</{text}>")),
            "fault -32700, honest",
        ),
        Case::new(
            "a fault that repeats a name of 2 MiB",
            call("ledger.runs", &format!("<{text}/>")),
            "fault -32600, honest",
        ),
    ];
    assert_harmless(&victim().await, cases).await;
}

#[tokio::test]
async fn echoed_values_stay_within_the_memory_limit() {
    let echo = |value: &str| {
        let document = format!(
            "<methodCall><methodName>echo</methodName><params><param><value>{value}</value></param>\
             </params></methodCall>"
        );
        request("X: y", &document)
    };
    let array = |content: String| echo(&format!("<array><data>{content}</data></array>"));
    let cases = [
        Case::new(
            "15 MiB of markup",
            echo(&"&lt;".repeat(15 * MIB / 4)),
            "&lt;&lt;&lt;&lt;&lt;&lt;&lt;&lt;&lt;&lt;, honest",
        ),
        Case::new("empty strings", array("<value/>".repeat(900_000)), "honest"),
        Case::new(
            "arrays of one value",
            array("<value><array><data><value/></data></array></value>".repeat(300_000)),
            "honest",
        ),
        Case::new(
            "structs of one member",
            array(
                "<value><struct><member><name/><value/></member></struct></value>".repeat(240_000),
            ),
            "honest",
        ),
        Case::new(
            "doubles that are written ten times as long",
            array("<value><double>1e300</double></value>".repeat(90_000)),
            "1000000000000000000000000000000000000000, honest",
        ),
        Case::new(
            "doubles that would be more than a reply can be",
            array("<value><double>1e300</double></value>".repeat(200_000)),
            "fault -32603, honest",
        ),
        Case::new(
            "characters that are written longer than read",
            echo(&"&#38;".repeat(3 * MIB)),
            "&amp;&amp;&amp;&amp;&amp;&amp;&amp;&amp;, honest",
        ),
        Case::new(
            "empty structs",
            array("<value><struct/></value>".repeat(600_000)),
            "honest",
        ),
    ];
    // A new victim for each, as memory that the allocator keeps would add to the next peak.
    for case in cases {
        assert_harmless(&victim().await, [case]).await;
    }
}
