//! Differential test: the reader must return the same values and errors as quick-xml alone.
//!
//! Set `PROPTEST_CASES=1000000` in the environment for a long run.

mod parts;
#[path = "../../../../tests/two_readers/mod.rs"]
mod two_readers;

use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use self::parts::{GAPS, NAMES, REAL, SCALARS, SHARDS, STARTS};
use crate::subject;
use two_readers::compare;

fn gap() -> impl Strategy<Value = &'static str> {
    prop_oneof![1 => Just(""), 2 => select(GAPS)]
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

/// A change of a document.
#[derive(Clone, Debug)]
enum Change {
    /// Bytes are replaced: those from this place on, this many.
    Bytes(Index, usize, Shard),
    /// Something happens to this tag.
    Tag(Index, TagChange),
}

/// Bytes that replace others.
#[derive(Clone, Debug)]
enum Shard {
    Of(&'static [u8]),
    Copy(Index, usize),
    Byte(u8),
}

#[derive(Clone, Copy, Debug)]
enum TagChange {
    /// This is inserted before its name.
    BeforeName(&'static [u8]),
    /// This is inserted behind its name.
    BehindName(&'static [u8]),
    /// This tag takes its place.
    Replace(Index),
    Remove,
    Double,
}

fn change() -> impl Strategy<Value = Change> {
    let shard = prop_oneof![
        3 => select(SHARDS).prop_map(Shard::Of),
        1 => (any::<Index>(), 1_usize..40).prop_map(|(from, len)| Shard::Copy(from, len)),
        1 => any::<u8>().prop_map(Shard::Byte),
    ];
    let bytes = (any::<Index>(), 0_usize..12, shard);
    let before: &[&[u8]] = &[b"x:", b"1", b"\xc3\xa9"];
    let behind: &[&[u8]] = &[b" ", b"/", b" a='1'", b" a='<'", b" a='\x08'", b" a", b"x"];
    let tag = prop_oneof![
        3 => select(before).prop_map(TagChange::BeforeName),
        3 => select(behind).prop_map(TagChange::BehindName),
        3 => any::<Index>().prop_map(TagChange::Replace),
        2 => Just(TagChange::Remove),
        1 => Just(TagChange::Double),
    ];
    prop_oneof![
        2 => bytes.prop_map(|(at, cut, shard)| Change::Bytes(at, cut, shard)),
        1 => (any::<Index>(), tag).prop_map(|(at, tag)| Change::Tag(at, tag)),
    ]
}

fn changed(mut document: Vec<u8>, changes: Vec<Change>) -> Vec<u8> {
    for change in changes {
        match change {
            Change::Bytes(at, cut, shard) => {
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
            Change::Tag(at, change) => change_tag(&mut document, at, change),
        }
    }
    document
}

fn change_tag(document: &mut Vec<u8>, at: Index, change: TagChange) {
    let starts: Vec<usize> = memchr::memchr_iter(b'<', document).collect();
    let tag = |at: Index| {
        let start = starts[at.index(starts.len())];
        let len = document[start..].iter().position(|&byte| byte == b'>');
        start..len.map_or(document.len(), |len| start + len + 1)
    };
    if starts.is_empty() {
        return;
    }
    let Range { start, end } = tag(at);
    let copy = match &change {
        TagChange::Replace(other) => document[tag(*other)].to_vec(),
        _ => document[start..end].to_vec(),
    };
    let name = start + 1 + usize::from(document.get(start + 1) == Some(&b'/'));
    let is_in_name = |byte: &&u8| !b" />".contains(byte);
    let behind = name
        + document[name.min(end)..end]
            .iter()
            .take_while(is_in_name)
            .count();
    let (range, bytes) = match change {
        TagChange::BeforeName(bytes) => (name..name, bytes.to_vec()),
        TagChange::BehindName(bytes) => (behind..behind, bytes.to_vec()),
        TagChange::Replace(_) => (start..end, copy),
        TagChange::Remove => (start..end, Vec::new()),
        TagChange::Double => (start..start, copy),
    };
    document.splice(range, bytes);
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

/// All elements of a reply; bars stand where texts between tags can stand.
const ALL: &str = "|<methodResponse>|<params>|<param>|<value>|<struct>|<member>|<value><nil/></value>|\
                   <name>id</name>|</member>|<member>|<name>list</name>|<value>|<array>|<data>|\
                   <value>a</value>|</data>|</array>|</value>|</member>|</struct>|</value>|</param>|\
                   </params>|</methodResponse>|";

fn compare_all(parts: &[&str], limits: (usize, usize)) {
    let document = parts.concat().replace('|', "");
    compare(document.as_bytes(), document.len() / 2, limits);
}

/// Each scalar, also where a value comes before its name or the name has an error.
#[test]
fn our_reader_and_quick_xml_agree_on_each_scalar() {
    for scalar in SCALARS {
        for [start, end] in [
            ["<value>", "</value>"],
            [
                "<value><struct><member><value>",
                "</value>\n<name>id</name></member></struct></value>",
            ],
            [
                "<value><struct><member><value>",
                "</value><name><b/></name></member></struct></value>",
            ],
            [
                "<value><struct><member><name>a&#8;</name><value>",
                "</value></member></struct></value>",
            ],
        ] {
            let (before, behind) = ("<methodResponse><params><param>", "</param></params>");
            let parts = [before, start, scalar, end, behind, "</methodResponse>"];
            compare_all(&parts, (64, 99));
        }
    }
}

/// Each text between tags, at each place; and each tag with a prefix that its counterpart does not
/// have, as the tag of an empty element, or left out.
#[test]
fn our_reader_and_quick_xml_agree_on_each_tag() {
    for start in STARTS {
        compare_all(&[start, ALL], (64, 99));
    }
    for (place, _) in ALL.match_indices('|') {
        let (before, behind) = ALL.split_at(place);
        for gap in GAPS {
            compare_all(&[before, gap, behind], (64, 99));
        }
    }
    for (tag, _) in ALL.match_indices('<') {
        let name = tag + 1 + usize::from(ALL[tag..].starts_with("</"));
        let end = name + ALL[name..].find('>').map_or(0, |end| end);
        compare_all(&[&ALL[..name], "x:", &ALL[name..]], (64, 99));
        compare_all(&[&ALL[..end], "/", &ALL[end..]], (64, 99));
        compare_all(&[&ALL[..tag], &ALL[end + 1..]], (64, 99));
    }
}

/// Values before names, in values before names, with limits that are just enough or not.
#[test]
fn our_reader_and_quick_xml_agree_on_nested_values_before_names() {
    let turned = |value: &str, name: &str| {
        format!("<member><value>{value}</value><name>{name}</name></member>")
    };
    let list = "<array><data><value>1</value><value>2</value></data></array>";
    let inner = ["a", "b", "c"].map(|name| turned(list, name)).concat();
    let outer = turned(&format!("<struct>{inner}</struct>"), "d") + &turned("3", "e");
    let document = format!(
        "<methodResponse><params><param><value><struct>{outer}</struct></value></param></params>\
         </methodResponse>"
    );
    for max_depth in 0..6 {
        for max_values in [0, 1, 2, 5, 11, 12, 13, 14] {
            compare_all(&[&document], (max_depth, max_values));
        }
    }
}

proptest! {
    #[test]
    fn our_reader_and_quick_xml_agree(
        (start, document) in (prop_oneof![Just(""), select(STARTS)], document()),
        changes in prop_oneof![
            1 => Just(Vec::new()),
            2 => prop::collection::vec(change(), 1..4),
        ],
        part in any::<Index>(),
        limits in limits(),
    ) {
        let document = changed([start, &document].concat().into_bytes(), changes);
        compare(&document, part.index(document.len() + 1), limits);
    }
}
