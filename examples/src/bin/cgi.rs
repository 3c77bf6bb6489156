//! A CGI program: a web server starts it for each request.

use farcall::xmlrpc::Server;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let server = Server::new();
    server.register_function("add", |a: i64, b: i64| a + b)?;
    farcall::http::cgi::serve(&server).await?;
    Ok(())
}
