//! Components that know nothing of this gateway: they export `wasi:http/incoming-handler` 0.2, and answer
//! the requests of a route in place of an upstream.
//!
//! Each request gets an instance of its own. Absent on purpose: everything such a component cannot ask
//! for, because WASI has no word for it: a config table, state between requests, a look at answers of
//! others. Plugins in front of it have all that.

use std::sync::Arc;

use wasmtime::component::{InstancePre, Linker};
use wasmtime_wasi_http::p2::bindings::exports::wasi::http::incoming_handler;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

mod answer;
mod bridge;
mod call;
mod handle;
mod outgoing;

pub use call::Unanswered;
pub use handle::handle;
pub(super) use incoming_handler::{Guest, GuestIndices};

use super::Descriptor;
use super::fault::LoadError;
use super::rights::Rights;
use super::state::InstanceState;
use outgoing::Outgoing;

/// What such a component is, for people.
pub const ANSWERS: &str = "answers requests (wasi:http 0.2)";
/// Most handles one instance may hold at a time: fields, bodies, streams, pollables.
const MAX_HANDLES: usize = 1024;
/// Largest set of fields it may make, in bytes as they lie in memory.
const MAX_FIELDS: usize = 64 * 1024;

const HANDLER: &str = "wasi:http/incoming-handler@";
const CALLER: &str = "wasi:http/outgoing-handler@0.2.";
const LIFECYCLE: &str = "tollgate:plugin/lifecycle@";

/// The version of the interface that a component answers by, going by its exports. A plugin of this
/// gateway's own kind is none, whatever else it exports.
pub(super) fn version(exports: &[String]) -> Option<&str> {
    if exports.iter().any(|name| name.starts_with(LIFECYCLE)) {
        return None;
    }
    let mut versions = exports.iter().filter_map(|name| name.strip_prefix(HANDLER));
    versions.find(|version| version.starts_with("0.2."))
}

/// What such a component would tell if it could. The version is the interface's: it has none.
pub(super) fn descriptor(version: &str, imports: &[String]) -> Descriptor {
    Descriptor {
        name: "wasi:http".into(),
        version: version.into(),
        summary: ANSWERS.into(),
        may_call: imports.iter().any(|name| name.starts_with(CALLER)),
        ..Descriptor::default()
    }
}

pub(super) fn export(pre: &InstancePre<InstanceState>, version: &str) -> Result<GuestIndices, LoadError> {
    GuestIndices::new(pre).map_err(|error| LoadError::Export(format!("{HANDLER}{version}: {error:#}")))
}

/// Adds what such components import beside WASI itself.
pub(super) fn add_to_linker(linker: &mut Linker<InstanceState>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)
}

/// What a store carries for `wasi:http`.
pub struct Web {
    context: WasiHttpCtx,
    outgoing: Outgoing,
}

impl Web {
    fn new(rights: Arc<Rights>) -> Self {
        let mut context = WasiHttpCtx::new();
        context.set_field_size_limit(MAX_FIELDS);
        Self { context, outgoing: Outgoing::new(rights) }
    }
}

impl std::fmt::Debug for Web {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Web").field("context", &self.context).finish_non_exhaustive()
    }
}

impl InstanceState {
    fn web(&mut self) -> &mut Web {
        self.web.get_or_insert_with(|| Box::new(Web::new(Arc::clone(&self.plugin))))
    }
}

impl WasiHttpView for InstanceState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let web = self.web.get_or_insert_with(|| Box::new(Web::new(Arc::clone(&self.plugin))));
        let (_, table) = &mut **self.wasi.get_or_insert_with(super::state::empty_wasi);
        table.set_max_capacity(MAX_HANDLES);
        WasiHttpCtxView { hooks: &mut web.outgoing, table, ctx: &mut web.context }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_answers_if_it_exports_the_handler_and_no_lifecycle() {
        let exports = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(version(&exports(&["wasi:http/incoming-handler@0.2.6"])), Some("0.2.6"));
        assert_eq!(version(&exports(&["wasi:cli/run@0.2.0"])), None);
        assert_eq!(version(&exports(&["wasi:http/handler@0.3.0", "wasi:http/incoming-handler@0.3.0"])), None);
        let both = ["tollgate:plugin/lifecycle@0.1.0", "wasi:http/incoming-handler@0.2.6"];
        assert_eq!(version(&exports(&both)), None);
    }
}
