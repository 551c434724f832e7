//! Peers nobody here has written: a real nginx behind the gateway, a real curl before it.

mod curl;
mod graphql_http;
mod nginx;
