//! One part: how it is called, what counts as an answer, and where that goes.

use tollgate_plugin_sdk::duration::Duration;
use tollgate_plugin_sdk::http_client::{Outbound, Target};
use tollgate_plugin_sdk::size::Size;
use tollgate_plugin_sdk::{Header, request};

use crate::answer;
use crate::body::BodyTemplate;
use crate::check;
use crate::condition::Condition;
use crate::config::{Combine, Format, PartConfig};
use crate::each::Each;
use crate::failure::Failure;
use crate::join::Join;
use crate::json::Json;
use crate::path::Path;
use crate::path_template::PathTemplate;
use crate::query;
use crate::shape::Shape;
use crate::source::{Names, Source, Values};
use crate::template::Template;

/// A part, ready to be called.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) otherwise: Otherwise,
    pub(crate) place: Place,
    pub(crate) when: Vec<Condition>,
    pub(crate) each: Option<Each>,
    pub(crate) shape: Shape,
    target: Target,
    path: PathTemplate,
    method: String,
    timeout_ms: u32,
    max_size: Option<Size>,
    forward_headers: Vec<String>,
    forward_query: Vec<String>,
    headers: Vec<(String, Template)>,
    body: Content,
    format: Format,
}

/// What takes the part's place where it fails.
#[derive(Debug)]
pub(crate) enum Otherwise {
    /// Nothing can: the whole fails.
    Fail,
    /// Nothing does.
    LeaveOut,
    /// This.
    Default(Json),
}

/// Where the answer goes.
#[derive(Debug)]
pub(crate) enum Place {
    At {
        path: Path,
        combine: Combine,
    },
    Joined(Join),
    /// Nowhere: it is for other parts.
    Hidden,
}

/// What is sent.
#[derive(Debug)]
enum Content {
    Nothing,
    Json(BodyTemplate),
    /// The client's body, as it is.
    Forwarded,
}

/// The client's body, where a part has use for it.
#[derive(Debug, Default)]
pub(crate) struct ClientBody {
    pub(crate) bytes: Vec<u8>,
    /// There if a placeholder needs it.
    pub(crate) json: Option<Json>,
}

impl Part {
    /// `parts` are the names of all parts, `whole` is how long they may take. An error begins with the part.
    pub(crate) fn new(config: PartConfig, parts: &[String], whole: Duration) -> Result<Self, String> {
        check::name(&config.name)?;
        let name = config.name.clone();
        Self::parse(config, parts, whole).map_err(|error| format!("part `{name}`: {error}"))
    }

    fn parse(config: PartConfig, parts: &[String], whole: Duration) -> Result<Self, String> {
        let in_key = |key: &'static str| move |error: String| format!("{key}: {error}");
        let names = Names { parts, item: config.each.is_some() };
        let outside = Names { parts, item: false };
        check::method(&config.method).map_err(in_key("method"))?;
        for header in config.forward_headers.iter().chain(config.headers.keys()) {
            check::field(header).map_err(in_key("headers"))?;
        }
        Ok(Self {
            place: place(&config)?,
            body: content(&config, names)?,
            target: check::target(&config)?,
            path: PathTemplate::parse(&config.path, names).map_err(in_key("path"))?,
            timeout_ms: check::part_timeout_ms(config.timeout, whole).map_err(in_key("timeout"))?,
            max_size: check::max_size(config.max_size).map_err(in_key("max_size"))?,
            otherwise: check::otherwise(config.mode, config.default)?,
            when: config
                .when
                .into_iter()
                .map(|condition| Condition::new(condition, outside))
                .collect::<Result<_, _>>()
                .map_err(in_key("when"))?,
            each: config.each.map(|each| Each::new(&each, outside)).transpose().map_err(in_key("each"))?,
            shape: Shape::new(config.shape).map_err(in_key("shape"))?,
            headers: config
                .headers
                .into_iter()
                .map(|(name, value)| Ok((name.to_ascii_lowercase(), Template::parse(&value, names)?)))
                .collect::<Result<_, String>>()
                .map_err(in_key("headers"))?,
            method: config.method,
            forward_headers: config.forward_headers.iter().map(|header| header.to_ascii_lowercase()).collect(),
            forward_query: config.forward_query,
            format: config.format,
            name: config.name,
        })
    }

    /// The target for the operator's eyes.
    pub(crate) fn target_name(&self) -> &str {
        match &self.target {
            Target::Upstream(name) | Target::Origin(name) | Target::Route(name) => name,
        }
    }

    /// All placeholders in it.
    pub(crate) fn sources(&self) -> Vec<&Source> {
        let body = if let Content::Json(template) = &self.body { template.sources() } else { Vec::new() };
        self.path
            .sources()
            .chain(self.headers.iter().flat_map(|(_, value)| value.sources()))
            .chain(self.when.iter().flat_map(Condition::sources))
            .chain(self.each.iter().map(|each| &each.of))
            .chain(body)
            .collect()
    }

    pub(crate) fn forwards_the_body(&self) -> bool {
        matches!(self.body, Content::Forwarded)
    }

    /// The call for the request at hand.
    pub(crate) fn call(&self, values: Values<'_>, body: &ClientBody) -> Result<Outbound, Failure> {
        let mut path = self.path.fill(values)?;
        if !self.forward_query.is_empty() {
            let picked = query::pick(&request::query().unwrap_or_default(), &self.forward_query);
            if !picked.is_empty() {
                path.push(if self.path.has_query() { '&' } else { '?' });
                path.push_str(&picked);
            }
        }
        let mut call = Outbound::new(&self.method, self.target.clone(), path).timeout_ms(self.timeout_ms);
        call.headers = self.fields(values)?;
        match &self.body {
            Content::Nothing => {}
            Content::Json(template) => {
                call.headers.push(Header::new("content-type", "application/json"));
                call.body = template.fill(values)?;
            }
            Content::Forwarded => {
                let kind = request::header("content-type");
                call.headers.extend(kind.map(|kind| Header::new("content-type", kind)));
                call.body.clone_from(&body.bytes);
            }
        }
        Ok(call)
    }

    fn fields(&self, values: Values<'_>) -> Result<Vec<Header>, Failure> {
        let mut fields = Vec::with_capacity(self.forward_headers.len() + self.headers.len() + 3);
        for name in &self.forward_headers {
            fields.extend(request::header_values(name).into_iter().map(|value| Header::new(name, value)));
        }
        for (name, template) in &self.headers {
            let value = template.fill(values)?;
            if value.chars().any(|c| c.is_control() && c != '\t') {
                return Err(template.blame(&format!("a control character would be in the field `{name}`")));
            }
            fields.retain(|field| field.name != *name);
            fields.push(Header::new(name, value));
        }
        if !fields.iter().any(|field| field.name == "accept") {
            let accept = if self.format == Format::Json { "application/json" } else { "*/*" };
            fields.push(Header::new("accept", accept));
        }
        // An answer goes into the whole as it is (RFC 9110 section 12.5.3).
        fields.push(Header::new("accept-encoding", "identity"));
        Ok(fields)
    }

    /// What a call of it answered, once it is there.
    pub(crate) fn take(&self, call: u32) -> Result<Json, Failure> {
        answer::take(call, self.format, self.max_size)
    }
}

fn place(config: &PartConfig) -> Result<Place, String> {
    let elsewhere = config.at.is_some() || config.combine != Combine::Merge;
    match (&config.join, config.hide) {
        (Some(join), false) if !elsewhere => {
            Join::new(join).map(Place::Joined).map_err(|error| format!("join: {error}"))
        }
        (None, true) if !elsewhere => Ok(Place::Hidden),
        (None, false) => {
            let path = match config.at.as_deref() {
                None => Path::member(&config.name),
                Some(".") => Path::whole(),
                Some(path) => Path::parse(path).map_err(|error| format!("at: {error}"))?,
            };
            Ok(Place::At { path, combine: config.combine })
        }
        _ => Err("has one place only: `at` with `combine`, or `join`, or `hide`".to_owned()),
    }
}

fn content(config: &PartConfig, names: Names<'_>) -> Result<Content, String> {
    let content = match (&config.body, config.forward_body) {
        (None, false) => return Ok(Content::Nothing),
        (Some(body), false) => {
            Content::Json(BodyTemplate::parse(body, names).map_err(|error| format!("body: {error}"))?)
        }
        (None, true) => Content::Forwarded,
        (Some(_), true) => return Err("sends either `body` or, with `forward_body`, the client's".to_owned()),
    };
    match config.method.as_str() {
        "GET" => Err("method: a GET has no body; write `method = \"POST\"`, for example".to_owned()),
        _ => Ok(content),
    }
}
