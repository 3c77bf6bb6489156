//! Several calls in one request, through `system.multicall`.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rpc_core::Args;
use rpc_core::{
    Call, CallError, Caller, Context, Fault, FaultKind, Format, FormatError, Name, Payload,
};
use serde::de::DeserializeOwned;

use super::Client;
use super::endpoint::Endpoint;
use super::transport::Transport;
use crate::XmlRpc;
use crate::de::De;
use crate::de::Raw;
use crate::document::FaultMembers;
use crate::xml::read::{Markup, Tag};
use crate::xml::write::escaped;

const MULTICALL: &str = "system.multicall";
const PROLOGUE: &[u8] = b"<params><param><value><array><data>";
const EPILOGUE: &[u8] = b"</data></array></value></param></params>";

/// Several calls that go to the server in one request, as one `system.multicall`.
///
/// Each [`call`](Self::call) gives a [`Ticket`], which [`Results::take`] exchanges for the result
/// of that call. The calls fail one by one: a fault of one leaves the others alone. The server runs
/// them in order, or so most do.
///
/// A server that knows no `system.multicall` gets the calls one after the other instead, from then
/// on without being asked first.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = xmlrpc::Server::new();
/// # server.register_function("add", |a: i64, b: i64| a + b)?;
/// # server.register_function("name", || "Ada")?;
/// # let listening = server.bind("127.0.0.1:0").await?;
/// # let client = xmlrpc::Client::new(&listening.url())?;
/// # tokio::spawn(listening.serve());
/// let mut batch = client.batch();
/// let sum = batch.call::<i64>("add", (3, 5));
/// let name = batch.call::<String>("name", ());
/// let oops = batch.call::<i64>("no such method", ());
///
/// let mut results = batch.send().await?;
/// assert_eq!(results.take(sum)?, 8);
/// assert_eq!(results.take(name)?, "Ada");
/// assert!(results.take(oops).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a batch does nothing unless it is sent"]
pub struct Batch {
    client: Client,
    calls: Calls,
}

/// The calls of a batch, whatever client will send them.
pub(crate) struct Calls {
    batch: u64,
    format: XmlRpc,
    /// The parameters of the multicall, so far.
    params: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
enum Entry {
    /// A method and where in the parameters its arguments are, as the `<value>` of an array.
    Encoded(Name, Range<usize>),
    /// The arguments cannot be encoded: the call is left out.
    Failed(FormatError),
}

/// The claim to the result of one call of a [`Batch`].
#[must_use = "the result of the call is taken with its ticket"]
pub struct Ticket<T> {
    batch: u64,
    index: usize,
    result: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Ticket<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ticket").field(&self.index).finish()
    }
}

/// What went wrong with a batch as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// The server gave more or fewer results than it was sent calls, so that no one can tell which
    /// belongs to which.
    #[error("the server gave {received} results for {expected} calls")]
    WrongCount {
        /// How many calls were sent.
        expected: usize,
        /// How many results came.
        received: usize,
    },
    /// A ticket was used that another batch gave out.
    #[error("the ticket is of another batch")]
    ForeignTicket,
}

impl Batch {
    pub(super) fn new(client: Client) -> Self {
        let calls = Calls::new(client.format());
        Self { client, calls }
    }

    /// Adds a call, with a tuple of arguments. They are encoded at once; where that fails, this call
    /// is not sent and its ticket gives [`CallError::Encode`].
    pub fn call<R: DeserializeOwned>(
        &mut self,
        method: impl Into<Name>,
        args: impl Args,
    ) -> Ticket<R> {
        self.calls.add(method.into(), &args)
    }

    /// How many calls were added.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether no call was added yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.calls.len() == 0
    }

    /// Sends the calls, and waits for their results. An empty batch sends nothing.
    ///
    /// # Errors
    /// What concerns the whole request, as with [`Client::call`]; what concerns a single call is
    /// the result of its ticket. [`BatchError`] is the cause where the answer does not fit the
    /// calls.
    ///
    /// # Cancel safety
    /// Dropping the future gives all calls up; each of them may have run all the same.
    pub async fn send(self) -> Result<Results, CallError> {
        self.calls.send(&self.client.endpoint).await
    }
}

impl Calls {
    pub(crate) fn new(format: XmlRpc) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            batch: NEXT.fetch_add(1, Ordering::Relaxed),
            format,
            params: PROLOGUE.to_vec(),
            entries: Vec::new(),
        }
    }

    pub(crate) fn add<R>(&mut self, method: Name, args: &impl Args) -> Ticket<R> {
        let ticket = Ticket {
            batch: self.batch,
            index: self.entries.len(),
            result: PhantomData,
        };
        let start = self.params.len();
        let entry = match self.write_entry(&method, args) {
            Ok(range) => Entry::Encoded(method, range),
            Err(error) => {
                self.params.truncate(start);
                Entry::Failed(error)
            }
        };
        self.entries.push(entry);
        ticket
    }

    /// rTorrent reads the members in this order only.
    fn write_entry(&mut self, method: &str, args: &impl Args) -> Result<Range<usize>, FormatError> {
        let out = &mut self.params;
        out.extend_from_slice(b"<value><struct><member><name>methodName</name><value><string>");
        escaped(method, out)?;
        out.extend_from_slice(b"</string></value></member><member><name>params</name>");
        let start = out.len();
        self.format.write_args_array(args, out)?;
        let end = out.len();
        out.extend_from_slice(b"</member></struct></value>");
        Ok(start..end)
    }

    pub(crate) const fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) async fn send<T: Transport>(
        mut self,
        server: &Endpoint<T>,
    ) -> Result<Results, CallError> {
        self.params.extend_from_slice(EPILOGUE);
        let params = Bytes::from(std::mem::take(&mut self.params));
        if count(&self.entries) == 0 || server.lacks_multicall() {
            return Ok(self.send_one_by_one(server, &params).await);
        }
        let call = Call {
            params: params.clone().into(),
            format: self.format,
            context: Context::new(MULTICALL),
        };
        match server.send(call).await {
            Ok(reply) => Results::read(self.batch, self.format, reply, self.entries),
            Err(CallError::Fault(fault)) if says_no_multicall(&fault) => {
                server.remember_that_multicall_is_lacking();
                Ok(self.send_one_by_one(server, &params).await)
            }
            Err(error) => Err(error),
        }
    }

    /// Sends each call as a request of its own.
    async fn send_one_by_one<T: Transport>(self, server: &Endpoint<T>, params: &Bytes) -> Results {
        let format = self.format;
        let mut answers = Vec::with_capacity(self.entries.len());
        for entry in self.entries {
            let result = match entry {
                Entry::Failed(error) => Err(CallError::Encode(error)),
                Entry::Encoded(method, range) => match single(params, range, format) {
                    Err(error) => Err(CallError::Encode(error)),
                    Ok(params) => {
                        let call = Call {
                            params: params.into(),
                            format,
                            context: Context::new(method),
                        };
                        server.send(call).await
                    }
                },
            };
            answers.push(Some(result.map_or_else(Answer::Failed, Answer::Reply)));
        }
        Results {
            batch: self.batch,
            format,
            answers,
        }
    }
}

/// Without the calls, which may hold secrets.
impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Calls").field(&self.len()).finish()
    }
}

fn count(entries: &[Entry]) -> usize {
    let encoded = |entry: &&Entry| matches!(entry, Entry::Encoded(..));
    entries.iter().filter(encoded).count()
}

/// The results of a [`Batch`], to be taken with the tickets of its calls.
#[derive(Debug)]
pub struct Results {
    batch: u64,
    format: XmlRpc,
    answers: Vec<Option<Answer>>,
}

#[derive(Debug)]
enum Answer {
    /// The call failed.
    Failed(CallError),
    /// A whole reply.
    Reply(Payload),
    /// One `<value>`.
    Value(Payload),
    /// One `<value>` within an array, and that array: the result is the first by the protocol and
    /// the second for those servers that do not wrap results.
    Wrapped(Payload, Payload),
}

impl Results {
    /// The result of one call.
    ///
    /// # Errors
    /// As with [`Client::call`]. A ticket of another batch gives [`BatchError::ForeignTicket`] as
    /// the cause of [`CallError::Lost`].
    #[expect(clippy::needless_pass_by_value, reason = "a result can be taken once")]
    pub fn take<T: DeserializeOwned>(&mut self, ticket: Ticket<T>) -> Result<T, CallError> {
        let Ticket { batch, index, .. } = ticket;
        let answer = match self.answers.get_mut(index) {
            Some(answer) if batch == self.batch => answer.take(),
            _ => None,
        };
        let Some(answer) = answer else {
            return Err(CallError::Lost(Box::new(BatchError::ForeignTicket)));
        };
        let format = self.format;
        let result = match answer {
            Answer::Failed(error) => return Err(error),
            Answer::Reply(reply) => format.decode_reply(&reply),
            Answer::Value(value) => format.decode_value(&value),
            Answer::Wrapped(inner, whole) => format
                .decode_value(&inner)
                .or_else(|error| format.decode_value(&whole).map_err(|_| error)),
        };
        result.map_err(CallError::Decode)
    }

    /// Reads the results of a multicall. Entries that could not be encoded have none.
    fn read(
        batch: u64,
        format: XmlRpc,
        reply: Payload,
        entries: Vec<Entry>,
    ) -> Result<Self, CallError> {
        let results: Vec<Raw> = format.decode_reply(&reply).map_err(CallError::Decode)?;
        let (expected, received) = (count(&entries), results.len());
        if expected != received {
            let error = BatchError::WrongCount { expected, received };
            return Err(CallError::NotAReply(Box::new(error)));
        }
        let document = reply.into_bytes();
        let results: Vec<Answer> = results
            .into_iter()
            .map(|raw| answer(&document, raw, format))
            .collect();
        // One bare result shows that this server wraps none, not even an array of one element.
        let bare = results.iter().any(|a| matches!(a, Answer::Value(_)));
        let mut results = results.into_iter().map(|answer| match answer {
            Answer::Wrapped(_, whole) if bare => Answer::Value(whole),
            answer => answer,
        });
        let answers = entries.into_iter().map(|entry| match entry {
            Entry::Encoded(..) => results.next(),
            Entry::Failed(error) => Some(Answer::Failed(CallError::Encode(error))),
        });
        Ok(Self {
            batch,
            format,
            answers: answers.collect(),
        })
    }
}

/// What one entry of the results says: `[value]` by the protocol, `value` from Supervisor, a
/// struct with the members of a fault for a call that failed.
fn answer(document: &Bytes, raw: Raw, format: XmlRpc) -> Answer {
    let whole = Payload::part(document.clone(), raw.range);
    let mut de = De::new(&whole, format);
    let opening = de.start(Tag::Value, "<value>");
    match opening.and_then(|_| de.reader.tag()).map(|tag| tag.markup) {
        Ok(Markup::Start(Tag::Struct)) => match format.decode_value::<FaultMembers>(&whole) {
            Ok(fault) => Answer::Failed(CallError::Fault(fault.into())),
            Err(_) => Answer::Value(whole),
        },
        Ok(Markup::Start(Tag::Array)) => match format.decode_value::<Vec<Raw>>(&whole).as_deref() {
            Ok([Raw { range }]) => {
                Answer::Wrapped(Payload::part(document.clone(), range.clone()), whole)
            }
            _ => Answer::Value(whole),
        },
        _ => Answer::Value(whole),
    }
}

/// The arguments of an entry as the parameters of a call of its own.
fn single(entries: &Bytes, args: Range<usize>, format: XmlRpc) -> Result<Vec<u8>, FormatError> {
    let args: Vec<Raw> = format.decode_value(&Payload::part(entries.clone(), args))?;
    let mut params = b"<params>".to_vec();
    for Raw { range } in args {
        params.extend_from_slice(b"<param>");
        params.extend_from_slice(&entries[range]);
        params.extend_from_slice(b"</param>");
    }
    params.extend_from_slice(b"</params>");
    Ok(params)
}

/// Whether a fault that answers a multicall says that the server has no such method: the code of
/// the interoperability specification, that of xmlrpc-c, or, whatever the code, a text that speaks
/// of `system.multicall` or of a method as unknown, as CPython's
/// `<class 'Exception'>:method "system.multicall" is not supported` does.
///
/// A server that does have it puts the faults of the calls into the results, so none of them is
/// taken for this one.
fn says_no_multicall(fault: &Fault) -> bool {
    const XMLRPC_C_NO_SUCH_METHOD: i64 = -506;
    const UNKNOWN: [&str; 10] = [
        "unknown",
        "not found",
        "no such",
        "not supported",
        "unsupported",
        "not defined",
        "undefined",
        "not exist",
        "not implemented",
        "not registered",
    ];
    if fault.kind() == FaultKind::UnknownMethod || fault.code() == XMLRPC_C_NO_SUCH_METHOD {
        return true;
    }
    let text = fault.message().to_lowercase();
    (text.contains("method") || text.contains(MULTICALL))
        && UNKNOWN.iter().any(|unknown| text.contains(unknown))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(calls: Calls, values: &str) -> Result<Results, CallError> {
        let reply = format!(
            "<methodResponse><params><param><value><array><data>{values}</data></array></value>\
             </param></params></methodResponse>"
        );
        let reply = Payload::from(reply.into_bytes());
        Results::read(calls.batch, XmlRpc::default(), reply, calls.entries)
    }

    const FIVE: &str = "<value><array><data><value><int>5</int></value></data></array></value>";
    const FAULT: &str = "<value><struct><member><name>faultCode</name><value><int>4</int></value>\
        </member><member><name>faultString</name><value>no</value></member></struct></value>";

    #[test]
    fn a_call_is_a_name_and_then_its_arguments() {
        let mut batch = Calls::new(XmlRpc::default());
        let _ = batch.add::<i64>("a&b".into(), &(3, "x"));
        let params = String::from_utf8(batch.params).unwrap();
        assert_eq!(
            params
                .strip_prefix(std::str::from_utf8(PROLOGUE).unwrap())
                .unwrap(),
            "<value><struct><member><name>methodName</name><value><string>a&amp;b</string></value>\
             </member><member><name>params</name><value><array><data><value><int>3</int></value>\
             <value><string>x</string></value></data></array></value></member></struct></value>"
        );
    }

    #[test]
    fn arguments_become_parameters_again() {
        let mut batch = Calls::new(XmlRpc::default());
        let _ = batch.add::<i64>("f".into(), &(3, "x"));
        let _ = batch.add::<i64>("g".into(), &());
        let params = Bytes::from(batch.params);
        let single = |entry: &Entry| match entry {
            Entry::Encoded(_, range) => single(&params, range.clone(), XmlRpc::default()).unwrap(),
            Entry::Failed(error) => panic!("{error}"),
        };
        let mut expected = Vec::new();
        XmlRpc::default()
            .encode_args(&(3, "x"), &mut expected)
            .unwrap();
        assert_eq!(single(&batch.entries[0]), expected);
        assert_eq!(single(&batch.entries[1]), b"<params></params>");
    }

    #[test]
    fn results_are_wrapped_or_bare_or_faults() {
        let mut wrapped = Calls::new(XmlRpc::default());
        let number = wrapped.add::<i64>("f".into(), &());
        let fault = wrapped.add::<i64>("f".into(), &());
        let list = wrapped.add::<Vec<i64>>("f".into(), &());
        let bare_list = format!("<value><array><data>{FIVE}</data></array></value>");
        let mut results = results(wrapped, &format!("{FIVE}{FAULT}{bare_list}")).unwrap();
        assert_eq!(results.take(number).unwrap(), 5);
        let error = results.take(fault).unwrap_err();
        assert_eq!(error.fault(), Some(&Fault::new(4, "no")));
        assert_eq!(results.take(list).unwrap(), [5]);

        let mut bare = Calls::new(XmlRpc::default());
        let number = bare.add::<i64>("f".into(), &());
        let text = bare.add::<String>("f".into(), &());
        let list = bare.add::<Vec<i64>>("f".into(), &());
        let values = format!("<value><int>7</int></value><value>x</value>{FIVE}");
        let mut results = self::results(bare, &values).unwrap();
        assert_eq!(results.take(number).unwrap(), 7);
        assert_eq!(results.take(text).unwrap(), "x");
        assert_eq!(results.take(list).unwrap(), [5]);
    }

    #[test]
    fn a_bare_list_of_one_is_told_by_the_type() {
        let mut batch = Calls::new(XmlRpc::default());
        let list = batch.add::<Vec<i64>>("f".into(), &());
        let mut results = results(batch, FIVE).unwrap();
        assert_eq!(results.take(list).unwrap(), [5]);
    }

    #[test]
    fn results_that_do_not_fit_the_calls_are_refused() {
        let mut batch = Calls::new(XmlRpc::default());
        let _ = batch.add::<i64>("f".into(), &());
        let error = results(batch, "").unwrap_err();
        let CallError::NotAReply(error) = error else {
            panic!("{error}");
        };
        assert_eq!(error.to_string(), "the server gave 0 results for 1 calls");
    }

    #[test]
    fn a_ticket_of_another_batch_is_an_error() {
        let mut one = Calls::new(XmlRpc::default());
        let mut other = Calls::new(XmlRpc::default());
        let foreign = one.add::<i64>("f".into(), &());
        let own = other.add::<i64>("f".into(), &());
        let mut results = results(other, FIVE).unwrap();
        let error = results.take(foreign).unwrap_err();
        assert!(matches!(error, CallError::Lost(_)), "{error}");
        assert_eq!(results.take(own).unwrap(), 5);
    }

    #[test]
    fn what_cannot_be_encoded_fails_alone() {
        let mut batch = Calls::new(XmlRpc::default());
        let bad = batch.add::<i64>("f".into(), &("\0",));
        let good = batch.add::<i64>("f".into(), &());
        let worse = batch.add::<i64>("\u{1}".into(), &());
        let mut results = results(batch, FIVE).unwrap();
        for ticket in [bad, worse] {
            let error = results.take(ticket).unwrap_err();
            assert!(matches!(error, CallError::Encode(_)), "{error}");
        }
        assert_eq!(results.take(good).unwrap(), 5);
    }

    #[test]
    fn servers_without_multicall_are_recognised() {
        let texts = [
            (-32601, "server error. requested method not found"),
            (-506, "Method 'system.multicall' not defined"),
            (
                1,
                "<class 'Exception'>:method \"system.multicall\" is not supported",
            ),
            (0, "No such handler: system.multicall"),
            (1, "Unknown method"),
            (623, "the method does not exist"),
        ];
        for (code, text) in texts {
            assert!(says_no_multicall(&Fault::received(code, text)), "{text}");
        }
        let texts = [
            (1, "too many calls in system.multicall"),
            (-32602, "invalid method parameters"),
            (1, "no such user"),
        ];
        for (code, text) in texts {
            assert!(!says_no_multicall(&Fault::received(code, text)), "{text}");
        }
    }
}
