//! Supervision of a command: its output, its time, and its end.

use std::convert::Infallible;
use std::future::pending;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use farcall_conn::rpc::{Stream, StreamSender};
use futures_util::future::maybe_done;
use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::group::{ProcessGroup, exited};
use super::types::{CommandEvent, CommandExit};

/// Bytes of output in one item: that of a pipe of Linux.
const CHUNK: usize = 64 * 1024;

/// Time for which an empty pipe is read after the end of the command and its group. Somebody has
/// it open who left the group.
const EMPTY: Duration = Duration::from_millis(200);

/// A command that runs.
pub(super) struct RunningCommand {
    pub(super) child: Child,
    pub(super) group: Arc<ProcessGroup>,
    pub(super) input: Option<Bytes>,
    pub(super) stdin: Option<Stream<Bytes>>,
    pub(super) timeout: Duration,
    pub(super) grace: Duration,
    /// The time within which the caller must take the rest of the output after the end.
    pub(super) rest: Duration,
    /// The place among the commands at once.
    pub(super) _place: OwnedSemaphorePermit,
}

/// The reason for which a command ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    Exited,
    TimedOut,
    Abandoned,
}

impl RunningCommand {
    /// Sends the output of the command until it has ended, then its end. Ends it when its time has
    /// passed, or when nobody receives the events any more.
    pub(super) async fn supervise(mut self, events: StreamSender<CommandEvent>) {
        let ended = CancellationToken::new();
        let (stdout, stderr) = (self.child.stdout.take(), self.child.stderr.take());
        let mut outputs = Box::pin(maybe_done(async {
            tokio::join!(
                forward(stdout, CommandEvent::Stdout, &events, &ended),
                forward(stderr, CommandEvent::Stderr, &events, &ended),
            );
        }));
        let input = feed(
            self.child.stdin.take(),
            self.input.take(),
            self.stdin.take(),
        );
        let mut input = Box::pin(maybe_done(input));
        let reason = {
            let transfers = async {
                tokio::join!(outputs.as_mut(), input.as_mut());
                pending().await
            };
            tokio::select! {
                biased;
                reason = until(&mut self.child, &events, self.timeout) => reason,
                never = transfers => never,
            }
        };
        drop(input);
        match reason {
            Reason::Exited => {}
            Reason::TimedOut => {
                // It may have something to say, and would wait if nobody read it.
                let reading = async {
                    outputs.as_mut().await;
                    pending::<Infallible>().await
                };
                tokio::select! {
                    () = self.terminate() => {}
                    never = reading => match never {},
                }
            }
            Reason::Abandoned => {
                drop(outputs);
                self.terminate().await;
                self.end().await;
                return;
            }
        }
        let status = self.end().await;
        ended.cancel();
        let exit = exit(status, reason);
        let rest = async {
            outputs.await;
            events.send(CommandEvent::Exit(exit)).await
        };
        // It fails if the caller is gone, who then needs no answer.
        let _ = timeout(self.rest, rest).await;
    }

    /// Asks all processes of the group to end, and waits for their leader.
    async fn terminate(&mut self) {
        // It fails if they have become another user's. The end follows in any case.
        let _ = self.group.signal(Signal::TERM);
        let _ = timeout(self.grace, exited(&mut self.child)).await;
    }

    /// Kills what is left of the group, and waits for its leader.
    async fn end(&mut self) -> Option<ExitStatus> {
        self.group.close();
        self.child.wait().await.ok()
    }
}

/// Leaves nothing behind, also if the runtime ends before the command.
impl Drop for RunningCommand {
    fn drop(&mut self) {
        self.group.close();
    }
}

/// Waits for the end of a command, or for a reason to end it.
async fn until(child: &mut Child, events: &StreamSender<CommandEvent>, time: Duration) -> Reason {
    tokio::select! {
        biased;
        () = exited(child) => Reason::Exited,
        () = events.closed() => Reason::Abandoned,
        () = sleep(time) => Reason::TimedOut,
    }
}

/// Writes the standard input, and closes it.
async fn feed(pipe: Option<ChildStdin>, first: Option<Bytes>, more: Option<Stream<Bytes>>) {
    let Some(mut pipe) = pipe else { return };
    // An error means that the command has closed its input, which it may.
    if let Some(bytes) = first
        && pipe.write_all(&bytes).await.is_err()
    {
        return;
    }
    let Some(mut more) = more else { return };
    while let Some(Ok(bytes)) = more.next().await {
        if pipe.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// Sends what is read from a pipe, until all of its writers have closed it or nobody receives it.
/// Once the command has `ended`, it suffices that the pipe is empty.
async fn forward<P: AsyncRead + Unpin>(
    pipe: Option<P>,
    event: impl Fn(Bytes) -> CommandEvent,
    events: &StreamSender<CommandEvent>,
    ended: &CancellationToken,
) {
    let Some(mut pipe) = pipe else { return };
    loop {
        let mut buffer = BytesMut::with_capacity(CHUNK);
        let is_empty = async {
            ended.cancelled().await;
            sleep(EMPTY).await;
        };
        tokio::select! {
            biased;
            read = pipe.read_buf(&mut buffer) => match read {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            },
            () = is_empty => return,
        }
        if events.send(event(compact(buffer))).await.is_err() {
            return;
        }
    }
}

/// Returns the bytes without the rest of the buffer: many short lines would hold much memory.
fn compact(buffer: BytesMut) -> Bytes {
    if buffer.len() < CHUNK / 2 {
        Bytes::copy_from_slice(&buffer)
    } else {
        buffer.freeze()
    }
}

fn exit(status: Option<ExitStatus>, reason: Reason) -> CommandExit {
    CommandExit {
        status: status.and_then(|status| status.code()),
        signal: status.and_then(|status| status.signal()),
        timed_out: reason == Reason::TimedOut,
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;
    use std::time::Instant;

    use tokio::process::Command;
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn nobody_waits_for_a_caller_that_does_not_read() {
        let places = Arc::new(Semaphore::new(1));
        let child = Command::new("head")
            .args(["-c", "300000", "/dev/zero"])
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let running = RunningCommand {
            group: Arc::new(ProcessGroup::of(&child).unwrap()),
            child,
            input: None,
            stdin: None,
            timeout: Duration::from_millis(300),
            grace: Duration::from_millis(100),
            rest: Duration::from_millis(300),
            _place: Arc::clone(&places).try_acquire_owned().unwrap(),
        };
        let (sender, mut unread) = Stream::channel(1);
        let begin = Instant::now();
        running.supervise(sender).await;
        assert!(begin.elapsed() < Duration::from_secs(10));
        assert_eq!(places.available_permits(), 1);
        // One piece waits in the channel, and the end was never sent.
        assert!(matches!(
            unread.next().await,
            Some(Ok(CommandEvent::Stdout(_)))
        ));
        assert!(unread.next().await.is_none());
    }
}
