//! Calls between a module and the host that wasmtime does not check, because the types on both sides were
//! compared once, when the plugin was loaded.
//!
//! wasmtime's own component layer does the same below its typed calls. Its checked calls cannot be used
//! here: a function that the guest called may not call back into it by [`wasmtime::TypedFunc::call`] where
//! the guest itself runs asynchronously, and texts cannot be given to a guest without its `realloc`.
//!
//! wasmtime forbids that because the call may be put aside half way (an epoch's end), and go on on another
//! thread, with what the host's own frames below it hold. What they hold here is `Send`: [`Caller`]'s data
//! is, and so are the values. And an instance never leaves its worker's thread while a hook runs.

use std::mem::MaybeUninit;

use wasmtime::{
    AsContextMut, Caller, Extern, ExternType, Func, FuncType, Instance, Linker, Module, ModuleExport, ValRaw, ValType,
};

use crate::plugin::direct::imports::Core;
use crate::plugin::state::InstanceState;

/// A function that a module exports, seen to have the type it must have.
#[derive(Clone)]
pub(crate) struct ExportedFunction {
    export: ModuleExport,
    values: usize,
}

/// That function of one instance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Callable {
    function: Func,
    /// As many as it takes or returns, whichever is more.
    values: usize,
}

impl ExportedFunction {
    /// None where there is no such function of this type.
    pub(crate) fn find(module: &Module, name: &str, core: &Core) -> Option<Self> {
        let Some(ExternType::Func(ty)) = module.get_export(name) else { return None };
        let same = |found: &mut dyn Iterator<Item = ValType>, wanted: &[ValType]| {
            found.map(|ty| ty.to_string()).eq(wanted.iter().map(ToString::to_string))
        };
        if !has_numbers_only(&ty) || !same(&mut ty.params(), core.params) || !same(&mut ty.results(), core.results) {
            return None;
        }
        let export = module.get_export_index(name)?;
        Some(Self { export, values: core.params.len().max(core.results.len()) })
    }

    /// # Errors
    ///
    /// Of an instance of another module.
    pub(crate) fn of(&self, instance: &Instance, store: impl AsContextMut) -> wasmtime::Result<Callable> {
        let function = instance.get_module_export(store, &self.export).and_then(Extern::into_func);
        let function = function.ok_or_else(|| wasmtime::Error::msg("the instance is unlike its module"))?;
        Ok(Callable { function, values: self.values })
    }
}

impl Callable {
    /// A host function that takes and returns nothing, and may wait.
    pub(crate) fn waiting<F>(store: impl AsContextMut<Data = InstanceState>, function: F) -> Self
    where
        F: for<'a> Fn(Caller<'a, InstanceState>) -> Box<dyn Future<Output = wasmtime::Result<()>> + Send + 'a>
            + Send
            + Sync
            + 'static,
    {
        Self { function: Func::wrap_async(store, move |caller, (): ()| function(caller)), values: 0 }
    }

    /// `values` are the parameters, with room for the results, which come in their place.
    ///
    /// # Errors
    ///
    /// What the guest traps with.
    pub(crate) fn call(
        &self,
        store: impl AsContextMut<Data = InstanceState>,
        values: &mut [ValRaw],
    ) -> wasmtime::Result<()> {
        if values.len() < self.values {
            return Err(wasmtime::Error::msg("a call with fewer values than the function's type has"));
        }
        // SAFETY: the function's type was seen to have numbers only, and no more than there are values;
        // numbers of any bits are valid. That it is of this store, wasmtime asserts. For the call inside of
        // another one see above.
        unsafe { self.function.call_unchecked(store, values) }
    }

    pub(crate) fn function(&self) -> &Func {
        &self.function
    }
}

/// Defines a host function of core type `ty`.
///
/// # Errors
///
/// Of a type that has more than numbers.
pub(crate) fn define(
    linker: &mut Linker<InstanceState>,
    (interface, name): (&str, &str),
    ty: FuncType,
    function: impl Fn(Caller<'_, InstanceState>, &mut [ValRaw]) -> wasmtime::Result<()> + Send + Sync + 'static,
) -> wasmtime::Result<()> {
    if !has_numbers_only(&ty) {
        return Err(wasmtime::Error::msg("a host function of more than numbers"));
    }
    let params = ty.params().len();
    let room = params.max(ty.results().len());
    let function = move |caller: Caller<'_, InstanceState>, values: &mut [MaybeUninit<ValRaw>]| {
        let values = values.get_mut(..room).unwrap_or_default();
        for value in values.iter_mut().skip(params) {
            value.write(ValRaw::u64(0));
        }
        // SAFETY: wasmtime wrote the parameters, and the loop the rest. A number's upper bytes may be whatever
        // lay there; nobody reads them as more than bits.
        let values = unsafe { values.assume_init_mut() };
        function(caller, values)
    };
    // SAFETY: parameters and results are numbers, as was seen above, which any bits are.
    unsafe { linker.func_new_unchecked(interface, name, ty, function) }?;
    Ok(())
}

fn has_numbers_only(ty: &FuncType) -> bool {
    ty.params().chain(ty.results()).all(|ty| ty.is_num())
}
