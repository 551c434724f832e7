//! Other spellings of a field: CGI and what came after it (WSGI, Rack, PHP) hand `x-user` and
//! `x_user` to a program as the same `HTTP_X_USER`, so a client's `x_user` would pass for the claim.

use tollgate_plugin_sdk::request;

/// Up to so many spellings, asking the gateway for each costs less than taking over all fields.
const FEW: usize = 16;

/// How the fields that are the plugin's own must not arrive.
#[derive(Debug)]
pub(crate) enum Spellings {
    /// All of them, in lower case.
    Few(Vec<String>),
    /// The fields they are spellings of.
    Of(Vec<String>),
}

impl Spellings {
    /// `fields` are in lower case.
    pub(crate) fn of(fields: Vec<String>) -> Self {
        let count = |field: &String| 1_usize.checked_shl(separators(field)).map_or(usize::MAX, |all| all - 1);
        if fields.iter().map(count).fold(0, usize::saturating_add) > FEW {
            return Self::Of(fields);
        }
        Self::Few(fields.iter().flat_map(|field| others(field)).collect())
    }

    /// The names among the request's fields that are such a spelling, and not the field itself.
    pub(crate) fn present(&self) -> Vec<String> {
        match self {
            Self::Few(spellings) if spellings.is_empty() => Vec::new(),
            Self::Few(spellings) => {
                let names: Vec<&str> = spellings.iter().map(String::as_str).collect();
                let found = spellings.iter().zip(request::header_many(&names));
                found.filter(|(_, value)| value.is_some()).map(|(name, _)| name.clone()).collect()
            }
            Self::Of(fields) => {
                let names = request::headers().into_iter().map(|header| header.name);
                names.filter(|name| fields.iter().any(|field| field != name && alike(field, name))).collect()
            }
        }
    }
}

/// Whether two names in lower case are one field to an upstream that takes `-` for `_`.
pub(crate) fn alike(one: &str, other: &str) -> bool {
    let plain = |byte: u8| if byte == b'-' { b'_' } else { byte };
    one.bytes().map(plain).eq(other.bytes().map(plain))
}

fn separators(field: &str) -> u32 {
    field.bytes().fold(0, |count, byte| count + u32::from(is_separator(byte)))
}

fn is_separator(byte: u8) -> bool {
    byte == b'-' || byte == b'_'
}

/// Every way to write a field's separators, but its own.
fn others(field: &str) -> Vec<String> {
    let mut spellings = vec![String::new()];
    for character in field.chars() {
        let ways: &[char] = if matches!(character, '-' | '_') { &['-', '_'] } else { &[character] };
        spellings = ways.iter().flat_map(|way| spellings.iter().map(move |start| format!("{start}{way}"))).collect();
    }
    spellings.retain(|spelling| spelling != field);
    spellings
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_spelling_but_its_own_is_another() {
        assert!(others("user").is_empty());
        assert_eq!(others("x-user"), ["x_user"]);
        assert_eq!(others("x_user"), ["x-user"]);
        assert_eq!(others("x-user-id"), ["x_user-id", "x-user_id", "x_user_id"]);
    }

    #[test]
    fn a_name_of_nothing_but_separators_is_not_spelled_out() {
        assert!(matches!(Spellings::of(vec!["-".repeat(200)]), Spellings::Of(_)));
        assert!(
            matches!(Spellings::of(vec!["x-a-b-c".to_owned(), "x-d-e-f".to_owned()]), Spellings::Few(all) if all.len() == 14)
        );
    }

    proptest! {
        #[test]
        fn spellings_are_alike_and_as_many_as_there_are_ways_to_write_them(field in "[a-c_-]{0,8}") {
            let others = others(&field);
            prop_assert!(others.iter().all(|other| *other != field && alike(other, &field)));
            prop_assert_eq!(others.len() + 1, 1 << separators(&field));
        }
    }
}
