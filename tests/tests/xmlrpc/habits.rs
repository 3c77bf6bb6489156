//! Behaviour of every CPython beyond the specification, as a client and as a server.

use farcall::http::ServerOptions;
use farcall::xmlrpc::{Client, ClientOptions, DocumentOptions, Forbidden, XmlRpc};
use farcall::{CallError, Value};
use tests::{Python, pythons};

use crate::served::Served;

/// CPython's single-byte codecs that contain ASCII and that the server supports. CPython has more,
/// such as those of MS-DOS, which no other peer supports.
const SINGLE_BYTE: &str = "latin-1 iso-8859-1 iso-8859-2 iso8859_3 iso-8859-4 iso-8859-5 iso-8859-6 iso-8859-7 \
    iso-8859-8 iso-8859-9 iso8859_10 iso-8859-11 iso-8859-13 iso-8859-14 iso-8859-15 iso8859_16 tis-620 cp874 \
    windows-1250 cp1251 windows-1252 cp1253 cp1254 cp1255 cp1256 windows-1257 cp1258 koi8-r koi8-u cp866 \
    mac_roman mac_cyrillic";

/// Multi-byte codecs that CPython's client writes.
const MULTI_BYTE: &str =
    "shift_jis cp932 euc_jp gbk gb2312 gb18030 big5 big5hkscs cp950 euc_kr cp949 utf-8";

/// Codecs in which the bytes of ASCII can be other characters.
const REFUSED: &str = "iso2022_jp hz utf-7 utf-32";

/// Functions of both programs: the texts that a codec can encode. Bytes for which the Encoding
/// Standard has another character than CPython are left out.
const TEXTS: &str = r#"
import sys
try:
    import xmlrpc.client as x
except ImportError:
    import xmlrpclib as x
single, multi, refused = [names.split() for names in sys.argv[2:5]]

DIFFERENT = {
    "koi8-u": (0xAE, 0xBE),
}

def texts(codec):
    if codec in multi:
        # Of Big5 all have their own additions, and so other characters than those of Chinese.
        if codec.startswith("big5") or codec == "cp950":
            yield b"\xe4\xb8\xad\xe6\x96\x87\xe5\x8a\x9f <&> \\ ~".decode("utf-8")
            return
        for text in (b"\xe6\x97\xa5\xe6\x9c\xac", b"\xe4\xb8\xad\xe6\x96\x87", b"\xed\x95\x9c\xea\xb8\x80",
                     b"\xe8\xa1\xa8\xe3\x82\xbd", b"\xc3\xa9 <&> \xe2\x82\xac \\ ~"):
            yield text.decode("utf-8")
        return
    high = b"".decode("ascii")
    for byte in range(0x80, 0x100):
        if byte in DIFFERENT.get(codec, ()):
            continue
        try:
            high += bytes(bytearray([byte])).decode(codec)
        except UnicodeError:
            pass
    yield high
    yield b"5 \xe2\x82\xac <&> \\ ~".decode("utf-8")
"#;

/// Returns the multi-byte codecs that a version can write. CPython 2 encodes each text on its own,
/// which makes no document of UTF-16.
fn multi_byte(python: &Python) -> String {
    match python.version.0 {
        2 => MULTI_BYTE.to_owned(),
        _ => format!("{MULTI_BYTE} utf-16"),
    }
}

/// Returns the oldest and the newest CPython, whose codecs are the same as those of all versions in
/// between.
fn oldest_and_newest() -> Vec<Python> {
    let mut all = pythons();
    let newest = all.pop();
    all.truncate(1);
    all.extend(newest);
    all
}

async fn run(python: Python, program: String, args: Vec<String>) -> String {
    let run = tokio::task::spawn_blocking(move || {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        python.run_text(&program, &args)
    });
    run.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_cpython_calls_in_every_encoding_that_contains_ascii() {
    let program = r#"
codecs = single + multi
for codec in codecs:
    s = x.ServerProxy(sys.argv[1], encoding=codec)
    assert s.add(2, 3) == 5, codec
    for text in texts(codec):
        got = s.echo(text)
        wrong = [(a, b) for a, b in zip(got, text) if a != b]
        assert got == text, (codec, wrong)
for codec in refused:
    try:
        x.ServerProxy(sys.argv[1], encoding=codec).add(2, 3)
        raise AssertionError(codec)
    except x.Fault as fault:
        assert fault.faultCode == -32701, (codec, fault)
print(len(codecs))
"#;
    let served = Served::new().await;
    for python in oldest_and_newest() {
        let multi = multi_byte(&python);
        let codecs = [SINGLE_BYTE, &multi].map(|list| list.split_whitespace().count());
        let args = [served.url.as_str(), SINGLE_BYTE, &multi, REFUSED];
        let program = format!("{TEXTS}{program}");
        let version = python.version;
        let output = run(python, program, args.map(str::to_owned).to_vec()).await;
        let count = codecs.iter().sum::<usize>().to_string();
        assert_eq!(output.trim(), count, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_cpython_replies_in_every_encoding_that_contains_ascii() {
    for python in oldest_and_newest() {
        let server = python.serve("habits.py", &[]);
        let multi = multi_byte(&python);
        for codec in [SINGLE_BYTE, &multi]
            .iter()
            .flat_map(|l| l.split_whitespace())
        {
            let client = Client::new(&format!("http://127.0.0.1:{}/{codec}", server.port)).unwrap();
            // Characters that the encoding lacks are sent as references.
            let text = if codec.starts_with("big5") || codec == "cp950" {
                "5 € ğ Łódź 日本 中文 한글 表功 <&> \\ ~ é"
            } else {
                "5 € ğ Жук Łódź 日本 中文 한글 表ソ <&> \\ ~ \u{a0}é"
            };
            let points: Vec<u32> = text.chars().map(u32::from).collect();
            let answer: String = client.call("text_of", (points,)).await.unwrap();
            assert_eq!(answer, text, "{codec} of CPython {:?}", python.version);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_of_every_cpython_beyond_the_specification() {
    for python in pythons() {
        let server = python.serve("habits.py", &[]);
        let url = format!("http://127.0.0.1:{}/utf-8", server.port);
        let client = Client::new(&url).unwrap();

        let doubles: Vec<f64> = client.call("doubles", ()).await.unwrap();
        assert!(doubles[0].is_nan());
        assert_eq!(doubles[1..], [f64::INFINITY, f64::NEG_INFINITY]);
        let refused = client.call::<f64>("echo", (f64::NAN,)).await.unwrap_err();
        let CallError::Encode(error) = refused else {
            panic!("{refused}");
        };
        assert_eq!(
            error.to_string(),
            "parameter 1: the double NaN cannot be written: it is not finite"
        );
        let format = XmlRpc::default()
            .non_finite(true)
            .read_forbidden(Forbidden::Replace)
            .write_forbidden(Forbidden::Replace);
        let options = ClientOptions::default().format(format);
        let lenient = Client::with_options(&url, options).unwrap();
        for number in [f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(
                lenient.call::<f64>("echo", (number,)).await.unwrap(),
                number
            );
        }
        assert!(
            lenient
                .call::<f64>("echo", (f64::NAN,))
                .await
                .unwrap()
                .is_nan()
        );
        assert_eq!(
            lenient.call::<String>("kind", (f64::NAN,)).await.unwrap(),
            "float"
        );

        let posts: Value = client.call("never", ()).await.unwrap();
        let never = Value::DateTimeText("00000000T00:00:00".to_owned());
        assert_eq!(posts[0]["date"], never);
        assert_eq!(
            client.call::<Value>("echo", (&never,)).await.unwrap(),
            never
        );
        assert_eq!(
            client.call::<String>("kind", (&never,)).await.unwrap(),
            kind(&python, "DateTime")
        );

        let refused = client.call::<Value>("backspace", ()).await.unwrap_err();
        let CallError::Decode(error) = refused else {
            panic!("{refused}");
        };
        assert!(
            error.position().is_some() && error.to_string().contains("U+0008"),
            "{error}"
        );
        assert_eq!(
            lenient.call::<String>("backspace", ()).await.unwrap(),
            "a\u{fffd}b"
        );
        assert_eq!(
            lenient.call::<String>("echo", ("a\u{8}b",)).await.unwrap(),
            "a\u{fffd}b"
        );
    }
}

/// Returns the type name of an instance, which differs for old-style classes of CPython 2.
fn kind(python: &Python, class: &str) -> String {
    match python.version.0 {
        2 => "instance".to_owned(),
        _ => class.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_every_cpython_beyond_the_specification() {
    let program = r#"
for codec in ("iso-8859-15", "windows-1251", "shift_jis"):
    assert x.ServerProxy(sys.argv[1], encoding=codec).add(2, 3) == 5
s = x.ServerProxy(sys.argv[1])
lenient = sys.argv[2] == "lenient"
def fault(value):
    try: s.echo(value)
    except x.Fault as f: return f.faultCode
for text in ("inf", "-inf"):
    if lenient: assert s.echo(float(text)) == float(text)
    else: assert fault(float(text)) == -32603
nan = float("nan")
if lenient: assert s.echo(nan) != s.echo(nan)
never = s.echo([x.DateTime("00000000T00:00:00"), x.DateTime("")])
assert [d.value for d in never] == ["00000000T00:00:00", ""], never
text = u"a\bb"
if lenient: assert s.echo(text) == u"a\ufffdb"
else: assert fault(text) == -32702
print("done")
"#;
    let program = format!(
        "import sys\ntry:\n    import xmlrpc.client as x\nexcept ImportError:\n    import xmlrpclib as x\n{program}"
    );
    let lenient = XmlRpc::default()
        .non_finite(true)
        .read_forbidden(Forbidden::Replace);
    for (name, format) in [("strict", XmlRpc::default()), ("lenient", lenient)] {
        let served = Served::of(
            ServerOptions::default(),
            DocumentOptions::default().format(format),
        )
        .await;
        for python in pythons() {
            let args = vec![served.url.clone(), name.to_owned()];
            let version = python.version;
            let output = run(python, program.clone(), args).await;
            assert_eq!(output.trim(), "done", "{name} {version:?}");
        }
    }
}
