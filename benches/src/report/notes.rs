//! The hand-written notes of `notes.md`: an introduction, and under the name of a case an
//! explanation of its figures.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

pub(super) struct Notes {
    introduction: String,
    of_cases: BTreeMap<String, String>,
}

impl Notes {
    pub(super) fn read() -> Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("notes.md");
        Ok(Self::parse(&std::fs::read_to_string(path)?))
    }

    fn parse(text: &str) -> Self {
        let mut sections = text.split("\n## ");
        let introduction = sections.next().unwrap_or_default().to_owned();
        let section = |section: &str| {
            let (name, note) = section.split_once('\n')?;
            Some((name.trim().to_owned(), note.trim().to_owned()))
        };
        Self {
            introduction,
            of_cases: sections.filter_map(section).collect(),
        }
    }

    pub(super) fn introduction(&self) -> &str {
        self.introduction.trim_end()
    }

    pub(super) fn of(&self, case: &str) -> Option<&str> {
        self.of_cases.get(case).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections() {
        let notes = Notes::parse("# All\n\nof it\n\n## one\n\n1\n\n## two\n2\n");
        assert_eq!(notes.introduction(), "# All\n\nof it");
        assert_eq!((notes.of("one"), notes.of("two")), (Some("1"), Some("2")));
        assert_eq!(notes.of("three"), None);
    }
}
