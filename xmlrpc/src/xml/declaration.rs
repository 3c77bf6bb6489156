//! Fast path for the usual forms of the XML declaration. Slower code reads the other forms.

use memchr::memchr;

/// Returns the document after its declaration, whose content is not checked.
pub(super) fn after(document: &[u8]) -> Option<&[u8]> {
    let declaration = document.strip_prefix(b"<?xml ")?;
    let (declaration, rest) = declaration.split_at(memchr(b'?', declaration)?);
    rest.strip_prefix(b"?>").filter(|_| declaration.is_ascii())
}

/// Returns `true` if a document has a declaration that names UTF-8 or no encoding.
pub(super) fn is_utf8(document: &[u8]) -> bool {
    let Some(version) = document.strip_prefix(b"<?xml version=") else {
        return false;
    };
    let Some(([b'"', b'1', b'.', b'0', b'"'] | [b'\'', b'1', b'.', b'0', b'\''], rest)) =
        version.split_first_chunk::<5>()
    else {
        return false;
    };
    let rest = match rest.strip_prefix(b" encoding=") {
        None => rest,
        Some(encoding) => match encoding.split_first_chunk::<7>() {
            Some((label, rest)) if label.eq_ignore_ascii_case(b"\"utf-8\"") => rest,
            Some((label, rest)) if label.eq_ignore_ascii_case(b"'utf-8'") => rest,
            _ => return false,
        },
    };
    rest.strip_prefix(b" ").unwrap_or(rest).starts_with(b"?>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_declarations_are_recognised() {
        for declaration in [
            "<?xml version=\"1.0\"?>",
            "<?xml version='1.0'?>",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            "<?xml version='1.0' encoding='utf-8' ?>",
        ] {
            let document = format!("{declaration}<a/>");
            assert!(is_utf8(document.as_bytes()), "{document}");
            assert_eq!(after(document.as_bytes()), Some(&b"<a/>"[..]));
        }
        for declaration in [
            "<?xml version='1.0' encoding='latin1'?>",
            "<?xml version='1.0' encoding='utf-8\"?>",
            "<?xml version='1.1' encoding='utf-8'?>",
            "<?xml version='1.0' encoding='utf-8' standalone='yes'?>",
        ] {
            let document = format!("{declaration}<a/>");
            assert!(!is_utf8(document.as_bytes()), "{document}");
            assert_eq!(after(document.as_bytes()), Some(&b"<a/>"[..]));
        }
    }

    #[test]
    fn unusual_declarations_are_not_recognised() {
        for document in [
            "",
            "<a/>",
            " <?xml version='1.0'?>",
            "<?xml\tversion='1.0'?>",
            "<?xml version='1.0' encoding='a?a'?>",
            "<?xml version='1.0' encoding='é'?>",
            "<?xml version='1.0' encoding='utf-8'",
            "<?xml version='1.0'?",
            "<?xml-stylesheet?>",
        ] {
            assert!(!is_utf8(document.as_bytes()), "{document}");
            assert_eq!(after(document.as_bytes()), None, "{document}");
        }
    }
}
