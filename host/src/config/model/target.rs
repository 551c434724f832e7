//! Where connections go: one address, or many that a grant covers.

/// One address of an upstream, or an origin.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    pub scheme: Scheme,
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
}

/// `host:port`, with brackets around an IPv6 address: the target's name in logs and metrics.
impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port, .. } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// The port where none is given.
    pub fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl std::fmt::Display for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

/// Many origins: `https://*.example.com`, `https://*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wildcard {
    pub scheme: Scheme,
    /// What the host ends in: `.example.com`; empty for any host.
    pub suffix: String,
    pub port: u16,
}

impl Wildcard {
    pub fn covers(&self, target: &Target) -> bool {
        let in_front = target.host.strip_suffix(&self.suffix);
        self.scheme == target.scheme && self.port == target.port && in_front.is_some_and(|front| !front.is_empty())
    }
}

impl std::fmt::Display for Wildcard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://*{}:{}", self.scheme, self.suffix, self.port)
    }
}
