use std::sync::Arc;
use std::time::Duration;

use farcall_core::Context;
use farcall_pickle::{Object, Value};
use futures_util::FutureExt as _;

use super::*;
use crate::managers::object::{
    Answer, Arguments, MethodCall, Outcome, Raises, SharedObject, encode,
};
use crate::managers::wire::Exception;

/// Calls of one object, by one caller.
struct Calls<T>(Arc<T>, u64);

impl<T: SharedObject> Calls<T> {
    fn start(&self, method: &str, args: &[Value]) -> Raises<Answer> {
        Arc::clone(&self.0).call(&mut method_call(method, args, self.1))
    }

    async fn call(&self, method: &str, args: &[Value]) -> Result<Value, String> {
        let outcome = match self.start(method, args) {
            Ok(Answer::Now(outcome)) => Ok(outcome),
            Ok(Answer::Later(future)) => future.await,
            Err(exception) => Err(exception),
        };
        match outcome {
            Ok(Outcome::Value(value)) => Ok(value.decode().unwrap()),
            Ok(Outcome::Object { .. }) => panic!("an object"),
            Err(exception) => Err(exception.to_string()),
        }
    }

    /// Calls a method whose answer does not wait. Returns its text.
    fn shown(&self, method: &str, args: &[Value]) -> String {
        match self
            .call(method, args)
            .now_or_never()
            .expect("it does not wait")
        {
            Ok(value) => value.to_string(),
            Err(exception) => exception,
        }
    }
}

fn method_call(method: &str, args: &[Value], caller: u64) -> MethodCall {
    let positional = args.iter().map(|arg| encode(arg).unwrap().into());
    MethodCall {
        method: method.to_owned(),
        args: Arguments {
            positional: positional.collect(),
            keywords: Vec::new(),
        },
        caller,
        context: Context::default(),
    }
}

fn list(values: &[i64]) -> Value {
    values.iter().copied().collect()
}

fn slice(start: Option<i64>, stop: Option<i64>, step: Option<i64>) -> Value {
    let args = [start.into(), stop.into(), step.into()];
    Object::call("slice").with_args(args).into()
}

#[test]
fn lists_behave_as_in_python() {
    let create = &mut method_call("list", &[list(&[3, 1, 2])], 1);
    let object = Calls(List::create(create).unwrap(), 1);
    for (method, args, expected) in [
        ("append", vec![5.into()], "None"),
        ("sort", vec![], "None"),
        ("__getitem__", vec![slice(None, None, None)], "[1, 2, 3, 5]"),
        ("__getitem__", vec![slice(None, None, Some(-2))], "[5, 2]"),
        ("__getitem__", vec![(-1).into()], "5"),
        (
            "__getitem__",
            vec![4.into()],
            "IndexError('list index out of range')",
        ),
        (
            "__setitem__",
            vec![slice(Some(0), Some(2), None), list(&[9])],
            "None",
        ),
        (
            "__repr__",
            vec![],
            "AttributeError('there is no method \"__repr__\"')",
        ),
        ("pop", vec![0.into()], "9"),
        ("index", vec![5.0.into()], "1"),
        (
            "remove",
            vec![77.into()],
            "ValueError('list.remove(x): x not in list')",
        ),
        ("insert", vec![(-100).into(), 0.into()], "None"),
        ("__delitem__", vec![slice(None, None, Some(2))], "None"),
        ("__mul__", vec![2.into()], "[3, 3]"),
        ("__add__", vec![list(&[7])], "[3, 7]"),
        ("extend", vec![(4, 5).into()], "None"),
        ("count", vec![4.into()], "1"),
        ("reverse", vec![], "None"),
        ("__reversed__", vec![], "iter([3, 4, 5])"),
        ("sort", vec![Value::None, true.into()], "None"),
        ("copy", vec![], "[5, 4, 3]"),
        ("append", vec!["a".into()], "None"),
        (
            "sort",
            vec![],
            "TypeError('\\'<\\' not supported between instances of \\'str\\' and \\'int\\'')",
        ),
        (
            "append",
            vec![],
            "TypeError('append() missing required argument: \\'object\\'')",
        ),
        ("clear", vec![], "None"),
        ("pop", vec![], "IndexError('pop from empty list')"),
    ] {
        assert_eq!(object.shown(method, &args), expected, "{method}");
    }
}

#[test]
fn dicts_behave_as_in_python() {
    let object = Calls(Dict::new(), 1);
    let entries = Value::dict([("b", 2), ("a", 1)]);
    for (method, args, expected) in [
        ("update", vec![entries], "None"),
        ("__setitem__", vec![1.into(), "int".into()], "None"),
        ("__getitem__", vec![1.0.into()], "'int'"),
        ("__setitem__", vec![true.into(), "bool".into()], "None"),
        ("items", vec![], "[('b', 2), ('a', 1), (1, 'bool')]"),
        ("pop", vec!["b".into()], "2"),
        ("pop", vec!["b".into()], "KeyError('b')"),
        ("pop", vec!["b".into(), 0.into()], "0"),
        ("get", vec!["z".into()], "None"),
        ("setdefault", vec![(1, 2).into(), list(&[])], "[]"),
        ("popitem", vec![], "((1, 2), [])"),
        ("__iter__", vec![], "iter(['a', 1])"),
        (
            "__or__",
            vec![Value::dict([("a", 5)])],
            "{'a': 5, 1: 'bool'}",
        ),
        (
            "__ror__",
            vec![Value::dict([("a", 5)])],
            "{'a': 1, 1: 'bool'}",
        ),
        (
            "__getitem__",
            vec![list(&[])],
            "TypeError('unhashable type: \\'list\\'')",
        ),
        ("__delitem__", vec!["z".into()], "KeyError('z')"),
        ("clear", vec![], "None"),
        (
            "popitem",
            vec![],
            "KeyError('popitem(): dictionary is empty')",
        ),
    ] {
        assert_eq!(object.shown(method, &args), expected, "{method}");
    }
}

#[test]
fn sets_behave_as_in_python() {
    let create = &mut method_call("set", &[list(&[1, 2])], 1);
    let object = Calls(Set::create(create).unwrap(), 1);
    let other = Value::Set(vec![2.into(), 3.into()]);
    for (method, args, expected) in [
        ("add", vec![1.0.into()], "None"),
        ("__or__", vec![other.clone()], "{1, 2, 3}"),
        ("__and__", vec![other.clone()], "{2}"),
        ("__sub__", vec![other.clone()], "{1}"),
        ("__rsub__", vec![other.clone()], "{3}"),
        ("__xor__", vec![other.clone()], "{1, 3}"),
        ("__lt__", vec![list(&[1, 2, 3])], "True"),
        ("isdisjoint", vec![list(&[4])], "True"),
        ("remove", vec![9.into()], "KeyError(9)"),
        ("discard", vec![9.into()], "None"),
        ("__isub__", vec![other], "{1}"),
        ("update", vec![list(&[5]), list(&[6])], "None"),
        ("__len__", vec![], "3"),
    ] {
        assert_eq!(object.shown(method, &args), expected, "{method}");
    }
}

#[test]
fn arrays_have_elements_of_one_type() {
    let create = &mut method_call("Array", &["i".into(), list(&[1, 2, 3])], 1);
    let object = Calls(Array::create(create).unwrap(), 1);
    for (method, args, expected) in [
        ("__getitem__", vec![(-1).into()], "3"),
        ("__setitem__", vec![0.into(), 7.into()], "None"),
        (
            "__getitem__",
            vec![slice(None, Some(1), None)],
            "array.array('i', b'\\x07\\x00\\x00\\x00')",
        ),
        (
            "__setitem__",
            vec![0.into(), (1_i64 << 40).into()],
            "OverflowError('the number is out of the range of the array\\'s type')",
        ),
        (
            "__getitem__",
            vec![9.into()],
            "IndexError('array index out of range')",
        ),
    ] {
        assert_eq!(object.shown(method, &args), expected, "{method}");
    }
    let wrong = &mut method_call("Array", &["x".into(), list(&[])], 1);
    assert!(Array::create(wrong).is_err());
}

#[tokio::test]
async fn queues_that_are_shut_down_give_out_what_is_left() {
    let queue = Calls(Queue::new(2), 1);
    for item in [1, 2] {
        queue.call("put", &[item.into()]).await.unwrap();
    }
    let putting = {
        let queue = Arc::clone(&queue.0);
        tokio::spawn(async move { queue.put(&3).await })
    };
    tokio::task::yield_now().await;
    queue.call("shutdown", &[]).await.unwrap();
    let refused = |result: Result<(), Exception>| result.unwrap_err().is("queue.ShutDown");
    assert!(refused(putting.await.unwrap()));
    assert!(refused(queue.0.put(&4).await));
    assert_eq!(queue.call("get", &[]).await.unwrap(), 1_i64);
    assert_eq!(queue.0.try_get::<i64>().unwrap(), Some(2));
    assert!(refused(queue.0.get::<i64>().await.map(drop)));
    assert!(refused(queue.0.try_get::<i64>().map(drop)));
    // The items that are dropped count as done, and those who wait fail.
    let queue = Queue::new(0);
    queue.put(&1).await.unwrap();
    queue.shutdown(true);
    let joined = Calls(Arc::clone(&queue), 1).call("join", &[]).await;
    assert!(joined.is_ok());
    assert!(refused(queue.get::<i64>().await.map(drop)));
}

#[tokio::test(start_paused = true)]
async fn queues_wait_in_turn() {
    let queue = Queue::new(1);
    let object = Calls(queue.clone(), 1);
    object.call("put", &[1.into()]).await.unwrap();
    assert_eq!(object.shown("put_nowait", &[2.into()]), "queue.Full()");
    let full = object
        .call("put", &[2.into(), true.into(), 0.5.into()])
        .await;
    assert_eq!(full.unwrap_err(), "queue.Full()");
    assert_eq!(object.shown("get", &[]), "1");
    let empty = object.call("get", &[true.into(), 0.5.into()]).await;
    assert_eq!(empty.unwrap_err(), "queue.Empty()");
    // A wait that is dropped takes nothing, and those behind it keep their order.
    let first = object.start("get", &[]).unwrap();
    let Answer::Later(mut first) = first else {
        panic!("it waits")
    };
    assert!((&mut first).now_or_never().is_none());
    let second = tokio::spawn({
        let queue = queue.clone();
        async move { queue.get::<i64>().await }
    });
    tokio::task::yield_now().await;
    drop(first);
    queue.put(&7).await.unwrap();
    assert_eq!(second.await.unwrap(), Ok(7));
    for _ in 0..2 {
        assert_eq!(object.shown("task_done", &[]), "None");
    }
    let error = object.shown("task_done", &[]);
    assert_eq!(error, "ValueError('task_done() called too many times')");
    assert_eq!(object.shown("join", &[]), "None");
}

#[tokio::test]
async fn queues_of_other_orders() {
    let stack = Queue::with_order(0, QueueOrder::Lifo);
    let ranked = Queue::with_order(0, QueueOrder::Priority);
    for number in [3, 1, 2] {
        stack.put(&number).await.unwrap();
        ranked.put(&(number, "x")).await.unwrap();
    }
    assert_eq!(stack.try_get(), Ok(Some(2)));
    assert_eq!(ranked.try_get(), Ok(Some((1, "x".to_owned()))));
    assert!(ranked.put("a text").await.is_err());
}

#[tokio::test]
async fn locks_belong_to_their_callers() {
    let lock = RLock::new();
    let (ours, theirs) = (Calls(lock.clone(), 1), Calls(lock.clone(), 2));
    assert_eq!(ours.shown("acquire", &[]), "True");
    assert_eq!(ours.shown("acquire", &[]), "True");
    assert_eq!(theirs.shown("acquire", &[false.into()]), "False");
    let error = theirs.shown("release", &[]);
    assert_eq!(error, "RuntimeError('cannot release un-acquired lock')");
    // The connection of the owner ends.
    SharedObject::release(&*lock, 1);
    assert_eq!(theirs.shown("acquire", &[]), "True");

    let plain = Calls(Lock::new(), 1);
    assert_eq!(plain.shown("acquire", &[]), "True");
    let error = plain.shown("acquire", &[false.into(), 1.into()]);
    assert!(error.contains("non-blocking call"), "{error}");
    assert_eq!(Calls(plain.0.clone(), 2).shown("release", &[]), "None");
    assert_eq!(
        plain.shown("release", &[]),
        "RuntimeError('release unlocked lock')"
    );

    let create = &mut method_call("BoundedSemaphore", &[1.into()], 1);
    let bounded = Calls(Semaphore::create(create, true).unwrap(), 1);
    let error = bounded.shown("release", &[]);
    assert_eq!(error, "ValueError('Semaphore released too many times')");
}

#[tokio::test(start_paused = true)]
async fn conditions_and_barriers_end_waits() {
    let condition = Condition::new();
    let (waits, wakes) = (Calls(condition.clone(), 1), Calls(condition.clone(), 2));
    assert!(waits.shown("wait", &[]).contains("un-acquired"));
    assert!(waits.shown("notify", &[]).contains("un-acquired"));
    assert_eq!(waits.shown("acquire", &[]), "True");
    let timed_out = waits.call("wait", &[0.1.into()]).await;
    assert_eq!(timed_out.unwrap(), Value::from(false));
    let waiting = tokio::spawn(async move {
        let woken = waits.call("wait", &[]).await;
        (woken, waits.shown("release", &[]))
    });
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(wakes.shown("acquire", &[]), "True");
    assert_eq!(wakes.shown("notify", &[]), "None");
    assert_eq!(wakes.shown("release", &[]), "None");
    assert_eq!(waiting.await.unwrap(), (Ok(true.into()), "None".to_owned()));

    let barrier = Barrier::new(2);
    let first = tokio::spawn({
        let barrier = barrier.clone();
        async move { barrier.wait().await }
    });
    tokio::task::yield_now().await;
    assert_eq!(barrier.wait().await, Ok(1));
    assert_eq!(first.await.unwrap(), Ok(0));
    let object = Calls(barrier.clone(), 1);
    let broken = object.call("wait", &[0.1.into()]).await;
    assert_eq!(broken.unwrap_err(), "threading.BrokenBarrierError()");
    assert_eq!(object.shown("__getattribute__", &["broken".into()]), "True");
    assert!(barrier.wait().await.is_err());
    object.shown("reset", &[]);
    // A wait that is dropped no longer counts.
    assert!(barrier.wait().now_or_never().is_none());
    assert_eq!(object.shown("__getattribute__", &["n_waiting".into()]), "0");
}
