//! Finds the program that has a device open.

use std::fs;
use std::path::Path;

/// Name and process id of another program that has the device at `path` open. The kernel shows only
/// the descriptors of the same user's programs.
pub(crate) fn find(path: &Path) -> Option<(String, u32)> {
    let device = fs::canonicalize(path).ok()?;
    let processes = fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    for process in processes {
        let id = process.file_name().to_str().and_then(|id| id.parse::<u32>().ok());
        let Some(id) = id.filter(|&id| id != std::process::id()) else { continue };
        let Ok(descriptors) = fs::read_dir(process.path().join("fd")) else { continue };
        let holds = |entry: fs::DirEntry| fs::read_link(entry.path()).is_ok_and(|to| to == device);
        if descriptors.filter_map(Result::ok).any(holds) {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some((name.trim().to_owned(), id));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    #[test]
    fn a_program_that_has_a_file_open_is_found() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(super::find(file.path()), None);
        let mut child = Command::new("sleep")
            .arg("60")
            .stdin(Stdio::from(file.reopen().unwrap()))
            .spawn()
            .unwrap();
        let found = super::find(file.path());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found.map(|(_, id)| id), Some(child.id()));
    }
}
