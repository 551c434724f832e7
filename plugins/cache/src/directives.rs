//! `Cache-Control` (RFC 9111 section 5.2), and `CDN-Cache-Control` (RFC 9213).

use sfv::{BareItem, Dictionary, ListEntry, Parser};
use tollgate_plugin_sdk::is_field_name;

/// Longer times are cut to this, by RFC 9111 section 1.2.2: in seconds.
pub(crate) const LONGEST: u64 = 1 << 31;

/// Directives in order, names in lower case.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Directives(Vec<(String, Option<String>)>);

impl Directives {
    /// Of `Cache-Control`. What is not a directive is skipped.
    pub(crate) fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = Vec::new();
        for line in lines {
            for part in split(line) {
                let (name, value) = match part.split_once('=') {
                    Some((name, value)) => (name, Some(unquote(value))),
                    None => (part, None),
                };
                if !name.is_empty() && !name.contains(char::is_whitespace) {
                    all.push((name.to_ascii_lowercase(), value));
                }
            }
        }
        Self(all)
    }

    /// Of `CDN-Cache-Control`; `None` where it is not there, empty, or no valid structured field.
    pub(crate) fn targeted<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let lines: Vec<&str> = lines.into_iter().collect();
        let dictionary: Dictionary = Parser::new(&lines.join(", ")).parse().ok()?;
        let mut all = Vec::new();
        for (name, entry) in &dictionary {
            let ListEntry::Item(item) = entry else { return None };
            let value = match &item.bare_item {
                BareItem::Boolean(true) => None,
                BareItem::Boolean(false) => continue,
                BareItem::Integer(number) => Some(number.to_string()),
                BareItem::String(text) => Some(text.as_str().to_owned()),
                BareItem::Token(text) => Some(text.as_str().to_owned()),
                _ => return None,
            };
            let is_number = matches!(item.bare_item, BareItem::Integer(_));
            let wants_number =
                matches!(name.as_str(), "max-age" | "s-maxage" | "stale-while-revalidate" | "stale-if-error");
            if wants_number && !is_number {
                return None;
            }
            all.push((name.as_str().to_owned(), value));
        }
        (!all.is_empty()).then_some(Self(all))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(other, _)| other == name)
    }

    /// There, and of the whole response: `no-cache` and not `no-cache="set-cookie"`. A list that names no field,
    /// as in `private=""`, leaves nothing else it could mean.
    pub(crate) fn is_of_all(&self, name: &str) -> bool {
        let of_all = |value: &Option<String>| value.as_deref().is_none_or(|value| names(value).next().is_none());
        self.0.iter().any(|(other, value)| other == name && of_all(value))
    }

    /// There without a value.
    pub(crate) fn has_bare(&self, name: &str) -> bool {
        self.0.iter().any(|(other, value)| other == name && value.is_none())
    }

    /// Fields a directive names: `private="x-user"`.
    pub(crate) fn fields(&self, name: &str) -> impl Iterator<Item = String> {
        let values = self.0.iter().filter(move |(other, _)| other == name).filter_map(|(_, value)| value.as_deref());
        values.flat_map(names).map(str::to_ascii_lowercase)
    }

    /// Seconds, of the first one of that name. What is no number is 0: stale is the safe side.
    pub(crate) fn seconds(&self, name: &str) -> Option<u64> {
        let (_, value) = self.0.iter().find(|(other, _)| other == name)?;
        Some(value.as_deref().and_then(number).unwrap_or(0))
    }
}

/// The fields a list names.
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| is_field_name(name))
}

/// A whole number of seconds, cut to [`LONGEST`].
pub(crate) fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().map_or(LONGEST, |seconds: u64| seconds.min(LONGEST)))
}

/// Parts between commas that are not in quotes.
fn split(line: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = line.split(move |c| {
        let separates = c == ',' && !quoted;
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        separates
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

fn unquote(value: &str) -> String {
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) => inner.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directives(line: &str) -> Directives {
        Directives::parse([line])
    }

    #[test]
    fn a_directive_in_quotes_is_none() {
        let told = directives(r#"ext="a, max-age=100 \", no-store", MAX-age=5"#);
        assert_eq!((told.seconds("max-age"), told.has("no-store")), (Some(5), false));
    }

    #[test]
    fn what_is_no_number_of_seconds_is_stale() {
        let seconds = |line| directives(line).seconds("max-age");
        assert_eq!(seconds("max-age=003600"), Some(3600));
        assert_eq!(seconds("max-age=\"10\""), Some(10));
        for line in ["max-age=-1", "max-age=1.5", "max-age='10'", "max-age=a1", "max-age", "max-age= 10", "max-age="] {
            assert_eq!(seconds(line), Some(0), "{line}");
        }
        assert_eq!(seconds("max-age =10"), None);
        assert_eq!(seconds("max-age=99999999999999999999999"), Some(LONGEST));
    }

    #[test]
    fn the_first_of_two_counts_also_over_lines() {
        assert_eq!(Directives::parse(["max-age=1", "max-age=2"]).seconds("max-age"), Some(1));
    }

    #[test]
    fn fields_of_a_directive_are_told_from_the_directive_alone() {
        let told = directives(r#"no-cache="A, b", private"#);
        assert_eq!(told.fields("no-cache").collect::<Vec<_>>(), ["a", "b"]);
        assert!(!told.is_of_all("no-cache") && told.has("no-cache") && told.is_of_all("private"));
    }

    #[test]
    fn a_list_that_names_no_field_is_as_none() {
        for list in [r#"private="""#, r#"private=" ""#, "private=", r#"private=",""#, r#"private="a b""#] {
            assert!(directives(list).is_of_all("private"), "{list}");
        }
        let empty = Directives::targeted([r#"private="", max-age=5"#]).unwrap();
        assert!(empty.is_of_all("private"));
        assert!(directives(r#"private="a", private="""#).is_of_all("private"));
        assert!(!directives(r#"max-stale="""#).has_bare("max-stale"), "what is no number of seconds is none");
    }

    #[test]
    fn a_targeted_field_that_is_no_structured_field_is_as_if_it_were_not_there() {
        let targeted = |line| Directives::targeted([line]);
        assert_eq!(targeted("max-age=10, must-revalidate").unwrap().seconds("max-age"), Some(10));
        for line in ["", "max-age=10, &&&", "max-age=\"10\"", "max-age =10", "Max-Age=10"] {
            assert_eq!(targeted(line), None, "{line}");
        }
    }
}
