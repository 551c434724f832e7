//! Whether a part is called at all.

use tollgate_plugin_sdk::mistakes::At;

use crate::config::ConditionConfig;
use crate::source::{Names, Source, Values};
use crate::template::Template;

/// A comparison that must hold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    value: Template,
    test: Test,
}

#[derive(Debug, PartialEq, Eq)]
enum Test {
    Is(String),
    IsNot(String),
    Exists(bool),
}

impl Condition {
    pub(crate) fn new(config: &ConditionConfig, names: Names<'_>, mistakes: &At<'_>) -> Option<Self> {
        let value = mistakes.of("value").take(value(&config.value, names));
        let test = mistakes.take(test(config));
        Some(Self { value: value?, test: test? })
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.value.sources()
    }

    /// What is missing is not there, whoever should have sent it: that is no failure here.
    pub(crate) fn holds(&self, values: Values<'_>) -> bool {
        let is = |text: &String| self.value.fill(values).is_ok_and(|value| value == *text);
        match &self.test {
            Test::Is(text) => is(text),
            Test::IsNot(text) => !is(text),
            Test::Exists(exists) => self.value.sources().all(|source| source.exists(values)) == *exists,
        }
    }
}

fn value(text: &str, names: Names<'_>) -> Result<Template, String> {
    let value = Template::parse(text, names)?;
    if value.sources().next().is_none() {
        return Err(format!("`{text}` has no placeholder, so that it is always the same"));
    }
    Ok(value)
}

fn test(config: &ConditionConfig) -> Result<Test, &'static str> {
    match (&config.is, &config.is_not, config.exists) {
        (Some(text), None, None) => Ok(Test::Is(text.clone())),
        (None, Some(text), None) => Ok(Test::IsNot(text.clone())),
        (None, None, Some(exists)) => Ok(Test::Exists(exists)),
        _ => Err("needs one of `is`, `is_not` and `exists`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;
    use tollgate_plugin_sdk::mistakes::Mistakes;
    use tollgate_plugin_sdk::testing::Host;

    fn condition(value: &str) -> ConditionConfig {
        ConditionConfig { value: value.into(), is: None, is_not: None, exists: None }
    }

    fn parsed(config: &ConditionConfig) -> Result<Condition, String> {
        let mistakes = Mistakes::default();
        let condition = Condition::new(config, Names { parts: &[], item: false }, &mistakes.whole());
        mistakes.or(condition)
    }

    #[allow(clippy::needless_pass_by_value, reason = "the tests read better")]
    fn holds(config: ConditionConfig) -> bool {
        let values = Values { answers: &[], body: None, item: None };
        parsed(&config).unwrap().holds(values)
    }

    #[test]
    fn a_value_is_compared_as_text() {
        let _host = Host::new().query("full=1");
        assert!(holds(ConditionConfig { is: Some("1".into()), ..condition("{query:full}") }));
        assert!(!holds(ConditionConfig { is: Some("2".into()), ..condition("{query:full}") }));
        assert!(holds(ConditionConfig { is_not: Some("2".into()), ..condition("{query:full}") }));
        assert!(holds(ConditionConfig { exists: Some(true), ..condition("{query:full}") }));
    }

    #[test]
    fn what_is_missing_is_not_there_and_like_nothing() {
        let _host = Host::new();
        assert!(!holds(ConditionConfig { is: Some("1".into()), ..condition("{query:full}") }));
        assert!(holds(ConditionConfig { is_not: Some("1".into()), ..condition("{query:full}") }));
        assert!(holds(ConditionConfig { exists: Some(false), ..condition("{attribute:plan}") }));
    }

    #[test]
    fn arrays_and_objects_with_something_in_them_exist() {
        let exists = |json: &str| {
            let answers = [Json::parse(format!(r#"{{"id":1,"x":{json}}}"#).into_bytes()).ok()];
            let parts = ["a".to_owned()];
            let config = ConditionConfig { exists: Some(true), ..condition("{part:a.id}{part:a.x}") };
            let mistakes = Mistakes::default();
            let condition = Condition::new(&config, Names { parts: &parts, item: false }, &mistakes.whole());
            condition.unwrap().holds(Values { answers: &answers, body: None, item: None })
        };
        for json in ["[0]", r#"{"a":null}"#, "[[]]", "0", "false", r#""a""#] {
            assert!(exists(json), "{json}");
        }
        for json in ["[]", "[ ]", "{}", "{\n}", "null", r#""""#] {
            assert!(!exists(json), "{json}");
        }
    }

    #[test]
    fn a_condition_that_says_nothing_is_refused() {
        let refused = |config: ConditionConfig| parsed(&config).unwrap_err();
        assert!(refused(condition("{query:a}")).contains("needs one of"));
        assert!(
            refused(ConditionConfig { is: Some("a".into()), exists: Some(true), ..condition("{query:a}") })
                .contains("needs one of")
        );
        assert!(refused(ConditionConfig { exists: Some(true), ..condition("gold") }).contains("always the same"));
    }
}
