//! The broker's own figures, which every broker publishes under `$SYS`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Instant;

use super::Table;
use crate::commands::mqtt::Message;

const PREFIX: &str = "$SYS/broker/";

/// The facts by their names.
#[derive(Default)]
pub struct Facts(BTreeMap<String, String>);

impl Table for Facts {
    fn filters(&self) -> Vec<String> {
        vec![format!("{PREFIX}#")]
    }

    fn take(&mut self, message: &Message, _: Instant) -> Vec<String> {
        if let Some(name) = message.topic.strip_prefix(PREFIX) {
            let value = String::from_utf8_lossy(&message.payload).into_owned();
            self.0.insert(name.to_owned(), value);
        }
        Vec::new()
    }

    fn draw(&self, _: Instant) -> String {
        let mut table = String::new();
        for (name, value) in &self.0 {
            let _ = writeln!(table, "{name:<40} {value}");
        }
        if self.0.is_empty() {
            table.push_str("the broker publishes no figures, or this user may not read them\n");
        }
        table
    }
}
