//! The host functions, as a module imports them.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use wasmtime::{AsContextMut, Caller, Engine, FuncType, Linker, Memory, ValRaw, ValType};

use super::wait;
use crate::plugin::abi::{self, Layout, Lift, Lower, Placed, Planned, Reader, Slots, Writer};
use crate::plugin::state::InstanceState;
use crate::unchecked::calls::{self, Callable};

type Result<T> = wasmtime::Result<T>;
/// A host function that may wait.
pub(super) type Waiting<P, R> =
    for<'a> fn(&'a mut InstanceState, P) -> Pin<Box<dyn Future<Output = Result<R>> + Send + 'a>>;

/// A core function's type.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) params: &'static [ValType],
    pub(crate) results: &'static [ValType],
}

/// Bytes of new memory that are made ready in one go, in a twentieth of a millisecond: the kernel clears them.
const CHUNK: usize = 64 << 10;

/// What the host needs of an instance to hand values over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    pub(super) memory: Memory,
    /// None where a plugin never gets a text or list.
    pub(super) realloc: Option<Callable>,
}

/// Defines them.
pub(crate) struct Imports<'a> {
    pub(super) engine: &'a Engine,
    pub(super) linker: &'a mut Linker<InstanceState>,
}

impl std::fmt::Debug for Imports<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Imports").finish_non_exhaustive()
    }
}

/// Parameters, as core values.
pub(crate) trait Params: Sized {
    const FLAT: usize;

    fn lift(slots: &mut Slots<'_>, from: &mut Reader<'_>) -> Result<Self>;

    /// Bytes of the longest list of them.
    fn most_bytes(slots: &mut Slots<'_>) -> Result<usize>;
}

macro_rules! params {
    ($($type:ident)*) => {
        impl<$($type: Lift),*> Params for ($($type,)*) {
            const FLAT: usize = 0 $(+ $type::FLAT)*;

            fn lift(_slots: &mut Slots<'_>, _from: &mut Reader<'_>) -> Result<Self> {
                Ok(($($type::lift(_slots, _from)?,)*))
            }

            fn most_bytes(_slots: &mut Slots<'_>) -> Result<usize> {
                Ok([$($type::bytes_ahead(_slots)?,)*].into_iter().fold(0, usize::max))
            }
        }
    };
}

params!();
params!(A);
params!(A B);
params!(A B C);
params!(A B C D);
params!(A B C D E);

impl Imports<'_> {
    /// A function that never waits.
    pub(crate) fn plain<P: Params + 'static, R: Lower + 'static>(
        &mut self,
        interface: &str,
        name: &str,
        core: &Core,
        function: fn(&mut InstanceState, P) -> Result<R>,
    ) -> Result<()> {
        let ty = self.core::<P, R>(core)?;
        calls::define(self.linker, (interface, name), ty, move |mut caller, values| {
            let ends = ends(&caller)?;
            let room = room::<P>(&mut caller, values)?;
            let (state, params) = lift(&mut caller, ends, values, room)?;
            let result = function(state, params)?;
            give(&mut caller, ends, &result, P::FLAT, values)
        })
    }

    /// A function of one text, which it keeps nothing of.
    pub(crate) fn lent_1<R: Lower + 'static>(
        &mut self,
        interface: &str,
        name: &str,
        core: &Core,
        function: fn(&mut InstanceState, &str) -> Result<R>,
    ) -> Result<()> {
        let ty = self.core::<(String,), R>(core)?;
        calls::define(self.linker, (interface, name), ty, move |mut caller, values| {
            let ends = ends(&caller)?;
            let (state, mut slots, mut from) = reading(&mut caller, ends, values);
            let text = slots.text(&mut from)?;
            let result = function(state, text)?;
            give(&mut caller, ends, &result, String::FLAT, values)
        })
    }

    /// A function of two texts, which it keeps nothing of.
    pub(crate) fn lent_2<R: Lower + 'static>(
        &mut self,
        interface: &str,
        name: &str,
        core: &Core,
        function: fn(&mut InstanceState, &str, &str) -> Result<R>,
    ) -> Result<()> {
        let ty = self.core::<(String, String), R>(core)?;
        calls::define(self.linker, (interface, name), ty, move |mut caller, values| {
            let ends = ends(&caller)?;
            let (state, mut slots, mut from) = reading(&mut caller, ends, values);
            let (first, second) = (slots.text(&mut from)?, slots.text(&mut from)?);
            let result = function(state, first, second)?;
            give(&mut caller, ends, &result, 2 * String::FLAT, values)
        })
    }

    /// A function that may wait, and mostly need not. It is asked once whether it must, and asked again from
    /// the beginning if so.
    pub(crate) fn waiting<P: Params + Send + 'static, R: Lower + Send + 'static>(
        &mut self,
        interface: &str,
        name: &str,
        core: &Core,
        function: Waiting<P, R>,
    ) -> Result<()> {
        let ty = self.core::<P, R>(core)?;
        calls::define(self.linker, (interface, name), ty, move |mut caller, values| {
            let ends = ends(&caller)?;
            let (state, params) = lift(&mut caller, ends, values, Vec::new())?;
            let asked = function(state, params).as_mut().poll(&mut Context::from_waker(Waker::noop()));
            let result = match asked {
                Poll::Ready(result) => result?,
                Poll::Pending => {
                    // Seldom needed, and the guest has changed nothing meanwhile.
                    let room = room::<P>(&mut caller, values)?;
                    let (_, params) = lift(&mut caller, ends, values, room)?;
                    wait::wait_for(&mut caller, function, params)?
                }
            };
            give(&mut caller, ends, &result, P::FLAT, values)
        })
    }

    /// A function that may wait, and mostly must.
    pub(crate) fn slow<P: Params + Send + 'static, R: Lower + Send + 'static>(
        &mut self,
        interface: &str,
        name: &str,
        core: &Core,
        function: Waiting<P, R>,
    ) -> Result<()> {
        let ty = self.core::<P, R>(core)?;
        calls::define(self.linker, (interface, name), ty, move |mut caller, values| {
            let ends = ends(&caller)?;
            let room = room::<P>(&mut caller, values)?;
            let (_, params) = lift(&mut caller, ends, values, room)?;
            let result = wait::wait_for(&mut caller, function, params)?;
            give(&mut caller, ends, &result, P::FLAT, values)
        })
    }

    /// The type, seen to be that of these parameters and this result.
    fn core<P: Params, R: Layout>(&self, core: &Core) -> Result<FuncType> {
        let returned_through_memory = usize::from(R::FLAT > 1);
        let is_as_said =
            core.params.len() == P::FLAT + returned_through_memory && core.results.len() == usize::from(R::FLAT == 1);
        if !is_as_said {
            return Err(wasmtime::Error::msg("the bindings and the interface disagree"));
        }
        Ok(FuncType::new(self.engine, core.params.iter().cloned(), core.results.iter().cloned()))
    }
}

/// Of the instance that calls. There are none while it is made, and while it is asked for room or clears up
/// after a hook: the component model lets nothing call out then.
fn ends(caller: &Caller<'_, InstanceState>) -> Result<Ends> {
    caller.data().ends.ok_or_else(|| {
        wasmtime::Error::msg(
            "cannot leave component instance: `realloc`, `post-return` and what runs before the first hook may call no function of the host",
        )
    })
}

/// The call's core values and the guest's memory, to be read side by side with the instance's state.
fn reading<'c>(
    caller: &'c mut Caller<'_, InstanceState>,
    ends: Ends,
    values: &'c [ValRaw],
) -> (&'c mut InstanceState, Slots<'c>, Reader<'c>) {
    let (memory, state) = ends.memory.data_and_store_mut(caller);
    let limit = state.plugin.limits.host_call;
    (state, Slots(values), Reader::new(memory, limit))
}

/// Memory for what is large among the parameters. Copying to memory that the kernel has yet to find takes several
/// times as long as copying, and nothing interrupts it.
fn room<P: Params>(caller: &mut Caller<'_, InstanceState>, values: &[ValRaw]) -> Result<Vec<u8>> {
    let bytes = P::most_bytes(&mut Slots(values))?;
    // What is too long is refused when it is read.
    if bytes < abi::MUCH || bytes > caller.data().plugin.limits.host_call {
        return Ok(Vec::new());
    }
    wait::wait_for(caller, |state, bytes| Box::pin(made_ready(state, bytes)), bytes)
}

async fn made_ready(state: &mut InstanceState, bytes: usize) -> Result<Vec<u8>> {
    let mut room = Vec::with_capacity(bytes);
    while room.len() < bytes {
        state.let_others_go_on().await?;
        room.resize(bytes.min(room.len() + CHUNK), 0);
    }
    Ok(room)
}

fn lift<'c, P: Params>(
    caller: &'c mut Caller<'_, InstanceState>,
    ends: Ends,
    values: &'c [ValRaw],
    room: Vec<u8>,
) -> Result<(&'c mut InstanceState, P)> {
    let (state, mut slots, from) = reading(caller, ends, values);
    let mut from = from.with_room(room);
    let params = P::lift(&mut slots, &mut from)?;
    Ok((state, params))
}

/// Hands a result over, where the type says.
fn give<R: Lower>(
    caller: &mut Caller<'_, InstanceState>,
    ends: Ends,
    result: &R,
    params: usize,
    values: &mut [ValRaw],
) -> Result<()> {
    match R::FLAT {
        0 => Ok(()),
        1 => {
            if let Some(first) = values.first_mut() {
                *first = ValRaw::u64(result.flat());
            }
            Ok(())
        }
        _ => {
            let at = values.get(params).map_or(0, ValRaw::get_u32);
            Reader::new(ends.memory.data(&*caller), 0).area::<R>(at)?;
            result.store(&mut Live { caller, ends }, at)
        }
    }
}

/// Has the guest make room as it is needed, and writes there.
struct Live<'a, 'b> {
    caller: &'a mut Caller<'b, InstanceState>,
    ends: Ends,
}

impl Writer for Live<'_, '_> {
    fn allocate(&mut self, size: usize, align: u32) -> Result<u32> {
        let realloc = self.ends.realloc.ok_or_else(no_realloc)?;
        let length = u32::try_from(size).map_err(|_| wasmtime::Error::msg("too long for a plugin's memory"))?;
        let mut values = [ValRaw::u32(0), ValRaw::u32(0), ValRaw::u32(align), ValRaw::u32(length)];
        self.caller.data_mut().ends = None;
        let called = realloc.call(&mut *self.caller, &mut values);
        self.caller.data_mut().ends = Some(self.ends);
        called?;
        abi::check_room(values[0].get_u32(), size, align, self.ends.memory.data_size(&*self.caller))
    }

    fn write(&mut self, at: u32, bytes: &[u8]) -> Result<()> {
        abi::write(self.ends.memory.data_mut(&mut *self.caller), at, bytes)
    }
}

fn no_realloc() -> wasmtime::Error {
    wasmtime::Error::msg("the plugin has no `realloc` to make room for what it is given")
}

/// Has the guest make room, by a call of its own: where no hook runs, or one waits.
pub(super) async fn make_room(
    mut store: impl AsContextMut<Data = InstanceState>,
    ends: Ends,
    size: usize,
    align: u32,
) -> Result<u32> {
    let realloc = ends.realloc.ok_or_else(no_realloc)?;
    let length = u32::try_from(size).map_err(|_| wasmtime::Error::msg("too long for a plugin's memory"))?;
    let realloc = realloc.function().typed::<(u32, u32, u32, u32), u32>(&store)?;
    store.as_context_mut().data_mut().ends = None;
    let at = realloc.call_async(&mut store, (0, 0, align, length)).await;
    store.as_context_mut().data_mut().ends = Some(ends);
    abi::check_room(at?, size, align, ends.memory.data_size(&store))
}

/// Writes a value to `at`, with what it refers to in room that the guest makes first.
pub(super) async fn place<T: Lower>(
    mut store: impl AsContextMut<Data = InstanceState>,
    ends: Ends,
    value: &T,
    at: u32,
) -> Result<()> {
    let mut rooms = Vec::new();
    for (size, align) in Planned::of(value)?.0 {
        rooms.push(make_room(&mut store, ends, size, align).await?);
    }
    value.store(&mut Placed { memory: ends.memory.data_mut(&mut store), rooms: rooms.into_iter() }, at)
}
