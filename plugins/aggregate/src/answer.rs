//! What counts as the answer of a call: any 2xx with a body of the part's format, as it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tollgate_plugin_sdk::size::Size;
use tollgate_plugin_sdk::{Answer, http_client};

use crate::config::Format;
use crate::failure::Failure;
use crate::json::Json;

/// Waits for a call's answer. Of JSON the fields are not looked at, which are half of what an answer costs:
/// what is compressed is no JSON, and says so.
pub(crate) fn take(call: u32, format: Format, most: Option<Size>) -> Result<Json, Failure> {
    match format {
        Format::Json => {
            let answer = http_client::take_content(call)?;
            check(answer.status, &answer.body, most)?;
            Json::parse(answer.body).map_err(Failure::Upstream)
        }
        Format::Text => {
            let body = plain(http_client::take(call)?, most)?;
            let text = std::str::from_utf8(&body);
            text.map(Json::string).map_err(|_| Failure::Upstream("the answer is not UTF-8".to_owned()))
        }
        Format::Base64 => Ok(Json::string(&BASE64.encode(plain(http_client::take(call)?, most)?))),
    }
}

/// The body, if nothing was done to it.
fn plain(answer: Answer, most: Option<Size>) -> Result<Vec<u8>, Failure> {
    check(answer.status, &answer.body, most)?;
    let codings = answer.headers.iter().filter(|field| field.name == "content-encoding").map(|field| &field.value);
    match codings.into_iter().find(|coding| !coding.trim().eq_ignore_ascii_case("identity")) {
        Some(coding) => Err(Failure::Upstream(format!(
            "the answer has `content-encoding: {}`, though it was asked for without",
            coding.escape_debug()
        ))),
        None => Ok(answer.body),
    }
}

fn check(status: u16, body: &[u8], most: Option<Size>) -> Result<(), Failure> {
    if !(200..=299).contains(&status) {
        return Err(Failure::Upstream(format!("the answer has status {status}")));
    }
    if let Some(most) = most.filter(|most| is_longer(body, *most)) {
        let bytes = body.len();
        return Err(Failure::Upstream(format!("the answer has {bytes} bytes, more than `max_size`, {most}")));
    }
    Ok(())
}

fn is_longer(body: &[u8], most: Size) -> bool {
    u32::try_from(body.len()).is_ok_and(|bytes| bytes > most.as_bytes())
}
