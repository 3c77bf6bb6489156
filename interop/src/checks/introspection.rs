//! Introspection of a server's methods.

use anyhow::{Result, ensure};
use farcall::Value;

use super::Subject;
use super::subject::same;

pub(crate) fn list_methods(subject: &Subject) -> Result<()> {
    let methods: Vec<String> = subject.call("system.listMethods", ())?;
    for wanted in ["add", "concat", "echo", "fail"] {
        ensure!(
            methods.iter().any(|method| method == wanted),
            "{wanted} is not in {methods:?}"
        );
    }
    Ok(())
}

pub(crate) fn method_help(subject: &Subject) -> Result<()> {
    let help: String = subject.call("system.methodHelp", ("add",))?;
    same(&help.trim(), &"Adds two integers.")
}

pub(crate) fn method_signature(subject: &Subject) -> Result<()> {
    let signatures: Value = subject.call("system.methodSignature", ("add",))?;
    same(&signatures, &vec![vec!["int"; 3]].into())
}
