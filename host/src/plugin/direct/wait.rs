//! Host functions that wait: the worker does other things meanwhile.
//!
//! Only a function that wasmtime knows to be asynchronous may wait, and such a one cannot call the guest for
//! room to put its result. So the guest calls a plain one, which has another do the waiting, and hands over
//! what that brought.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;

use wasmtime::Caller;

use super::imports::Waiting;
use crate::plugin::state::InstanceState;
use crate::unchecked::calls::Callable;

type Result<T> = wasmtime::Result<T>;
type Brought = Box<dyn Any + Send>;
type Awaited<'a> = Pin<Box<dyn Future<Output = Result<Brought>> + Send + 'a>>;
type Begin = Box<dyn for<'a> FnOnce(&'a mut InstanceState) -> Awaited<'a> + Send>;

/// Between the function that is called and the one that waits.
#[derive(Default)]
pub(crate) struct Wait {
    /// Made when it is first needed.
    waiter: Option<Callable>,
    begin: Option<Begin>,
    brought: Option<Brought>,
}

/// Runs `function` to its end, on the stack of the hook that called it.
pub(super) fn wait_for<P: Send + 'static, R: Send + 'static>(
    caller: &mut Caller<'_, InstanceState>,
    function: Waiting<P, R>,
    params: P,
) -> Result<R> {
    let begin: Begin = Box::new(move |state| {
        let result = function(state, params);
        Box::pin(async move { result.await.map(|result| Box::new(result) as Brought) })
    });
    caller.data_mut().wait.begin = Some(begin);
    waiter(caller).call(&mut *caller, &mut [])?;
    let brought = caller.data_mut().wait.brought.take().and_then(|brought| brought.downcast().ok());
    brought.map(|result| *result).ok_or_else(|| wasmtime::Error::msg("a wait that brought nothing"))
}

fn waiter(caller: &mut Caller<'_, InstanceState>) -> Callable {
    if let Some(waiter) = caller.data().wait.waiter {
        return waiter;
    }
    let waiter = Callable::waiting(&mut *caller, |mut caller| {
        Box::new(async move {
            let state = caller.data_mut();
            let begin = state.wait.begin.take().ok_or_else(|| wasmtime::Error::msg("nothing to wait for"))?;
            let brought = begin(state).await?;
            state.wait.brought = Some(brought);
            Ok(())
        })
    });
    caller.data_mut().wait.waiter = Some(waiter);
    waiter
}
