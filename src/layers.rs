//! The layers of the configuration: file, environment, command line; later wins.
//!
//! Each layer is checked by itself first, so that an error can name the place where it was
//! written.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::logging;

/// Where a package puts the configuration.
const DEFAULT: &str = "/etc/vitrina/vitrina.toml";

/// The prefix of our environment variables: `VITRINA_SECTION__KEY`.
const PREFIX: &str = "VITRINA_";

/// All layers put together.
///
/// `T` is the configuration as typed; it refuses unknown keys and wrong values.
pub fn gather<T: DeserializeOwned>(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    sets: &[String],
) -> anyhow::Result<Table> {
    let mut all = match file {
        Some(path) => read::<T>(path)?,
        None if Path::new(DEFAULT).exists() => read::<T>(Path::new(DEFAULT))?,
        None => Table::new(),
    };
    for (name, value) in environment {
        let Some(key) = name.strip_prefix(PREFIX) else { continue };
        if name != logging::VARIABLE {
            let path = key.to_lowercase().replace("__", ".");
            merge(&mut all, assignment::<T>(&Place::Variable(&name), &path, &value)?);
        }
    }
    for set in sets {
        let (path, value) =
            set.split_once('=').with_context(|| format!("--set {set}: write SECTION.KEY=VALUE"))?;
        merge(&mut all, assignment::<T>(&Place::Set(set), path.trim(), value.trim())?);
    }
    Ok(all)
}

fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Table> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("the configuration {} cannot be read", path.display()))?;
    parse::<T>(&text, &Place::File(path.to_owned()))
}

/// A table of the one value, which is TOML if the key takes it so, else a text.
fn assignment<T: DeserializeOwned>(
    place: &Place,
    path: &str,
    value: &str,
) -> anyhow::Result<Table> {
    let quoted = Value::String(value.to_owned());
    match parse::<T>(&format!("{path} = {value}"), place) {
        Ok(table) => Ok(table),
        Err(error) => parse::<T>(&format!("{path} = {quoted}"), place).map_err(|as_text| {
            // A value that is TOML was meant as such, and its error tells more.
            if value.parse::<Value>().is_ok() { error } else { as_text }
        }),
    }
}

fn parse<T: DeserializeOwned>(text: &str, place: &Place) -> anyhow::Result<Table> {
    let told = |error: &toml::de::Error| anyhow!("{}", explain(error, text, place));
    let table: Table = toml::from_str(text).map_err(|e| told(&e))?;
    toml::from_str::<T>(text).map_err(|e| told(&e))?;
    Ok(table)
}

/// Where a value was written.
enum Place<'a> {
    File(PathBuf),
    Variable(&'a str),
    Set(&'a str),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path) => write!(f, "{}", path.display()),
            Place::Variable(name) => write!(f, "{name}"),
            Place::Set(set) => write!(f, "--set {set}"),
        }
    }
}

/// One line that names the place, the key, and the nearest key that exists.
fn explain(error: &toml::de::Error, text: &str, place: &Place) -> String {
    let line = match (place, error.span()) {
        (Place::File(_), Some(span)) => {
            let before = text.get(..span.start).unwrap_or(text);
            format!(":{}", before.matches('\n').count() + 1)
        }
        _ => String::new(),
    };
    let message = error.message();
    match unknown_key(message) {
        Some((key, known)) => {
            let nearest = known.iter().max_by(|a, b| {
                strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key))
            });
            match nearest {
                Some(nearest) => {
                    format!("{place}{line}: there is no key `{key}`; did you mean `{nearest}`?")
                }
                None => format!("{place}{line}: there is no key `{key}`"),
            }
        }
        None => format!("{place}{line}: {}", message.lines().collect::<Vec<_>>().join("; ")),
    }
}

/// The key and the known ones, out of serde's "unknown field `a`, expected one of `b`, `c`".
fn unknown_key(message: &str) -> Option<(&str, Vec<&str>)> {
    let mut quoted = message.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    Some((quoted.next()?, quoted.collect()))
}

fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// Turns the gathered layers into the configuration as typed.
pub fn settle<T: DeserializeOwned>(table: Table) -> anyhow::Result<T> {
    match table.try_into() {
        Ok(settled) => Ok(settled),
        Err(error) => bail!("{}", error.message()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::io::Write;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields, default)]
    struct Typed {
        root: String,
        gallery: Section,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields, default)]
    struct Section {
        listen: String,
        open: bool,
        hosts: Vec<String>,
    }

    fn gathered(file: &str, environment: &[(&str, &str)], sets: &[&str]) -> anyhow::Result<Typed> {
        let mut path = tempfile::NamedTempFile::new()?;
        path.write_all(file.as_bytes())?;
        let environment = environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        let sets: Vec<String> = sets.iter().map(|&s| s.to_owned()).collect();
        settle(gather::<Typed>(Some(path.path()), environment, &sets)?)
    }

    #[test]
    fn the_command_line_wins_over_the_environment_over_the_file() {
        let file = "[gallery]\nlisten = \"file\"\nopen = true\nhosts = [\"a\"]";
        let environment = [("VITRINA_GALLERY__LISTEN", "environment"), ("HOME", "/")];
        let typed = gathered(file, &environment, &[]).unwrap();
        assert_eq!(typed.gallery.listen, "environment");
        let sets = ["gallery.listen=127.0.0.1:0", "root=school", r#"gallery.hosts=["b", "c"]"#];
        let typed = gathered(file, &environment, &sets).unwrap();
        assert_eq!(typed.gallery.listen, "127.0.0.1:0");
        assert_eq!((typed.root.as_str(), typed.gallery.open), ("school", true));
        assert_eq!(typed.gallery.hosts, ["b", "c"]);
    }

    #[test]
    fn a_number_is_a_text_where_the_key_takes_a_text() {
        assert_eq!(gathered("", &[], &["root=42"]).unwrap().root, "42");
    }

    fn error(file: &str, environment: &[(&str, &str)], sets: &[&str]) -> String {
        let error = format!("{:#}", gathered(file, environment, sets).unwrap_err());
        assert!(!error.contains('\n'), "{error}");
        error
    }

    #[test]
    fn an_unknown_key_names_the_line_and_the_nearest_key() {
        let told = error("root = \"a\"\n[gallery]\nopen = true\nlisen = \"b\"", &[], &[]);
        assert!(told.ends_with(":4: there is no key `lisen`; did you mean `listen`?"), "{told}");
        let told = error("[galery]", &[], &[]);
        assert!(told.ends_with(":1: there is no key `galery`; did you mean `gallery`?"), "{told}");
        assert_eq!(
            error("", &[], &["gallery.opne=true"]),
            "--set gallery.opne=true: there is no key `opne`; did you mean `open`?"
        );
        assert_eq!(
            error("", &[("VITRINA_GALLERY__OPNE", "true")], &[]),
            "VITRINA_GALLERY__OPNE: there is no key `opne`; did you mean `open`?"
        );
    }

    #[test]
    fn a_wrong_value_names_its_place() {
        let told = error("[gallery]\nopen = 3", &[], &[]);
        assert!(told.contains(":2: invalid type: integer `3`, expected a boolean"), "{told}");
        assert!(error("", &[], &["gallery.open=maybe"]).starts_with("--set gallery.open=maybe: "));
        assert_eq!(error("", &[], &["gallery"]), "--set gallery: write SECTION.KEY=VALUE");
    }

    #[test]
    fn a_file_that_is_no_toml_names_the_line() {
        assert!(error("[gallery]\nlisten = ", &[], &[]).contains(":2: "));
    }

    #[test]
    fn a_missing_file_is_an_error() {
        let missing =
            gather::<Typed>(Some(Path::new("/does/not/exist.toml")), std::iter::empty(), &[]);
        let told = format!("{:#}", missing.unwrap_err());
        assert!(
            told.starts_with("the configuration /does/not/exist.toml cannot be read: "),
            "{told}"
        );
    }
}
