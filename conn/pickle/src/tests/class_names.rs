//! Tests of the limits of the names of classes.

use super::super::Value;
use super::read;

/// A list of a class, `times` times. Each reference takes two bytes.
fn list_of_class(module: &str, name: &str, times: usize) -> Vec<u8> {
    let class = format!("c{module}\n{name}\nq\0");
    let again = "h\0".repeat(times - 1);
    [b"\x80\x02](", class.as_bytes(), again.as_bytes(), b"e."].concat()
}

#[test]
fn the_bytes_of_class_names_that_are_copied_are_limited() {
    let (module, name) = ("m".repeat(200), "n".repeat(200));
    // Each copy takes 400 bytes. A pickle of about 400 bytes may copy 17 times its length, plus
    // 1,024 bytes, and 17 times two bytes for each reference.
    for (times, fits) in [(10, true), (40, false)] {
        let read = read::<Value>(&list_of_class(&module, &name, times));
        assert_eq!(read.is_ok(), fits, "{times} times: {read:?}");
    }
    let error = read::<Value>(&list_of_class(&module, &name, 40)).unwrap_err();
    assert!(error.to_string().contains("too many references"), "{error}");
}

/// The name of a class within a class is put together, so it takes memory of its own.
#[test]
fn the_name_of_a_nested_class_is_limited() {
    for (length, is_class) in [(256, true), (257, false)] {
        let outer = "O".repeat(100);
        let inner = "i".repeat(length - 101);
        let call = format!("cbuiltins\ngetattr\ncapp\n{outer}\nX");
        let length = (inner.len() as u32).to_le_bytes();
        let parts = [
            b"\x80\x02",
            call.as_bytes(),
            &length,
            inner.as_bytes(),
            b"\x86R.",
        ];
        let read = read::<Value>(&parts.concat()).unwrap();
        assert_eq!(matches!(read, Value::Class(_)), is_class, "{read}");
    }
}
