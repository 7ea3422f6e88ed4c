//! The networks from which clients may reach a part.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};

/// Stands for all networks without strangers, see [`Networks`].
pub const LOCAL: &str = "local";

/// What [`LOCAL`] stands for, in CIDR notation (RFC 4632).
const LOCALS: [IpNet; 7] = [
    v4([10, 0, 0, 0], 8),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
    // Link-local (RFC 3927, RFC 4291).
    v4([169, 254, 0, 0], 16),
    v6(0xfe80, 10),
    // Unique local (RFC 4193).
    v6(0xfc00, 7),
    // Shared (RFC 6598): overlays such as Tailscale's, and the link between a home and its carrier.
    // Nobody on the internet has such an address either.
    v4([100, 64, 0, 0], 10),
];

const fn v4(ip: [u8; 4], prefix: u8) -> IpNet {
    let [a, b, c, d] = ip;
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix))
}

const fn v6(first: u16, prefix: u8) -> IpNet {
    IpNet::V6(ipnet::Ipv6Net::new_assert(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0), prefix))
}

/// Networks whose peers may come in. This machine itself (loopback) always may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

/// An entry that is not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a network: write it like \"192.168.0.0/16\", \"fd00::/8\" or \"203.0.113.7\", \
     or \"local\" for all private networks"
)]
pub struct BadNetwork(pub String);

impl Default for Networks {
    fn default() -> Networks {
        Networks(LOCALS.into())
    }
}

impl Networks {
    /// Each is [`LOCAL`], a network in CIDR notation, or one address.
    ///
    /// ```
    /// let networks = access::Networks::parse(&["203.0.113.0/24".into()])?;
    /// assert!(networks.have("203.0.113.7".parse().unwrap()));
    /// assert!(networks.have("::ffff:203.0.113.7".parse().unwrap()));
    /// assert!(networks.have("127.0.0.1".parse().unwrap()), "loopback always");
    /// assert!(!networks.have("192.168.0.1".parse().unwrap()));
    /// # Ok::<(), access::BadNetwork>(())
    /// ```
    ///
    /// # Errors
    /// The first entry that is none of these.
    pub fn parse(typed: &[String]) -> Result<Networks, BadNetwork> {
        let mut networks = Vec::new();
        for typed in typed {
            match typed.as_str() {
                LOCAL => networks.extend(LOCALS),
                text => networks.push(network(text).ok_or_else(|| BadNetwork(typed.clone()))?),
            }
        }
        Ok(Networks(networks))
    }

    /// Whether a peer is in one of them. An IPv4 peer on an IPv6 socket counts as IPv4.
    pub fn have(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        peer.is_loopback() || self.0.iter().any(|network| network.contains(&peer))
    }

    /// Whether anybody in a network is in one of them.
    pub fn meet(&self, other: &IpNet) -> bool {
        self.0.iter().any(|network| network.contains(other) || other.contains(network))
    }

    /// Whether all of them are within [`LOCAL`].
    pub fn are_local(&self) -> bool {
        self.0.iter().all(|network| LOCALS.iter().any(|local| local.contains(network)))
    }
}

fn network(text: &str) -> Option<IpNet> {
    let one = || text.parse::<IpAddr>().ok().map(IpNet::from);
    let network = text.parse().ok().or_else(one)?;
    Some(match network {
        // As IPv4, because peers are compared so (RFC 4291, section 2.5.5.2).
        IpNet::V6(v6) if v6.prefix_len() >= 96 => match v6.addr().to_ipv4_mapped() {
            Some(v4) => IpNet::V4(Ipv4Net::new(v4, v6.prefix_len() - 96).ok()?),
            None => network,
        },
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(typed: &[&str]) -> Networks {
        Networks::parse(&typed.iter().map(|&text| text.to_owned()).collect::<Vec<_>>()).unwrap()
    }

    fn have(networks: &Networks, peer: &str) -> bool {
        networks.have(peer.parse().unwrap())
    }

    #[test]
    fn local_is_loopback_private_link_local_and_shared() {
        let local = Networks::default();
        assert_eq!(local, parse(&[LOCAL]));
        for near in [
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.1",
            "192.168.0.7",
            "169.254.1.1",
            "100.64.0.0",
            "100.101.102.103",
            "100.127.255.255",
            "::1",
            "fd00::1",
            "fc12::1",
            "fd7a:115c:a1e0::1",
            "fe80::1",
            "::ffff:192.168.0.7",
            "::ffff:100.64.0.1",
        ] {
            assert!(have(&local, near), "{near}");
        }
        for far in [
            "8.8.8.8",
            "172.32.0.1",
            "192.169.0.1",
            "100.63.255.255",
            "100.128.0.0",
            "2001:db8::1",
            "::ffff:8.8.8.8",
            "0.0.0.0",
            "::",
            "fec0::1",
        ] {
            assert!(!have(&local, far), "{far}");
        }
    }

    #[test]
    fn networks_that_are_typed_widen_or_narrow_it() {
        let wider = parse(&["local", "203.0.113.0/24", "2001:db8:1::/48", "198.51.100.7"]);
        for near in ["192.168.0.7", "203.0.113.9", "2001:db8:1:2::3", "198.51.100.7", "::1"] {
            assert!(have(&wider, near), "{near}");
        }
        for far in ["203.0.114.1", "2001:db8:2::1", "198.51.100.8"] {
            assert!(!have(&wider, far), "{far}");
        }
        let narrower = parse(&["192.168.1.77/24"]);
        assert!(have(&narrower, "192.168.1.9") && have(&narrower, "127.0.0.1"));
        assert!(!have(&narrower, "192.168.2.9") && !have(&narrower, "fd00::1"));
        assert!(have(&parse(&[]), "::1") && !have(&parse(&[]), "10.0.0.1"));
        let mapped = parse(&["::ffff:203.0.113.0/120"]);
        assert!(have(&mapped, "203.0.113.9") && have(&mapped, "::ffff:203.0.113.9"));
        let all = parse(&["0.0.0.0/0", "::/0"]);
        assert!(have(&all, "8.8.8.8") && have(&all, "2001:db8::1"));
        assert!(narrower.are_local() && Networks::default().are_local());
        assert!(!wider.are_local() && !all.are_local());
    }

    #[test]
    fn networks_meet_that_have_somebody_in_common() {
        let meet = |typed: &[&str], other: &str| parse(typed).meet(&other.parse().unwrap());
        assert!(meet(&[LOCAL], "192.168.1.20/24") && meet(&[LOCAL], "fd00::7/64"));
        assert!(
            meet(&["192.168.1.9"], "192.168.1.20/24") && meet(&["0.0.0.0/0"], "203.0.113.7/24")
        );
        assert!(!meet(&[LOCAL], "203.0.113.7/24") && !meet(&[LOCAL], "2001:db8::7/64"));
        assert!(!meet(&["192.168.2.0/24"], "192.168.1.20/24") && !meet(&[], "10.0.0.1/8"));
    }

    #[test]
    fn what_is_no_network_is_named() {
        for bad in ["", "home", "10.0.0.0/33", "10.0.0/8", "fd00::/129", "10.0.0.0/8 ", "LOCAL"] {
            let error = Networks::parse(&[bad.to_owned()]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{bad:?} is not a network")), "{error}");
        }
    }

    proptest! {
        #[test]
        fn a_peer_is_in_its_network_however_it_is_written(ip: u32, prefix in 0..=32_u8) {
            let ip = Ipv4Addr::from(ip);
            let networks = parse(&[&format!("{ip}/{prefix}")]);
            prop_assert!(networks.have(ip.into()) && networks.have(ip.to_ipv6_mapped().into()));
        }

        #[test]
        fn a_network_has_whom_its_first_bits_say(ip: u128, peer: u128, prefix in 0..=128_u8) {
            // Peers near and far, but neither this machine nor one of IPv4.
            let near = peer >> prefix.min(120) | ip & !(u128::MAX >> prefix.min(120));
            let shift = 128 - u32::from(prefix);
            for peer in [peer, near].map(|peer| peer | 1 << 127) {
                let ip = ip | 1 << 127;
                let networks = parse(&[&format!("{}/{prefix}", Ipv6Addr::from(ip))]);
                let same = (ip ^ peer).checked_shr(shift).unwrap_or(0) == 0;
                prop_assert_eq!(networks.have(Ipv6Addr::from(peer).into()), same);
                let (ip, peer) = ((ip >> 96) as u32, (peer >> 96) as u32);
                let prefix = prefix.min(32);
                let networks = parse(&[&format!("{}/{prefix}", Ipv4Addr::from(ip))]);
                let same = (ip ^ peer).checked_shr(32 - u32::from(prefix)).unwrap_or(0) == 0;
                prop_assert_eq!(networks.have(Ipv4Addr::from(peer).into()), same);
            }
        }

        #[test]
        fn no_text_is_too_much(text in ".*") {
            let _ = Networks::parse(&[text]);
        }
    }
}
