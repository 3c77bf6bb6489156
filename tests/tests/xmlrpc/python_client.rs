//! CPython's client calls Farcall's server.

use farcall::Fault;
use farcall::http::ServerOptions;
use farcall::xmlrpc::{DocumentOptions, FaultPolicy};
use tests::pythons;

use crate::served::Served;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_cpython_calls_every_demo_method() {
    let served = Served::new().await;
    for python in pythons() {
        let url = served.url.clone();
        let run = tokio::task::spawn_blocking(move || (python.run("client.py", &[&url]), python));
        let (output, python) = run.await.unwrap();
        println!("CPython {:?}: {}", python.version, output.trim());
        assert!(output.contains("checks passed"), "{output}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_one_liner_of_the_readme() {
    let served = Served::new().await;
    let base = format!("http://{}", served.address());
    let program = "import sys, xmlrpc.client as x; s = x.ServerProxy(sys.argv[1]); \
                   print(s.add(3, 5), 'add' in s.system.listMethods(), \
                   s.system.methodSignature('add'))";
    let run =
        tokio::task::spawn_blocking(move || tests::newest_python().run_text(program, &[&base]));
    assert_eq!(run.await.unwrap(), "8 True [['int', 'int', 'int']]\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cpython_parity_of_faults() {
    let documents = DocumentOptions::default().fault_policy(FaultPolicy::CPython);
    let served = Served::of(ServerOptions::default(), documents).await;
    served
        .server
        .register_function("broken", || -> Result<(), Fault> {
            Err(Fault::internal("disk gone"))
        })
        .unwrap();
    let url = served.url.clone();
    let program = r#"
import sys, xmlrpc.client as x
s = x.ServerProxy(sys.argv[1])
for call in (lambda: s.nope(), lambda: s.divide(1, 0), lambda: s.broken(), lambda: s.add(1)):
    try: call()
    except x.Fault as f: print(f.faultCode, f.faultString)
print(s.system.multicall([{"methodName": "nope", "params": []}])[0]["faultString"])
"#;
    let run =
        tokio::task::spawn_blocking(move || tests::newest_python().run_text(program, &[&url]));
    assert_eq!(
        run.await.unwrap(),
        "1 <class 'Exception'>:method \"nope\" is not supported\n\
         1 division by zero\n\
         1 <class 'Exception'>:internal error\n\
         1 <class 'TypeError'>:expected 2 parameters, got 1\n\
         <class 'Exception'>:method \"nope\" is not supported\n"
    );
}
