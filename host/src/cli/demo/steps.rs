//! What the demo shows: a table of requests and what their answers must be.

use std::net::SocketAddr;

use super::client::Request;
use super::token::{Tokens, USER};

/// Requests to the users service a minute, for one user.
pub(super) const USERS_LIMIT: usize = 5;

/// A request, and what is expected.
pub(super) struct Step {
    pub(super) title: &'static str,
    pub(super) request: Request,
    /// How often it is sent; the last answer is the one that counts.
    pub(super) times: usize,
    pub(super) expect: Vec<Expect>,
}

/// One thing an answer must have.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expect {
    Status(u16),
    /// A header field that is there.
    Header(&'static str),
    /// A header field that begins like this.
    HeaderStart(&'static str, &'static str),
    /// The string at this place (RFC 6901) of the JSON body.
    Json(&'static str, &'static str),
    /// Something at this place of the JSON body.
    JsonHas(&'static str),
    /// A line of the text body begins like this.
    Line(&'static str),
}

pub(super) fn steps(gateway: SocketAddr, admin: SocketAddr, tokens: &Tokens) -> Vec<Step> {
    use Expect::{Header, HeaderStart, Json, JsonHas, Line, Status};
    let get = |path| Request::get(gateway, path);
    let bearer = |path, token: &str| get(path).header("authorization", format!("Bearer {token}"));
    let (good, forged) = (tokens.good.as_str(), tokens.forged.as_str());
    let nosniff = HeaderStart("x-content-type-options", "nosniff");

    vec![
        step(
            "An open route: the request goes through, `headers` adds one on the way back",
            get("/products"),
            [Status(200), nosniff, Json("/products/0", "lamp")],
        ),
        step(
            "A path of several segments; the service sees who really asked",
            get("/orders/2026/recent"),
            [Status(200), nosniff, Json("/seen/x-forwarded-for", "127.0.0.1")],
        ),
        step(
            "Without a token `jwt-auth` answers, and `headers` still has its say",
            get("/users/alice"),
            [Status(401), HeaderStart("www-authenticate", "Bearer"), nosniff],
        ),
        step(
            "A token signed with another key is refused",
            bearer("/users/alice", forged),
            [Status(401), HeaderStart("www-authenticate", "Bearer"), nosniff],
        ),
        step(
            "With a good token the service sees whom it is about",
            bearer("/users/alice", good),
            [Status(200), nosniff, Json("/name", "Alice"), Json("/seen/x-user", USER)],
        ),
        step(
            "Nobody can claim to be somebody else",
            bearer("/users/alice", good).header("x-user", "mallory"),
            [Status(200), Json("/seen/x-user", USER)],
        ),
        step(
            "Three services, one answer, in the time of the slowest",
            bearer("/dashboard", good),
            [Status(200), Json("/user/name", "Alice"), JsonHas("/orders/orders/0"), JsonHas("/products/products/0")],
        ),
        step(
            "More than five a minute are too many for `rate-limit`",
            bearer("/users/alice", good),
            [Status(429), Header("retry-after"), nosniff],
        )
        .times(USERS_LIMIT + 1),
        step("No route, no answer from any service", get("/nothing-here"), [Status(404)]),
        step(
            "It is all counted",
            Request::get(admin, "/metrics"),
            [
                Status(200),
                Line(r#"tollgate_requests_total{route="users",status="429"}"#),
                Line(r#"tollgate_plugin_calls_total{plugin="jwt",route="users",hook="on-request",verdict="respond"}"#),
            ],
        ),
    ]
}

fn step(title: &'static str, request: Request, expect: impl Into<Vec<Expect>>) -> Step {
    Step { title, request, times: 1, expect: expect.into() }
}

impl Step {
    fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }
}
