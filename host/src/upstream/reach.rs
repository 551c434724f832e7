//! Which addresses a call may reach.
//!
//! A plugin that may call any host (`https://*`) calls hosts that clients choose. It must not get to
//! what only the gateway can reach: its own machine, the network behind it, the cloud's metadata. So
//! what is judged is the address that is connected to, for each connection: a name may resolve to
//! anything, and to something else the next time.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a call was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// The operator named the host: wherever it is.
    Any,
    /// Through a wildcard: public addresses only.
    Public,
}

impl Reach {
    pub(super) fn includes(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Public => is_public(address),
        }
    }
}

/// Address blocks that are nobody's on the internet, or not for calls: the IANA special-purpose
/// registry (RFC 6890 and what has updated it), whole blocks without their few exceptions.
const SPECIAL_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::UNSPECIFIED, 8),            // this network (RFC 791)
    (Ipv4Addr::new(10, 0, 0, 0), 8),       // private (RFC 1918)
    (Ipv4Addr::new(100, 64, 0, 0), 10),    // carrier-grade NAT (RFC 6598); Alibaba's metadata
    (Ipv4Addr::new(127, 0, 0, 0), 8),      // loopback (RFC 1122)
    (Ipv4Addr::new(168, 63, 129, 16), 32), // Azure's wire server: public by number, inside by use
    (Ipv4Addr::new(169, 254, 0, 0), 16),   // link-local (RFC 3927); most clouds' metadata
    (Ipv4Addr::new(172, 16, 0, 0), 12),    // private (RFC 1918)
    (Ipv4Addr::new(192, 0, 0, 0), 24),     // IETF protocols (RFC 6890); Oracle's metadata
    (Ipv4Addr::new(192, 0, 2, 0), 24),     // documentation (RFC 5737)
    (Ipv4Addr::new(192, 88, 99, 0), 24),   // 6to4 relays, deprecated (RFC 7526)
    (Ipv4Addr::new(192, 168, 0, 0), 16),   // private (RFC 1918)
    (Ipv4Addr::new(198, 18, 0, 0), 15),    // benchmarks (RFC 2544)
    (Ipv4Addr::new(198, 51, 100, 0), 24),  // documentation (RFC 5737)
    (Ipv4Addr::new(203, 0, 113, 0), 24),   // documentation (RFC 5737)
    (Ipv4Addr::new(224, 0, 0, 0), 4),      // multicast (RFC 5771)
    (Ipv4Addr::new(240, 0, 0, 0), 4),      // reserved (RFC 1112), and broadcast (RFC 919)
];

/// All that IANA has given out as global unicast. Whatever lies outside (loopback, unique local, link
/// local, multicast, the discard prefix, local NAT64, segment routing) is not public.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What lies inside of that and is not public.
const SPECIAL_V6: &[(Ipv6Addr, u32)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // IETF protocols, Teredo, ORCHID (RFC 2928)
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation (RFC 3849)
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation (RFC 9637)
];

/// Prefixes behind which an IPv4 address stands, and where: that is judged instead.
const MAPPED: (Ipv6Addr, u32) = (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96); // RFC 4291
const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96); // RFC 6052
const SIX_TO_FOUR: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16); // RFC 3056

/// Whether the internet is where this address is.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !SPECIAL_V4.iter().any(|(block, bits)| within(address.to_bits(), block.to_bits(), 32 - bits))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    let inside = |(block, length): (Ipv6Addr, u32)| within(bits, block.to_bits(), 128 - length);
    #[allow(clippy::cast_possible_truncation, reason = "the low 32 bits are what is meant")]
    let v4 = |shift: u32| Ipv4Addr::from_bits((bits >> shift) as u32);
    if inside(MAPPED) || inside(NAT64) {
        return is_public_v4(v4(0));
    }
    if inside(SIX_TO_FOUR) {
        return is_public_v4(v4(80));
    }
    inside(GLOBAL_V6) && !SPECIAL_V6.iter().any(|special| inside(*special))
}

/// Whether two addresses differ in nothing but their last `host_bits`, of which there are fewer than all.
fn within<B: std::ops::Shr<u32, Output = B> + PartialEq>(address: B, block: B, host_bits: u32) -> bool {
    address >> host_bits == block >> host_bits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn public(address: &str) -> bool {
        is_public(address.parse().unwrap())
    }

    #[test]
    fn both_ends_of_each_special_block_are_refused_and_what_lies_beside_it_is_not() {
        for (first, last, before, after) in [
            ("0.0.0.0", "0.255.255.255", None, Some("1.0.0.0")),
            ("10.0.0.0", "10.255.255.255", Some("9.255.255.255"), Some("11.0.0.0")),
            ("100.64.0.0", "100.127.255.255", Some("100.63.255.255"), Some("100.128.0.0")),
            ("127.0.0.0", "127.255.255.255", Some("126.255.255.255"), Some("128.0.0.0")),
            ("168.63.129.16", "168.63.129.16", Some("168.63.129.15"), Some("168.63.129.17")),
            ("169.254.0.0", "169.254.255.255", Some("169.253.255.255"), Some("169.255.0.0")),
            ("172.16.0.0", "172.31.255.255", Some("172.15.255.255"), Some("172.32.0.0")),
            ("192.0.0.0", "192.0.0.255", Some("191.255.255.255"), Some("192.0.1.0")),
            ("192.0.2.0", "192.0.2.255", Some("192.0.1.255"), Some("192.0.3.0")),
            ("192.88.99.0", "192.88.99.255", Some("192.88.98.255"), Some("192.88.100.0")),
            ("192.168.0.0", "192.168.255.255", Some("192.167.255.255"), Some("192.169.0.0")),
            ("198.18.0.0", "198.19.255.255", Some("198.17.255.255"), Some("198.20.0.0")),
            ("198.51.100.0", "198.51.100.255", Some("198.51.99.255"), Some("198.51.101.0")),
            ("203.0.113.0", "203.0.113.255", Some("203.0.112.255"), Some("203.0.114.0")),
            ("224.0.0.0", "255.255.255.255", Some("223.255.255.255"), None),
            ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", None, Some("2001:200::")),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Some("2001:db7::1"), Some("2001:db9::")),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", Some("3ffe::1"), Some("3fff:1000::")),
        ] {
            assert!(!public(first) && !public(last), "{first} to {last}");
            assert!(before.is_none_or(public) && after.is_none_or(public), "beside {first} to {last}");
        }
    }

    #[test]
    fn what_is_no_global_unicast_is_refused() {
        for address in [
            "::",
            "::1",
            "::127.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "1fff:ffff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!public(address), "{address}");
        }
        assert!(public("2606:4700::1111") && public("2a00:1450:4001::1"));
    }

    #[test]
    fn an_address_inside_of_another_is_the_one_that_counts() {
        for v4 in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.0.1", "255.255.255.255", "8.8.8.8"] {
            let parsed: Ipv4Addr = v4.parse().unwrap();
            let [a, b, c, d] = parsed.octets().map(u16::from);
            let (high, low) = (a << 8 | b, c << 8 | d);
            for outer in [
                parsed.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            ] {
                assert_eq!(is_public(outer.into()), v4 == "8.8.8.8", "{outer}");
            }
        }
    }

    proptest! {
        /// The standard library's opinion, where it has one on stable Rust.
        #[test]
        fn nothing_the_standard_library_calls_special_is_public(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            let special = address.is_private() || address.is_loopback() || address.is_link_local()
                || address.is_multicast() || address.is_broadcast() || address.is_documentation()
                || address.is_unspecified();
            prop_assert!(!(special && is_public_v4(address)), "{address}");
            prop_assert_eq!(is_public(address.to_ipv6_mapped().into()), is_public_v4(address));
        }

        #[test]
        fn no_local_address_of_version_6_is_public(bits: u128) {
            let address = Ipv6Addr::from_bits(bits);
            let special = address.is_loopback() || address.is_multicast() || address.is_unspecified()
                || address.is_unique_local() || address.is_unicast_link_local();
            prop_assert!(!(special && is_public_v6(address)), "{address}");
        }
    }
}
