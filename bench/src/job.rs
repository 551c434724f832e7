//! What a gateway is configured to do.

/// One configuration, in words; each peer says it in its own language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// Everything goes to the services, which are told of the client as Tollgate always tells them:
    /// `x-forwarded-for`, `-host`, `-proto` and `x-request-id`.
    Proxy,
    /// The same, without telling the services anything.
    BareProxy,
    /// As `Proxy`, to another instance of the services: what a reload changes to.
    ProxyElsewhere,
    /// A token (HS256, issuer, expiry) and a rate limit by its subject; the subject goes into `x-user`.
    JwtAndLimit,
    /// As `Proxy`, through `count` plugins that read `x-hop` and set it to one more.
    Hops { count: usize, fresh: bool },
    /// Three calls at once, joined to one JSON object.
    Aggregate(Answers),
    /// The same, by a script that knows its parts are JSON because it parsed them.
    AggregateParsed(Answers),
    /// GraphQL over two of the services: [`QUERY`] is answered.
    GraphQl,
    /// As `Proxy`, keeping what the services allow to be kept.
    Cache,
    /// So many routes, told apart by the path's first segment; the answer to any other path is 404.
    Routes(usize),
    /// Whatever is built in, on one route.
    BuiltIns,
}

/// Of the services that are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    /// 400 bytes of three services.
    Short,
    /// 5 KB of them.
    Long,
}

impl Answers {
    /// Member of the joined answer, and path at the service of that number.
    pub(crate) fn parts(self) -> [(&'static str, String); 3] {
        let before = if self == Self::Long { LONG } else { "" };
        PARTS.map(|(member, path)| (member, format!("{before}{path}")))
    }
}

/// What paths begin with at which the services have longer answers.
pub(crate) const LONG: &str = "/long";

/// The token's issuer, secret and subject.
pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const SECRET: &str = "bench-secret-of-32-bytes-or-more!";
pub(crate) const SECRET_BASE64URL: &str = "YmVuY2gtc2VjcmV0LW9mLTMyLWJ5dGVzLW9yLW1vcmUh";
pub(crate) const SUBJECT: &str = "user-1042";

/// HS256 with [`SECRET`]; `iss`, `sub`, `scope`, `iat` 2026-01-01, `exp` 2100-01-01.
pub(crate) const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoidXNlci0xMDQyIiwiZXhwIjo0MTAyNDQ0ODAwLCJpYXQiOjE3NjcyMjU2MDAsInNjb3BlIjoib3JkZXJzOnJlYWQgb3JkZXJzOndyaXRlIn0.fFdNWYsOkGUMimrb0UeeMYwSM5rhQ-Jpj3Nnji9dxdQ";

/// Requests a minute: never reached, so that every request is counted and let through.
pub(crate) const LIMIT: u32 = 1_000_000_000;

/// The calls of [`Job::Aggregate`]: member of the answer, and path at the service of that number.
pub(crate) const PARTS: [(&str, &str); 3] =
    [("user", "/users/7"), ("orders", "/orders?user=7"), ("stock", "/stock?user=7")];

/// The query of [`Job::GraphQl`]: a call for the user, and one for its orders that needs the first one's answer.
pub(crate) const QUERY: &str = "{ me { name email orders { id total } } }";
