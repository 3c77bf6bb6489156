// Written by `farcall generate rust` from json+http://localhost:8000/.

use std::collections::BTreeMap;

use farcall::{CallError, DateTime, Value, Variadic, client};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    #[serde(rename = "nodeName")]
    pub node_name: String,
    pub color: Color,
    pub children: Vec<Tree>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Box<Tree>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Color {
    #[serde(rename = "red")]
    Red,
    #[serde(rename = "darkgreen")]
    Darkgreen,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Figure {
    Nothing,
    Circle(f64),
    Polygon(Vec<Point>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub x: f64,
    pub y: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stooges {
    pub moe: i64,
    pub larry: i64,
    pub curly: i64,
}

#[client]
pub trait Methods {
    /// Adds two integers.
    #[client(name = "add")]
    async fn add(&self, a: i64, b: i64) -> Result<i64, CallError>;

    /// Returns `n` bytes, at most 64 MiB, which count from 0 to 255 repeatedly.
    #[client(name = "blob")]
    async fn blob(&self, n: i64) -> Result<Vec<u8>, CallError>;

    /// Joins two strings.
    #[client(name = "concat")]
    async fn concat(&self, a: &str, b: &str) -> Result<String, CallError>;

    /// Adds `n` to the counter and returns its new value.
    #[client(name = "counter.increment")]
    async fn counter_increment(&self, n: i64) -> Result<i64, CallError>;

    /// Returns the value of the counter.
    #[client(name = "counter.value")]
    async fn counter_value(&self) -> Result<i64, CallError>;

    /// Divides one number by another. Division by zero is a fault.
    #[client(name = "divide")]
    async fn divide(&self, a: f64, b: f64) -> Result<f64, CallError>;

    /// Returns any value unchanged.
    #[client(name = "echo")]
    async fn echo(&self, x: &Value) -> Result<Value, CallError>;

    /// Fails with the given fault.
    #[client(name = "fail")]
    async fn fail(&self, code: i64, message: &str) -> Result<(), CallError>;

    /// Returns the current time, in UTC.
    #[client(name = "now")]
    async fn now(&self) -> Result<DateTime, CallError>;

    /// Returns the area of a figure.
    #[client(name = "shapes.area")]
    async fn shapes_area(&self, figure: &Figure) -> Result<f64, CallError>;

    /// Returns the least and the greatest coordinates, by their names.
    #[client(name = "shapes.bounds")]
    async fn shapes_bounds(&self, points: &[Point]) -> Result<BTreeMap<String, f64>, CallError>;

    /// Returns a tree with this number of levels, 2 by default.
    #[client(name = "shapes.growTree")]
    async fn shapes_grow_tree(&self, name: &str, color: &Color) -> Result<Tree, CallError>;

    /// Returns a tree with this number of levels, 2 by default.
    #[client(name = "shapes.growTree")]
    async fn shapes_grow_tree_with_levels(&self, name: &str, color: &Color, levels: i64) -> Result<Tree, CallError>;

    /// Mirrors a point at an axis, `"x"` by default.
    ///
    /// Other axes are those of the origin, as in `mirror(Point { x: 1.0, y: 2.0 }, "xy")`.
    #[client(name = "shapes.mirror")]
    async fn shapes_mirror(&self, point: &Point) -> Result<Point, CallError>;

    /// Mirrors a point at an axis, `"x"` by default.
    ///
    /// Other axes are those of the origin, as in `mirror(Point { x: 1.0, y: 2.0 }, "xy")`.
    #[client(name = "shapes.mirror")]
    async fn shapes_mirror_with_axis(&self, point: &Point, axis: &str) -> Result<Point, CallError>;

    /// Returns the arguments.
    #[client(name = "shapes.stamp")]
    async fn shapes_stamp(&self, data: &[u8], at: DateTime) -> Result<(DateTime, Vec<u8>, Color), CallError>;

    /// Returns after the given number of seconds, at most an hour.
    #[client(name = "sleep")]
    async fn sleep(&self, seconds: f64) -> Result<bool, CallError>;

    /// Adds numbers, which are the parameters, or the elements of the only one: integers to an
    /// integer, anything else to a double.
    #[client(name = "sum")]
    async fn sum(&self, arguments: Variadic<Value>) -> Result<Value, CallError>;

    /// Adds the members `curly` of an array of structs.
    #[client(name = "validator1.arrayOfStructsTest")]
    async fn validator1_array_of_structs_test(&self, structs: &[Stooges]) -> Result<i64, CallError>;

    /// Counts the characters of a string that are special in XML.
    #[client(name = "validator1.countTheEntities")]
    async fn validator1_count_the_entities(&self, text: &str) -> Result<Value, CallError>;

    /// Adds the members `moe`, `larry` and `curly` of a struct.
    #[client(name = "validator1.easyStructTest")]
    async fn validator1_easy_struct_test(&self, stooges: &Stooges) -> Result<i64, CallError>;

    /// Returns a struct unchanged.
    #[client(name = "validator1.echoStructTest")]
    async fn validator1_echo_struct_test(&self, value: &BTreeMap<String, Value>) -> Result<BTreeMap<String, Value>, CallError>;

    /// Returns its six parameters as an array.
    #[client(name = "validator1.manyTypesTest")]
    async fn validator1_many_types_test(&self, number: i64, truth: bool, text: &str, double: f64, date: DateTime, bytes: &[u8]) -> Result<Vec<Value>, CallError>;

    /// Joins the first and the last of 100 to 200 strings.
    #[client(name = "validator1.moderateSizeArrayCheck")]
    async fn validator1_moderate_size_array_check(&self, strings: &[String]) -> Result<String, CallError>;

    /// Adds `moe`, `larry` and `curly` of 1 April 2000 in a calendar of structs.
    #[client(name = "validator1.nestedStructTest")]
    async fn validator1_nested_struct_test(&self, years: &BTreeMap<String, BTreeMap<String, BTreeMap<String, Value>>>) -> Result<i64, CallError>;

    /// Multiplies a number by 10, 100 and 1000.
    #[client(name = "validator1.simpleStructReturnTest")]
    async fn validator1_simple_struct_return_test(&self, number: i64) -> Result<Value, CallError>;

    /// Returns the name of the caller's identity, or `anonymous`.
    #[client(name = "whoami")]
    async fn whoami(&self) -> Result<String, CallError>;
}
