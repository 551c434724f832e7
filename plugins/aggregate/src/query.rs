//! Parameters of the client's query.

/// The pairs of a query whose names are among these, as they arrived, with `&` between; empty if
/// there are none. Names are compared decoded: `%70age` is `page`.
pub(crate) fn pick(query: &str, names: &[String]) -> String {
    let mut picked = String::new();
    for pair in query.split('&') {
        let name = decode(pair.split('=').next().unwrap_or_default());
        if names.iter().any(|wanted| wanted.as_bytes() == name) {
            if !picked.is_empty() {
                picked.push('&');
            }
            picked.push_str(pair);
        }
    }
    picked
}

/// The first value of a parameter, decoded; bytes that are not UTF-8 become U+FFFD.
pub(crate) fn first(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.find(|(other, _)| decode(other) == name.as_bytes())?;
    Some(String::from_utf8_lossy(&decode(value)).into_owned())
}

/// `+` is a space and `%XX` a byte; what is no escape stays as it is.
fn decode(name: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [byte, behind @ ..] = rest {
        rest = behind;
        decoded.push(match (byte, behind) {
            (b'+', _) => b' ',
            (b'%', [high, low, behind @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    rest = behind;
                    high << 4 | low
                }
                _ => b'%',
            },
            _ => *byte,
        });
    }
    decoded
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pick_page_and_sort(query: &str) -> String {
        pick(query, &["page".to_owned(), "sort by".to_owned()])
    }

    #[test]
    fn only_the_parameters_named_are_picked_as_they_arrived() {
        assert_eq!(pick_page_and_sort("a=1&page=2&sort+by=x%20y&pages=3"), "page=2&sort+by=x%20y");
        assert_eq!(pick_page_and_sort("page&page=&%70age=1&sort%20by"), "page&page=&%70age=1&sort%20by");
        assert_eq!(pick_page_and_sort("Page=1&=page&%page=1&page%"), "");
        assert_eq!(pick_page_and_sort(""), "");
    }

    #[test]
    fn the_first_value_of_a_name_counts_and_is_decoded() {
        assert_eq!(first("a=1&b=x+y%2F&b=2", "b").as_deref(), Some("x y/"));
        assert_eq!(first("a&b", "b").as_deref(), Some(""));
        assert_eq!(first("ab=1", "b"), None);
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(query in ".*", percent in "[%0-9a-fA-Fpg&=+]*") {
            let _ = pick_page_and_sort(&query);
            let _ = pick_page_and_sort(&percent);
            let _ = first(&query, "a");
        }

        #[test]
        fn everything_is_picked_where_every_name_is_wanted(names in proptest::collection::vec("[a-z]{1,4}", 1..5)) {
            prop_assert_eq!(pick(&names.join("&"), &names), names.join("&"));
        }
    }
}
