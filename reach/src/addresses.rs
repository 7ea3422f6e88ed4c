//! By which addresses other devices reach a listener of this machine.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use crate::interfaces::{Interface, Leads, interfaces};

/// A number by which others reach this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The number.
    pub ip: IpAddr,
    /// The network that it is in: who is there reaches it.
    pub net: IpNet,
    /// The interface, such as `eth0`.
    pub interface: String,
}

/// The addresses that reach a listener on `bound`, best first: its own address, or, if it listens
/// on all, those of this machine's networks. Empty if no other device reaches it.
///
/// Left out are the bridges of containers and virtual machines, IPv6 link-local addresses, because
/// a URL in a browser cannot name their link, and IPv6 where the same interface has IPv4, because
/// people type the shorter one.
pub fn of(bound: SocketAddr) -> Vec<Address> {
    reaching(bound, interfaces())
}

fn reaching(bound: SocketAddr, mut found: Vec<Interface>) -> Vec<Address> {
    let ip = bound.ip().to_canonical();
    found.retain(|interface| match interface.ip {
        IpAddr::V4(ip) => !ip.is_loopback(),
        // IPv6 does not reach an IPv4 socket.
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local() && bound.is_ipv6(),
    });
    if ip.is_unspecified() {
        found.retain(|interface| interface.leads != Leads::Inside);
    } else {
        found.retain(|interface| interface.ip == ip);
    }
    let with_v4: Vec<String> =
        found.iter().filter(|at| at.ip.is_ipv4()).map(|at| at.name.clone()).collect();
    found.retain(|at| at.ip.is_ipv4() || at.ip == ip || !with_v4.contains(&at.name));
    // A link-local number works only on that cable; it changes with each start.
    found.sort_by_key(|at| (is_last(at.ip), at.ip.is_ipv6(), at.leads));
    let mut addresses: Vec<Address> = Vec::new();
    for Interface { ip, net, name, .. } in found {
        if addresses.iter().all(|known| known.ip != ip) {
            addresses.push(Address { ip, net, interface: name });
        }
    }
    addresses
}

fn is_last(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(ip) if ip.is_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &str, net: &str, leads: Leads) -> Interface {
        let net: IpNet = net.parse().unwrap();
        Interface { name: name.to_owned(), ip: net.addr(), net, leads }
    }

    fn house() -> Vec<Interface> {
        vec![
            at("lo", "127.0.0.1/8", Leads::Through),
            at("docker0", "172.17.0.1/16", Leads::Inside),
            at("usb0", "169.254.7.7/16", Leads::Outside),
            at("tailscale0", "100.101.102.103/32", Leads::Through),
            at("tailscale0", "fd7a:115c:a1e0::7/128", Leads::Through),
            at("eth0", "192.168.1.20/24", Leads::Outside),
            at("wlan0", "fe80::1/64", Leads::Outside),
            at("wlan0", "fd00::20/64", Leads::Outside),
            at("wlan1", "192.168.4.1/24", Leads::Outside),
        ]
    }

    fn numbers(bound: &str) -> Vec<String> {
        let addresses = reaching(bound.parse().unwrap(), house());
        addresses.iter().map(|address| address.ip.to_string()).collect()
    }

    #[test]
    fn who_listens_on_all_is_reached_by_what_leads_outside_and_people_can_type() {
        let v4 = ["192.168.1.20", "192.168.4.1", "100.101.102.103"];
        assert_eq!(numbers("0.0.0.0:8080"), [&v4[..], &["169.254.7.7"]].concat());
        assert_eq!(numbers("[::]:8080"), [&v4[..], &["fd00::20", "169.254.7.7"]].concat());
    }

    #[test]
    fn who_listens_on_one_address_is_reached_by_that_alone() {
        assert_eq!(numbers("192.168.4.1:80"), ["192.168.4.1"]);
        assert_eq!(numbers("[::ffff:192.168.4.1]:80"), ["192.168.4.1"]);
        assert_eq!(numbers("[fd7a:115c:a1e0::7]:80"), ["fd7a:115c:a1e0::7"]);
        // Whoever typed it knows why.
        assert_eq!(numbers("172.17.0.1:80"), ["172.17.0.1"]);
        for nobody in ["127.0.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80", "203.0.113.7:80"] {
            assert!(numbers(nobody).is_empty(), "{nobody}");
        }
    }

    #[test]
    fn this_machine_is_asked_itself() {
        for address in of("[::]:8080".parse().unwrap()) {
            assert!(!address.ip.is_loopback() && address.net.contains(&address.ip), "{address:?}");
        }
        assert!(of("127.0.0.1:80".parse().unwrap()).is_empty());
    }
}
