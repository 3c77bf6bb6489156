//! The methods that the examples of the specification of JSON-RPC 2.0 call.

use farcall::{Value, Variadic, service};

/// An object with the methods of the examples, except `sum`, which [`Demo`](crate::Demo) has.
#[derive(Clone, Copy, Debug)]
pub struct Specification;

#[service]
impl Specification {
    /// Subtracts one integer from another.
    pub fn subtract(&self, minuend: i64, subtrahend: i64) -> i64 {
        minuend.saturating_sub(subtrahend)
    }

    /// Returns an array of a string and an integer.
    pub fn get_data(&self) -> (&'static str, i64) {
        ("hello", 5)
    }

    /// Takes any number of values, and does nothing.
    pub fn update(&self, _values: Variadic<Value>) {}

    /// Takes a number, and does nothing.
    pub fn notify_hello(&self, _n: i64) {}

    /// Takes any number of numbers, and does nothing.
    pub fn notify_sum(&self, _numbers: Variadic<f64>) {}
}
