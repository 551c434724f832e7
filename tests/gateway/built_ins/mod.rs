//! The plugins that come with the gateway, over the wire.

mod aggregate;
mod cache;
mod graphql;
mod headers;
mod jwt_auth;
mod rate_limit;
