//! Middleware around both servers and both clients.

#![allow(clippy::unwrap_used, reason = "tests")]

mod auth;
mod clients;
mod connections;
mod figures;
mod headers;
mod http;
mod layers;
mod spans;
