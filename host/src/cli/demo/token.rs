//! Tokens for the demo, signed with a key of this run.

use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;

use crate::cli::Failed;

/// How long the token that is printed is good for.
const VALID_FOR: Duration = Duration::from_hours(24);
/// Whom the token is about.
pub(super) const USER: &str = "alice";

/// Has the key.
pub(super) struct Issuer {
    secret: String,
}

/// A token the gateway takes, and one it does not.
pub(super) struct Tokens {
    pub(super) good: String,
    /// The same claims, signed with another key.
    pub(super) forged: String,
}

#[derive(Serialize)]
struct Claims {
    iss: &'static str,
    aud: &'static str,
    sub: &'static str,
    exp: u64,
}

impl Issuer {
    pub(super) fn new() -> Result<Self, Failed> {
        Ok(Self { secret: random_hex()? })
    }

    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    pub(super) fn tokens(&self) -> Result<Tokens, Failed> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let exp = (now + VALID_FOR).as_secs();
        let claims = Claims { iss: "tollgate-demo", aud: "demo", sub: USER, exp };
        Ok(Tokens { good: sign(&claims, &self.secret)?, forged: sign(&claims, &random_hex()?)? })
    }
}

fn sign(claims: &Claims, secret: &str) -> Result<String, Failed> {
    Ok(encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret.as_bytes()))?)
}

/// 32 random bytes: what RFC 7518 section 3.2 wants for HS256 at least.
fn random_hex() -> Result<String, Failed> {
    let mut hex = String::new();
    for _ in 0..4 {
        let eight_bytes = getrandom::u64().map_err(|error| Failed(format!("error: no randomness: {error}")))?;
        write!(hex, "{eight_bytes:016x}")?;
    }
    Ok(hex)
}
