//! `response`: the head that is going to the client.

use http::StatusCode;
use http::header::CONTENT_LENGTH;

use super::header_map;
use crate::context::Source;
use crate::plugin::bindings::tollgate::plugin::response::{self as wit, Host};
use crate::plugin::bindings::tollgate::plugin::types::{Header, HeaderError};
use crate::plugin::state::{Hook, InstanceState};

type Result<T> = wasmtime::Result<T>;

impl Host for InstanceState {
    fn made_by(&mut self) -> Result<wit::Source> {
        self.response("response.made-by")?;
        Ok(made_by(&self.context("response.made-by")?.made_by))
    }

    fn status(&mut self) -> Result<u16> {
        Ok(self.response("response.status")?.status.as_u16())
    }

    fn set_status(&mut self, status: u16) -> Result<std::result::Result<(), String>> {
        let head = self.response("response.set-status")?;
        Ok(final_status(status).map(|status| head.status = status))
    }

    fn header(&mut self, name: String) -> Result<Option<String>> {
        header(self, &name)
    }

    fn header_bytes(&mut self, name: String) -> Result<Option<Vec<u8>>> {
        self.count(&name);
        let found = header_map::get_bytes(&self.response("response.header-bytes")?.headers, &name);
        Ok(self.give(found))
    }

    fn header_many(&mut self, names: Vec<String>) -> Result<Vec<Option<String>>> {
        header_map::check_names("response.header-many", &names)?;
        self.count(&names);
        let found = header_map::get_many(&self.response("response.header-many")?.headers, &names);
        Ok(self.give(found))
    }

    fn header_values(&mut self, name: String) -> Result<Vec<String>> {
        self.count(&name);
        let found = header_map::values(&self.response("response.header-values")?.headers, &name);
        Ok(self.give(found))
    }

    fn headers(&mut self) -> Result<Vec<Header>> {
        let headers = header_map::all(&self.response("response.headers")?.headers);
        Ok(self.give(headers))
    }

    fn set_header(&mut self, name: String, value: String) -> Result<std::result::Result<(), HeaderError>> {
        set_header(self, &name, &value)
    }

    fn set_header_bytes(&mut self, name: String, value: Vec<u8>) -> Result<std::result::Result<(), HeaderError>> {
        self.count(&(&name, &value));
        let head = self.response("response.set-header-bytes")?;
        Ok(header_map::set(&mut head.headers, &name, &value))
    }

    fn add_header(&mut self, name: String, value: String) -> Result<std::result::Result<(), HeaderError>> {
        self.count(&(&name, &value));
        if let Hook::OnRequest | Hook::OnRequestBody = self.hook {
            let context = self.context("response.add-header")?;
            let field = header_map::parse(&name, value.as_bytes());
            return Ok(field.and_then(|(name, value)| context.early.add(context.depth, name, value)));
        }
        let head = self.response("response.add-header")?;
        Ok(header_map::add(&mut head.headers, &name, value.as_bytes()))
    }

    fn remove_header(&mut self, name: String) -> Result<std::result::Result<(), HeaderError>> {
        self.count(&name);
        let head = self.response("response.remove-header")?;
        Ok(header_map::remove(&mut head.headers, &name))
    }

    fn set_body(&mut self, body: Vec<u8>) -> Result<()> {
        self.count(&body);
        let limit = self.plugin.limits.body;
        if body.len() as u64 > limit {
            let length = body.len();
            return Err(wasmtime::Error::msg(format!(
                "`response.set-body` with {length} bytes; limits.body is {limit}"
            )));
        }
        let head = self.response("response.set-body")?;
        for digest in ["content-digest", "repr-digest", "digest", "content-md5"] {
            head.headers.remove(digest);
        }
        head.headers.insert(CONTENT_LENGTH, body.len().into());
        self.context("response.set-body")?.replaced_response_body = Some(body.into());
        Ok(())
    }
}

pub(crate) fn header(state: &mut InstanceState, name: &str) -> Result<Option<String>> {
    state.count(name);
    let found = header_map::get(&state.response("response.header")?.headers, name);
    Ok(state.give(found))
}

pub(crate) fn set_header(
    state: &mut InstanceState,
    name: &str,
    value: &str,
) -> Result<std::result::Result<(), HeaderError>> {
    state.count(&(name, value));
    let head = state.response("response.set-header")?;
    Ok(header_map::set(&mut head.headers, name, value.as_bytes()))
}

pub(crate) fn made_by(source: &Source) -> wit::Source {
    match source {
        Source::Upstream => wit::Source::Upstream,
        Source::Gateway => wit::Source::Gateway,
        Source::Plugin(name) => wit::Source::Plugin(name.to_string()),
    }
}

/// A status a plugin may answer with: 1xx are not final answers (RFC 9110 section 15.2).
pub(crate) fn final_status(status: u16) -> std::result::Result<StatusCode, String> {
    match StatusCode::from_u16(status) {
        Ok(code) if (200..600).contains(&status) => Ok(code),
        _ => Err(format!("{status} is not a status between 200 and 599")),
    }
}
