//! The network interfaces of this machine, and which of them lead outside.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::SockaddrStorage;

/// Where the kernel describes interfaces (Documentation/ABI/testing/sysfs-class-net).
const SYSFS: &str = "/sys/class/net";

/// What container engines put into each of their containers: Docker, and Podman.
const CONTAINER: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// The devices that lead to a network of their own although they have no hardware.
const CARRIERS: [&str; 5] = ["bond", "ipvlan", "macvlan", "vlan", "wlan"];

/// An address of an interface that works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interface {
    pub name: String,
    pub ip: IpAddr,
    /// The network that it is in.
    pub net: IpNet,
    pub leads: Leads,
}

/// Where an interface leads, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leads {
    /// To a network, by hardware.
    Outside,
    /// To a network, by another program or machine, such as a VPN.
    Through,
    /// To this machine's containers or virtual machines alone, or, in a container, to its host.
    Inside,
}

/// All addresses of the interfaces that work, as the kernel lists them.
pub(crate) fn interfaces() -> Vec<Interface> {
    let is_contained = CONTAINER.iter().any(|file| Path::new(file).exists());
    let all = getifaddrs().into_iter().flatten();
    all.filter(|found| found.flags.contains(InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING))
        .filter_map(|found| {
            let ip = ip(found.address.as_ref()?)?;
            let mask = found.netmask.as_ref().and_then(self::ip);
            let net = mask.and_then(|mask| IpNet::with_netmask(ip, mask).ok());
            let leads = leads(&Path::new(SYSFS).join(&found.interface_name), is_contained);
            Some(Interface {
                ip,
                net: net.unwrap_or_else(|| ip.into()),
                leads,
                name: found.interface_name,
            })
        })
        .collect()
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::from(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::from(v6.ip())))
}

/// Where the interface leads that the kernel describes in this folder. A bridge without hardware
/// behind it joins only what runs here. A container's end of a cable (veth) leads to its host, and
/// nobody outside can call its number.
fn leads(described: &Path, is_contained: bool) -> Leads {
    if carries(described) {
        Leads::Outside
    } else if described.join("bridge").exists() {
        match members(described).any(|member| carries(&member)) {
            true => Leads::Outside,
            false => Leads::Inside,
        }
    } else if is_contained && is_cable(described) {
        Leads::Inside
    } else {
        Leads::Through
    }
}

/// The folders of the interfaces that a bridge joins, which lie beside its own.
fn members(bridge: &Path) -> impl Iterator<Item = PathBuf> {
    let ports = fs::read_dir(bridge.join("brif")).into_iter().flatten().flatten();
    ports.map(|port| bridge.with_file_name(port.file_name()))
}

fn carries(described: &Path) -> bool {
    let uevent = fs::read_to_string(described.join("uevent")).unwrap_or_default();
    let mut kinds = uevent.lines().filter_map(|line| line.strip_prefix("DEVTYPE="));
    described.join("device").exists() || kinds.any(|kind| CARRIERS.contains(&kind))
}

/// Whether the interface is one end of a cable: it is linked to another.
fn is_cable(described: &Path) -> bool {
    let [own, other] = ["ifindex", "iflink"].map(|file| fs::read(described.join(file)).ok());
    own != other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_leads_outside_by_hardware_even_behind_a_bridge() {
        let all = tempfile::tempdir().unwrap();
        let described = |name: &str, parts: &[&str], kind: &str| {
            let folder = all.path().join(name);
            fs::create_dir_all(&folder).unwrap();
            parts.iter().for_each(|part| fs::create_dir_all(folder.join(part)).unwrap());
            fs::write(folder.join("uevent"), format!("INTERFACE={name}\n{kind}\n")).unwrap();
            fs::write(folder.join("ifindex"), "7\n").unwrap();
            let link = if name.starts_with("veth") { "8\n" } else { "7\n" };
            fs::write(folder.join("iflink"), link).unwrap();
            folder
        };
        let (eth0, veth0) = (described("eth0", &["device"], ""), described("veth0", &[], ""));
        described("bond0", &[], "DEVTYPE=bond");
        let docker0 = described("docker0", &["bridge", "brif/veth0"], "DEVTYPE=bridge");
        let br0 = described("br0", &["bridge", "brif/veth0", "brif/eth0"], "DEVTYPE=bridge");
        let br1 = described("br1", &["bridge", "brif/bond0"], "DEVTYPE=bridge");
        let virbr0 = described("virbr0", &["bridge", "brif"], "DEVTYPE=bridge");
        let wg0 = described("wg0", &[], "DEVTYPE=wireguard");
        for (folder, here, contained) in [
            (&eth0, Leads::Outside, Leads::Outside),
            (&br0, Leads::Outside, Leads::Outside),
            (&br1, Leads::Outside, Leads::Outside),
            (&wg0, Leads::Through, Leads::Through),
            (&veth0, Leads::Through, Leads::Inside),
            (&docker0, Leads::Inside, Leads::Inside),
            (&virbr0, Leads::Inside, Leads::Inside),
        ] {
            assert_eq!(
                (leads(folder, false), leads(folder, true)),
                (here, contained),
                "{folder:?}"
            );
        }
        // Where nothing is described, what the kernel lists is believed.
        assert_eq!(leads(&all.path().join("gone"), false), Leads::Through);
    }
}
