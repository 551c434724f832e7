//! What an upstream is told of who asked: `x-forwarded-for`, `-host`, `-proto` and `x-request-id`.
//!
//! They are fields of the request like any other: a plugin finds them there, changes them, takes them off. But most
//! plugins change none of them, and a map of fields that has to grow for four more costs as much as a plugin's hook. So
//! they are put into the map when somebody changes one or asks for all, and are else written straight behind the others.

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};

use super::RequestId;

const NAMES: [&str; 4] = [FOR, "x-forwarded-host", "x-forwarded-proto", "x-request-id"];
const FOR: &str = "x-forwarded-for";

/// How clients ask: TLS ends before the gateway.
const PROTO: &str = "http";

/// Fields of a request that are not in its map yet.
#[derive(Debug, Clone)]
pub struct Forwarded {
    client: HeaderValue,
    id: [u8; 32],
}

impl Forwarded {
    /// `client` is its address. What the request says of itself in these fields goes: `x-forwarded-for` is appended
    /// to, the others are the gateway's, and no client chooses them. `None` where they had to be put into the map.
    pub fn of(headers: &mut HeaderMap, client: &HeaderValue, id: RequestId) -> Option<Self> {
        let forwarded = Self { client: client.clone(), id: id.to_hex() };
        if !headers.keys().any(|name| Self::has(name.as_str())) {
            return Some(forwarded);
        }
        forwarded.add_to(headers);
        None
    }

    /// Whether one of them has this name, in whatever case. `host`, which one repeats, is no plugin's to change.
    pub fn has(name: &str) -> bool {
        matches!(name.len(), 12 | 15..=17) && NAMES.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Of the one that has this name, in whatever case.
    pub fn value<'a>(&'a self, name: &str, headers: &'a HeaderMap) -> Option<&'a [u8]> {
        if !Self::has(name) {
            return None;
        }
        let found = self.fields(headers).into_iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| value)
    }

    /// Puts them into the map; from then on they are fields as all others.
    pub fn add_to(self, headers: &mut HeaderMap) {
        let chain = if headers.contains_key(FOR) {
            let known = headers.get_all(FOR).iter().map(HeaderValue::as_bytes);
            let known: Vec<&[u8]> = known.chain([self.client.as_bytes()]).collect();
            HeaderValue::from_bytes(&known.join(&b", "[..])).ok()
        } else {
            Some(self.client)
        };
        // Room for all four at once; a map that is full is left as it is, below.
        let _ = headers.try_reserve(NAMES.len());
        let values = [
            chain,
            headers.get(HOST).cloned(),
            Some(HeaderValue::from_static(PROTO)),
            HeaderValue::from_bytes(&self.id).ok(),
        ];
        for (name, value) in NAMES.into_iter().zip(values) {
            put(headers, HeaderName::from_static(name), value);
        }
    }

    /// The same as names and values, of a request with these other fields. What has no value is not sent.
    pub fn fields<'a>(&'a self, headers: &'a HeaderMap) -> [(&'static str, Option<&'a [u8]>); 4] {
        let [chain, host, proto, id] = NAMES;
        [
            (chain, Some(self.client.as_bytes())),
            (host, headers.get(HOST).map(HeaderValue::as_bytes)),
            (proto, Some(PROTO.as_bytes())),
            (id, Some(&self.id)),
        ]
    }
}

/// A map that is full stays as it is: hyper has let at most `server.limits.header_count` in.
fn put(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    match value {
        Some(value) => drop(headers.try_insert(name, value)),
        None => drop(headers.remove(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: HeaderValue = HeaderValue::from_static("9.9.9.9");

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_client_can_add_to_who_asked_but_not_choose_the_rest() {
        let said = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-host", "evil"), ("host", "good")];
        let mut headers = headers(&said);
        assert!(Forwarded::of(&mut headers, &CLIENT, RequestId::new(1, 1)).is_none());
        assert_eq!(headers["x-forwarded-for"], "1.2.3.4, 9.9.9.9");
        assert_eq!(headers["x-forwarded-host"], "good");
    }

    #[test]
    fn any_of_the_names_is_enough_for_the_map() {
        for name in NAMES {
            let mut headers = HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static("evil"))]);
            assert!(Forwarded::of(&mut headers, &CLIENT, RequestId::new(1, 1)).is_none(), "{name}");
            assert!(!headers.get_all(name).iter().any(|value| value == "evil"));
        }
    }

    #[test]
    fn what_is_written_is_what_would_be_in_the_map() {
        for said in [&[("host", "a"), ("x-a", "1")][..], &[]] {
            let mut headers = headers(said);
            let forwarded = Forwarded::of(&mut headers, &CLIENT, RequestId::new(1, 1)).unwrap();
            let before = headers.clone();
            forwarded.clone().add_to(&mut headers);
            for (name, value) in forwarded.fields(&before) {
                assert!(Forwarded::has(&name.to_ascii_uppercase()));
                assert_eq!(headers.get(name).map(HeaderValue::as_bytes), value, "{name}");
            }
            assert_eq!(headers.len(), said.len() + 3 + usize::from(headers.contains_key(HOST)));
        }
    }
}
