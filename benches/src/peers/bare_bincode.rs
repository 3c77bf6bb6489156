//! bincode of numbers over sockets of std.

use anyhow::{Result, ensure};
use bincode::config::standard;
use bincode::serde::{decode_from_slice, encode_to_vec};

use super::{Transport, bare_std};
use crate::task::Task;

pub(crate) fn serve(transport: Transport, size: usize) -> Result<()> {
    bare_std::serve(transport, |stream| {
        let mut length = [0; 8];
        while stream.read_exact(&mut length).is_ok() {
            let mut message = vec![0; usize::try_from(u64::from_le_bytes(length))?];
            stream.read_exact(&mut message)?;
            let (numbers, _): (Vec<f64>, _) = decode_from_slice(&message, standard())?;
            ensure!(numbers.len() == size / size_of::<f64>() && numbers.last() == Some(&1.5));
            stream.write_all(&[1])?;
        }
        Ok(())
    })
}

pub(crate) fn load(task: &Task, size: usize) -> Result<f64> {
    let mut stream = bare_std::connect(task)?;
    let numbers = vec![1.5_f64; size / size_of::<f64>()];
    task.rate(|| {
        let message = encode_to_vec(&numbers, standard())?;
        stream.write_all(&(message.len() as u64).to_le_bytes())?;
        stream.write_all(&message)?;
        Ok(stream.read_exact(&mut [0])?)
    })
}
