//! What nodes say about the photos on their disks.

use wire::{NodeName, Stats};

use super::Cameras;

/// The most characters shown of a node's trouble.
const TROUBLE: usize = 300;

/// A node's disk, by its last heartbeat.
#[derive(Debug, Default)]
pub(super) struct Disk {
    /// Why it cannot store photos.
    trouble: Option<String>,
    /// How many photos on it were refused for good.
    refused: u64,
    /// What the broker holds back from it.
    kept_back: Option<String>,
}

impl Disk {
    pub fn of(stats: &Stats) -> Self {
        let short = |why: &String| why.chars().take(TROUBLE).collect();
        Disk {
            trouble: stats.trouble.as_ref().map(short),
            refused: stats.refused,
            kept_back: stats.kept_back.as_ref().map(short),
        }
    }
}

impl Cameras {
    /// Which online nodes cannot store photos, and why: sentences for people.
    pub fn troubles(&self) -> Vec<(NodeName, String)> {
        let tell = |(name, disk): (&NodeName, &Disk)| {
            let why = disk.trouble.as_ref()?;
            Some((name.clone(), format!("{name} takes no photos: {why}")))
        };
        self.disks().filter_map(tell).collect()
    }

    /// Which online nodes the broker holds something back from.
    pub fn kept_back(&self) -> Vec<String> {
        let tell = |(name, disk): (&NodeName, &Disk)| {
            Some(format!("{name}: {}", disk.kept_back.as_ref()?))
        };
        self.disks().filter_map(tell).collect()
    }

    /// Which online nodes have photos that were refused for good.
    pub fn refused(&self) -> Vec<String> {
        let tell = |(name, disk): (&NodeName, &Disk)| {
            format!(
                "{name} keeps {} photos that a gallery refused for good: look at them in its \
                 folder spool/refused, then delete them",
                disk.refused
            )
        };
        self.disks().filter(|(_, disk)| disk.refused > 0).map(tell).collect()
    }

    fn disks(&self) -> impl Iterator<Item = (&NodeName, &Disk)> {
        let nodes = self.nodes.iter().filter(|(_, node)| node.is_online());
        nodes.map(|(name, node)| (name, &node.disk))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Fact;
    use super::*;
    use crate::now::Now;

    #[test]
    fn a_nodes_disk_is_told_while_it_is_online() {
        let (mut cameras, attic) = (Cameras::default(), "attic".parse().unwrap());
        let mut receive = |fact: Fact<'_>, payload: &str| {
            let changes = cameras.receive(&fact, payload.as_bytes(), false, |_| None, Now::read());
            changes.unwrap();
            let troubles = cameras.troubles().into_iter().map(|(_, why)| why);
            (troubles.collect::<Vec<_>>(), cameras.refused())
        };
        let stats = r#"{"at":1,"mono":1,"boot":"2","cpu":0,"rss":1,"spool":0,"refused":3,"trouble":"full","cameras":{}}"#;
        assert_eq!(receive(Fact::Stats(&attic), stats), (vec![], vec![]), "it is not online yet");
        let (troubles, refused) = receive(Fact::Status(&attic), "online");
        assert_eq!(troubles, ["attic takes no photos: full"]);
        assert!(refused[0].contains("keeps 3 photos"), "{refused:?}");
        let well = r#"{"at":1,"mono":1,"boot":"2","cpu":0,"rss":1,"spool":0,"cameras":{}}"#;
        assert_eq!(receive(Fact::Stats(&attic), well), (vec![], vec![]));
        receive(Fact::Stats(&attic), stats);
        assert_eq!(receive(Fact::Status(&attic), "offline"), (vec![], vec![]));
    }
}
