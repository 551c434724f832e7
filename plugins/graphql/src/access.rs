//! Who may see what: the guards of fields against what plugins before this one found out.

use std::cell::OnceCell;

use tollgate_plugin_sdk::attributes;

use crate::error::{self, GraphqlError};
use crate::plan::{Children, PlanField};
use crate::schema::Guard;

/// What is known of the request, asked for when the first guard wants to know.
#[derive(Debug)]
pub(crate) struct Access<'c> {
    scopes_attribute: &'c str,
    user_attribute: &'c str,
    scopes: OnceCell<Vec<String>>,
    user: OnceCell<bool>,
}

impl<'c> Access<'c> {
    pub(crate) fn new(scopes_attribute: &'c str, user_attribute: &'c str) -> Self {
        Self { scopes_attribute, user_attribute, scopes: OnceCell::new(), user: OnceCell::new() }
    }

    /// Whether all of them let the request on.
    pub(crate) fn is_let_on(&self, guards: &[Guard]) -> bool {
        guards.iter().all(|guard| match guard {
            Guard::User => *self.user.get_or_init(|| attributes::get(self.user_attribute).is_some()),
            Guard::Scopes(lists) => {
                let scopes = self.scopes.get_or_init(|| scopes(attributes::get(self.scopes_attribute)));
                lists.iter().any(|list| list.iter().all(|wanted| scopes.contains(wanted)))
            }
        })
    }

    /// An error for each of these fields, and of those within them, that does not let the request on.
    pub(crate) fn forbidden(&self, fields: &[PlanField]) -> Vec<GraphqlError> {
        let mut errors = Vec::new();
        self.push_forbidden(fields, &mut errors);
        errors
    }

    fn push_forbidden(&self, fields: &[PlanField], errors: &mut Vec<GraphqlError>) {
        for field in fields {
            if errors.len() == error::MOST {
                return;
            }
            if !self.is_let_on(&field.guards) {
                let locations = field.location.into_iter().collect();
                errors.push(GraphqlError { locations, ..GraphqlError::new("FORBIDDEN", refusal(field)) });
            } else if let Children::Objects(types) = &field.children {
                for (_, fields) in types {
                    self.push_forbidden(fields, errors);
                }
            }
        }
    }
}

/// What a client is told of a field it may not see.
pub(crate) fn refusal(field: &PlanField) -> String {
    format!("`{}` is not for you", field.full_name())
}

/// Text with spaces between, or a JSON list of strings.
fn scopes(attribute: Option<String>) -> Vec<String> {
    let text = attribute.unwrap_or_default();
    match serde_json::from_str::<Vec<String>>(&text) {
        Ok(list) => list.iter().flat_map(|scopes| scopes.split_whitespace()).map(str::to_owned).collect(),
        Err(_) => text.split_whitespace().map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_plugin_sdk::testing::Host;

    fn is_let_on(guard: Guard) -> bool {
        Access::new("scope", "sub").is_let_on(&[guard])
    }

    fn any_of(lists: &[&[&str]]) -> Guard {
        Guard::Scopes(lists.iter().map(|list| list.iter().map(|&scope| scope.to_owned()).collect()).collect())
    }

    #[test]
    fn all_scopes_of_one_list_are_enough_and_part_of_one_is_not() {
        for text in ["read write", r#"["read", "write"]"#] {
            let _host = Host::new().attribute("scope", text);
            assert!(is_let_on(any_of(&[&["read", "write"]])));
            assert!(is_let_on(any_of(&[&["admin"], &["read"]])));
            assert!(!is_let_on(any_of(&[&["admin", "read"]])));
            assert!(!is_let_on(any_of(&[])));
        }
    }

    #[test]
    fn without_the_attributes_nobody_is_let_on() {
        let _host = Host::new();
        assert!(!is_let_on(any_of(&[&["read"]])));
        assert!(!is_let_on(Guard::User));
        let _host = Host::new().attribute("sub", "zoe");
        assert!(is_let_on(Guard::User));
    }
}
