//! `[upstreams.NAME]`.

use super::{Resolver, target};
use crate::config::document::child;
use crate::config::{file, model};

impl Resolver<'_> {
    #[allow(clippy::needless_pass_by_value, reason = "one signature for every kind of part")]
    pub(super) fn upstream(&mut self, pointer: &str, name: &str, written: file::Upstream) -> Option<model::Upstream> {
        Some(model::Upstream {
            name: name.to_owned(),
            targets: self.targets(&child(pointer, "targets"), &written.targets)?,
            balance: match written.balance {
                file::Balance::RoundRobin => model::Balance::RoundRobin,
                file::Balance::LeastRequest => model::Balance::LeastRequest,
            },
            timeouts: model::UpstreamTimeouts {
                connect: written.timeouts.connect.0,
                first_byte: written.timeouts.first_byte.0,
                idle: written.timeouts.idle.0,
                total: written.timeouts.total.0,
            },
            ejection: model::Ejection { failures: written.ejection.failures, duration: written.ejection.duration.0 },
            idle_connections: written.idle_connections,
            idle_for: written.idle_for.0,
            connect_retries: written.connect_retries,
            interim: written.interim,
        })
    }

    fn targets(&mut self, pointer: &str, texts: &[String]) -> Option<Vec<model::Target>> {
        let mut all = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let pointer = child(pointer, &index.to_string());
            let Some(target) = self.target(&pointer, text) else {
                continue;
            };
            if all.contains(&target) {
                self.error(&pointer, format!("{} is listed twice", self.shown(&pointer, text)));
            }
            all.push(target);
        }
        (all.len() == texts.len()).then_some(all)
    }

    pub(super) fn target(&mut self, pointer: &str, text: &str) -> Option<model::Target> {
        self.written_address(pointer, text, target::parse)
    }

    pub(super) fn wildcard(&mut self, pointer: &str, text: &str) -> Option<model::Wildcard> {
        self.written_address(pointer, text, target::parse_wildcard)
    }

    fn written_address<T>(
        &mut self,
        pointer: &str,
        text: &str,
        parse: fn(&str) -> Result<T, target::Refused>,
    ) -> Option<T> {
        match parse(text) {
            Ok(address) => Some(address),
            Err((what, help)) => {
                let message = format!("{} {what}", self.shown(pointer, text));
                // The help repeats the text.
                let shown = self.document.may_be_shown(pointer);
                let help = if shown { help } else { "the form is `http://HOST:PORT` or `https://HOST:PORT`".into() };
                self.error_with_help(pointer, message, help);
                None
            }
        }
    }
}
