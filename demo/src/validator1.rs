//! The XML-RPC validation suite of UserLand ("validator1"): eight methods that test all types of a
//! server.

use std::collections::HashMap;

use farcall::{DateTime, Fault, Struct, Value, service};
use serde::{Deserialize, Serialize};

pub(crate) struct Validator1;

#[derive(Clone, Copy, Deserialize)]
struct Stooges {
    moe: i64,
    larry: i64,
    curly: i64,
}

impl Stooges {
    fn sum(self) -> i64 {
        self.moe.wrapping_add(self.larry).wrapping_add(self.curly)
    }
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entities {
    ct_left_angle_brackets: i64,
    ct_right_angle_brackets: i64,
    ct_ampersands: i64,
    ct_apostrophes: i64,
    ct_quotes: i64,
}

#[derive(Serialize)]
struct Times {
    times10: i64,
    times100: i64,
    times1000: i64,
}

#[service(rename_all = "camelCase")]
impl Validator1 {
    /// Adds the members `curly` of an array of structs.
    pub fn array_of_structs_test(&self, structs: &[Stooges]) -> i64 {
        structs
            .iter()
            .fold(0, |sum, stooges| sum.wrapping_add(stooges.curly))
    }

    /// Counts the characters of a string that are special in XML.
    pub fn count_the_entities(&self, text: &str) -> Entities {
        let mut counts = Entities::default();
        for character in text.chars() {
            match character {
                '<' => counts.ct_left_angle_brackets += 1,
                '>' => counts.ct_right_angle_brackets += 1,
                '&' => counts.ct_ampersands += 1,
                '\'' => counts.ct_apostrophes += 1,
                '"' => counts.ct_quotes += 1,
                _ => {}
            }
        }
        counts
    }

    /// Adds the members `moe`, `larry` and `curly` of a struct.
    pub fn easy_struct_test(&self, stooges: Stooges) -> i64 {
        stooges.sum()
    }

    /// Returns a struct unchanged.
    pub fn echo_struct_test(&self, value: Struct) -> Struct {
        value
    }

    /// Returns its six parameters as an array.
    pub fn many_types_test(
        &self,
        number: i64,
        truth: bool,
        text: String,
        double: f64,
        date: DateTime,
        bytes: Vec<u8>,
    ) -> Vec<Value> {
        vec![
            Value::Int(number),
            Value::Bool(truth),
            Value::String(text),
            Value::Double(double),
            Value::DateTime(date),
            Value::Bytes(bytes),
        ]
    }

    /// Joins the first and the last of 100 to 200 strings.
    pub fn moderate_size_array_check(&self, strings: &[String]) -> Result<String, Fault> {
        match (strings.first(), strings.last()) {
            (Some(first), Some(last)) => Ok(format!("{first}{last}")),
            _ => Err(Fault::invalid_params("the array is empty")),
        }
    }

    /// Adds `moe`, `larry` and `curly` of 1 April 2000 in a calendar of structs.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "only strings and lists can be lent"
    )]
    pub fn nested_struct_test(
        &self,
        years: HashMap<String, HashMap<String, HashMap<String, Value>>>,
    ) -> Result<i64, Fault> {
        let day = years
            .get("2000")
            .and_then(|year| year.get("04"))
            .and_then(|month| month.get("01"))
            .ok_or_else(|| Fault::invalid_params("there is no 1 April 2000"))?;
        let stooges: Stooges = farcall::from_value(day.clone()).map_err(Fault::from)?;
        Ok(stooges.sum())
    }

    /// Multiplies a number by 10, 100 and 1000.
    pub fn simple_struct_return_test(&self, number: i64) -> Times {
        Times {
            times10: number.wrapping_mul(10),
            times100: number.wrapping_mul(100),
            times1000: number.wrapping_mul(1000),
        }
    }
}
