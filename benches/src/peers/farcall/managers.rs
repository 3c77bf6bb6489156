//! Objects that clients share, as CPython's managers host them.

use anyhow::{Result, ensure};
use farcall::conn::managers::{
    Client, Dict, DictProxy, Lock, LockProxy, Queue, QueueProxy, Server,
};

use super::KEY;
use crate::messages::announce;
use crate::peers::{Transport, run_on};
use crate::task::{Pace, Task};

/// The work of the clients.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Sets and gets an entry of a dict.
    Dict,
    /// Puts an item into a queue and gets one.
    Queue,
    /// Acquires a lock and releases it.
    Lock,
    /// Puts and gets this number of bytes.
    Bulk(usize),
}

impl Work {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Dict => "dict",
            Self::Queue => "queue",
            Self::Lock => "lock",
            Self::Bulk(_) => "bulk",
        }
    }
}

pub(crate) fn serve() -> Result<()> {
    run_on(2, async {
        let server = Server::new();
        server.share("shared_dict", Dict::new())?;
        server.share("shared_queue", Queue::new(0))?;
        server.share("shared_lock", Lock::new())?;
        let listener = server.bind(Transport::Tcp.address()).authkey(KEY);
        // CPython up to 3.11 authenticates with MD5 and nothing else.
        let bound = listener.legacy_md5(true).await?;
        announce(bound.local_address())?;
        bound.serve().await;
        Ok(())
    })
}

/// Measures the calls of this number of clients, each of which waits for its own replies.
pub(crate) fn load(task: &Task, work: Work, clients: usize) -> Result<f64> {
    let task = task.clone();
    run_on(clients.min(2), async move {
        let manager = Client::connect(task.address()?)
            .authkey(KEY)
            .legacy_md5(true)
            .await?;
        let operations = task.rate_of(clients, |pace| {
            tokio::spawn(operate(manager.clone(), work, pace))
        });
        Ok(operations.await? * 2.0)
    })
}

async fn operate(manager: Client, work: Work, mut pace: Pace) -> Result<f64> {
    match work {
        Work::Dict => {
            let dict: DictProxy = manager.create("shared_dict", ()).await?;
            let key = format!("{:?}", tokio::task::id());
            while pace.should_continue() {
                dict.insert(&key, &5).await?;
                ensure!(dict.get::<i64>(&key).await? == Some(5));
            }
        }
        Work::Queue => {
            let queue: QueueProxy = manager.create("shared_queue", ()).await?;
            while pace.should_continue() {
                queue.put(&5).await?;
                ensure!(queue.get::<i64>().await? == 5);
            }
        }
        Work::Lock => {
            let lock: LockProxy = manager.create("shared_lock", ()).await?;
            while pace.should_continue() {
                lock.acquire().await?.release().await?;
            }
        }
        Work::Bulk(size) => {
            let queue: QueueProxy = manager.create("shared_queue", ()).await?;
            let item = vec![1; size];
            while pace.should_continue() {
                queue.put_bytes(&item).await?;
                ensure!(queue.get_bytes().await?.len() == size);
            }
        }
    }
    Ok(pace.rate())
}
