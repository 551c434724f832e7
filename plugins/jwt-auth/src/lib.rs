//! `jwt-auth`: lets a request on only with a good JSON Web Token (RFC 7519).
//!
//! This file is the order of things; each step is a file of its own. Absent on purpose: keys and
//! signatures, which stay in the gateway (`crypto`), encrypted tokens (JWE), and everything in a
//! JOSE header that says where to get a key (`jku`, `jwk`, `x5u`, `x5c`): it is never followed.

mod answer;
mod claims;
mod config;
mod forward;
mod keys;
mod known;
mod refusal;
mod rules;
mod source;
mod spellings;
mod token;

use std::rc::Rc;

use tollgate_plugin_sdk::mistakes::Mistakes;
use tollgate_plugin_sdk::{Plugin, RequestFilter, Verdict, Want, clock, export, log};

use answer::Challenge;
use claims::Claims;
pub use config::{Config, OneOrMany, TokenSource};
use forward::Forward;
use keys::Keys;
use known::{Good, Known};
use refusal::Refusal;
use rules::Rules;
use source::Source;
use token::Token;

/// The plugin, configured.
#[derive(Debug)]
pub struct JwtAuth {
    source: Source,
    optional: bool,
    forward_token: bool,
    keys: Keys,
    rules: Rules,
    forward: Forward,
    challenge: Challenge,
    known: Known,
}

impl Plugin for JwtAuth {
    type Config = Config;
    const NAME: &'static str = "jwt-auth";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Lets a request on only with a good JSON Web Token";
    const WANTS: &'static [Want] =
        &[Want { capability: "crypto", reason: "Checks the signatures of tokens with the keys of its `keys` table." }];

    fn configure(config: Config) -> Result<Self, String> {
        let mistakes = Mistakes::default();
        let source = Source::new(&config.from, &mistakes.of("from"));
        let keys = mistakes.whole().take(Keys::of_the_gateway());
        let challenge = Challenge::new(&config.realm, &config.scopes, &mistakes);
        let attributes = config.claims_to_attributes.clone();
        let forward = Forward::new(&config.claims_to_headers, attributes, &mistakes.of("claims_to_headers"));
        let (optional, forward_token, known_tokens) = (config.optional, config.forward_token, config.known_tokens);
        let rules = Rules::new(config, &mistakes);
        let known = Known::new(known_tokens.into());
        let whole = keys.map(|keys| Self { source, optional, forward_token, keys, rules, forward, challenge, known });
        mistakes.or(whole)
    }
}

impl RequestFilter for JwtAuth {
    fn on_request(&self) -> Verdict {
        match self.admit() {
            Ok(()) => Verdict::Next,
            Err(refusal) => {
                // Probes without a token are everyday business; a bad token is worth a look.
                match refusal {
                    Refusal::NoToken => log::debug("refused: no token"),
                    _ => log::info(&format!("refused: {refusal}")),
                }
                Verdict::Respond(self.challenge.answer(&refusal))
            }
        }
    }
}

impl JwtAuth {
    /// Checks the token and changes the request.
    fn admit(&self) -> Result<(), Refusal> {
        let Some(text) = self.source.token()? else {
            return if self.optional { self.forward.nothing() } else { Err(Refusal::NoToken) };
        };
        let good = if let Some(good) = self.known.get(&text) {
            self.rules.check_times(&good.times, clock::unix_ms())?;
            good
        } else {
            let good = Rc::new(self.prove(&text)?);
            self.known.keep(&text, &good);
            good
        };
        self.forward.tell(&good.told)?;
        if !self.forward_token {
            self.source.strip()?;
        }
        Ok(())
    }

    /// All that is asked of a token. Claims are decoded only after the signature proved good: nobody
    /// without a key gets an answer about them.
    fn prove(&self, text: &str) -> Result<Good, Refusal> {
        self.source.check(text)?;
        let token = Token::parse(text)?;
        self.rules.check_type(&token)?;
        self.keys.verify(&token)?;
        let payload = token.payload()?;
        let claims = Claims::parse(&payload)?;
        let times = self.rules.check(&claims, clock::unix_ms())?;
        Ok(Good { times, told: self.forward.told(&claims) })
    }
}

export!(JwtAuth: request);

#[cfg(test)]
mod tests;
