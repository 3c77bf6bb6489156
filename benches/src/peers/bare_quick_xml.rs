//! Bare quick-xml: its events alone, and hand-written readers for two types of document.

use anyhow::{Context as _, Result, bail, ensure};
use farcall::DateTime;
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

use crate::document::{self, Item};
use crate::task::Task;

/// Reads all events and ignores them.
pub(crate) fn scan(task: &Task, document: &str) -> Result<f64> {
    task.rate(|| {
        let mut reader = Reader::from_str(document);
        let mut events = 0_u64;
        while reader.read_event()? != Event::Eof {
            events += 1;
        }
        ensure!(events > 0);
        Ok(())
    })
}

pub(crate) fn decode(task: &Task, document: &str) -> Result<f64> {
    task.rate(|| {
        let items = read(document)?;
        document::check(items.iter().map(Item::fields))
    })
}

/// Answers a call of `add`.
pub(crate) fn answer(document: &[u8]) -> Result<String> {
    let mut reader = Reader::from_str(std::str::from_utf8(document)?);
    let mut text = String::new();
    open(&mut reader, &["methodCall", "methodName"])?;
    let method = content(&mut reader, &mut text)?;
    ensure!(method == "add", "no such method: {method}");
    open(&mut reader, &["params"])?;
    let mut sum = 0_i64;
    for _ in 0..2 {
        open(&mut reader, &["param", "value", "int"])?;
        sum += content(&mut reader, &mut text)?.parse::<i64>()?;
        skip_ends(&mut reader, 2)?;
    }
    skip_ends(&mut reader, 2)?;
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodResponse><params><param>\
         <value><int>{sum}</int></value></param></params></methodResponse>"
    ))
}

fn open(reader: &mut Reader<&[u8]>, names: &[&str]) -> Result<()> {
    for name in names {
        let start = next_start(reader)?.context("a start tag")?;
        ensure!(start.name().as_ref() == *name, "another tag than {name}");
    }
    Ok(())
}

/// Reads an array of items.
fn read(document: &str) -> Result<Vec<Item>> {
    let mut reader = Reader::from_str(document);
    let mut items = Vec::new();
    let mut text = String::new();
    loop {
        match reader.read_event()? {
            Event::Start(start) if start.name().as_ref() == "struct" => {
                items.push(item(&mut reader, &mut text)?);
            }
            Event::Eof => return Ok(items),
            _ => {}
        }
    }
}

fn item(reader: &mut Reader<&[u8]>, text: &mut String) -> Result<Item> {
    let mut item = Item {
        id: 0,
        price: 0.0,
        name: String::new(),
        active: false,
        created: DateTime::new(1970, 1, 1, 0, 0, 0)?,
        tags: Vec::new(),
    };
    while next_start(reader)?.is_some_and(|start| start.name().as_ref() == "member") {
        next_start(reader)?.context("a name")?;
        let field = field(content(reader, text)?)?;
        next_start(reader)?.context("a value")?;
        next_start(reader)?.context("a type")?;
        match field {
            Field::Id => item.id = content(reader, text)?.parse()?,
            Field::Price => item.price = content(reader, text)?.parse()?,
            Field::Name => content(reader, text)?.clone_into(&mut item.name),
            Field::Active => item.active = content(reader, text)? == "1",
            Field::Created => item.created = content(reader, text)?.parse()?,
            Field::Tags => {
                next_start(reader)?.context("the data")?;
                while next_start(reader)?.is_some() {
                    next_start(reader)?.context("a type")?;
                    item.tags.push(content(reader, text)?.parse()?);
                    skip_ends(reader, 1)?;
                }
                skip_ends(reader, 1)?;
            }
        }
        skip_ends(reader, 2)?;
    }
    Ok(item)
}

enum Field {
    Id,
    Price,
    Name,
    Active,
    Created,
    Tags,
}

fn field(name: &str) -> Result<Field> {
    Ok(match name {
        "id" => Field::Id,
        "price" => Field::Price,
        "name" => Field::Name,
        "active" => Field::Active,
        "created" => Field::Created,
        "tags" => Field::Tags,
        _ => bail!("another field: {name}"),
    })
}

/// Returns the next start tag, or `None` if an end tag comes first.
fn next_start<'a>(reader: &mut Reader<&'a [u8]>) -> Result<Option<BytesStart<'a>>> {
    loop {
        match reader.read_event()? {
            Event::Start(start) => return Ok(Some(start)),
            Event::End(_) => return Ok(None),
            Event::Eof => bail!("the document ends early"),
            _ => {}
        }
    }
}

fn skip_ends(reader: &mut Reader<&[u8]>, count: usize) -> Result<()> {
    for _ in 0..count {
        ensure!(matches!(reader.read_event()?, Event::End(_)), "an end tag");
    }
    Ok(())
}

/// Reads the text of an element up to its end tag.
fn content<'a>(reader: &mut Reader<&[u8]>, text: &'a mut String) -> Result<&'a str> {
    text.clear();
    loop {
        match reader.read_event()? {
            Event::Text(part) => text.push_str(&part),
            Event::GeneralRef(name) => {
                text.push_str(resolve_predefined_entity(&name).context("an entity")?);
            }
            Event::End(_) => return Ok(text),
            _ => bail!("no text"),
        }
    }
}
