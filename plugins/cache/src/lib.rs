//! A shared HTTP cache by RFC 9111, with the gateway as its memory.
//!
//! On the way in a request is answered from what is stored, or sent on to fetch it ([`lookup`]); on the
//! way out it is decided what becomes of the response ([`landing`]). The gateway keeps the bodies, makes
//! one fetch of many, and serves; a hit is one hook and copies no body. Absent on purpose: parts of
//! bodies that came as parts, and `Warning`, which RFC 9111 has abandoned.

mod answered;
mod asked;
mod check;
mod condition;
mod config;
mod date;
mod directives;
mod freshness;
mod judged;
mod landing;
mod lookup;
mod notes;
mod url;
mod vary;

use tollgate_plugin_sdk::cache;
use tollgate_plugin_sdk::{Plugin, RequestFilter, ResponseFilter, ResponseVerdict, Verdict, export};

use asked::{Asked, Fields};
use config::Config;
use notes::{Kind, Note};

/// The plugin.
struct Cache {
    config: Config,
    fields: Fields,
}

impl Plugin for Cache {
    type Config = Config;
    const NAME: &'static str = "cache";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Keeps responses and serves them again, as a shared cache by RFC 9111";

    fn configure(mut config: Config) -> Result<Self, String> {
        check::check(&config)?;
        // Fields arrive with names in lower case.
        config.tags.make_ascii_lowercase();
        Ok(Self { config, fields: Fields::default() })
    }
}

impl RequestFilter for Cache {
    fn on_request(&self) -> Verdict {
        let asked = match Asked::read(&self.config, &self.fields) {
            Ok(asked) => asked,
            Err(why) => return lookup::past(why),
        };
        match asked.kind {
            Kind::Get | Kind::Head => lookup::answer(&self.config, &asked),
            Kind::Post | Kind::Unsafe | Kind::Past => Verdict::Fetch(lookup::unsafe_method(&asked)),
        }
    }
}

impl ResponseFilter for Cache {
    fn on_response(&self) -> ResponseVerdict {
        let Some(bytes) = cache::note() else { return ResponseVerdict::Next };
        match notes::read::<Note<'_>>(&bytes) {
            Some(note) => landing::land(&self.config, &note),
            None => ResponseVerdict::Next,
        }
    }
}

export!(Cache: request, response);

#[cfg(test)]
mod tests;
