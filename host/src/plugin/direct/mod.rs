//! Plain components, whose one module is called without wasmtime's component layer between.
//!
//! Nearly every component is plain: `wit-component` wraps a module whose imports are the interface's
//! functions and whose exports are its hooks, and nothing else is inside. What that wrapping says is read
//! from the component ([`shape`]), not guessed; a component that is made in any other way goes the general
//! way ([`super::component`]), with the same host functions. A plugin sees no difference.

use std::sync::Arc;

use wasmtime::{Engine, Extern, Instance, InstancePre, Memory, Module, ModuleExport, Store, TypedFunc, ValType};

pub(crate) mod imports;
mod parts;
pub(crate) mod shape;
mod types;
mod wait;

use super::abi::bindings::add_imports;
use super::abi::{Layout as _, Reader};
use super::bindings::exports::tollgate::plugin as exports;
use super::bindings::exports::tollgate::plugin::completion::Completed;
use super::fault::LoadError;
use super::guest::{Hooks, Returned};
use super::state::{Hook, InstanceState};
use crate::unchecked::calls::{Callable, ExportedFunction};
use crate::unchecked::memory;
use imports::{Core, Ends, Imports};
use shape::Shape;
pub(crate) use wait::Wait;

type Result<T> = wasmtime::Result<T>;

const REALLOC: Core =
    Core { params: &[ValType::I32, ValType::I32, ValType::I32, ValType::I32], results: &[ValType::I32] };
const POST_RETURN: Core = Core { params: &[ValType::I32], results: &[] };
/// What the function that runs a hook is called among the host's own.
const ENTER: &str = "enter";
/// How many [`Hook`]s there are.
const HOOKS: usize = Hook::Handle as usize + 1;

/// A module that is linked.
#[derive(Clone)]
pub(super) struct Pre {
    linked: InstancePre<InstanceState>,
    enter: Arc<wasmtime::Linker<InstanceState>>,
    memory: ModuleExport,
    realloc: Option<ExportedFunction>,
    functions: Arc<Functions>,
}

/// What the module exports, by `Hook as usize`.
type Functions = [Option<Pair<ExportedFunction>>; HOOKS];

/// A hook, and what is called when its result has been read.
#[derive(Debug, Clone, Copy)]
struct Pair<T> {
    hook: T,
    post_return: Option<T>,
}

/// An instance of it.
pub(super) struct Guest {
    instance: Instance,
    enter: TypedFunc<(), ()>,
    ends: Ends,
    functions: Arc<Functions>,
    /// Those that were called before: to look one up costs as much as calling it.
    found: [Option<Pair<Callable>>; HOOKS],
}

/// A hook that is about to run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entering {
    function: Pair<Callable>,
    values: [u64; 3],
}

/// What plain components are linked with.
pub(super) struct Linker {
    imports: wasmtime::Linker<InstanceState>,
    /// Has nothing but the function that runs a hook. To make it anew for each instance costs 3,000 instructions.
    enter: Arc<wasmtime::Linker<InstanceState>>,
}

impl Linker {
    pub(super) fn new(engine: &Engine) -> Result<Self> {
        let mut imports = wasmtime::Linker::new(engine);
        add_imports(&mut Imports { engine, linker: &mut imports })?;
        let mut linker = wasmtime::Linker::new(engine);
        linker.func_wrap(ENTER, ENTER, enter)?;
        Ok(Self { imports, enter: Arc::new(linker) })
    }
}

impl Pre {
    pub(super) fn new(linker: &Linker, module: &Module, shape: &Shape<'_>) -> std::result::Result<Self, LoadError> {
        let pre = linker.imports.instantiate_pre(module);
        let pre = pre.map_err(|error| LoadError::Import(format!("{error:#}")))?;
        Self::linked(pre, Arc::clone(&linker.enter), module, shape)
            .ok_or_else(|| LoadError::Export("the module in it is unlike its wrapping".into()))
    }

    fn linked(
        linked: InstancePre<InstanceState>,
        enter: Arc<wasmtime::Linker<InstanceState>>,
        module: &Module,
        shape: &Shape<'_>,
    ) -> Option<Self> {
        let realloc = match &shape.realloc {
            Some(name) => Some(ExportedFunction::find(module, name, &REALLOC)?),
            None => None,
        };
        let mut functions = [const { None }; HOOKS];
        for export in &shape.exports {
            let hook = hook(export.signature.function)?;
            let post_return = match &export.post_return {
                Some(name) => Some(ExportedFunction::find(module, name, &POST_RETURN)?),
                None => None,
            };
            let function = ExportedFunction::find(module, &export.name, &export.signature.core)?;
            *functions.get_mut(hook as usize)? = Some(Pair { hook: function, post_return });
        }
        let (memory, functions) = (module.get_export_index(&shape.memory)?, Arc::new(functions));
        Some(Self { linked, enter, memory, realloc, functions })
    }

    pub(super) fn engine(&self) -> &Engine {
        self.linked.module().engine()
    }

    pub(super) fn hooks(&self) -> Hooks {
        let has = |hook: Hook| self.functions[hook as usize].is_some();
        Hooks {
            handler: false,
            request: has(Hook::OnRequest),
            response: has(Hook::OnResponse),
            request_chunks: has(Hook::OnRequestChunk),
            response_chunks: has(Hook::OnResponseChunk),
            completion: has(Hook::OnComplete),
            background: has(Hook::OnInterval),
        }
    }

    pub(super) async fn instantiate(&self, store: &mut Store<InstanceState>) -> Result<Guest> {
        let instance = self.linked.instantiate_async(&mut *store).await?;
        let memory = instance.get_module_export(&mut *store, &self.memory).and_then(Extern::into_memory);
        let memory: Memory = memory.ok_or_else(unlike)?;
        let realloc = self.realloc.as_ref().map(|realloc| realloc.of(&instance, &mut *store)).transpose()?;
        let enter = self.enter.get(&mut *store, ENTER, ENTER)?.into_func().ok_or_else(unlike)?.typed(&*store)?;
        let ends = Ends { memory, realloc };
        store.data_mut().ends = Some(ends);
        Ok(Guest { instance, enter, ends, functions: Arc::clone(&self.functions), found: [None; HOOKS] })
    }
}

impl Guest {
    /// Gives a piece of the memory of a guest that has served for the last time back; false where there is no such piece.
    pub(super) fn give_back(&self, store: &mut Store<InstanceState>, nth: usize) -> bool {
        memory::give_back(self.ends.memory, store, nth)
    }

    pub(super) async fn call(&mut self, store: &mut Store<InstanceState>, hook: Hook) -> Result<Returned> {
        self.enter(store, hook, [0; 3]).await
    }

    /// With a text or body, and a flag where the hook has one.
    pub(super) async fn call_with(
        &mut self,
        store: &mut Store<InstanceState>,
        hook: Hook,
        bytes: &[u8],
        flag: bool,
    ) -> Result<Returned> {
        let at = imports::make_room(&mut *store, self.ends, bytes.len(), 1).await?;
        super::abi::write(self.ends.memory.data_mut(&mut *store), at, bytes)?;
        self.enter(store, hook, [at.into(), bytes.len() as u64, flag.into()]).await
    }

    pub(super) async fn on_complete(&mut self, store: &mut Store<InstanceState>, completed: &Completed) -> Result<()> {
        let at = imports::make_room(&mut *store, self.ends, Completed::SIZE as usize, Completed::ALIGN).await?;
        imports::place(&mut *store, self.ends, completed, at).await?;
        self.enter(store, Hook::OnComplete, [at.into(), 0, 0]).await.map(drop)
    }

    async fn enter(&mut self, store: &mut Store<InstanceState>, hook: Hook, values: [u64; 3]) -> Result<Returned> {
        let Some(function) = self.find(store, hook)? else { return Ok(Returned::Nothing) };
        store.data_mut().entering = Some(Entering { function, values });
        self.enter.call_async(&mut *store, ()).await?;
        Ok(std::mem::take(&mut store.data_mut().returned))
    }

    fn find(&mut self, store: &mut Store<InstanceState>, hook: Hook) -> Result<Option<Pair<Callable>>> {
        let found = &mut self.found[hook as usize];
        if found.is_none()
            && let Some(Pair { hook, post_return }) = &self.functions[hook as usize]
        {
            let mut find = |function: &ExportedFunction| function.of(&self.instance, &mut *store);
            let post_return = post_return.as_ref().map(&mut find).transpose()?;
            *found = Some(Pair { hook: find(hook)?, post_return });
        }
        Ok(*found)
    }
}

/// Runs a hook, reads its result and lets the guest clear up, all on the one stack that wasmtime made for
/// this call: each further one would cost as much as the hook itself.
fn enter(mut caller: wasmtime::Caller<'_, InstanceState>) -> Result<()> {
    let state = caller.data_mut();
    let (hook, entering, ends) = (state.hook, state.entering.take(), state.ends);
    let (Some(Entering { function, values }), Some(ends)) = (entering, ends) else { return Err(unlike()) };
    let mut values = values.map(wasmtime::ValRaw::u64);
    function.hook.call(&mut caller, &mut values)?;
    let at = values[0].get_u32();
    let limit = caller.data().plugin.limits.host_call;
    let returned = read(hook, &mut Reader::new(ends.memory.data(&caller), limit), at)?;
    caller.data_mut().returned = returned;
    if let Some(post_return) = function.post_return {
        caller.data_mut().ends = None;
        post_return.call(&mut caller, &mut values)?;
        caller.data_mut().ends = Some(ends);
    }
    Ok(())
}

fn read(hook: Hook, from: &mut Reader<'_>, at: u32) -> Result<Returned> {
    use exports::{body_filter, lifecycle, request_filter, response_filter};
    Ok(match hook {
        Hook::Describe => Returned::Descriptor(Box::new(from.value::<lifecycle::Descriptor>(at)?)),
        Hook::Configure => Returned::Configured(from.value(at)?),
        Hook::OnRequest => Returned::Request(from.value(at)?),
        Hook::OnRequestBody => Returned::RequestBody(from.value::<Box<request_filter::BodyVerdict>>(at)?),
        Hook::OnResponse => Returned::Response(from.value(at)?),
        Hook::OnResponseBody => Returned::ResponseBody(from.value::<Box<response_filter::ResponseBodyVerdict>>(at)?),
        Hook::OnRequestChunk | Hook::OnResponseChunk => Returned::Chunk(from.value::<body_filter::ChunkVerdict>(at)?),
        Hook::Start | Hook::OnComplete | Hook::OnInterval | Hook::Handle => Returned::Nothing,
    })
}

fn hook(function: &str) -> Option<Hook> {
    let hooks = [
        Hook::Describe,
        Hook::Configure,
        Hook::OnRequest,
        Hook::OnRequestBody,
        Hook::OnResponse,
        Hook::OnResponseBody,
        Hook::OnRequestChunk,
        Hook::OnResponseChunk,
        Hook::OnComplete,
        Hook::OnInterval,
    ];
    hooks.into_iter().find(|hook| hook.name() == function)
}

/// Cannot be: all of it was looked up when the plugin was loaded.
fn unlike() -> wasmtime::Error {
    wasmtime::Error::msg("the instance is unlike its module")
}
