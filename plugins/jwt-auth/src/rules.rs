//! What the claims of a trusted token must say: RFC 7519 section 4.1, and scopes.

use tollgate_plugin_sdk::duration::Duration;
use tollgate_plugin_sdk::mistakes::Mistakes;

use crate::claims::{Claims, string, strings};
use crate::config::{Config, OneOrMany};
use crate::refusal::{Refusal, quoted};
use crate::token::Token;

/// The operator's rules.
#[derive(Debug)]
pub(crate) struct Rules {
    typ: Option<String>,
    issuers: Option<Vec<String>>,
    audiences: Option<Vec<String>>,
    leeway_seconds: f64,
    require_exp: bool,
    required: Vec<String>,
    scopes: Vec<String>,
}

impl Rules {
    /// What is wrong with the config is noted.
    pub(crate) fn new(config: Config, mistakes: &Mistakes) -> Self {
        let list = |key, list: Option<OneOrMany>| list.and_then(|list| mistakes.of(key).take(list.into_list()));
        let (issuers, audiences) = (list("issuer", config.issuer), list("audience", config.audience));
        for (at, claim) in config.required_claims.iter().enumerate() {
            if claim.is_empty() {
                mistakes.of("required_claims").at(at).add("must not be empty");
            }
        }
        Self {
            typ: config.typ.map(|typ| without_application(&typ).to_owned()),
            issuers,
            audiences,
            leeway_seconds: mistakes.of("leeway").take(leeway_seconds(config.leeway)).unwrap_or_default(),
            require_exp: config.require_exp,
            required: config.required_claims,
            scopes: config.scopes,
        }
    }

    /// The header's `typ`, if the operator asks for one.
    pub(crate) fn check_type(&self, token: &Token<'_>) -> Result<(), Refusal> {
        let Some(wanted) = &self.typ else { return Ok(()) };
        let found = token.header.typ.as_deref().unwrap_or_default();
        if without_application(found).eq_ignore_ascii_case(wanted) {
            return Ok(());
        }
        Err(Refusal::untrusted(format!("the token's typ is {} and not {wanted:?}", quoted(found))))
    }

    /// All that is asked of the claims. Returns what has to be asked again of the same claims later.
    pub(crate) fn check(&self, claims: &Claims<'_>, now_ms: u64) -> Result<Times, Refusal> {
        let times = Times::of(claims)?;
        self.check_times(&times, now_ms)?;
        self.check_issuer(claims)?;
        self.check_audience(claims)?;
        self.check_required(claims)?;
        self.check_scopes(claims)?;
        Ok(times)
    }

    /// Whether a token with these times may be used now.
    pub(crate) fn check_times(&self, times: &Times, now_ms: u64) -> Result<(), Refusal> {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds are exact in 53 bits for 285,000 years")]
        let now = now_ms as f64 / 1000.0;
        match times.exp {
            Some(exp) if now >= exp + self.leeway_seconds => {
                return Err(Refusal::claim("the token has expired", format!("expired at {exp}, now is {now}")));
            }
            None if self.require_exp => {
                return Err(Refusal::claim(
                    "the token has no expiry",
                    "the token has no `exp`, which `require_exp` asks for",
                ));
            }
            _ => {}
        }
        for (name, from) in [("nbf", times.nbf), ("iat", times.iat)] {
            if let Some(from) = from.filter(|from| now + self.leeway_seconds < *from) {
                return Err(Refusal::claim("the token is not valid yet", format!("`{name}` is {from}, now is {now}")));
            }
        }
        Ok(())
    }

    fn check_issuer(&self, claims: &Claims<'_>) -> Result<(), Refusal> {
        let Some(issuers) = &self.issuers else { return Ok(()) };
        let found = claims.get("iss").and_then(string);
        if found.as_ref().is_some_and(|found| issuers.iter().any(|issuer| issuer == found)) {
            return Ok(());
        }
        let found = quoted(&found.unwrap_or_default());
        Err(Refusal::claim(
            "the token is from another issuer",
            format!("`iss` is {found}, which `issuer` does not name"),
        ))
    }

    /// RFC 7519 section 4.1.3: who does not find itself among the audience must refuse the token.
    fn check_audience(&self, claims: &Claims<'_>) -> Result<(), Refusal> {
        let found = claims.get("aud");
        let audiences = match (found, &self.audiences) {
            (None, None) => return Ok(()),
            (_, audiences) => audiences.as_deref().unwrap_or_default(),
        };
        let named = |found: &str| audiences.iter().any(|audience| audience == found);
        let fits = found.is_some_and(|json| {
            string(json).map_or_else(
                || strings(json).unwrap_or_default().iter().any(|found| named(found)),
                |found| named(&found),
            )
        });
        if fits {
            return Ok(());
        }
        let found = quoted(found.unwrap_or_default());
        Err(Refusal::claim(
            "the token is for another audience",
            format!("`aud` is {found}, where `audience` names none of it"),
        ))
    }

    fn check_required(&self, claims: &Claims<'_>) -> Result<(), Refusal> {
        match self.required.iter().find(|name| claims.get(name).is_none()) {
            Some(name) => Err(Refusal::claim("the token lacks a claim", format!("the token has no claim {name:?}"))),
            None => Ok(()),
        }
    }

    /// `scope` (RFC 8693 section 4.2) or `scp`, as issuers before it call it; either may be a
    /// string with spaces or a list.
    fn check_scopes(&self, claims: &Claims<'_>) -> Result<(), Refusal> {
        if self.scopes.is_empty() {
            return Ok(());
        }
        let json = claims.get("scope").or_else(|| claims.get("scp")).unwrap_or_default();
        let text = string(json);
        let list = strings(json).unwrap_or_default();
        let has = |scope: &String| match &text {
            Some(text) => text.split(' ').any(|found| found == scope),
            None => list.iter().any(|found| found == scope),
        };
        match self.scopes.iter().find(|scope| !has(scope)) {
            Some(missing) => Err(Refusal::Scope { missing: missing.clone() }),
            None => Ok(()),
        }
    }
}

/// When a token may be used, in seconds since 1970.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    exp: Option<f64>,
    nbf: Option<f64>,
    iat: Option<f64>,
}

impl Times {
    fn of(claims: &Claims<'_>) -> Result<Self, Refusal> {
        let date = |name| numeric_date(claims, name);
        Ok(Self { exp: date("exp")?, nbf: date("nbf")?, iat: date("iat")? })
    }
}

/// The longest leeway that makes sense: RFC 7519 section 4.1.4 speaks of "a few minutes".
const MAX_LEEWAY: Duration = Duration::from_mins(10);

fn leeway_seconds(leeway: Duration) -> Result<f64, String> {
    if leeway > MAX_LEEWAY {
        return Err(format!("`{leeway}` is more than `{MAX_LEEWAY}`; a leeway is for clocks that differ a little"));
    }
    Ok(std::time::Duration::from(leeway).as_secs_f64())
}

/// Seconds since 1970, maybe with a fraction (RFC 7519 section 2).
fn numeric_date(claims: &Claims<'_>, name: &str) -> Result<Option<f64>, Refusal> {
    let Some(json) = claims.get(name) else { return Ok(None) };
    match serde_json::from_str::<f64>(json) {
        Ok(seconds) => Ok(Some(seconds)),
        Err(_) => {
            Err(Refusal::claim("the token is malformed", format!("`{name}` is {} and not a number", quoted(json))))
        }
    }
}

/// RFC 7515 section 4.1.9: `application/` may be left out.
fn without_application(typ: &str) -> &str {
    match typ.split_at_checked("application/".len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") && !rest.contains('/') => rest,
        _ => typ,
    }
}

#[cfg(test)]
mod tests;
