//! Who a request is counted for.

use std::net::{IpAddr, Ipv6Addr};

use tollgate_plugin_sdk::mistakes::At;
use tollgate_plugin_sdk::{attributes, is_field_name, request};

use crate::config::By;

/// What tells clients apart, ready for use.
pub(crate) enum Client {
    Address,
    Header(String),
    Attribute(String),
}

impl Client {
    /// Nothing where a name is wrong, which is added to `mistakes`.
    pub(crate) fn new(by: By, mistakes: &At<'_>) -> Option<Self> {
        match by {
            By::ClientAddress => return Some(Self::Address),
            By::Header(name) if is_field_name(&name) => return Some(Self::Header(name)),
            By::Claim(name) if !name.is_empty() => return Some(Self::Attribute(format!("jwt.claim.{name}"))),
            By::Attribute(name) if !name.is_empty() => return Some(Self::Attribute(name)),
            By::Header(name) => {
                mistakes.of("header").add(format!("`{name}` is no header name (RFC 9110 section 5.1)"));
            }
            By::Claim(_) => mistakes.of("claim").add("the name must not be empty"),
            By::Attribute(_) => mistakes.of("attribute").add("the name must not be empty"),
        }
        None
    }

    /// The key of the request's bucket. The first letter keeps a client from naming another's bucket:
    /// a header whose value is an address is not that address.
    pub(crate) fn key(&self) -> String {
        let value = match self {
            Self::Address => None,
            Self::Header(name) => request::header(name),
            Self::Attribute(name) => attributes::get(name),
        };
        match value {
            Some(value) => ["v", &value].concat(),
            None => ["a", &network(request::client_address())].concat(),
        }
    }
}

/// The address; of an IPv6 address the first 64 bits, because a single client commonly has them all.
fn network(address: String) -> String {
    if !address.contains(':') {
        return address;
    }
    match address.parse::<Ipv6Addr>().map(|v6| v6.to_canonical()) {
        Ok(IpAddr::V6(v6)) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).to_string(),
        Ok(IpAddr::V4(v4)) => v4.to_string(),
        Err(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use tollgate_plugin_sdk::mistakes::Mistakes;
    use tollgate_plugin_sdk::testing::Host;

    use super::*;

    fn key(by: By) -> String {
        Client::new(by, &Mistakes::default().whole()).unwrap().key()
    }

    #[test]
    fn a_header_tells_clients_apart() {
        let _host = Host::new().header("X-Api-Key", "k1");
        assert_eq!(key(By::Header("x-api-key".to_owned())), "vk1");
    }

    #[test]
    fn a_claim_is_the_attribute_that_jwt_auth_set() {
        let _host = Host::new().attribute("jwt.claim.sub", "zoe");
        assert_eq!(key(By::Claim("sub".to_owned())), "vzoe");
    }

    #[test]
    fn without_the_header_or_claim_the_address_counts() {
        let _host = Host::new().client_address("192.0.2.7");
        assert_eq!(key(By::Header("x-api-key".to_owned())), "a192.0.2.7");
        assert_eq!(key(By::Claim("sub".to_owned())), "a192.0.2.7");
    }

    #[test]
    fn a_name_that_no_field_can_have_is_a_mistake() {
        for name in ["", "x y", "x:", "é"] {
            assert!(Client::new(By::Header(name.to_owned()), &Mistakes::default().whole()).is_none(), "{name}");
        }
    }

    #[test]
    fn a_header_cannot_name_the_bucket_of_an_address() {
        let _host = Host::new().header("x", "192.0.2.7").client_address("192.0.2.7");
        assert_ne!(key(By::Header("x".to_owned())), key(By::ClientAddress));
    }

    #[test]
    fn addresses_of_one_ipv6_network_share_a_bucket() {
        assert_eq!(network("2001:db8:1:2:3:4:5:6".to_owned()), "2001:db8:1:2::");
        assert_eq!(network("2001:db8:1:2:ffff::1".to_owned()), "2001:db8:1:2::");
        assert_eq!(network("::ffff:192.0.2.7".to_owned()), "192.0.2.7");
    }
}
