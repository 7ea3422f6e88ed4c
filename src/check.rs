//! Finds what a start would refuse in the configuration, without starting: each fault with the
//! place where it was written.

use std::fs;
use std::path::Path;

use certificate::{Files, Tls};
use tempfile::TempDir;
use toml::{Table, Value};

use crate::config::{File, Settings};
use crate::parts::Parts;

/// The most faults of one section that are reported.
const MOST: usize = 20;

/// What is wrong and what to do; `key` if one key is at fault.
struct Fault {
    key: Option<String>,
    text: String,
}

/// Refuses a configuration that these parts cannot use: a line for each fault.
///
/// # Errors
/// All faults.
pub fn check(settings: &Settings, parts: Parts) -> anyhow::Result<()> {
    let mut faults = Vec::new();
    if parts.broker {
        faults.extend(of_section(settings, broker));
    }
    if parts.gallery {
        faults.extend(of_section(settings, gallery));
    }
    if parts.node {
        faults.extend(of_section(settings, node));
    }
    let lines: Vec<String> = faults
        .iter()
        .map(|Fault { key, text }| {
            match key.as_deref().and_then(|key| settings.layers.place(key)) {
                Some(place) => format!("{place}: {text}"),
                None => text.clone(),
            }
        })
        .collect();
    if lines.is_empty() { Ok(()) } else { Err(anyhow::Error::msg(lines.join("\n"))) }
}

/// All faults of one section: finds each, notes it, and removes it to find the next.
fn of_section(settings: &Settings, check: fn(File, &Settings) -> Option<Fault>) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    let mut file = settings.file.clone();
    while faults.len() < MOST
        && let Some(fault) = check(file.clone(), settings)
    {
        let rest = fault.key.as_deref().and_then(|key| without(&file, key));
        let is_new = faults.iter().all(|other| other.key != fault.key);
        // A section of which only its faults were left says nothing new.
        let follows = |key: &str| {
            let inner = format!("{key}.");
            faults.iter().any(|other| other.key.as_ref().is_some_and(|k| k.starts_with(&inner)))
        };
        if fault.key.as_deref().is_some_and(follows) {
            break;
        }
        faults.extend(Some(fault).filter(|_| is_new));
        match rest {
            Some(rest) if is_new => file = rest,
            _ => break,
        }
    }
    faults
}

fn broker(file: File, settings: &Settings) -> Option<Fault> {
    let listeners = file.broker.listener.clone();
    if let Err(bad) = file.broker.check_in(file.root, Some(settings.broker_folder())) {
        return Some(Fault { key: Some(bad.key()), text: bad.to_string() });
    }
    listeners.into_iter().enumerate().find_map(|(n, listener)| {
        let key = format!("broker.listener[{n}].certificate");
        unusable(&key, Files { certificate: listener.certificate?, key: listener.key? })
    })
}

/// Checks with an empty temporary folder, so that it makes nothing that a start would make.
fn gallery(file: File, settings: &Settings) -> Option<Fault> {
    let gallery = file.gallery.clone();
    let nowhere = match nowhere(settings) {
        Ok(folder) => folder,
        Err(fault) => return Some(fault),
    };
    let users = settings.broker_folder();
    if let Err(bad) = gallery.check_in(file.root, nowhere.path().join("gallery"), Some(&users)) {
        return Some(Fault { key: bad.key(), text: bad.to_string() });
    }
    let gallery::Section { certificate, key, password_file, .. } = file.gallery;
    let files = certificate.zip(key).map(|(certificate, key)| Files { certificate, key });
    files
        .and_then(|files| unusable("gallery.certificate", files))
        .or_else(|| unreadable("gallery.password_file", password_file.as_deref()?))
}

fn node(file: File, settings: &Settings) -> Option<Fault> {
    let password_file = file.node.password_file.clone();
    let nowhere = match nowhere(settings) {
        Ok(folder) => folder,
        Err(fault) => return Some(fault),
    };
    match file.node.check(file.root, nowhere.path().join("node")) {
        Ok(_) => unreadable("node.password_file", password_file.as_deref()?),
        Err(bad) => Some(Fault { key: Some(bad.key().to_owned()), text: bad.to_string() }),
    }
}

/// A folder in which a part finds nothing of its own.
fn nowhere(settings: &Settings) -> Result<TempDir, Fault> {
    tempfile::tempdir().or_else(|_| tempfile::tempdir_in(&settings.data)).map_err(|error| {
        let text = format!(
            "the configuration cannot be checked, since no folder can be made in {:?} or {:?}: \
             {error}; set TMPDIR to one that this user can write to",
            std::env::temp_dir(),
            settings.data,
        );
        Fault { key: None, text }
    })
}

fn unusable(key: &str, files: Files) -> Option<Fault> {
    let bad = Tls::new(files).err()?;
    Some(Fault { key: Some(key.to_owned()), text: format!("{key}: {bad}") })
}

fn unreadable(key: &str, file: &Path) -> Option<Fault> {
    let error = fs::read(file).err()?;
    let text = format!(
        "{key} = {file:?} cannot be read: {error}; write the password into it, readable for the \
         user that runs this"
    );
    Some(Fault { key: Some(key.to_owned()), text })
}

/// The file with the default in place of a key.
fn without(file: &File, key: &str) -> Option<File> {
    let mut table = Table::try_from(file).ok()?;
    let mut steps: Vec<&str> = key.split(['.', '[', ']']).filter(|s| !s.is_empty()).collect();
    let last = steps.pop()?;
    let mut value = None::<&mut Value>;
    for step in steps {
        value = Some(match (value, step.parse::<usize>()) {
            (None, _) => table.get_mut(step)?,
            (Some(value), Ok(index)) => value.get_mut(index)?,
            (Some(value), Err(_)) => value.get_mut(step)?,
        });
    }
    match value {
        None => drop(table.remove(last)?),
        Some(Value::Table(inner)) => drop(inner.remove(last)?),
        Some(Value::Array(inner)) => {
            let index = last.parse().ok().filter(|index| *index < inner.len())?;
            inner.remove(index);
        }
        Some(_) => return None,
    }
    table.try_into().ok()
}
