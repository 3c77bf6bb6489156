# What `src/peers/capnp/adder_capnp.rs` is made of, by `capnp compile -orust:src/peers/capnp adder.capnp` with the plugin
# of the crate `capnpc`. It is committed, so that no compiler of Cap'n Proto is needed to build the benchmarks.
@0xc7f2a9d1e4b85036;

using Rust = import "/rust.capnp";
$Rust.parentModule("peers::capnp");

interface Adder {
  add @0 (a :Int64, b :Int64) -> (sum :Int64);
}
