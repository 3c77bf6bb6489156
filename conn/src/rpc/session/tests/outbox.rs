//! Events between two locks of a session, which no timing of tasks brings about reliably.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use farcall_core::Registry;
use farcall_core::protocol::{Call, Payload};

use crate::connection::{MAX_MESSAGE, split};
use crate::frame::Encoder;
use crate::rpc::SessionOptions;
use crate::rpc::encoding::Encoding;
use crate::rpc::message::{Hello, SessionStart, VERSION};
use crate::rpc::session::Session;
use crate::rpc::session::call_timeout::CallTimeout;
use crate::rpc::session::clock::now;
use crate::rpc::session::deferred::Deferred;
use crate::rpc::session::object::{CallRequest, SessionLink as _};

/// Length of the parameters of a call that fills the outbox.
const LONG: usize = 1 << 19;

#[derive(Default)]
struct CountWakes(AtomicUsize);

impl Wake for CountWakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn call(length: usize) -> Option<CallRequest> {
    Some(CallRequest {
        object: None,
        call: Call {
            params: Payload::from(vec![0; length]),
            format: Encoding::Bincode,
            context: farcall_core::Context::new("f"),
        },
    })
}

/// A thread has started a long call and not written it yet. The call of another one is queued,
/// since the outbox is full, and that thread writes the outbox. Only the driver sends queued calls.
#[tokio::test]
async fn a_call_that_is_queued_while_a_task_writes_wakes_the_driver() {
    for (is_interrupted, wakes) in [(false, 0), (true, 1)] {
        let settings = Arc::new(SessionOptions::default().settings(MAX_MESSAGE));
        let limits = settings.limits;
        let session = Session::open(Encoding::Bincode, settings, Registry::new());
        let hello = Hello {
            version: VERSION,
            start: SessionStart::New,
            takes_headers: true,
            encoding: b"bincode".to_vec(),
            limits,
            session: None,
        };
        session.on_connected(&hello, SessionStart::New);
        // The connection takes all bytes at once.
        let (near, _far) = tokio::io::duplex(1 << 20);
        let (_read_half, write_half, ..) = split(near);
        let _attached = session.attach(write_half, &Arc::default());
        let driver = Arc::new(CountWakes::default());
        let waker = Waker::from(Arc::clone(&driver));
        session.update_with(&mut Deferred::default(), |state| {
            let (mut replies, mut writing) = (Encoder::new(), Encoder::new());
            state.take_output(&mut replies, &mut writing, now, &waker);
        });
        let cx = Context::from_waker(Waker::noop());
        let timeout = CallTimeout::Unlimited;
        let mut request = call(LONG);
        if is_interrupted {
            let started = session.update_with(&mut Deferred::default(), |state| {
                state.start_call(&mut request, false, timeout, now, &cx)
            });
            assert!(started.is_ok());
            request = call(1);
        }
        let started = session.start_call(&mut request, false, timeout, &cx);
        assert!(started.is_ok());
        assert_eq!(driver.0.load(Ordering::Relaxed), wakes, "{is_interrupted}");
    }
}
