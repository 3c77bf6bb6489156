//! Arguments of calls.

use std::time::Duration;

use super::{Raises, Stored};
use crate::managers::wire::Exception;

/// The longest time that is waited for: about 30 years, which timers can represent.
const MAX_SECONDS: f64 = 1e9;

/// The arguments of a call, by position and by name.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    pub(crate) positional: Vec<Stored>,
    pub(crate) keywords: Vec<(String, Stored)>,
}

impl Arguments {
    /// Binds the arguments to parameters, as Python does.
    pub(crate) fn bind<const N: usize>(
        self,
        method: &str,
        names: [&str; N],
        required: usize,
    ) -> Raises<[Option<Stored>; N]> {
        let error = |text: String| Exception::with_text("TypeError", text);
        let given = self.positional.len();
        if given > N {
            return Err(error(format!(
                "{method}() takes at most {N} arguments ({given} given)"
            )));
        }
        let mut bound = [const { None }; N];
        for (place, argument) in bound.iter_mut().zip(self.positional) {
            *place = Some(argument);
        }
        for (name, argument) in self.keywords {
            let Some(index) = names.iter().position(|known| *known == name) else {
                return Err(error(format!(
                    "{method}() got an unexpected keyword argument '{name}'"
                )));
            };
            if bound[index].replace(argument).is_some() {
                return Err(error(format!(
                    "{method}() got multiple values for argument '{name}'"
                )));
            }
        }
        match bound[..required].iter().position(Option::is_none) {
            Some(missing) => Err(error(format!(
                "{method}() missing required argument: '{}'",
                names[missing]
            ))),
            None => Ok(bound),
        }
    }
}

/// Returns the time of an argument in seconds. `None` without one: to wait without limit.
pub(crate) fn timeout_of(argument: Option<&Stored>) -> Raises<Option<f64>> {
    let Some(argument) = argument.filter(|argument| !argument.is_none()) else {
        return Ok(None);
    };
    match argument.value()?.as_f64() {
        Some(seconds) if !seconds.is_nan() => Ok(Some(seconds)),
        _ => Err(Exception::with_text(
            "TypeError",
            "a timeout must be a number of seconds, or None",
        )),
    }
}

/// Returns seconds as a duration. Negative ones are none.
pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(0.0, MAX_SECONDS))
}

/// Waits for a future, for at most some seconds. Returns `None` if they passed.
pub(crate) async fn within<F: Future>(timeout: Option<f64>, future: F) -> Option<F::Output> {
    match timeout {
        None => Some(future.await),
        Some(time) => tokio::time::timeout(seconds(time), future).await.ok(),
    }
}
