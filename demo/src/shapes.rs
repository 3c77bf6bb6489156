//! Methods whose arguments and results have types of their own.

use std::collections::BTreeMap;

use farcall::{DateTime, service};
use serde::{Deserialize, Serialize};

/// An object for those who read descriptions of types.
#[derive(Clone, Copy, Debug)]
pub struct Shapes;

/// A point of a plane.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Point {
    x: f64,
    y: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Color {
    Red,
    DarkGreen,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Figure {
    Nothing,
    Circle(f64),
    Polygon(Vec<Point>),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tree {
    node_name: String,
    color: Color,
    children: Vec<Self>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shadow: Option<Box<Self>>,
}

#[service(prefix = "shapes")]
impl Shapes {
    /// Mirrors a point at an axis, `"x"` by default.
    ///
    /// Other axes are those of the origin, as in `mirror(Point { x: 1.0, y: 2.0 }, "xy")`.
    pub fn mirror(&self, point: Point, axis: Option<String>) -> Point {
        let (x, y) = (point.x, point.y);
        let axis = axis.unwrap_or_else(|| "x".to_owned());
        let (x, y) = match &*axis {
            "x" => (x, -y),
            "y" => (-x, y),
            _ => (-x, -y),
        };
        Point { x, y, ..point }
    }

    /// Returns the area of a figure.
    pub fn area(&self, figure: Figure) -> f64 {
        match figure {
            Figure::Nothing => 0.0,
            Figure::Circle(radius) => std::f64::consts::PI * radius * radius,
            Figure::Polygon(points) => {
                let next = points.iter().cycle().skip(1);
                let pairs = points.iter().zip(next);
                pairs.map(|(a, b)| a.x * b.y - b.x * a.y).sum::<f64>().abs() / 2.0
            }
        }
    }

    /// Returns a tree with this number of levels, 2 by default.
    #[service(name = "growTree")]
    pub fn grow(&self, name: String, color: Color, levels: Option<u8>) -> Tree {
        tree(name, color, levels.unwrap_or(2).min(8))
    }

    /// Returns the arguments.
    pub fn stamp(&self, data: Vec<u8>, at: DateTime) -> (DateTime, Vec<u8>, Color) {
        (at, data, Color::DarkGreen)
    }

    /// Returns the least and the greatest coordinates, by their names.
    pub fn bounds(&self, points: Vec<Point>) -> BTreeMap<String, f64> {
        let mut bounds = BTreeMap::new();
        for Point { x, y, .. } in points {
            for (name, value) in [("x", x), ("y", y)] {
                let least = bounds.entry(format!("{name}.min")).or_insert(value);
                *least = value.min(*least);
                let greatest = bounds.entry(format!("{name}.max")).or_insert(value);
                *greatest = value.max(*greatest);
            }
        }
        bounds
    }
}

fn tree(name: String, color: Color, levels: u8) -> Tree {
    let shadow = (levels > 1).then(|| tree(format!("{name}'"), color, levels - 1));
    Tree {
        node_name: name,
        color,
        children: shadow.clone().into_iter().collect(),
        shadow: shadow.map(Box::new),
    }
}
