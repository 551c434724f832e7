//! The fake of `http-client`: a closure answers each call when it is taken.

use std::rc::Rc;

use super::state::{State, try_with, with};
use crate::Answer;
use crate::bindings::tollgate::plugin::http_client::{ClientError as Wit, Content, Outbound, Target};
use crate::http_client::ClientError;

/// What answers calls.
pub(super) type Answerer = Rc<dyn Fn(&Outbound) -> Result<Answer, ClientError>>;

pub(crate) fn submit(call: &Outbound) -> u32 {
    with(|state| {
        state.calls.push(call.clone());
        // Numbers start at 1: 0 is no call's number.
        let number = u32::try_from(state.calls.len()).unwrap_or(u32::MAX);
        state.open_calls.push(number);
        number
    })
}

/// Everything but what [`Host::ungranted`](super::Host::ungranted) names.
pub(crate) fn may_call(target: &Target) -> Result<(), String> {
    let (Target::Upstream(name) | Target::Origin(name) | Target::Route(name)) = target;
    let is_granted = |state: &State| !state.ungranted.iter().any(|ungranted| ungranted == name);
    // Many a plugin is configured in tests that ask for nothing else.
    if try_with(is_granted).unwrap_or(true) { Ok(()) } else { Err(format!("no grant has {name:?}")) }
}

/// Every call is over at once.
pub(crate) fn wait_any(calls: &[u32]) -> u32 {
    with(|state| calls.first().or(state.open_calls.first()).copied().unwrap_or(0))
}

pub(crate) fn take(call: u32) -> Result<Answer, Wit> {
    let open: Result<_, Wit> = with(|state| {
        let place = state.open_calls.iter().position(|&open| open == call).ok_or(Wit::UnknownCall)?;
        let index = usize::try_from(state.open_calls.remove(place)).map_err(|_| Wit::UnknownCall)?;
        let call = state.calls.get(index - 1).cloned().ok_or(Wit::UnknownCall)?;
        Ok((state.answerer.clone(), call))
    });
    let (answerer, call) = open?;
    // The gateway is not borrowed here, so that the closure may call functions of the interfaces.
    match answerer {
        Some(answer) => answer(&call).map_err(Wit::from),
        None => Err(Wit::Denied("the test has no `Host::on_call`".to_owned())),
    }
}

pub(crate) fn take_content(call: u32) -> Result<Content, Wit> {
    take(call).map(|answer| Content { status: answer.status, body: answer.body })
}

impl From<ClientError> for Wit {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Denied(text) => Self::Denied(text),
            ClientError::Invalid(text) => Self::Invalid(text),
            ClientError::Timeout => Self::Timeout,
            ClientError::Unreachable(text) => Self::Unreachable(text),
            ClientError::TooLarge => Self::TooLarge,
            ClientError::TooMany => Self::TooMany,
            ClientError::TooDeep => Self::TooDeep,
            ClientError::UnknownCall => Self::UnknownCall,
        }
    }
}
