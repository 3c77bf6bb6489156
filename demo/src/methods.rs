//! The methods, as one object.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use farcall::{Context, DateTime, Fault, Value, Variadic, service};

use crate::validator1::Validator1;

/// An object with all methods, to be registered with a server of any protocol. An `Arc` of it can
/// be registered with several servers, whose callers then share one counter.
#[derive(Debug, Default)]
pub struct Demo {
    counter: Arc<Counter>,
}

#[service]
impl Demo {
    #[service(nested)]
    fn counter(&self) -> Arc<Counter> {
        Arc::clone(&self.counter)
    }

    #[service(nested)]
    fn validator1(&self) -> Validator1 {
        Validator1
    }

    /// Adds two integers.
    pub fn add(&self, a: i64, b: i64) -> Result<i64, Fault> {
        a.checked_add(b)
            .ok_or_else(|| Fault::new(3, "the sum is beyond 64 bits"))
    }

    /// Joins two strings.
    pub fn concat(&self, a: &str, b: &str) -> String {
        a.to_owned() + b
    }

    /// Returns any value unchanged.
    pub fn echo(&self, x: Value) -> Value {
        x
    }

    /// Adds numbers, which are the parameters, or the elements of the only one: integers to an
    /// integer, anything else to a double.
    pub fn sum(&self, Variadic(numbers): Variadic<Value>) -> Result<Value, Fault> {
        let array = match numbers.as_slice() {
            [Value::Array(numbers)] => numbers,
            numbers => numbers,
        };
        let integers: Option<Vec<i64>> = array.iter().map(Value::as_i64).collect();
        if let Some(integers) = integers {
            let sum = integers.into_iter().try_fold(0i64, i64::checked_add);
            return sum
                .map(Value::Int)
                .ok_or_else(|| Fault::new(3, "the sum is beyond 64 bits"));
        }
        let doubles: Option<Vec<f64>> = array.iter().map(Value::as_f64).collect();
        let doubles = doubles.ok_or_else(|| Fault::invalid_params("not an array of numbers"))?;
        Ok(Value::Double(doubles.iter().sum()))
    }

    /// Divides one number by another. Division by zero is a fault.
    pub fn divide(&self, a: f64, b: f64) -> Result<f64, Fault> {
        if b == 0.0 {
            Err(Fault::new(1, "division by zero"))
        } else {
            Ok(a / b)
        }
    }

    /// Fails with the given fault.
    pub fn fail(&self, code: i64, message: String) -> Result<(), Fault> {
        Err(Fault::new(code, message))
    }

    /// Returns after the given number of seconds, at most an hour.
    pub async fn sleep(&self, seconds: f64) -> Result<bool, Fault> {
        let duration = Duration::try_from_secs_f64(seconds)
            .ok()
            .filter(|duration| *duration <= Duration::from_secs(3600))
            .ok_or_else(|| Fault::invalid_params("the seconds are 0 to 3600"))?;
        tokio::time::sleep(duration).await;
        Ok(true)
    }

    /// Returns the current time, in UTC.
    pub fn now(&self) -> DateTime {
        SystemTime::now().into()
    }

    /// Returns the name of the caller's identity, or `anonymous`.
    pub fn whoami(&self, cx: &Context) -> String {
        let name = cx.identity().name();
        name.map_or_else(|| "anonymous".to_owned(), Into::into)
    }

    /// Returns `n` bytes, at most 64 MiB, which count from 0 to 255 repeatedly.
    pub fn blob(&self, n: usize) -> Result<Vec<u8>, Fault> {
        if n > 64 << 20 {
            return Err(Fault::invalid_params("a blob has at most 64 MiB"));
        }
        Ok((0..=u8::MAX).cycle().take(n).collect())
    }
}

/// A counter shared by all callers.
#[derive(Debug, Default)]
struct Counter(AtomicI64);

#[service]
impl Counter {
    /// Adds `n` to the counter and returns its new value.
    pub fn increment(&self, n: i64) -> i64 {
        self.0.fetch_add(n, Ordering::Relaxed).wrapping_add(n)
    }

    /// Returns the value of the counter.
    pub fn value(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}
