//! Values of each type, which must return unchanged.

use anyhow::Result;
use farcall::Struct;
use farcall::{DateTime, Value};

use super::Subject;

pub(crate) fn int(subject: &Subject) -> Result<()> {
    for number in [0, 1, i32::MAX] {
        subject.echo(number)?;
    }
    let sum: i64 = subject.call("add", (3, 5))?;
    super::subject::same(&sum, &8)
}

pub(crate) fn negative(subject: &Subject) -> Result<()> {
    subject.echo(-1)?;
    subject.echo(i32::MIN)
}

pub(crate) fn boolean(subject: &Subject) -> Result<()> {
    subject.echo(true)?;
    subject.echo(false)
}

pub(crate) fn string(subject: &Subject) -> Result<()> {
    subject.echo("text")?;
    let joined: String = subject.call("concat", ("a", "b"))?;
    super::subject::same(&joined.as_str(), &"ab")
}

pub(crate) fn entities(subject: &Subject) -> Result<()> {
    subject.echo("<&>\"' &amp; ]]>")
}

pub(crate) fn unicode(subject: &Subject) -> Result<()> {
    subject.echo("\u{e9}\u{4e2d}\u{1f600}")
}

pub(crate) fn empty_string(subject: &Subject) -> Result<()> {
    subject.echo("")
}

pub(crate) fn whitespace(subject: &Subject) -> Result<()> {
    subject.echo(" \t two  blanks\nlines\n ")?;
    subject.echo("   ")?;
    subject.echo("carriage\rreturn\r\n")
}

pub(crate) fn double(subject: &Subject) -> Result<()> {
    for number in [0.5, -2.25, 123_456_789.125, std::f64::consts::PI, 1e-7] {
        subject.echo(number)?;
    }
    Ok(())
}

pub(crate) fn date(subject: &Subject) -> Result<()> {
    subject.echo(DateTime::new(1998, 7, 17, 14, 8, 55)?)?;
    subject.echo(DateTime::new(2026, 2, 28, 0, 0, 0)?)
}

pub(crate) fn base64(subject: &Subject) -> Result<()> {
    subject.echo((0..=u8::MAX).collect::<Vec<u8>>())?;
    subject.echo(Vec::<u8>::new())
}

pub(crate) fn array(subject: &Subject) -> Result<()> {
    let inner = Value::Array(vec![2.5.into(), Value::Array(vec![true.into()])]);
    subject.echo(Value::Array(vec![1.into(), "two".into(), inner]))
}

pub(crate) fn empty_array(subject: &Subject) -> Result<()> {
    subject.echo(Value::Array(Vec::new()))?;
    subject.echo(Value::Array(vec![Value::Array(Vec::new())]))
}

pub(crate) fn members(subject: &Subject) -> Result<()> {
    let inner = members_of([("c", Value::Array(vec!["".into(), 1.into()]))]);
    subject.echo(members_of([("a", 1.into()), ("b<&> \u{e9}", inner)]))
}

pub(crate) fn empty_struct(subject: &Subject) -> Result<()> {
    subject.echo(Value::Struct(Struct::new()))?;
    subject.echo(members_of([("inner", Value::Struct(Struct::new()))]))
}

pub(crate) fn nil(subject: &Subject) -> Result<()> {
    subject.echo(Value::Nil)?;
    subject.echo(Value::Array(vec![Value::Nil, 1.into()]))
}

pub(crate) fn i8(subject: &Subject) -> Result<()> {
    for number in [1 << 31, 1 << 53, i64::MAX, i64::MIN] {
        subject.echo(number)?;
    }
    Ok(())
}

fn members_of<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.map(|(name, value)| (name.to_owned(), value));
    Value::Struct(members.into_iter().collect())
}
