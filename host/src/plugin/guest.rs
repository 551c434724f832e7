//! A plugin's code and its instances, whichever way they are called: [`direct`] where the component is
//! plain, else [`component`].

use std::borrow::Cow;

use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Module, Store};

use super::bindings::exports::tollgate::plugin::body_filter::ChunkVerdict;
use super::bindings::exports::tollgate::plugin::completion::Completed;
use super::bindings::exports::tollgate::plugin::lifecycle::Descriptor;
use super::bindings::exports::tollgate::plugin::request_filter::BodyVerdict;
use super::bindings::exports::tollgate::plugin::response_filter::ResponseBodyVerdict;
use super::compile::bulk;
use super::direct::shape::Shape;
use super::fault::LoadError;
use super::state::{Hook, InstanceState, Told};
use super::verdict::{RequestVerdict, ResponseVerdict};
use super::{component, direct, host_api, wasi_http};

/// Compiled code.
pub(crate) enum Code<'a> {
    /// Of any component.
    Component(Component),
    /// Of a plain one's module.
    Module(Module, Shape<'a>),
}

/// What code is linked with.
pub struct Linkers {
    plugins: Linker<InstanceState>,
    /// Has `wasi:http` as well, which a plugin must not get by the way.
    answering: Linker<InstanceState>,
    plain: direct::Linker,
}

/// Code that is linked, of which instances are made.
#[derive(Clone)]
pub(super) enum Pre {
    Component(component::Pre),
    Module(Box<direct::Pre>),
}

/// The functions of one instance.
pub(super) enum Guest {
    Component(Box<component::Guest>),
    Module(Box<direct::Guest>),
}

/// Hooks that are exported. What is not, or what `configure` skips, is never called and costs nothing.
#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools, reason = "one for each hook, each on its own")]
pub(super) struct Hooks {
    /// Of `wasi:http`; then there is no other.
    pub(super) handler: bool,
    pub(super) request: bool,
    pub(super) response: bool,
    pub(super) request_chunks: bool,
    pub(super) response_chunks: bool,
    pub(super) completion: bool,
    pub(super) background: bool,
}

/// What a hook returned. Small, since it is moved for each hook.
#[derive(Debug, Default)]
pub(super) enum Returned {
    /// Also where there is no such hook.
    #[default]
    Nothing,
    Descriptor(Box<Descriptor>),
    Configured(Result<(), String>),
    Request(RequestVerdict),
    RequestBody(Box<BodyVerdict>),
    Response(ResponseVerdict),
    ResponseBody(Box<ResponseBodyVerdict>),
    Chunk(ChunkVerdict),
}

/// What is compiled of a component: its module, if it is plain, or all of it; either way without [`bulk`]
/// instructions.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    bytes: Cow<'a, [u8]>,
    shape: Option<Shape<'a>>,
}

impl<'a> Source<'a> {
    /// # Errors
    ///
    /// Where the component is not one that is compiled.
    pub(crate) fn of(component: &'a [u8]) -> wasmtime::Result<Self> {
        let shape = Shape::of(component);
        let bytes = bulk::in_chunks(shape.as_ref().map_or(component, |shape| shape.module))?;
        Ok(Self { bytes, shape })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Compiled, or taken out of the engine's cache.
    ///
    /// # Errors
    ///
    /// Where the component is not a valid one.
    pub(crate) fn compile(self, engine: &Engine) -> wasmtime::Result<Code<'a>> {
        match self.shape {
            Some(shape) => Ok(Code::Module(Module::from_binary(engine, &self.bytes)?, shape)),
            None => Ok(Code::Component(Component::from_binary(engine, &self.bytes)?)),
        }
    }
}

impl Code<'_> {
    /// Names of the interfaces it imports and exports.
    pub(super) fn interfaces(&self) -> (Vec<String>, Vec<String>) {
        match self {
            Self::Component(component) => {
                let (ty, engine) = (component.component_type(), component.engine());
                let names = ty.imports(engine).map(|(name, _)| name.to_owned()).collect();
                (names, ty.exports(engine).map(|(name, _)| name.to_owned()).collect())
            }
            Self::Module(_, shape) => (shape.imported.clone(), shape.exported.clone()),
        }
    }
}

impl std::fmt::Debug for Code<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if let Self::Module(..) = self { "Module" } else { "Component" })
    }
}

impl Linkers {
    pub fn new(engine: &Engine) -> wasmtime::Result<Self> {
        let mut plugins = Linker::new(engine);
        host_api::add_to_linker(&mut plugins)?;
        let mut answering = plugins.clone();
        wasi_http::add_to_linker(&mut answering)?;
        Ok(Self { plugins, answering, plain: direct::Linker::new(engine)? })
    }

    pub fn engine(&self) -> &Engine {
        self.plugins.engine()
    }

    /// `answers` is the version of `wasi:http` that is exported, if it is.
    pub(super) fn link(&self, code: &Code<'_>, answers: Option<&str>) -> Result<Pre, LoadError> {
        match code {
            Code::Component(component) => {
                let linker = if answers.is_some() { &self.answering } else { &self.plugins };
                component::Pre::new(linker, component, answers).map(Pre::Component)
            }
            Code::Module(module, shape) => {
                direct::Pre::new(&self.plain, module, shape).map(|pre| Pre::Module(Box::new(pre)))
            }
        }
    }
}

impl std::fmt::Debug for Linkers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Linkers").finish_non_exhaustive()
    }
}

impl Pre {
    pub(super) fn engine(&self) -> &Engine {
        match self {
            Self::Component(pre) => pre.engine(),
            Self::Module(pre) => pre.engine(),
        }
    }

    pub(super) fn hooks(&self) -> Hooks {
        match self {
            Self::Component(pre) => pre.hooks(),
            Self::Module(pre) => pre.hooks(),
        }
    }

    pub(super) async fn instantiate(&self, store: &mut Store<InstanceState>) -> wasmtime::Result<Guest> {
        match self {
            Self::Component(pre) => pre.instantiate(store).await.map(|guest| Guest::Component(Box::new(guest))),
            Self::Module(pre) => pre.instantiate(store).await.map(|guest| Guest::Module(Box::new(guest))),
        }
    }
}

impl Guest {
    /// A hook that is given nothing.
    pub(super) async fn call(&mut self, store: &mut Store<InstanceState>, hook: Hook) -> wasmtime::Result<Returned> {
        match self {
            Self::Module(guest) => guest.call(store, hook).await,
            Self::Component(guest) => Box::pin(guest.call(store, hook)).await,
        }
    }

    pub(super) async fn configure(
        &mut self,
        store: &mut Store<InstanceState>,
        config: &str,
    ) -> wasmtime::Result<Returned> {
        match self {
            Self::Module(guest) => guest.call_with(store, Hook::Configure, config.as_bytes(), false).await,
            Self::Component(guest) => guest.configure(store, config).await,
        }
    }

    /// A hook that is given bytes, and perhaps whether they are the last.
    pub(super) async fn call_with(
        &mut self,
        store: &mut Store<InstanceState>,
        hook: Hook,
        bytes: &[u8],
        last: bool,
    ) -> wasmtime::Result<Returned> {
        match self {
            Self::Module(guest) => guest.call_with(store, hook, bytes, last).await,
            Self::Component(guest) => guest.call_with(store, hook, bytes, last).await,
        }
    }

    pub(super) async fn on_complete(
        &mut self,
        store: &mut Store<InstanceState>,
        completed: &Completed,
    ) -> wasmtime::Result<()> {
        match self {
            Self::Module(guest) => guest.on_complete(store, completed).await,
            Self::Component(guest) => guest.on_complete(store, completed).await,
        }
    }

    /// Of `wasi:http`.
    pub(super) fn handler(&self) -> Option<&wasi_http::Guest> {
        match self {
            Self::Module(_) => None,
            Self::Component(guest) => guest.handler.as_ref(),
        }
    }
}

impl Hooks {
    pub(super) fn without(self, told: Told) -> Self {
        Self {
            handler: self.handler,
            request: self.request && !told.skips_request,
            response: self.response && !told.skips_response,
            request_chunks: self.request_chunks && !told.skips_request_chunks,
            response_chunks: self.response_chunks && !told.skips_response_chunks,
            completion: self.completion && !told.skips_completion,
            background: self.background,
        }
    }

    /// Whether a plugin with no more than these could ever be called.
    pub(super) fn any(self) -> bool {
        self.handler
            || self.request
            || self.response
            || self.request_chunks
            || self.response_chunks
            || self.completion
            || self.background
    }
}
