//! The layers of the configuration: file, environment, command line; later wins.
//!
//! Each layer is first checked by itself, so that an error can name the place where it was
//! written. Faults that need several keys are found later; [`Layers::place`] finds their place.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use serde::de::DeserializeOwned;
use toml::{Table, Value};
use toml_edit::Document;
use wire::broker_url;

use crate::logging;

/// Where a package puts the configuration.
const DEFAULT: &str = "/etc/vitrina/vitrina.toml";

/// The prefix of our environment variables: `VITRINA_SECTION__KEY`.
const PREFIX: &str = "VITRINA_";

/// The layers in their order, the first one first.
#[derive(Debug, Default)]
pub struct Layers(Vec<Layer>);

#[derive(Debug)]
struct Layer {
    place: Place,
    text: String,
    table: Table,
}

/// All layers.
///
/// `T` is the configuration as typed; it refuses unknown keys and wrong values.
pub fn gather<T: DeserializeOwned>(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    sets: &[String],
) -> anyhow::Result<Layers> {
    let mut layers = Vec::new();
    let default = || Some(Path::new(DEFAULT)).filter(|path| path.exists());
    if let Some(path) = file.or_else(default) {
        let text = fs::read_to_string(path)
            .with_context(|| format!("the configuration {} cannot be read", path.display()))?;
        layers.push(parse::<T>(text, &Place::File(path.to_owned()))?);
    }
    for (name, value) in environment {
        let Some(key) = name.strip_prefix(PREFIX) else { continue };
        if name != logging::VARIABLE && !is_of_a_cluster(key) {
            let path = key.to_lowercase().replace("__", ".");
            layers.push(assignment::<T>(&Place::Variable(name), &path, &value)?);
        }
    }
    for set in sets {
        let place = Place::Set(broker_url::hidden(set));
        let (path, value) =
            set.split_once('=').with_context(|| format!("{place}: write SECTION.KEY=VALUE"))?;
        layers.push(assignment::<T>(&place, path.trim(), value.trim())?);
    }
    Ok(Layers(layers))
}

/// Whether a cluster or a container's link sets this variable for a service called vitrina,
/// vitrina-broker and the like, such as `VITRINA_SERVICE_HOST` and `VITRINA_PORT_1883_TCP_ADDR`
/// (Kubernetes, "Environment variables"; Docker, "Legacy container links").
fn is_of_a_cluster(key: &str) -> bool {
    let is_port = |rest: &str| rest.is_empty() || rest.starts_with('_');
    !key.contains("__")
        && (key.contains("SERVICE_HOST")
            || key.contains("SERVICE_PORT")
            || key.strip_prefix("PORT").is_some_and(is_port)
            || key.split_once("_PORT").is_some_and(|(_, rest)| is_port(rest)))
}

/// A layer of one value, which is TOML if the key accepts it so, else a text.
fn assignment<T: DeserializeOwned>(
    place: &Place,
    path: &str,
    value: &str,
) -> anyhow::Result<Layer> {
    let quoted = Value::String(value.to_owned());
    match parse::<T>(format!("{path} = {value}"), place) {
        Ok(layer) => Ok(layer),
        Err(error) => parse::<T>(format!("{path} = {quoted}"), place).map_err(|as_text| {
            // A value that parses as TOML was meant as TOML, and that error says more.
            if value.parse::<Value>().is_ok() { error } else { as_text }
        }),
    }
}

fn parse<T: DeserializeOwned>(text: String, place: &Place) -> anyhow::Result<Layer> {
    let told = |error: &toml::de::Error| anyhow!("{}", explain(error, &text, place));
    let table: Table = toml::from_str(&text).map_err(|e| told(&e))?;
    toml::from_str::<T>(&text).map_err(|e| told(&e))?;
    Ok(Layer { place: place.clone(), text, table })
}

impl Layers {
    /// All layers merged; later wins.
    pub fn table(&self) -> Table {
        let mut all = Table::new();
        self.0.iter().for_each(|layer| merge(&mut all, layer.table.clone()));
        all
    }

    /// Where the value of a key, such as `node.camera[0].fps`, was written: the file and its line,
    /// the variable, or the argument. `None` for a default.
    pub fn place(&self, key: &str) -> Option<String> {
        self.0.iter().rev().find_map(|layer| layer.place(key))
    }
}

impl Layer {
    fn place(&self, key: &str) -> Option<String> {
        let document: Document<&str> = Document::parse(self.text.as_str()).ok()?;
        let mut item = document.as_item();
        let mut span = None;
        for step in key.split(['.', '[', ']']).filter(|step| !step.is_empty()) {
            let (own, next) = match step.parse::<usize>() {
                Ok(index) => (None, item.get(index)?),
                Err(_) => {
                    let (own, next) = item.as_table_like()?.get_key_value(step)?;
                    (own.span(), next)
                }
            };
            span = own.or_else(|| next.span()).or(span);
            item = next;
        }
        Some(match (&self.place, span) {
            (Place::File(_), Some(span)) => {
                format!("{}:{}", self.place, line(&self.text, span.start))
            }
            _ => self.place.to_string(),
        })
    }
}

/// Where a value was written.
#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    Variable(String),
    Set(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path) => write!(f, "{}", path.display()),
            Place::Variable(name) => write!(f, "{name}"),
            Place::Set(set) => write!(f, "--set {set}"),
        }
    }
}

/// The number of the line that has this byte.
fn line(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).matches('\n').count() + 1
}

/// One line that names the place, the key, and the nearest key that exists.
fn explain(error: &toml::de::Error, text: &str, place: &Place) -> String {
    let at = match (place, error.span()) {
        (Place::File(_), Some(span)) => format!(":{}", line(text, span.start)),
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
                    format!("{place}{at}: there is no key `{key}`; did you mean `{nearest}`?")
                }
                None => format!("{place}{at}: there is no key `{key}`"),
            }
        }
        None => {
            let message = message.lines().collect::<Vec<_>>().join("; ");
            let hint = match message.contains("socket address") {
                true => "; write it like 127.0.0.1:1883",
                false => "",
            };
            format!("{place}{at}: {}{hint}", broker_url::hidden(&message))
        }
    }
}

/// The key and the known ones, from serde's "unknown field `a`, expected one of `b`, `c`".
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
pub fn typed<T: DeserializeOwned>(table: Table) -> anyhow::Result<T> {
    match table.try_into() {
        Ok(typed) => Ok(typed),
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
        typed(gather::<Typed>(Some(path.path()), environment, &sets)?.table())
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
    fn variables_of_a_cluster_do_not_stop_the_start() {
        let cluster = [
            ("VITRINA_SERVICE_HOST", "10.0.0.1"),
            ("VITRINA_SERVICE_PORT", "8080"),
            ("VITRINA_SERVICE_PORT_HTTP", "8080"),
            ("VITRINA_PORT", "tcp://10.0.0.1:8080"),
            ("VITRINA_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("VITRINA_PORT_8080_TCP_PROTO", "tcp"),
            ("VITRINA_BROKER_SERVICE_HOST", "10.0.0.2"),
            ("VITRINA_BROKER_PORT_1883_TCP_ADDR", "10.0.0.2"),
        ];
        assert_eq!(gathered("", &cluster, &[]).unwrap(), Typed::default());
        // A mistake in writing one of ours is still one.
        assert!(error("", &[("VITRINA_GALLERY_LISTEN", "a")], &[]).contains("no key"));
    }

    #[test]
    fn the_place_of_a_key_is_found_wherever_it_was_written() {
        let mut path = tempfile::NamedTempFile::new().unwrap();
        path.write_all(b"root = \"a\"\n\n[gallery]\nopen = true\nhosts = [\"a\", \"b\"]\n")
            .unwrap();
        let file = path.path().display();
        let environment = [("VITRINA_GALLERY__OPEN".to_owned(), "false".to_owned())];
        let sets = ["gallery.listen=mqtt://ada:secret@house".to_owned()];
        let layers = gather::<Typed>(Some(path.path()), environment.into_iter(), &sets).unwrap();
        assert_eq!(layers.place("root").unwrap(), format!("{file}:1"));
        assert_eq!(layers.place("gallery.hosts").unwrap(), format!("{file}:5"));
        assert_eq!(layers.place("gallery.hosts[1]").unwrap(), format!("{file}:5"));
        assert_eq!(layers.place("gallery.open").unwrap(), "VITRINA_GALLERY__OPEN");
        let set = "--set gallery.listen=mqtt://ada:…@house";
        assert_eq!(layers.place("gallery.listen").unwrap(), set);
        assert_eq!(layers.place("gallery.other"), None);
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
