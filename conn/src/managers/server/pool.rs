//! Pools of methods: what a `SyncManager` knows as `Pool`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use farcall_pickle::Value;
use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use tokio::sync::{Semaphore as Permits, watch};

use crate::managers::object::{
    Answer, Arguments, MethodCall, Outcome, Raises, SharedObject, Stored, debug_by_repr, encode,
    names, no_method,
};
use crate::managers::objects::{AsyncResult, Items};
use crate::managers::wire::Exception;

/// Maximum number of calls that a pool has begun, as those that wait in a manager.
const MAX_CALLS: usize = 10_000;

/// Methods of the program that clients call as the functions of a pool.
pub(super) struct MethodPool {
    methods: Arc<dyn SharedObject>,
    size: usize,
    /// Permits of methods that run.
    running: Permits,
    is_open: AtomicBool,
    /// The number of calls that were begun and have not ended.
    calls: watch::Sender<usize>,
}

/// A call that was begun.
struct BegunCall(Arc<MethodPool>);

impl Drop for BegunCall {
    fn drop(&mut self) {
        self.0.calls.send_modify(|calls| *calls -= 1);
    }
}

/// A method of the pool, and what its calls have in common.
struct Function {
    name: String,
    keywords: Vec<(String, Stored)>,
    caller: u64,
    context: farcall_core::Context,
}

impl MethodPool {
    /// Creates a pool by the arguments of `multiprocessing.Pool`.
    pub(super) fn create(
        methods: &Arc<dyn SharedObject>,
        call: &mut MethodCall,
    ) -> Raises<Arc<Self>> {
        let names = ["processes", "initializer", "initargs", "maxtasksperchild"];
        let [processes, initializer, ..] = call.bind(names, 0)?;
        forbid(initializer.as_ref(), "an initializer")?;
        let size = match processes.filter(|size| !size.is_none()) {
            None => std::thread::available_parallelism().map_or(1, Into::into),
            Some(size) => match size.value()?.as_i64().map(usize::try_from) {
                Some(Ok(size @ 1..=MAX_CALLS)) => size,
                _ => {
                    let text = format!("the number of processes must be from 1 to {MAX_CALLS}");
                    return Err(Exception::with_text("ValueError", text));
                }
            },
        };
        Ok(Arc::new(Self {
            methods: Arc::clone(methods),
            size,
            running: Permits::new(size),
            is_open: AtomicBool::new(true),
            calls: watch::Sender::new(0),
        }))
    }

    /// Begins a call: `function` is pickled by its name.
    fn begin(&self, function: &Stored, call: &MethodCall) -> Raises<Function> {
        if !self.is_open.load(Ordering::Acquire) {
            return Err(Exception::with_text("ValueError", "Pool not running"));
        }
        let value = function.value()?;
        let Some(class) = value.as_class() else {
            let text = "a pool calls functions that are pickled by their names";
            return Err(Exception::with_text("TypeError", text));
        };
        let name = class.name().to_owned();
        if !self.methods.exposed().contains(&name) {
            return Err(no_method(&name));
        }
        Ok(Function {
            name,
            keywords: Vec::new(),
            caller: call.caller,
            context: call.context.clone(),
        })
    }

    /// Counts a call, which `join` waits for.
    fn count(self: &Arc<Self>) -> Raises<BegunCall> {
        let may_begin = self.calls.send_if_modified(|calls| {
            let may_begin = *calls < MAX_CALLS;
            *calls += usize::from(may_begin);
            may_begin
        });
        if !may_begin {
            let text = "too many calls run in this pool";
            return Err(Exception::with_text("RuntimeError", text));
        }
        Ok(BegunCall(Arc::clone(self)))
    }

    /// Calls a method with these arguments, once fewer run than the pool has workers.
    async fn run(&self, function: &Function, positional: Vec<Stored>) -> Raises<Stored> {
        let Ok(_permit) = self.running.acquire().await else {
            return Err(Exception::with_text(
                "RuntimeError",
                "the pool was terminated",
            ));
        };
        let mut call = MethodCall {
            method: function.name.clone(),
            args: Arguments {
                positional,
                keywords: function.keywords.clone(),
            },
            caller: function.caller,
            context: function.context.clone(),
        };
        let outcome = match Arc::clone(&self.methods).call(&mut call)? {
            Answer::Now(outcome) => outcome,
            Answer::Later(outcome) => outcome.await?,
        };
        match outcome {
            Outcome::Value(value) => Ok(value),
            Outcome::Object { .. } => {
                let text = "the methods of a pool return values, not objects";
                Err(Exception::with_text("TypeError", text))
            }
        }
    }

    /// Returns the calls of a method with each item. Each is a task, so that several run at once,
    /// and begins when it is first polled.
    fn results(
        self: Arc<Self>,
        function: Function,
        items: Vec<Vec<Stored>>,
    ) -> impl Stream<Item = impl Future<Output = Raises<Stored>> + Send> + Send {
        let function = Arc::new(function);
        stream::iter(items).map(move |item| {
            let (pool, function) = (Arc::clone(&self), Arc::clone(&function));
            async move {
                let task = tokio::spawn(async move { pool.run(&function, item).await });
                task.await.unwrap_or_else(|_| {
                    Err(Exception::with_text("RuntimeError", "the pool has ended"))
                })
            }
        })
    }

    async fn all(
        self: Arc<Self>,
        begun: BegunCall,
        function: Function,
        items: Vec<Vec<Stored>>,
    ) -> Raises<Stored> {
        let size = self.size;
        let results = self.results(function, items).buffered(size);
        let results: Raises<Vec<Stored>> = results.try_collect().await;
        drop(begun);
        Ok(encode(&results?)?.into())
    }

    /// Begins a call of `apply` or `apply_async`.
    fn apply(
        self: Arc<Self>,
        call: &mut MethodCall,
    ) -> Raises<impl Future<Output = Raises<Stored>> + Send + use<>> {
        let names = ["func", "args", "kwds", "callback", "error_callback"];
        let [function, args, keywords, callback, error_callback] = call.bind(names, 1)?;
        forbid(callback.as_ref(), "a callback")?;
        forbid(error_callback.as_ref(), "a callback")?;
        let mut function = self.begin(&function.unwrap_or_default(), call)?;
        let args = args.map_or(Ok(Vec::new()), |args| args.elements())?;
        let keywords = keywords.filter(|keywords| !keywords.is_none());
        for (name, value) in keywords.map_or(Ok(Vec::new()), |keywords| keywords.entries())? {
            function.keywords.push((name.text()?, value));
        }
        let begun = self.count()?;
        Ok(async move {
            let result = self.run(&function, args).await;
            drop(begun);
            result
        })
    }

    /// Begins a call of one of the functions that take an iterable.
    fn map(self: &Arc<Self>, call: &mut MethodCall) -> Raises<(Function, Vec<Vec<Stored>>)> {
        let is_star = call.method.starts_with("starmap");
        let names = [
            "func",
            "iterable",
            "chunksize",
            "callback",
            "error_callback",
        ];
        let [function, items, _, callback, error_callback] = call.bind(names, 2)?;
        forbid(callback.as_ref(), "a callback")?;
        forbid(error_callback.as_ref(), "a callback")?;
        let function = self.begin(&function.unwrap_or_default(), call)?;
        let items = items.unwrap_or_default().elements()?.into_iter();
        let items: Raises<_> = items
            .map(|item| {
                if is_star {
                    item.elements()
                } else {
                    Ok(vec![item])
                }
            })
            .collect();
        Ok((function, items?))
    }
}

/// Refuses an argument that is code of Python, which nothing here runs.
fn forbid(argument: Option<&Stored>, what: &str) -> Raises<()> {
    match argument {
        Some(argument) if !argument.is_none() => {
            let text = format!("{what} is code of Python, which this manager does not run");
            Err(Exception::with_text("TypeError", text))
        }
        _ => Ok(()),
    }
}

fn background(task: impl Future<Output = Raises<Stored>> + Send + 'static) -> Raises<Answer> {
    Ok(Answer::Now(Outcome::Object {
        typeid: "AsyncResult".to_owned(),
        object: AsyncResult::spawn(task),
    }))
}

fn iterator(values: impl Stream<Item = Raises<Stored>> + Send + 'static) -> Raises<Answer> {
    Ok(Answer::Now(Outcome::Object {
        typeid: "Iterator".to_owned(),
        object: Items::new(values),
    }))
}

impl SharedObject for MethodPool {
    /// As `PoolProxy` of CPython.
    fn exposed(&self) -> Vec<String> {
        names(&[
            "apply",
            "apply_async",
            "close",
            "imap",
            "imap_unordered",
            "join",
            "map",
            "map_async",
            "starmap",
            "starmap_async",
            "terminate",
        ])
    }

    fn call(self: Arc<Self>, call: &mut MethodCall) -> Raises<Answer> {
        let size = self.size;
        match &*call.method {
            "apply" => {
                let result = self.apply(call)?;
                Answer::later(async move { result.await.map(Outcome::Value) })
            }
            "apply_async" => background(self.apply(call)?),
            "map" | "starmap" => {
                let (function, items) = self.map(call)?;
                let results = Arc::clone(&self).all(self.count()?, function, items);
                Answer::later(async move { results.await.map(Outcome::Value) })
            }
            "map_async" | "starmap_async" => {
                let (function, items) = self.map(call)?;
                background(Arc::clone(&self).all(self.count()?, function, items))
            }
            // `join` does not wait until somebody takes the items of an iterator.
            "imap" => {
                let (function, items) = self.map(call)?;
                iterator(self.results(function, items).buffered(size))
            }
            "imap_unordered" => {
                let (function, items) = self.map(call)?;
                iterator(self.results(function, items).buffer_unordered(size))
            }
            "close" => {
                self.is_open.store(false, Ordering::Release);
                Answer::none()
            }
            "terminate" => {
                self.is_open.store(false, Ordering::Release);
                self.running.close();
                Answer::none()
            }
            "join" if self.is_open.load(Ordering::Acquire) => {
                Err(Exception::with_text("ValueError", "Pool is still running"))
            }
            "join" => Answer::later(async move {
                // The sender is in `self`, so that it cannot be gone.
                let _ = self.calls.subscribe().wait_for(|calls| *calls == 0).await;
                Outcome::none()
            }),
            method => Err(no_method(method)),
        }
    }

    fn repr(&self) -> String {
        let state = if self.is_open.load(Ordering::Acquire) {
            "RUN"
        } else {
            "CLOSE"
        };
        format!(
            "<multiprocessing.pool.Pool state={state} pool_size={}>",
            self.size
        )
    }

    fn value(&self) -> Raises<Stored> {
        let text = "pool objects cannot be passed between processes or pickled";
        Err(Exception::new("NotImplementedError").with_args([Value::from(text)]))
    }
}

debug_by_repr!(MethodPool);
