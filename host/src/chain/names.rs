//! What plugins decided, as metrics and the access log name it.

use crate::plugin::bindings::exports::tollgate::plugin::request_filter::BodyVerdict;
use crate::plugin::bindings::exports::tollgate::plugin::response_filter::ResponseBodyVerdict;
use crate::plugin::verdict::{RequestVerdict, ResponseVerdict};
use crate::telemetry::Verdict;

pub(super) fn verdict_name(verdict: &RequestVerdict) -> Verdict {
    match verdict {
        RequestVerdict::Next => Verdict::Next,
        RequestVerdict::Respond(_) => Verdict::Respond,
        RequestVerdict::NeedBody(_) => Verdict::NeedBody,
        RequestVerdict::Fetch(_) => Verdict::Fetch,
        RequestVerdict::Serve(_) => Verdict::Serve,
    }
}

pub(super) fn body_verdict_name(verdict: &BodyVerdict) -> Verdict {
    match verdict {
        BodyVerdict::Next => Verdict::Next,
        BodyVerdict::Respond(_) => Verdict::Respond,
    }
}

pub(super) fn response_verdict_name(verdict: &ResponseVerdict) -> Verdict {
    match verdict {
        ResponseVerdict::Next => Verdict::Next,
        ResponseVerdict::Replace(_) => Verdict::Replace,
        ResponseVerdict::NeedBody(_) => Verdict::NeedBody,
        ResponseVerdict::Serve(_) => Verdict::Serve,
    }
}

pub(super) fn response_body_verdict_name(verdict: &ResponseBodyVerdict) -> Verdict {
    match verdict {
        ResponseBodyVerdict::Next => Verdict::Next,
        ResponseBodyVerdict::Replace(_) => Verdict::Replace,
    }
}
