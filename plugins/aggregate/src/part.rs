//! One part: how it is called, what counts as an answer, and where that goes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use tollgate_plugin_sdk::duration::Duration;
use tollgate_plugin_sdk::http_client::{Outbound, Target};
use tollgate_plugin_sdk::mistakes::{At, all};
use tollgate_plugin_sdk::size::Size;
use tollgate_plugin_sdk::{Header, request};

use crate::answer;
use crate::body::BodyTemplate;
use crate::check;
use crate::condition::Condition;
use crate::config::{Combine, ConditionConfig, Format, PartConfig};
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
    /// The call, where it is the same for every request.
    always: Option<Outbound>,
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

impl Place {
    /// Whether a value can go there: to the top go an object's members.
    pub(crate) fn takes(&self, value: &Json) -> bool {
        !self.is_the_top() || value.is_object()
    }

    fn is_the_top(&self) -> bool {
        matches!(self, Self::At { path, .. } if path.first().is_none())
    }
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

/// What a part has to know of all of them.
#[derive(Debug)]
pub(crate) struct Whole<'a> {
    /// Of the parts, in the order of the config.
    pub(crate) names: &'a [String],
    pub(crate) timeout: Duration,
}

impl Part {
    /// `None` where something is wrong.
    pub(crate) fn new(config: PartConfig, whole: &Whole<'_>, mistakes: &At<'_>) -> Option<Self> {
        let names = Names { parts: whole.names, item: config.each.is_some() };
        let outside = Names { parts: whole.names, item: false };
        let name = mistakes.of("name").take(check::name(&config.name));
        let target = check::target(&config, mistakes);
        let path = mistakes.of("path").take(PathTemplate::parse(&config.path, names));
        let method = mistakes.of("method").take(check::method(&config.method));
        let timeout_ms = mistakes.of("timeout").take(check::part_timeout_ms(config.timeout, whole.timeout));
        let max_size = optional(config.max_size.map(|size| mistakes.of("max_size").take(check::max_size(size))));
        let otherwise = mistakes.of("default").take(check::otherwise(config.mode, config.default.as_ref()));
        let forwarded = check::forwarded(&config.forward_headers, &mistakes.of("forward_headers"));
        let headers = headers(&config.headers, names, &mistakes.of("headers"));
        let body = content(&config, names, mistakes);
        let when = conditions(&config.when, outside, &mistakes.of("when"));
        let each = optional(config.each.as_ref().map(|each| Each::new(each, outside, &mistakes.of("each"))));
        let shape = Shape::new(&config.shape, &mistakes.of("shape"));
        let place = place(&config, mistakes);
        name.and(method).and(forwarded)?;
        let mut part = Self {
            otherwise: otherwise?,
            place: place?,
            when: when?,
            each: each?,
            shape: shape?,
            target: target?,
            path: path?,
            timeout_ms: timeout_ms?,
            max_size: max_size?,
            headers: headers?,
            body: body?,
            method: config.method,
            forward_headers: config.forward_headers.iter().map(|header| header.to_ascii_lowercase()).collect(),
            forward_query: config.forward_query,
            format: config.format,
            name: config.name,
            always: None,
        };
        if !part.depends_on_the_request() {
            part.always = part.made(Values::default(), &ClientBody::default()).ok();
        }
        Some(part)
    }

    /// The target for the operator's eyes.
    pub(crate) fn target_name(&self) -> &str {
        match &self.target {
            Target::Upstream(name) | Target::Origin(name) | Target::Route(name) => name,
        }
    }

    /// All placeholders in it.
    pub(crate) fn sources(&self) -> Vec<&Source> {
        self.sources_of_the_call()
            .chain(self.when.iter().flat_map(Condition::sources))
            .chain(self.each.iter().map(|each| &each.of))
            .collect()
    }

    fn sources_of_the_call(&self) -> impl Iterator<Item = &Source> {
        let body = if let Content::Json(template) = &self.body { template.sources() } else { Vec::new() };
        self.path.sources().chain(self.headers.iter().flat_map(|(_, value)| value.sources())).chain(body)
    }

    fn depends_on_the_request(&self) -> bool {
        let forwards = !self.forward_headers.is_empty() || !self.forward_query.is_empty() || self.forwards_the_body();
        forwards || self.sources_of_the_call().next().is_some()
    }

    /// The request's fields it is made of, whether they are there or not.
    pub(crate) fn fields_used(&self) -> Vec<&str> {
        let named = self.sources().into_iter().filter_map(|source| match source {
            Source::Header(name) => Some(name.as_str()),
            _ => None,
        });
        let of_the_body = self.forwards_the_body().then_some("content-type");
        self.forward_headers.iter().map(String::as_str).chain(named).chain(of_the_body).collect()
    }

    pub(crate) fn forwards_the_body(&self) -> bool {
        matches!(self.body, Content::Forwarded)
    }

    /// The call for the request at hand.
    pub(crate) fn call(&self, values: Values<'_>, body: &ClientBody) -> Result<Cow<'_, Outbound>, Failure> {
        self.always.as_ref().map_or_else(|| self.made(values, body).map(Cow::Owned), |call| Ok(Cow::Borrowed(call)))
    }

    fn made(&self, values: Values<'_>, body: &ClientBody) -> Result<Outbound, Failure> {
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
        let mut fields = Vec::with_capacity(self.forward_headers.len() + self.headers.len() + 2);
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
        Ok(fields)
    }

    /// What a call of it answered, once it is there.
    pub(crate) fn take(&self, call: u32) -> Result<Json, Failure> {
        answer::take(call, self.format, self.max_size)
    }
}

/// What was made of a key that need not be there.
#[allow(clippy::option_option, reason = "the outer one is a mistake, the inner one the key")]
fn optional<T>(made: Option<Option<T>>) -> Option<Option<T>> {
    made.map_or(Some(None), |made| made.map(Some))
}

fn headers(config: &BTreeMap<String, String>, names: Names<'_>, mistakes: &At<'_>) -> Option<Vec<(String, Template)>> {
    let one = |(name, value): (&String, &String)| {
        let mistakes = mistakes.of(name);
        let is_good = mistakes.take(check::field(name));
        let template = mistakes.take(Template::parse(value, names));
        is_good.and(template).map(|template| (name.to_ascii_lowercase(), template))
    };
    all(config.iter().map(one))
}

fn conditions(config: &[ConditionConfig], names: Names<'_>, mistakes: &At<'_>) -> Option<Vec<Condition>> {
    let parsed = config.iter().enumerate();
    all(parsed.map(|(index, condition)| Condition::new(condition, names, &mistakes.at(index))))
}

fn place(config: &PartConfig, mistakes: &At<'_>) -> Option<Place> {
    let elsewhere = config.at.is_some() || config.combine != Combine::Merge;
    match (&config.join, config.hide) {
        (Some(join), false) if !elsewhere => Join::new(join, &mistakes.of("join")).map(Place::Joined),
        (None, true) if !elsewhere => Some(Place::Hidden),
        (None, false) => {
            let path = match config.at.as_deref() {
                None => Path::member(&config.name),
                Some(".") => Path::whole(),
                Some(path) => mistakes.of("at").take(Path::parse(path))?,
            };
            let place = Place::At { path, combine: config.combine };
            if place.is_the_top() {
                mistakes.of("at").take(check::goes_to_the_top(config))?;
            }
            Some(place)
        }
        _ => {
            mistakes.add("has one place only: `at` with `combine`, or `join`, or `hide`");
            None
        }
    }
}

fn content(config: &PartConfig, names: Names<'_>, mistakes: &At<'_>) -> Option<Content> {
    let content = match (&config.body, config.forward_body) {
        (None, false) => return Some(Content::Nothing),
        (Some(body), false) => BodyTemplate::parse(body, names, &mistakes.of("body")).map(Content::Json),
        (None, true) => Some(Content::Forwarded),
        (Some(_), true) => {
            mistakes.of("body").add("the part sends either `body` or, with `forward_body`, the client's");
            None
        }
    };
    if config.method == "GET" {
        mistakes.of("method").add("a GET has no body; write `method = \"POST\"`, for example");
        return None;
    }
    content
}
