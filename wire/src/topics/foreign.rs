//! Topics outside our own roots, such as `homeassistant/sensor/attic/config`.

use std::fmt;

use crate::topics::name::Root;
use crate::topics::topic::PICTURES;

/// The longest foreign topic, in bytes.
const LENGTH: usize = 256;

/// A topic name (MQTT 3.1.1, 4.7) of another program: not under a root of ours, and not the
/// broker's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ForeignTopic(String);

/// Why a topic is not a foreign one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bad topic {given:?}: {rule}")]
pub struct BadForeignTopic {
    given: String,
    rule: &'static str,
}

impl ForeignTopic {
    /// Accepts a topic name; our own topics are under `root`.
    ///
    /// # Errors
    /// [`BadForeignTopic`] says which rule it breaks.
    pub fn new(root: &Root, topic: &str) -> Result<Self, BadForeignTopic> {
        let first = topic.split('/').next().unwrap_or_default();
        let is_ours =
            first.strip_prefix(root.as_str()).is_some_and(|rest| ["", PICTURES].contains(&rest));
        let rule = if topic.is_empty() || topic.len() > LENGTH {
            "1 to 256 bytes"
        } else if topic.contains(['+', '#']) || topic.contains(char::is_control) {
            "no wildcard and no control character"
        } else if topic.starts_with('$') {
            "topics that begin with $ are the broker's own"
        } else if is_ours {
            "it is under Vitrina's root"
        } else {
            return Ok(ForeignTopic(topic.to_owned()));
        };
        // A stranger's topic can be long; the message shows its beginning.
        Err(BadForeignTopic { given: topic.chars().take(64).collect(), rule })
    }

    /// The topic name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ForeignTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::topic::Topic;
    use proptest::prelude::*;

    #[test]
    fn a_topic_of_another_program_can_be_named_and_is_written_without_our_root() {
        let root = Root::default();
        for good in
            ["homeassistant/camera/attic/door/config", "homeassistant/status", "vitrinas/a", "a//b"]
        {
            let topic = Topic::Foreign(ForeignTopic::new(&root, good).unwrap());
            assert_eq!(topic.under(&root).to_string(), good);
        }
    }

    #[test]
    fn our_own_topics_the_brokers_and_filters_are_not_foreign() {
        let root = Root::default();
        let long = "x".repeat(LENGTH + 1);
        for bad in [
            "",
            "vitrina",
            "vitrina/pi/status",
            "vitrina-jpeg/a/b/preview",
            "$SYS/a",
            "a/+",
            "#",
            "a\0b",
            &long,
        ] {
            assert!(ForeignTopic::new(&root, bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_topic_is_both_ours_and_foreign(text in "(vitrina(-jpeg)?|[a-z]{0,9})(/[a-z+#$]{0,9}){0,4}") {
            let root = Root::default();
            prop_assert!(Topic::parse(&root, &text).is_err() || ForeignTopic::new(&root, &text).is_err());
        }
    }
}
