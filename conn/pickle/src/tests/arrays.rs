//! Tests of arrays with hostile shapes and states.

use super::*;
use crate::ErrorKind::{Limit, Mismatch, Structure};
use crate::{Array, Order, Value, numpy};

/// Returns the opcodes of an array of numpy with this shape, type, order and content.
fn array(shape: &str, code: &str, fortran: bool, content: &[u8]) -> Vec<u8> {
    let mut ops =
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntC\x01btR(K\x01".to_vec();
    ops.extend(shape.as_bytes());
    ops.extend(b"cnumpy\ndtype\n(X");
    ops.extend((code.len() as u32 - 1).to_le_bytes());
    ops.extend(&code.as_bytes()[1..]);
    ops.extend(b"\x89\x88tR(K\x03X\x01\0\0\0");
    ops.push(code.as_bytes()[0]);
    ops.extend(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb");
    ops.push(if fortran { b'\x88' } else { b'\x89' });
    ops.push(b'B');
    ops.extend((content.len() as u32).to_le_bytes());
    ops.extend(content);
    ops.extend(b"tb");
    ops
}

#[test]
fn arrays_have_their_elements_in_both_orders_of_bytes() {
    for (code, content) in [("<u2", [1, 0, 2, 1]), (">u2", [0, 1, 1, 2])] {
        let ops = array("(I2\nt", code, false, &content);
        assert_eq!(read_ops::<Array<u16>>(&ops).unwrap().elements(), [1, 258]);
        assert_eq!(read_ops::<Vec<f32>>(&ops).unwrap(), [1.0, 258.0]);
        assert_eq!(read_ops::<(u8, u64)>(&ops).unwrap(), (1, 258));
    }
    let ops = array("(I2\nI2\nt", "|u1", true, &[1, 2, 3, 4]);
    let columns: Array<u8> = read_ops(&ops).unwrap();
    assert_eq!(
        (columns.order(), columns.elements()),
        (Order::Fortran, &[1, 2, 3, 4][..])
    );
    assert_eq!(read_ops::<Vec<Vec<u8>>>(&ops).unwrap(), [[1, 3], [2, 4]]);
    assert_eq!(
        read_ops::<serde_json::Value>(&ops).unwrap(),
        serde_json::json!([[1, 3], [2, 4]])
    );
    let value: Value = read_ops(&ops).unwrap();
    assert_eq!(read::<Array<u8>>(&write(&value)).unwrap(), columns);
}

#[test]
fn hostile_shapes_are_errors() {
    let huge = i64::MAX;
    for (shape, content, kind) in [
        ("(I3\nt".to_owned(), &[0; 2][..], Structure),
        ("(I-1\nt".to_owned(), &[], Structure),
        ("(t".to_owned(), &[], Structure),
        (format!("(I{huge}\nI{huge}\nI4\nt"), &[0; 4], Structure),
        (format!("({}t", "I1\n".repeat(65)), &[0], Structure),
        ("]".to_owned(), &[], Structure),
    ] {
        let ops = array(&shape, "|u1", false, content);
        let error = read_ops::<Array<u8>>(&ops).unwrap_err();
        assert_eq!(error.kind(), kind, "{shape}: {error}");
        let error = read_ops::<Vec<u8>>(&ops).unwrap_err();
        assert_eq!(error.kind(), kind, "{shape}: {error}");
    }
    // Rows without elements take memory too.
    let ops = array(&format!("(I{huge}\nI0\nt"), "|u1", false, &[]);
    assert_eq!(read_ops::<Vec<Vec<u8>>>(&ops).unwrap_err().kind(), Limit);
    assert!(read_ops::<Array<u8>>(&ops).unwrap().elements().is_empty());
    // As many dimensions as numpy has are levels.
    let deep = array(&format!("({}t", "I1\n".repeat(64)), "|u1", false, &[7]);
    assert!(read_ops::<serde_json::Value>(&deep).is_ok());
    let shallow = Pickle::default().max_depth(63);
    let message = [b"\x80\x04", &deep[..], b"."].concat();
    assert!(shallow.decode::<serde_json::Value>(&message).is_err());
}

#[test]
fn elements_of_other_types_are_errors() {
    let ops = array("(I1\nt", "<f8", false, &[0; 8]);
    let error = read_ops::<Array<f32>>(&ops).unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (
            Mismatch,
            "expected an array with elements of type f4, found f8"
        )
    );
    assert!(error.position().is_some());
    for code in ["|O8", "<U5", "<M8", "<f16", "|b2", "<i3", "|V8"] {
        let ops = array("(I1\nt", code, false, &[0; 8]);
        let error = read_ops::<Array<f64>>(&ops).unwrap_err();
        assert!(error.to_string().contains("numpy"), "{code}: {error}");
    }
    let error = read_ops::<Array<f64>>(b"](K\x01e").unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected an array with elements of type f8, found list, at byte 2"
    );
}

#[test]
fn arrays_that_are_referred_to_again_are_counted() {
    let ops = array("(M\0\x10t", "|u1", false, &[1; 4096]);
    let list = [b"(", &ops[..], b"\x94", &b"h\0".repeat(2000), b"l"].concat();
    assert_eq!(read_ops::<Vec<Vec<u8>>>(&list).unwrap_err().kind(), Limit);
    assert_eq!(read_ops::<Vec<Array<u8>>>(&list).unwrap_err().kind(), Limit);
    // The list of an `array.array` is read again for each of them.
    let numbers = [
        b"carray\narray\n(X\x01\0\0\0B](",
        &b"K\x01".repeat(1000)[..],
        b"etR",
    ]
    .concat();
    let list = [b"(", &numbers[..], b"\x94", &b"h\0".repeat(2000), b"l"].concat();
    assert_eq!(read_ops::<Vec<Vec<u8>>>(&list).unwrap_err().kind(), Limit);
}

#[test]
fn every_changed_byte_of_an_array_is_survived() {
    let good = [
        b"\x80\x04",
        &array("(I2\nI1\nt", "<i2", true, &[1, 2, 3, 4])[..],
        b".",
    ]
    .concat();
    for at in 0..good.len() {
        for change in [1, 0x20, 0x80, 0xff] {
            let mut message = good.clone();
            message[at] ^= change;
            let _ = read::<Array<i16>>(&message);
            let _ = read::<Vec<Vec<f64>>>(&message);
            let _ = read::<Value>(&message);
        }
    }
}

#[test]
fn arrays_survive_other_codecs() {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Signal(#[serde(with = "numpy")] Vec<[f32; 2]>);

    let signal = Signal(vec![[1.0, -1.0], [0.5, 2.0]]);
    assert_eq!(read::<Signal>(&write(&signal)).unwrap(), signal);
    let json = serde_json::to_string(&signal).unwrap();
    assert_eq!(serde_json::from_str::<Signal>(&json).unwrap(), signal);
    let config = bincode::config::standard();
    let bytes = bincode::serde::encode_to_vec(&signal, config).unwrap();
    let (same, _) = bincode::serde::decode_from_slice::<Signal, _>(&bytes, config).unwrap();
    assert_eq!(same, signal);
    let wrong = r#"[[2],"<c8",false,[0]]"#;
    assert!(serde_json::from_str::<Signal>(wrong).is_err());
}
