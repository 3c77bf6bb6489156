use farcall_core::protocol::Format;

use super::*;

fn results(calls: Calls, values: &str) -> Result<Results, CallError> {
    let reply = format!(
        "<methodResponse><params><param><value><array><data>{values}</data></array></value>\
         </param></params></methodResponse>"
    );
    let reply = Payload::from(reply.into_bytes());
    let format = XmlRpc::default();
    Results::read(calls.batch, format, Arc::default(), reply, calls.entries)
}

const FIVE: &str = "<value><array><data><value><int>5</int></value></data></array></value>";
const FAULT: &str = "<value><struct><member><name>faultCode</name><value><int>4</int></value>\
    </member><member><name>faultString</name><value>no</value></member></struct></value>";

#[test]
fn an_entry_is_a_method_name_and_its_arguments() {
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

/// Panics when it is encoded, in the middle of a document.
struct Panics;

impl serde::Serialize for Panics {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("in the middle")
    }
}

#[test]
fn arguments_that_panic_leave_nothing_in_the_batch() {
    let mut batch = Calls::new(XmlRpc::default());
    let mut whole = Calls::new(XmlRpc::default());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        batch.add::<i64>("f".into(), &("before", Panics))
    }));
    assert!(panicked.is_err());
    assert_eq!(batch.len(), 0);
    let _ = batch.add::<i64>("g".into(), &(3,));
    let _ = whole.add::<i64>("g".into(), &(3,));
    assert_eq!(batch.params, whole.params);
}

#[test]
fn arguments_become_parameters_again() {
    let mut batch = Calls::new(XmlRpc::default());
    let _ = batch.add::<i64>("f".into(), &(3, "x"));
    let _ = batch.add::<i64>("g".into(), &());
    let params = Bytes::from(batch.params);
    let single = |entry: &BatchEntry| match entry {
        BatchEntry::Encoded(_, range) => {
            let args = Payload::part(params.clone(), range.clone());
            XmlRpc::default().params_of(&args).unwrap()
        }
        BatchEntry::Failed(error) => panic!("{error}"),
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

/// `[["a"]]` is the result `["a"]` of a server that wraps results, and not a list of lists.
#[test]
fn a_result_of_a_wrong_shape_fails_in_a_batch_as_it_does_alone() {
    let texts = "<value><array><data><value><array><data><value>a</value></data></array></value>\
        </data></array></value>";
    let mut batch = Calls::new(XmlRpc::default());
    let wrong = batch.add::<Vec<Vec<String>>>("f".into(), &());
    let right = batch.add::<Vec<String>>("f".into(), &());
    let failed = batch.add::<Vec<i64>>("f".into(), &());
    let mut results = results(batch, &format!("{texts}{texts}{FAULT}")).unwrap();
    let error = results.take(wrong).unwrap_err();
    assert!(matches!(error, CallError::Decode(_)), "{error:?}");
    assert_eq!(results.take(right).unwrap(), ["a"]);
    assert!(results.take(failed).unwrap_err().fault().is_some());

    let mut batch = Calls::new(XmlRpc::default());
    let list = batch.add::<Vec<i64>>("f".into(), &());
    let mut results = self::results(batch, FIVE).unwrap();
    let CallError::Decode(error) = results.take(list).unwrap_err() else {
        panic!("expected a decoding error");
    };
    let text = error.to_string();
    assert!(
        text.contains("the array of one element around it would"),
        "{text}"
    );
}

#[test]
fn one_bare_result_shows_that_all_are_bare() {
    let empty = "<value><array><data/></array></value>";
    let two = "<value><array><data><value>a</value><value>b</value></data></array></value>";
    let member = "<value><struct><member><name>a</name><value>b</value></member></struct></value>";
    for bare in [
        empty,
        two,
        member,
        "<value><int>5</int></value>",
        "<value/>",
    ] {
        for values in [
            format!("{FIVE}{FAULT}{bare}"),
            format!("{bare}{FAULT}{FIVE}"),
        ] {
            let mut batch = Calls::new(XmlRpc::default());
            let tickets = [(); 3].map(|()| batch.add::<Vec<i64>>("f".into(), &()));
            let is_first = values.starts_with(FIVE);
            let mut results = results(batch, &values).unwrap();
            let [first, _, last] = tickets;
            let list = results.take(if is_first { first } else { last });
            assert_eq!(list.unwrap(), [5], "{values}");
        }
    }
}

#[test]
fn results_that_do_not_match_the_calls_are_refused() {
    let mut batch = Calls::new(XmlRpc::default());
    let _ = batch.add::<i64>("f".into(), &());
    let error = results(batch, "").unwrap_err();
    let CallError::NotAReply(error) = error else {
        panic!("{error}");
    };
    assert_eq!(
        error.to_string(),
        "the server returned 0 results for 1 calls"
    );
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
fn a_call_that_cannot_be_encoded_fails_alone() {
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
