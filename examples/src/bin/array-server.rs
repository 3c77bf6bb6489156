//! Keeps measurements for `python3 examples/python/array_client.py`, which sends and receives
//! arrays of numpy, dates, and instances of its own classes.
//!
//! The authkey is `12345`. CPython up to 3.11 authenticates with MD5 and nothing else.

use clap::Parser;
use farcall::conn::{Connection, Listener, RecvError};
use farcall::pickle;
use farcall::pickle::{DateTime, Pickle};
use ndarray::{Array1, Array2, ArrayView1, Axis, concatenate};
use serde::{Deserialize, Serialize};

#[derive(Parser)]
#[command(about = "Keeps measurements for programs in Python")]
struct Arguments {
    /// Address to listen at
    #[arg(default_value = "127.0.0.1:16010")]
    address: String,
}

/// The requests, each an instance of a class of the client.
#[pickle]
#[derive(Deserialize)]
enum Request {
    /// Adds measurements: a row for each, with a column for each sensor.
    #[pickle(class = "__main__.Add")]
    Add {
        #[serde(with = "farcall::pickle::numpy")]
        rows: Array2<f64>,
        taken: DateTime,
    },
    /// Asks for the columns of these sensors, smoothed over `width` measurements.
    #[pickle(class = "__main__.Smooth")]
    Smooth { sensors: Vec<usize>, width: usize },
}

#[pickle]
#[derive(Serialize)]
enum Reply {
    #[pickle(class = "__main__.Summary", form = "content")]
    Summary(Summary),
    #[pickle(class = "__main__.Columns")]
    Columns {
        #[serde(with = "farcall::pickle::numpy")]
        values: Array2<f64>,
    },
    /// An exception, which the client raises.
    #[pickle(class = "ValueError", form = "call")]
    Refused(String),
}

#[pickle(class = "__main__.Summary")]
#[derive(Serialize)]
struct Summary {
    count: usize,
    #[serde(with = "farcall::pickle::numpy")]
    mean: Array1<f64>,
    #[serde(with = "farcall::pickle::numpy")]
    deviation: Array1<f64>,
    latest: DateTime,
}

/// The measurements of one client.
#[derive(Default)]
struct Measurements {
    rows: Option<Array2<f64>>,
}

impl Measurements {
    fn answer(&mut self, request: Request) -> Result<Reply, String> {
        match request {
            Request::Add { rows, taken } => self.add(rows, taken).map(Reply::Summary),
            Request::Smooth { sensors, width } => {
                let values = self.smooth(&sensors, width)?;
                Ok(Reply::Columns { values })
            }
        }
    }

    fn add(&mut self, rows: Array2<f64>, latest: DateTime) -> Result<Summary, String> {
        let all = match &self.rows {
            Some(before) => concatenate(Axis(0), &[before.view(), rows.view()])
                .map_err(|_| format!("expected {} columns", before.ncols()))?,
            None => rows,
        };
        let mean = all.mean_axis(Axis(0)).ok_or("there are no measurements")?;
        let summary = Summary {
            count: all.nrows(),
            mean,
            deviation: all.std_axis(Axis(0), 0.0),
            latest,
        };
        self.rows = Some(all);
        Ok(summary)
    }

    fn smooth(&self, sensors: &[usize], width: usize) -> Result<Array2<f64>, String> {
        let all = self.rows.as_ref().ok_or("there are no measurements")?;
        if sensors.iter().any(|sensor| *sensor >= all.ncols()) {
            return Err(format!("there are {} sensors", all.ncols()));
        }
        if width == 0 || width > all.nrows() {
            return Err(format!("the width is 1 to {}", all.nrows()));
        }
        let columns = all.select(Axis(1), sensors);
        let mut smoothed = Array2::zeros((all.nrows() + 1 - width, sensors.len()));
        for (mut to, from) in smoothed.columns_mut().into_iter().zip(columns.columns()) {
            let means = from.windows(width).into_iter().map(|window| mean(&window));
            to.assign(&means.collect::<Array1<f64>>());
        }
        Ok(smoothed)
    }
}

fn mean(window: &ArrayView1<'_, f64>) -> f64 {
    window.sum() / window.len() as f64
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut listener = Listener::bind(arguments.address.as_str())
        .authkey("12345")
        .legacy_md5(true)
        .await?;
    println!("listening on {}", listener.local_address());
    loop {
        let client: Connection<Reply, Request, Pickle> = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = serve(client).await {
                println!("a client failed: {error:#}");
            }
        });
    }
}

async fn serve(mut client: Connection<Reply, Request, Pickle>) -> anyhow::Result<()> {
    let mut measurements = Measurements::default();
    loop {
        let request = match client.recv().await {
            Ok(request) => request,
            Err(RecvError::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let reply = measurements.answer(request);
        client.send(&reply.unwrap_or_else(Reply::Refused)).await?;
    }
}
