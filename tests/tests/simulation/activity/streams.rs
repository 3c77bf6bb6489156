//! Reading streams, and passing them on.

use std::time::Duration;

use farcall::Fault;
use tokio::time::{sleep, timeout};

use super::Activity;
use crate::service::WorkshopApi;
use crate::streams::{self, AS_ASKED, Source};

impl Activity {
    pub(super) async fn numbers(&mut self) {
        let source = Source::new(&mut self.random);
        let entry = self.ledger.call("numbers");
        let client = self.client.clone();
        let call = client.numbers(entry.number(), source);
        let Some(Ok(numbers)) = self.outcome(entry, None, call).await else {
            return;
        };
        let slowness = self.millis(&[0, 0, 40]);
        let read = streams::read(numbers, source, &self.ledger, || sleep(slowness));
        if self.random.bool() {
            let result = read.await;
            self.check_stream(result.map_err(Fault::from));
        } else {
            // Dropping the stream before its end stops its source.
            let enough = Duration::from_millis(self.random.u64(..500));
            if timeout(enough, read).await.is_err() {
                self.ledger.count("stream: dropped");
            }
        }
    }

    fn check_stream(&self, result: Result<u64, Fault>) {
        if let Err(fault) = result {
            self.ledger.check(
                !self.healthy || fault.code() == AS_ASKED,
                format_args!("a stream failed: {fault}"),
            );
        }
    }

    pub(super) async fn read(&mut self) {
        let source = Source::new(&mut self.random);
        let entry = self.ledger.call("read");
        let client = self.client.clone();
        let slowness = self.choose(&[0, 0, 40]);
        let numbers = source.stream(&self.ledger);
        let call = client.read(entry.number(), source, slowness, numbers);
        self.outcome(entry, None, call).await;
    }
}
