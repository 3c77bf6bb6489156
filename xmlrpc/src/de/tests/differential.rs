//! Differential test: the reader must return the same values and errors as quick-xml alone.
//!
//! Set `PROPTEST_CASES=1000000` in the environment for a long run.

#[path = "../../../tests/two_readers/mod.rs"]
mod two_readers;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::subject;
use two_readers::compare;

/// Text between tags: mostly empty or white space.
const GAPS: &[&str] = &[
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "\n",
    "\r\n  ",
    "\t",
    " ",
    "<!-- a -->",
    "<?pi?>",
    "&#10;",
    "<![CDATA[ ]]>",
    "x",
    "&amp;",
    "\u{1}",
    "é",
];

/// Valid values, and invalid ones that resemble them.
const SCALARS: &[&str] = &[
    "<int>1</int>",
    "<int>-7</int>",
    "<i4>+12</i4>",
    "<i8>9223372036854775807</i8>",
    "<i8>9223372036854775808</i8>",
    "<i8>000000000000000000000000000000000001</i8>",
    "<int> 5\n</int>",
    "<int></int>",
    "<int/>",
    "<int>-</int>",
    "<int>1<!-- -->2</int>",
    "<int>&#49;</int>",
    "<int>1</i4>",
    "<int>1 </int >",
    "<i1>1</i1>",
    "<i2>2</i2>",
    "<ex:i8 xmlns:ex='e'>1</ex:i8>",
    "<ex:i8>1</ex:i8>",
    "<boolean>1</boolean>",
    "<boolean>0</boolean>",
    "<boolean>true</boolean>",
    "<boolean> 0 </boolean>",
    "<boolean>2</boolean>",
    "<double>1.5</double>",
    "<double>-0.25e3</double>",
    "<double>1e999</double>",
    "<double>nan</double>",
    "<double> -Infinity </double>",
    "<double>INF</double>",
    "<double>infinit</double>",
    "<double>.5</double>",
    "<float>1</float>",
    "<double>  7  </double>",
    "<string>text</string>",
    "<string>a longer text, of more than a hundred and twenty-eight characters, so that it is read \
     in all the ways in which texts are read, whatever their length may be</string>",
    "<string></string>",
    "<string/>",
    "<string>a &amp; b &lt;&#233;&gt;</string>",
    "<string>line\r\nline\rline\n</string>",
    "<string>Zoë Ångström 🦀</string>",
    "<string>\u{fffd}\u{ff01}</string>",
    "<string>\u{ffff}</string>",
    "<string>a\u{0}</string>",
    "<string>a\u{8}\r\nb\u{1f}</string>",
    "<string>a&#8;b&#xFFFE;&#xD800;</string>",
    "<string>a&#x110000;</string>",
    "<string>a<![CDATA[\u{8}]]>b</string>",
    "<string><!-- \u{8} -->b</string>",
    "<string a='\u{8}'>b</string>",
    "<string>]]></string>",
    "<string>a<![CDATA[<b>&amp;]]>c</string>",
    "<string>&nbsp;</string>",
    "<string>&</string>",
    "<string>&amp</string>",
    "<string>a<b/></string>",
    "<string a='1'>a</string>",
    "<string\n>a</string\t>",
    "<nil/>",
    "<nil></nil>",
    "<nil> </nil>",
    "<nil>x</nil>",
    "<ex:nil/>",
    "<nil />",
    "<base64>YWI=</base64>",
    "<base64>\nYWJj\r\nYWI\n</base64>",
    "<base64>Y*</base64>",
    "<base64>YWI</base64>",
    "<base64>YWJ=</base64>",
    "<base64>YW I=</base64>",
    "<base64>YWI=&#10;</base64>",
    "<base64></base64>",
    "<base64/>",
    "<base64>YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY3ODkwYWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo=\n\
     YWJj</base64>",
    "<dateTime.iso8601>19980717T14:08:55</dateTime.iso8601>",
    "<dateTime.iso8601> 1998-07-17T14:08:55Z </dateTime.iso8601>",
    "<dateTime>19980717T14:08:55</dateTime>",
    "<dateTime.iso8601>yesterday</dateTime.iso8601>",
    "<dateTime.iso8601>00000000T00:00:00</dateTime.iso8601>",
    "<dateTime.iso8601/>",
    "<dateTime.iso8601>19980717T24:00:00</dateTime.iso8601>",
    "<bigdecimal>1.25</bigdecimal>",
    "<biginteger>170141183460469231731687303715884105728</biginteger>",
    "<biginteger>18446744073709551616</biginteger>",
    "<array/>",
    "<array><data/></array>",
    "<array><value/></array>",
    "<array>\n<value><int>1</int></value> <value>a</value></array>",
    "<array><value/><data/></array>",
    "<array><value/></data></array>",
    "<struct/>",
    "<struct></struct>",
    "<struct><member><value><int>1</int></value><name>id</name></member></struct>",
    "<struct><member><value/><name>name</name></member></struct>",
    "<struct><member><value/></member></struct>",
    "<struct><member><value/><name>a</name><name>b</name></member></struct>",
    "<foo/>",
    "plain",
    " 4 ",
    "",
    "&lt;",
    "<int>1</int><int>2</int>",
];

const NAMES: &[&str] = &[
    "id", "name", "on", "when", "data", "list", "id", "", "é", "a&amp;b", " id", "<b/>",
];

/// Whole documents as peers write them.
const REAL: &[&str] = &[
    "<methodResponse><params/></methodResponse>",
    "<?xml version='1.0'?><methodResponse><params>\n<param/></params></methodResponse>",
    "<methodResponse><params><param></param></params></methodResponse>\n",
    "<methodResponse/>",
    "<methodResponse><fault/></methodResponse>",
    "<methodResponse><fault><struct><member><name>faultCode</name><value><int>4</int></value></member></struct></fault></methodResponse>",
    "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><struct>\n<member>\n<name>id</name>\n<value><int>7</int></value>\n</member>\n<member>\n<name>name</name>\n<value><string>Ada &amp; co</string></value>\n</member>\n<member>\n<name>on</name>\n<value><boolean>1</boolean></value>\n</member>\n<member>\n<name>when</name>\n<value><dateTime.iso8601>19980717T14:08:55</dateTime.iso8601></value>\n</member>\n<member>\n<name>data</name>\n<value><base64>\nYWJj\n</base64></value>\n</member>\n<member>\n<name>list</name>\n<value><array><data>\n<value><double>1.5</double></value>\n</data></array></value>\n</member>\n</struct></value>\n</param>\n</params>\n</methodResponse>\n",
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<methodResponse>\r\n<params>\r\n<param><value><struct>\r\n<member><name>id</name>\r\n<value><i4>1</i4></value></member>\r\n<member><name>list</name>\r\n<value><array><data>\r\n<value><double>3.5</double></value>\r\n</data></array></value></member>\r\n</struct></value></param>\r\n</params>\r\n</methodResponse>\r\n",
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><methodResponse xmlns:ex=\"http://ws.apache.org/xmlrpc/namespaces/extensions\"><params><param><value><struct><member><name>id</name><value><ex:i8>5</ex:i8></value></member><member><name>name</name><value>plain</value></member><member><name>on</name><value><ex:nil/></value></member></struct></value></param></params></methodResponse>",
    "<?xml version=\"1.0\"?><methodCall><methodName>system.listMethods</methodName><params><param><value><int>3</int></value></param><param><value><int>5</int></value></param></params></methodCall>",
    "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n<value><int>1</int></value>\n</member>\n<member>\n<name>faultString</name>\n<value><string>&lt;class 'Exception'&gt;:no</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n",
];

/// Bytes that are inserted into documents, or replace a part of them.
const SHARDS: &[&[u8]] = &[
    b"",
    b"<",
    b">",
    b"/",
    b"&",
    b";",
    b" ",
    b"\r",
    b"\n",
    b"\0",
    b"\x1f",
    b"\xff",
    b"\xc3",
    b"\xef\xbf\xbf",
    b"\xef\xbb\xbf",
    b"\xc3\xa9",
    b"'",
    b"\"",
    b"=",
    b"!",
    b"?",
    b"-",
    b":",
    b"<value>",
    b"</value>",
    b"<value/>",
    b"<nil/>",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"<?",
    b"?>",
    b"<?xml version='1.0'?>",
    b"<!DOCTYPE a>",
    b"&amp;",
    b"&#x41;",
    b"&b;",
    b" a='1'",
    b"<int>",
    b"</int>",
    b"<struct>",
    b"</data></array>",
    b"<x:value>",
    b"</x:value>",
    b"9",
    b"e",
];

fn gap() -> impl Strategy<Value = &'static str> {
    select(GAPS)
}

/// Gaps that are mostly white space, so that most documents are read to the end.
fn calm() -> impl Strategy<Value = &'static str> {
    prop_oneof![8 => Just(""), 2 => Just("\n"), 1 => Just("<!-- -->"), 1 => gap()]
}

fn value() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        6 => select(SCALARS).prop_map(str::to_owned),
        1 => any::<i64>().prop_map(|n| format!("<int>{n}</int>")),
        1 => any::<f64>().prop_map(|n| format!("<double>{n}</double>")),
        1 => "\\PC{0,40}".prop_map(|text| format!("<string>{text}</string>")),
        1 => "[ -;=-~é]{0,90}".prop_map(|text| format!("<string>{text}</string>")),
    ];
    let content = scalar.prop_recursive(4, 24, 6, |inner| {
        let list = prop::collection::vec((inner.clone(), calm()), 0..5).prop_map(|values| {
            let values = values
                .into_iter()
                .map(|(value, gap)| format!("<value>{value}</value>{gap}"));
            format!("<array><data>{}</data></array>", values.collect::<String>())
        });
        let bare = prop::collection::vec((inner.clone(), calm()), 0..4).prop_map(|values| {
            let values = values
                .into_iter()
                .map(|(value, gap)| format!("{gap}<value>{value}</value>"));
            format!("<array>{}</array>", values.collect::<String>())
        });
        let turned = prop::collection::vec((select(NAMES), calm(), inner.clone(), calm()), 0..6);
        let turned = turned.prop_map(|members| {
            let members = members.into_iter().map(|(name, before, value, behind)| {
                format!(
                    "<member>{before}<value>{value}</value>{behind}<name>{name}</name></member>{before}"
                )
            });
            format!("<struct>{}</struct>", members.collect::<String>())
        });
        let members = prop::collection::vec((select(NAMES), calm(), inner, calm()), 0..6);
        let members = members.prop_map(|members| {
            let members = members.into_iter().map(|(name, before, value, behind)| {
                format!(
                    "<member>{before}<name>{name}</name><value>{value}</value>{behind}</member>{before}"
                )
            });
            format!("<struct>{}</struct>", members.collect::<String>())
        });
        prop_oneof![3 => list, 1 => bare, 3 => members, 2 => turned]
    });
    (calm(), content, calm())
        .prop_map(|(before, content, behind)| format!("<value>{before}{content}{behind}</value>"))
}

fn document() -> impl Strategy<Value = String> {
    let reply = (value(), calm(), calm()).prop_map(|(value, before, behind)| {
        format!(
            "{before}<methodResponse>{behind}<params><param>{value}</param>{before}</params></methodResponse>{behind}"
        )
    });
    let call = (prop::collection::vec(value(), 0..3), calm(), gap()).prop_map(
        |(values, before, behind)| {
            let values = values
                .into_iter()
                .map(|value| format!("<param>{value}</param>{before}"));
            let values = values.collect::<String>();
            format!(
                "<methodCall><methodName>{behind}m</methodName>{before}<params>{values}</params></methodCall>"
            )
        },
    );
    let fault = (value(), calm(), calm()).prop_map(|(value, before, behind)| {
        let content = value.replace("name>id<", "name>faultCode<");
        let content = match content.strip_prefix("<value>") {
            Some(bare) if before.is_empty() => bare.trim_end_matches("</value>").to_owned(),
            _ => content,
        };
        format!("<methodResponse>{behind}<fault>{before}{content}{behind}</fault></methodResponse>")
    });
    prop_oneof![
        4 => reply,
        2 => call,
        1 => value(),
        1 => fault,
        1 => select(REAL).prop_map(str::to_owned),
    ]
}

/// A change: where bytes are removed, how many, and their replacement.
fn change() -> impl Strategy<Value = (Index, usize, Shard)> {
    let shard = prop_oneof![
        3 => select(SHARDS).prop_map(Shard::Of),
        1 => (any::<Index>(), 1_usize..40).prop_map(|(from, len)| Shard::Copy(from, len)),
        1 => any::<u8>().prop_map(Shard::Byte),
    ];
    (any::<Index>(), 0_usize..12, shard)
}

#[derive(Clone, Debug)]
enum Shard {
    Of(&'static [u8]),
    Copy(Index, usize),
    Byte(u8),
}

fn changed(mut document: Vec<u8>, changes: Vec<(Index, usize, Shard)>) -> Vec<u8> {
    for (at, cut, shard) in changes {
        let at = at.index(document.len() + 1);
        let end = document.len().min(at + cut);
        let shard = match shard {
            Shard::Of(shard) => shard.to_vec(),
            Shard::Byte(byte) => vec![byte],
            Shard::Copy(from, len) => {
                let from = from.index(document.len() + 1);
                document[from..document.len().min(from + len)].to_vec()
            }
        };
        document.splice(at..end, shard);
    }
    document
}

fn limits() -> impl Strategy<Value = (usize, usize)> {
    prop_oneof![9 => Just((64, 1_000_000)), 1 => (0_usize..6, 0_usize..12)]
}

/// Text between `</data>` and `</array>` is the same error, whichever way it is read.
#[test]
fn an_array_is_done_at_its_end() {
    let document =
        b"<methodCall><methodName>m</methodName><array><data></data>x</array></methodCall>";
    compare(document, 38, (64, 99));
}

proptest! {
    #[test]
    fn our_reader_and_quick_xml_agree(
        document in document(),
        changes in prop_oneof![
            1 => Just(Vec::new()),
            2 => prop::collection::vec(change(), 1..4),
        ],
        part in any::<Index>(),
        limits in limits(),
    ) {
        let document = changed(document.into_bytes(), changes);
        compare(&document, part.index(document.len() + 1), limits);
    }
}
