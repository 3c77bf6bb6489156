//! Doc comments as HTML that can do nothing.

use farcall_core::protocol::output::is_harmless;
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// Maximum bytes of the documentation of one method. The rest of it is not shown.
const MAX_TEXT: usize = 64 << 10;

/// Appends a text in Markdown as HTML. Raw HTML becomes text, images their descriptions, and links
/// with other schemes than those of the web and mail their texts. All headings are of one level.
pub(super) fn write(out: &mut String, text: &str, level: HeadingLevel) {
    // Links can be nested in images only, so one flag is enough for each.
    let mut is_plain_link = false;
    let events = Parser::new_ext(excerpt(text), options()).filter_map(|event| match event {
        Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
            Some(Event::Text(visible(text)))
        }
        Event::Code(text) => Some(Event::Code(visible(text))),
        Event::Start(Tag::HtmlBlock) => Some(Event::Start(Tag::Paragraph)),
        Event::End(TagEnd::HtmlBlock) => Some(Event::End(TagEnd::Paragraph)),
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        Event::Start(Tag::Link { ref dest_url, .. }) => {
            is_plain_link = !is_safe(dest_url);
            (!is_plain_link).then_some(event)
        }
        Event::End(TagEnd::Link) => (!std::mem::take(&mut is_plain_link)).then_some(event),
        Event::Start(Tag::Heading { .. }) => Some(Event::Start(Tag::Heading {
            level,
            id: None,
            classes: Vec::new(),
            attrs: Vec::new(),
        })),
        Event::End(TagEnd::Heading(_)) => Some(Event::End(TagEnd::Heading(level))),
        event => Some(event),
    });
    html::push_html(out, events);
}

/// Returns the text of the first paragraph, without markup.
pub(super) fn first_paragraph(text: &str) -> String {
    let mut plain = String::new();
    for event in Parser::new_ext(excerpt(text), options()) {
        match event {
            Event::Text(text) | Event::Code(text) => plain.push_str(&text),
            Event::SoftBreak | Event::HardBreak => plain.push(' '),
            Event::Html(text) | Event::InlineHtml(text) => plain.push_str(text.trim_end()),
            Event::End(TagEnd::Paragraph | TagEnd::HtmlBlock) if !plain.is_empty() => break,
            // A list or a heading is no summary.
            Event::Start(Tag::List(_) | Tag::Heading { .. } | Tag::CodeBlock(_)) => break,
            _ => {}
        }
    }
    plain
}

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH
}

fn excerpt(text: &str) -> &str {
    &text[..text.floor_char_boundary_at(MAX_TEXT)]
}

/// `str::floor_char_boundary` is newer than the minimum version of Rust.
trait FloorCharBoundary {
    fn floor_char_boundary_at(&self, index: usize) -> usize;
}

impl FloorCharBoundary for str {
    fn floor_char_boundary_at(&self, index: usize) -> usize {
        if index >= self.len() {
            return self.len();
        }
        let is_boundary = |index: &usize| self.is_char_boundary(*index);
        (0..=index).rev().find(is_boundary).unwrap_or_default()
    }
}

/// Escapes characters that would hide or reorder others.
fn visible(text: CowStr<'_>) -> CowStr<'_> {
    let is_plain = |character| is_harmless(character) || matches!(character, '\n' | '\t');
    if text.chars().all(is_plain) {
        return text;
    }
    let mut visible = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_plain(character) {
            visible.push(character);
        } else {
            visible.extend(character.escape_unicode());
        }
    }
    visible.into()
}

fn is_safe(url: &CowStr<'_>) -> bool {
    let scheme = |scheme: &str| {
        let start = url.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    url.starts_with('#') || scheme("http://") || scheme("https://") || scheme("mailto:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> String {
        let mut out = String::new();
        write(&mut out, text, HeadingLevel::H4);
        out
    }

    #[test]
    fn markdown_becomes_html() {
        assert_eq!(html("a *b* `c`"), "<p>a <em>b</em> <code>c</code></p>\n");
        assert_eq!(html("# A\n## B"), "<h4>A</h4>\n<h4>B</h4>\n");
        let link = html("[x](https://a.example/?b&c) [y](#add) [z](mailto:a@b)");
        assert_eq!(link.matches("<a href=").count(), 3, "{link}");
    }

    #[test]
    fn markup_and_scripts_are_text() {
        for (text, shown) in [
            (
                "<script>alert(1)</script>",
                "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n",
            ),
            (
                "a <b onclick=x>c</b>",
                "<p>a &lt;b onclick=x&gt;c&lt;/b&gt;</p>\n",
            ),
            ("[x](javascript:alert(1))", "<p>x</p>\n"),
            ("[x]( JaVaScRiPt:alert(1) )", "<p>x</p>\n"),
            ("[x](data:text/html,y)", "<p>x</p>\n"),
            ("[x](//evil.example)", "<p>x</p>\n"),
            ("![x](https://evil.example/a.png)", "<p>x</p>\n"),
            ("[![x](y)](javascript:z)", "<p>x</p>\n"),
            ("<javascript:x>", "<p>javascript:x</p>\n"),
        ] {
            assert_eq!(html(text), shown, "{text}");
        }
        let quoted = html("[x](https://a.example/\"onclick=x)");
        assert!(!quoted.contains("\"onclick"), "{quoted}");
    }

    #[test]
    fn characters_that_reorder_others_are_shown() {
        assert_eq!(
            html("a\u{202e}b `c\u{202e}`\n\n    d\n\te\n")
                .matches("\\u{202e}")
                .count(),
            2
        );
        assert_eq!(html("a\nb"), "<p>a\nb</p>\n");
    }

    #[test]
    fn the_first_paragraph_is_the_summary() {
        assert_eq!(first_paragraph("A `b`\nc.\n\nD."), "A b c.");
        assert_eq!(first_paragraph("<img src=x>\n\nB"), "<img src=x>");
        assert_eq!(first_paragraph("# A\n\nb"), "");
        assert_eq!(first_paragraph(""), "");
    }

    #[test]
    fn long_texts_are_cut() {
        let text = "é".repeat(MAX_TEXT);
        assert!(html(&text).len() < MAX_TEXT + 100);
    }
}
