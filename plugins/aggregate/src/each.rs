//! One call for each item of an array.

use tollgate_plugin_sdk::mistakes::At;

use crate::config::EachConfig;
use crate::failure::Failure;
use crate::json::Json;
use crate::source::{Names, Source, Values};
use crate::template::Template;

/// Which items, and how many.
#[derive(Debug)]
pub(crate) struct Each {
    pub(crate) of: Source,
    /// Calls under way at one time, at least 1.
    pub(crate) concurrency: usize,
    most: usize,
}

impl Each {
    pub(crate) fn new(config: &EachConfig, names: Names<'_>, mistakes: &At<'_>) -> Option<Self> {
        let of = mistakes.of("of").take(array(&config.of, names))?;
        Some(Self { of, concurrency: config.concurrency.max(1), most: config.most })
    }

    /// The items of the request at hand.
    pub(crate) fn items(&self, values: Values<'_>) -> Result<Vec<Json>, Failure> {
        let blame = |problem: String| {
            if self.of.is_upstreams() { Failure::Upstream(problem) } else { Failure::Missing(problem) }
        };
        let mut array = self.of.json(values)?;
        let items = array.items_mut().map(std::mem::take).ok_or_else(|| blame("`each.of` is no array".to_owned()))?;
        if items.len() > self.most {
            return Err(blame(format!("{} items are more than `each.most`, {}", items.len(), self.most)));
        }
        Ok(items)
    }
}

fn array(text: &str, names: Names<'_>) -> Result<Source, String> {
    match Template::parse(text, names)?.only_source() {
        Some(of @ (Source::Part { .. } | Source::Body(_))) => Ok(of.clone()),
        _ => Err(format!("`{text}` is not one `{{part:name.path}}` or `{{body:path}}`")),
    }
}
