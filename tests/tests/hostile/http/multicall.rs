//! Many calls in one request: the limits of their cost and of what they may do.

use super::case::{Case, assert_harmless, request};
use super::victim;

/// Returns a multicall of these calls.
fn multicall(calls: &str) -> Vec<u8> {
    request(
        "X: y",
        &document(&format!("<array><data>{calls}</data></array>")),
    )
}

fn document(value: &str) -> String {
    format!(
        "<methodCall><methodName>system.multicall</methodName><params><param><value>{value}</value>\
         </param></params></methodCall>"
    )
}

/// Returns one call of a multicall.
fn entry(method: &str, params: &str) -> String {
    format!(
        "<value><struct><member><name>methodName</name><value>{method}</value></member><member>\
         <name>params</name><value><array><data>{params}</data></array></value></member></struct></value>"
    )
}

#[tokio::test]
async fn a_multicall_costs_no_more_than_its_limits() {
    let run = entry("ledger.run", "<value>carrier</value>");
    let blob = entry("blob", "<value><int>4194304</int></value>");
    let smuggled = "<value>smuggled</value>";
    let cases = [
        Case::new(
            "1001 calls",
            multicall(&entry("ledger.run", smuggled).repeat(1001)),
            "fault -32600, honest",
        ),
        Case::new(
            "50,000 calls",
            multicall(&entry("ledger.run", smuggled).repeat(50_000)),
            "fault -32600, honest",
        ),
        Case::new(
            "1000 calls",
            multicall(&run.repeat(1000)),
            "carrier, honest",
        ),
        Case::new("no call", multicall(""), "honest"),
        Case::new(
            "a multicall in a multicall",
            multicall(&entry(
                "system.multicall",
                &format!(
                    "<value><array><data>{}</data></array></value>",
                    entry("ledger.run", smuggled)
                ),
            )),
            "within fault -32600, honest",
        ),
        Case::new(
            "spaces around the name of a multicall",
            multicall(&entry(
                " system.multicall ",
                "<value><array><data/></array></value>",
            )),
            "within fault -32601, honest",
        ),
        Case::new(
            "replies that grow",
            multicall(&blob.repeat(6)),
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd, honest",
        ),
        Case::new(
            "a name of 10 MiB",
            multicall(&entry(&"x".repeat(10 << 20), "")),
            "within fault -32600, honest",
        ),
        Case::new(
            "a name that is an integer",
            multicall(&run.replace("<value>ledger.run</value>", "<value><int>1</int></value>")),
            "within fault -32602, honest",
        ),
        Case::new(
            "a name that is an array",
            multicall(&run.replace(
                "<value>ledger.run</value>",
                "<value><array><data/></array></value>",
            )),
            "within fault -32602, honest",
        ),
        Case::new(
            "parameters that are a text",
            multicall(
                "<value><struct><member><name>methodName</name><value>ledger.run</value></member><member><name>params</name><value>smuggled</value></member></struct></value>",
            ),
            "within fault -32600, honest",
        ),
        Case::new(
            "parameters that are a struct",
            multicall(
                "<value><struct><member><name>methodName</name><value>ledger.run</value></member><member><name>params</name><value><struct/></value></member></struct></value>",
            ),
            "within fault -32600, honest",
        ),
        Case::new(
            "no parameters",
            multicall(
                "<value><struct><member><name>methodName</name><value>ledger.run</value></member></struct></value>",
            ),
            "within fault -32602, honest",
        ),
        Case::new(
            "no name",
            multicall(&run.replace("methodName", "method")),
            "within fault -32602, honest",
        ),
        Case::new(
            "a name twice",
            multicall(&run.replace(
                "<struct>",
                "<struct><member><name>methodName</name><value>x</value></member>",
            )),
            "within fault -32602, honest",
        ),
        Case::new(
            "a call that is a text",
            multicall(smuggled),
            "within fault -32602, honest",
        ),
        Case::new(
            "a call that is an array",
            multicall("<value><array><data/></array></value>"),
            "within fault -32602, honest",
        ),
        Case::new(
            "no list",
            request("X: y", &document("smuggled")),
            "fault -32602, honest",
        ),
        Case::new(
            "a struct for the list",
            request("X: y", &document("<struct/>")),
            "fault -32602, honest",
        ),
        Case::new(
            "two lists",
            request(
                "X: y",
                &document("<array><data/></array>")
                    .replace("</params>", "<param><value/></param></params>"),
            ),
            "fault -32602, honest",
        ),
        Case::new(
            "a call that breaks the document behind calls that do not",
            multicall(&(entry("ledger.run", smuggled) + "<value><int>")),
            "fault -32700, honest",
        ),
        Case::new(
            "a broken end behind calls that are whole",
            request(
                "X: y",
                &document(&format!(
                    "<array><data>{}</data></array>",
                    entry("ledger.run", smuggled)
                ))
                .replace("</methodCall>", "</methodCal>"),
            ),
            "fault -32600, honest",
        ),
    ];
    assert_harmless(&victim().await, cases).await;
}
