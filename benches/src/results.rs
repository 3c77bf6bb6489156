//! The measured figures, stored as JSON so that the report can be written again from them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::case::{Case, Contestant};
use crate::machine::Machine;

/// The data of the report.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    /// By the names of cases.
    cases: BTreeMap<String, Rounds>,
}

/// The figures of one case, by the names of contestants.
type Rounds = BTreeMap<String, Vec<Round>>;

/// The figures of a contestant in one round.
#[derive(Clone, Serialize, Deserialize)]
struct Round {
    round: u32,
    #[serde(flatten)]
    sample: Sample,
}

/// One run of a contestant.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) value: f64,
    /// Peak memory of the load in bytes.
    pub(crate) peak: Option<u64>,
    /// Peak memory of the server in bytes.
    pub(crate) server_peak: Option<u64>,
}

/// A series of figures.
pub(crate) struct Series {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Results {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            machine: Machine::this()?,
            cases: BTreeMap::new(),
        })
    }

    pub(crate) fn read(docs: &Path) -> Result<Self> {
        let path = file(docs);
        let json = std::fs::read(&path)
            .with_context(|| format!("there are no results yet in {}", path.display()))?;
        Ok(serde_json::from_slice(&json)?)
    }

    pub(crate) fn write(&self, docs: &Path) -> Result<()> {
        let path = file(docs);
        std::fs::create_dir_all(path.parent().unwrap_or(docs))?;
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(std::fs::write(path, json)?)
    }

    /// Removes earlier figures of a case.
    pub(crate) fn begin(&mut self, case: &Case) {
        self.cases.insert(case.name.to_owned(), Rounds::new());
    }

    pub(crate) fn add(&mut self, case: &Case, contestant: &Contestant, round: u32, sample: Sample) {
        let rounds = self.cases.entry(case.name.to_owned()).or_default();
        let rounds = rounds.entry(contestant.name.clone()).or_default();
        rounds.push(Round { round, sample });
    }

    /// Returns the figures of a contestant.
    pub(crate) fn values(&self, case: &Case, contestant: &str) -> Option<Series> {
        let rounds = self.rounds(case, contestant);
        Series::of(rounds.iter().map(|round| round.sample.value).collect())
    }

    /// Returns the ratios of its figures to the best of others in the same rounds.
    pub(crate) fn ratio(&self, case: &Case, contestant: &str, others: &[&str]) -> Option<Series> {
        let ratios = self.rounds(case, contestant).iter().filter_map(|round| {
            let best = self.best(case, round.round, others)?;
            Some(round.sample.value / best)
        });
        Series::of(ratios.collect())
    }

    /// Returns the peak memory of the server and the load of a contestant, in bytes.
    pub(crate) fn peak(&self, case: &Case, contestant: &str) -> Option<(u64, u64)> {
        let rounds = self.rounds(case, contestant);
        let server = rounds.iter().filter_map(|round| round.sample.server_peak);
        let load = rounds.iter().filter_map(|round| round.sample.peak);
        Some((server.max()?, load.max()?))
    }

    fn best(&self, case: &Case, round: u32, contestants: &[&str]) -> Option<f64> {
        let values = contestants.iter().filter_map(|contestant| {
            let rounds = self.rounds(case, contestant);
            Some(
                rounds
                    .iter()
                    .find(|other| other.round == round)?
                    .sample
                    .value,
            )
        });
        let better = if case.unit.more_is_better() {
            f64::max
        } else {
            f64::min
        };
        values.reduce(better)
    }

    fn rounds(&self, case: &Case, contestant: &str) -> &[Round] {
        let case = self.cases.get(case.name);
        case.and_then(|case| case.get(contestant))
            .map_or(&[], Vec::as_slice)
    }
}

impl Series {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self { median, min, max })
    }
}

fn file(docs: &Path) -> std::path::PathBuf {
    docs.join("performance/results.json")
}
