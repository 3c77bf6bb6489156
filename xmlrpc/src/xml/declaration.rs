//! The XML declaration, as nearly all documents have it.

/// What a document declares its encoding to be, if it does, and what is behind the declaration. Nothing of one that is
/// written in another way, if there is one at all: this refuses no document.
pub(super) fn plain(document: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let rest = document.strip_prefix(b"<?xml version=")?;
    let rest = rest
        .strip_prefix(b"\"1.0\"")
        .or_else(|| rest.strip_prefix(b"'1.0'"))?;
    let (label, rest) = match rest.strip_prefix(b" encoding=") {
        Some(rest) => quoted(rest).map(|(label, rest)| (Some(label), rest))?,
        None => (None, rest),
    };
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    Some((label, rest.strip_prefix(b"?>")?))
}

/// A label between quotes, and what is behind them.
fn quoted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (quote, text) = bytes.split_first()?;
    let is_label = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let (label, rest) = text.split_at(text.iter().position(|b| !is_label(b))?);
    let rest = rest
        .strip_prefix(&[*quote])
        .filter(|_| matches!(quote, b'"' | b'\''))?;
    Some((label, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_declarations_are_plain() {
        for (document, label) in [
            ("<?xml version=\"1.0\"?><a/>", None),
            ("<?xml version='1.0'?><a/>", None),
            (
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>",
                Some("UTF-8"),
            ),
            (
                "<?xml version='1.0' encoding='iso-8859-1' ?><a/>",
                Some("iso-8859-1"),
            ),
        ] {
            assert_eq!(
                plain(document.as_bytes()),
                Some((label.map(str::as_bytes), &b"<a/>"[..]))
            );
        }
    }

    #[test]
    fn whatever_is_unusual_is_left_to_others() {
        for document in [
            "",
            "<a/>",
            " <?xml version='1.0'?>",
            "<?xml version='1.1'?>",
            "<?xml version='1.0\"?>",
            "<?xml version='1.0' encoding='a\"?>",
            "<?xml version='1.0' encoding=aba?>",
            "<?xml version='1.0' encoding='a b'?>",
            "<?xml version='1.0' encoding='a?>'?>",
            "<?xml version='1.0' standalone='yes'?>",
            "<?xml version='1.0'",
        ] {
            assert_eq!(plain(document.as_bytes()), None, "{document}");
        }
    }
}
