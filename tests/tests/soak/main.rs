//! A short endurance run.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use tests::soak::{Options, Report, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_endurance_run_succeeds() {
    let options = Options {
        victim: env!("CARGO_BIN_EXE_victim").into(),
        duration: Duration::from_secs(5),
        interval: Duration::from_millis(250),
        seed: fastrand::u64(..),
    };
    let report = run(&options).await.unwrap();
    let last = report.samples.last().unwrap();
    assert!(
        last.honest > 0 && last.faults > 0 && last.hostile > 0,
        "{last}"
    );
    assert_growth_is_noticed(report);
}

/// Checks that growth is detected. The run itself is too short to detect any, so the samples are
/// altered.
fn assert_growth_is_noticed(mut report: Report) {
    let first = report.samples[0];
    report.samples.fill(first);
    assert_eq!(report.check_flat(), Ok(()));
    for sample in report.samples.iter_mut().rev().take(3) {
        sample.tasks += 1000;
    }
    assert!(report.check_flat().unwrap_err().contains("tasks"));
    for (i, sample) in report.samples.iter_mut().enumerate() {
        sample.memory += (i as u64) << 20;
    }
    assert!(report.check_flat().unwrap_err().contains("memory"));
    report.samples.truncate(3);
    assert!(report.check_flat().is_err());
}
