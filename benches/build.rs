//! Generates the gRPC client and server from a description in Rust, so that no protobuf compiler is
//! needed.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    let message = |name, input, output| {
        Method::builder()
            .name(name)
            .route_name(name)
            .input_type(input)
            .output_type(output)
            .codec_path("tonic_prost::ProstCodec")
            .build()
    };
    let adder = Service::builder()
        .name("Adder")
        .package("benches")
        .method(message(
            "add",
            "crate::peers::tonic::Numbers",
            "crate::peers::tonic::Sum",
        ))
        .build();
    Builder::new().compile(&[adder]);
}
