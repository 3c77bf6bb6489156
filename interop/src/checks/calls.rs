//! Faults, of single calls and within a multicall.

use std::fmt::Debug;

use anyhow::{Result, anyhow, bail};
use farcall::{CallError, Fault, Value};

use super::Subject;
use super::subject::same;

pub(crate) fn fault(subject: &Subject) -> Result<()> {
    let text = "sch\u{f6}n <&> \u{1f600}";
    let fault = fault_of(subject.call::<Value>("fail", (4711, text)))?;
    same(&(fault.code(), fault.message()), &(4711, text))
}

pub(crate) fn unknown_method(subject: &Subject) -> Result<()> {
    fault_of(subject.call::<Value>("no.such.method", ()))?;
    Ok(())
}

pub(crate) fn wrong_params(subject: &Subject) -> Result<()> {
    fault_of(subject.call::<Value>("add", (1,)))?;
    Ok(())
}

pub(crate) fn multicall(subject: &Subject) -> Result<()> {
    let results = subject.batch(&[
        ("add", [1.into(), 2.into()]),
        ("fail", [7.into(), "no".into()]),
        ("concat", ["a".into(), "b".into()]),
    ])?;
    let [sum, failed, joined] = results
        .try_into()
        .map_err(|_| anyhow!("not three results"))?;
    same(&sum?, &3.into())?;
    let fault = fault_of(failed)?;
    same(&(fault.code(), fault.message()), &(7, "no"))?;
    same(&joined?, &"ab".into())
}

fn fault_of<T: Debug>(result: Result<T, CallError>) -> Result<Fault> {
    match result {
        Err(CallError::Fault(fault)) => Ok(fault),
        Err(error) => Err(error.into()),
        Ok(value) => bail!("no fault, but {value:?}"),
    }
}
