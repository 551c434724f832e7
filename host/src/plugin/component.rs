//! Components of any making, called through wasmtime's component layer.

use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Engine, Store};

use super::bindings::exports::tollgate::plugin as exports;
use super::bindings::exports::tollgate::plugin::completion::Completed;
use super::fault::LoadError;
use super::guest::{Hooks, Returned};
use super::state::{Hook, InstanceState};
use super::wasi_http;

/// A component that is linked.
#[derive(Clone)]
pub(super) struct Pre {
    linked: InstancePre<InstanceState>,
    indices: Indices,
}

/// Where the exported functions are.
#[derive(Clone, Default)]
struct Indices {
    /// None of a component that answers by `wasi:http`, which has no other hook either.
    lifecycle: Option<exports::lifecycle::GuestIndices>,
    handler: Option<wasi_http::GuestIndices>,
    request: Option<exports::request_filter::GuestIndices>,
    response: Option<exports::response_filter::GuestIndices>,
    body: Option<exports::body_filter::GuestIndices>,
    completion: Option<exports::completion::GuestIndices>,
    background: Option<exports::background::GuestIndices>,
}

/// An instance of it.
pub(super) struct Guest {
    lifecycle: Option<exports::lifecycle::Guest>,
    /// Of `wasi:http`.
    pub(super) handler: Option<wasi_http::Guest>,
    request: Option<exports::request_filter::Guest>,
    response: Option<exports::response_filter::Guest>,
    body: Option<exports::body_filter::Guest>,
    completion: Option<exports::completion::Guest>,
    background: Option<exports::background::Guest>,
}

impl Pre {
    /// `answers` is the version of `wasi:http` it exports, if it does.
    pub(super) fn new(
        linker: &Linker<InstanceState>,
        component: &Component,
        answers: Option<&str>,
    ) -> Result<Self, LoadError> {
        let pre = linker.instantiate_pre(component).map_err(|error| LoadError::Import(import_problem(&error)))?;
        let indices = match answers {
            Some(version) => Indices { handler: Some(wasi_http::export(&pre, version)?), ..Indices::default() },
            None => indices(&pre)?,
        };
        Ok(Self { linked: pre, indices })
    }

    pub(super) fn engine(&self) -> &Engine {
        self.linked.engine()
    }

    pub(super) fn hooks(&self) -> Hooks {
        let indices = &self.indices;
        Hooks {
            handler: indices.handler.is_some(),
            request: indices.request.is_some(),
            response: indices.response.is_some(),
            request_chunks: indices.body.is_some(),
            response_chunks: indices.body.is_some(),
            completion: indices.completion.is_some(),
            background: indices.background.is_some(),
        }
    }

    pub(super) async fn instantiate(&self, store: &mut Store<InstanceState>) -> wasmtime::Result<Guest> {
        let instance = self.linked.instantiate_async(&mut *store).await?;
        let Indices { lifecycle, handler, request, response, body, completion, background } = &self.indices;
        Ok(Guest {
            lifecycle: lifecycle.as_ref().map(|indices| indices.load(&mut *store, &instance)).transpose()?,
            handler: handler.as_ref().map(|indices| indices.load(&mut *store, &instance)).transpose()?,
            request: request.as_ref().map(|indices| indices.load(&mut *store, &instance)).transpose()?,
            response: response.as_ref().map(|indices| indices.load(&mut *store, &instance)).transpose()?,
            body: body.as_ref().map(|indices| indices.load(&mut *store, &instance)).transpose()?,
            completion: completion.as_ref().map(|indices| indices.load(&mut *store, &instance)).transpose()?,
            background: background.as_ref().map(|indices| indices.load(&mut *store, &instance)).transpose()?,
        })
    }
}

impl Guest {
    pub(super) async fn call(&self, store: &mut Store<InstanceState>, hook: Hook) -> wasmtime::Result<Returned> {
        Ok(match hook {
            Hook::Describe => match &self.lifecycle {
                Some(lifecycle) => Returned::Descriptor(Box::new(lifecycle.call_describe(store).await?)),
                None => Returned::Nothing,
            },
            Hook::OnRequest => match &self.request {
                Some(filter) => Returned::Request(filter.call_on_request(store).await?.into()),
                None => Returned::Nothing,
            },
            Hook::OnResponse => match &self.response {
                Some(filter) => Returned::Response(filter.call_on_response(store).await?.into()),
                None => Returned::Nothing,
            },
            Hook::OnInterval => {
                if let Some(background) = &self.background {
                    background.call_on_interval(store).await?;
                }
                Returned::Nothing
            }
            _ => Returned::Nothing,
        })
    }

    pub(super) async fn configure(&self, store: &mut Store<InstanceState>, config: &str) -> wasmtime::Result<Returned> {
        match &self.lifecycle {
            Some(lifecycle) => lifecycle.call_configure(store, config).await.map(Returned::Configured),
            None => Ok(Returned::Nothing),
        }
    }

    pub(super) async fn call_with(
        &self,
        store: &mut Store<InstanceState>,
        hook: Hook,
        bytes: &[u8],
        last: bool,
    ) -> wasmtime::Result<Returned> {
        match (hook, &self.request, &self.response, &self.body) {
            (Hook::OnRequestBody, Some(filter), ..) => {
                filter.call_on_request_body(store, bytes).await.map(|verdict| Returned::RequestBody(Box::new(verdict)))
            }
            (Hook::OnResponseBody, _, Some(filter), _) => filter
                .call_on_response_body(store, bytes)
                .await
                .map(|verdict| Returned::ResponseBody(Box::new(verdict))),
            (Hook::OnRequestChunk, .., Some(filter)) => {
                filter.call_on_request_chunk(store, bytes, last).await.map(Returned::Chunk)
            }
            (Hook::OnResponseChunk, .., Some(filter)) => {
                filter.call_on_response_chunk(store, bytes, last).await.map(Returned::Chunk)
            }
            _ => Ok(Returned::Nothing),
        }
    }

    pub(super) async fn on_complete(
        &self,
        store: &mut Store<InstanceState>,
        completed: &Completed,
    ) -> wasmtime::Result<()> {
        match &self.completion {
            Some(completion) => completion.call_on_complete(store, completed).await,
            None => Ok(()),
        }
    }
}

fn indices(pre: &InstancePre<InstanceState>) -> Result<Indices, LoadError> {
    let lifecycle = exports::lifecycle::GuestIndices::new(pre).map_err(|error| {
        LoadError::Export(format!("tollgate:plugin/lifecycle@0.1.0, or wasi:http/incoming-handler@0.2: {error:#}"))
    })?;
    Ok(Indices {
        lifecycle: Some(lifecycle),
        handler: None,
        request: optional(pre, "request-filter", exports::request_filter::GuestIndices::new(pre))?,
        response: optional(pre, "response-filter", exports::response_filter::GuestIndices::new(pre))?,
        body: optional(pre, "body-filter", exports::body_filter::GuestIndices::new(pre))?,
        completion: optional(pre, "completion", exports::completion::GuestIndices::new(pre))?,
        background: optional(pre, "background", exports::background::GuestIndices::new(pre))?,
    })
}

/// Not there is fine; there with other types is not.
fn optional<T>(
    pre: &InstancePre<InstanceState>,
    interface: &str,
    found: wasmtime::Result<T>,
) -> Result<Option<T>, LoadError> {
    let name = format!("tollgate:plugin/{interface}@0.1.0");
    match found {
        Ok(indices) => Ok(Some(indices)),
        Err(error) if pre.component().get_export_index(None, &name).is_some() => {
            Err(LoadError::Export(format!("{name}: {error:#}")))
        }
        Err(_) => Ok(None),
    }
}

/// wasmtime names the missing import; what to do about it is ours to say.
fn import_problem(error: &wasmtime::Error) -> String {
    format!(
        "{error:#} (it offers tollgate:plugin@0.1.0 and WASI 0.2 without files, network or environment; was the plugin built against a newer interface?)"
    )
}
