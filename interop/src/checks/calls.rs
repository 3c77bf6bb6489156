//! Faults, one by one and within a multicall.

use std::fmt::Debug;

use anyhow::{Result, bail};
use rpc_core::{CallError, Fault, Value};

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
    let (mut results, sum, failed, joined) = subject.batch::<i64, Value, String>(
        ("add", (1, 2)),
        ("fail", (7, "no")),
        ("concat", ("a", "b")),
    )?;
    same(&results.take(sum)?, &3)?;
    let fault = fault_of(results.take(failed))?;
    same(&(fault.code(), fault.message()), &(7, "no"))?;
    same(&results.take(joined)?.as_str(), &"ab")
}

fn fault_of<T: Debug>(result: Result<T, CallError>) -> Result<Fault> {
    match result {
        Err(CallError::Fault(fault)) => Ok(fault),
        Err(error) => Err(error.into()),
        Ok(value) => bail!("no fault, but {value:?}"),
    }
}
