//! Hostile pickles. The victim decodes each as a value of any type, and sends it back unchanged if
//! it cannot.

use crate::peer::Peer;
use crate::{endure, victim};

/// Wraps these operations so that the victim takes their value as the argument of its
/// `("roundtrip", x)`.
fn roundtrip(ops: &[u8]) -> Vec<u8> {
    [b"\x80\x05\x8c\x09roundtrip", ops, b"\x86."].concat()
}

/// Returns a list of `count` repetitions.
fn list(ops: &[u8], count: usize) -> Vec<u8> {
    [b"](", &ops.repeat(count)[..], b"e"].concat()
}

fn text(length: usize) -> Vec<u8> {
    let header = (length as u32).to_le_bytes();
    [b"X", &header[..], &vec![b'x'; length]].concat()
}

/// Each is answered with the re-encoded value, or with the message itself.
#[tokio::test]
async fn hostile_pickles() {
    let long = |ops: &[u8], count: usize| ops.repeat(count);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        (
            "os.system, called by REDUCE",
            b"cos\nsystem\n\x8c\x04true\x85R".to_vec(),
        ),
        (
            "os.system, by STACK_GLOBAL",
            b"\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R".to_vec(),
        ),
        (
            "a class instantiated by NEWOBJ",
            b"csubprocess\nPopen\n\x8c\x04true\x85\x81".to_vec(),
        ),
        ("and by NEWOBJ_EX", b"csubprocess\nPopen\n)}\x92".to_vec()),
        (
            "eval behind getattr",
            b"cbuiltins\ngetattr\ncbuiltins\neval\n\x8c\x01x\x86R".to_vec(),
        ),
        (
            "a state set by BUILD",
            b"cos\n_wrap_close\n)\x81}\x8c\x05_proccos\nsystem\nsb".to_vec(),
        ),
        ("INST of protocol 0", b"(S'true'\nios\nsystem\n".to_vec()),
        ("OBJ of protocol 1", b"(cos\nsystem\n\x8c\x04trueo".to_vec()),
        ("a code of the extension registry", b"\x82\x01".to_vec()),
        ("one of two bytes", b"\x83\x01\0".to_vec()),
        (
            "one of four bytes, below zero",
            b"\x84\xff\xff\xff\xff".to_vec(),
        ),
        ("a persistent id", b"Pabc\n".to_vec()),
        ("a persistent id on the stack", b"NQ".to_vec()),
        ("a buffer out of band", b"\x97".to_vec()),
        ("one that is read-only", b"\x97\x98".to_vec()),
        (
            "a byte array with a wrong length",
            b"\x96\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec(),
        ),
        ("bytes with a wrong length", b"B\xff\xff\xff\xff".to_vec()),
        (
            "bytes of 16 EiB",
            b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        ),
        ("a text of 4 GiB", b"X\xff\xff\xff\xffa".to_vec()),
        (
            "a text of 16 EiB",
            b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        ),
        ("a text that is not UTF-8", b"\x8c\x02\xff\xfe".to_vec()),
        ("a number of 2 GiB", b"\x8b\xff\xff\xff\x7f\x01".to_vec()),
        (
            "a number of less than no bytes",
            b"\x8b\xff\xff\xff\xff".to_vec(),
        ),
        (
            "a number of a MiB",
            [&b"\x8b\0\0\x10\0"[..], &[0x7f; 1 << 20]].concat(),
        ),
        (
            "a number in digits without end",
            [b"I", &long(b"9", 1 << 20)[..], b"\n"].concat(),
        ),
        (
            "a frame that is longer than the pickle",
            b"\x95\xff\xff\xff\xff\0\0\0\0N".to_vec(),
        ),
        (
            "a frame that ends within an opcode",
            b"\x95\x01\0\0\0\0\0\0\0\x8c\x01a".to_vec(),
        ),
        (
            "a frame in a frame",
            b"\x95\x0a\0\0\0\0\0\0\0\x95\x01\0\0\0\0\0\0\0N".to_vec(),
        ),
        ("no value where one is needed", b"\x86\x86".to_vec()),
        ("no mark where one is needed", b"Nt".to_vec()),
        ("a mark that is never used", b"((N".to_vec()),
        ("a million marks", long(b"(", 1 << 20)),
        (
            "a million times nothing popped",
            [b"N", &long(b"0", 1 << 20)[..]].concat(),
        ),
        ("POP_MARK without a mark", b"N1".to_vec()),
        ("a second start", b"\x80\x05N".to_vec()),
        ("a second stop", b"N.N".to_vec()),
        ("an unknown opcode", b"\xff".to_vec()),
        ("an unknown memo entry", b"h\x63".to_vec()),
        (
            "the four billionth memo entry, read",
            b"j\xff\xff\xff\xff".to_vec(),
        ),
        (
            "the four billionth memo entry, written",
            b"Nr\xff\xff\xff\xff".to_vec(),
        ),
        ("memo entries with huge gaps", {
            let put = |n: u32| [b"r", &n.to_le_bytes()[..]].concat();
            [
                b"N".to_vec(),
                (0..1000).flat_map(|n| put(n << 22)).collect(),
            ]
            .concat()
        }),
        (
            "a million memo entries",
            [b"N", &long(b"\x94", 1 << 20)[..]].concat(),
        ),
        ("a list in itself", b"]\x94h\0a".to_vec()),
        ("a dict in itself", b"}\x94\x8c\x01xh\0s".to_vec()),
        ("a tuple in its list", b"]\x94h\0\x85a".to_vec()),
        (
            "an object in its state",
            b"capp\nX\n)\x81\x94}\x8c\x01xh\0sb".to_vec(),
        ),
        (
            "lists nested 65 deep",
            [long(b"]", 65), long(b"a", 64)].concat(),
        ),
        (
            "lists nested a million deep",
            [long(b"]", 1 << 20), long(b"a", 1 << 20)].concat(),
        ),
        (
            "tuples nested a million deep",
            [b"N", &long(b"\x85", 1 << 20)[..]].concat(),
        ),
        (
            "dicts nested a million deep",
            [long(b"}N", 1 << 18), long(b"s", 1 << 18)].concat(),
        ),
        (
            "calls nested a million deep",
            [b"capp\nX\n", &long(b"\x85R", 1 << 18)[..]].concat(),
        ),
        ("a billion laughs", [b"]", &long(b"2\x86", 30)[..]].concat()),
        ("laughs through the memo", {
            let level = b"(h\0h\0h\0h\0h\0h\0h\0h\0h\0h\0tq\0";
            [b"\x8c\x03lolq\0", &long(level, 20)[..]].concat()
        }),
        ("laughs through dicts", {
            let level = b"}(K\x01h\0K\x02h\0uq\0";
            [b"]q\0", &long(level, 60)[..]].concat()
        }),
        ("a long text a hundred thousand times", {
            [&text(1 << 16)[..], b"q\x000", &list(b"h\0", 100_000)].concat()
        }),
        ("sets made of one another", {
            let set = b"cbuiltins\nset\nh\0\x85R";
            [&list(b"K\x01", 1000)[..], b"q\x000", &list(set, 10_000)].concat()
        }),
        ("a dict with a dict as key", b"}}Ns".to_vec()),
        ("a million equal keys", {
            [b"}(", &long(b"\x8c\x01kN", 1 << 20)[..], b"u"].concat()
        }),
        ("a key without a value", b"}(\x8c\x01ku".to_vec()),
        ("an item added to a number", b"K\x01Na".to_vec()),
        ("items set in a text", b"\x8c\x01aNNs".to_vec()),
        ("a state for a list", b"]}b".to_vec()),
        ("two states for an object", b"capp\nX\n)\x81}b}b".to_vec()),
        ("bytes in an unknown encoding", {
            b"c_codecs\nencode\n\x8c\x01a\x8c\x05utf-7\x86R".to_vec()
        }),
        ("a class without a name", b"c\n\n".to_vec()),
        ("a class with a name of a MiB", {
            [
                b"c",
                &long(b"x", 1 << 20)[..],
                b"\n",
                &long(b"y", 1 << 20),
                b"\n",
            ]
            .concat()
        }),
        ("a class with a number as name", b"K\x01K\x02\x93".to_vec()),
        ("4,000,001 values", list(b"N", 4_000_001)),
        ("four million lists", list(b"]", 3_999_000)),
        ("four million dicts", list(b"}", 3_999_000)),
        ("four million texts", list(b"\x8c\x01a", 3_999_000)),
        (
            "four million numbers beyond 64 bits",
            list(b"\x8a\x09\0\0\0\0\0\0\0\0\x01", 3_999_000),
        ),
    ];
    let victim = victim().await;
    for (name, ops) in &cases {
        endure(&victim, name, async {
            let mut peer = Peer::trusted(victim.connections).await;
            let message = roundtrip(ops);
            peer.send(&message).await;
            let answer = peer.receive().await;
            let answer = answer.unwrap_or_else(|| panic!("{name}: no reply"));
            let anew = answer.starts_with(b"\x80\x04") && answer.ends_with(b".");
            assert!(anew || answer == message, "{name}: another answer");
            // The connection still works.
            peer.send(b"\x80\x04\x8c\x03addK\x03K\x05\x87.").await;
            assert_eq!(peer.receive().await.unwrap(), b"\x80\x04K\x08.", "{name}");
        })
        .await;
    }
}

/// Bytes that are not a pickle of a supported protocol.
#[tokio::test]
async fn invalid_pickles_are_sent_back() {
    let cases: &[(&str, &[u8])] = &[
        ("protocol 0", b"(lp0\n."),
        ("protocol 1", b"]q\0."),
        ("protocol 6", b"\x80\x06N."),
        ("protocol 255", b"\x80\xffN."),
        ("a start without an end", b"\x80\x04"),
        ("an end without a start", b"."),
        ("something behind the end", b"\x80\x04N.N"),
        ("JSON", b"[\"add\", 3, 5]"),
        ("zeros", &[0; 1000]),
    ];
    let victim = victim().await;
    for (name, message) in cases {
        endure(&victim, name, async {
            let mut peer = Peer::trusted(victim.connections).await;
            peer.send(message).await;
            assert_eq!(peer.receive().await.unwrap(), *message);
        })
        .await;
    }
}
