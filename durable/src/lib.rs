//! Files and names that outlast a cut of the power.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Writes a small file with the permissions `mode`, which the process's mask narrows. It is
/// written aside and synced before it gets its name, since a file system may keep a name and lose
/// what was written: after a crash there is the old file or the whole new one.
///
/// # Errors
/// Those of the file system. The old file is as it was, unless only the last sync failed.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    write_prepared(path, bytes, mode, |_| Ok(()))
}

/// The same, with something done to the file before it gets its name.
///
/// # Errors
/// Also those of `prepare`.
pub fn write_prepared(
    path: &Path,
    bytes: &[u8],
    mode: u32,
    prepare: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    let folder = folder_of(path);
    let mut aside = tempfile::Builder::new();
    let mut file = aside.permissions(Permissions::from_mode(mode)).tempfile_in(folder)?;
    file.write_all(bytes)?;
    prepare(file.as_file())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_folder(folder)
}

fn folder_of(path: &Path) -> &Path {
    let named = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    named.unwrap_or(Path::new("."))
}

/// Makes the names in a folder outlast the power.
///
/// # Errors
/// The folder is not there, or cannot be synced.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_is_left_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        write(&path, b"old", 0o600).unwrap();
        write(&path, b"new", 0o600).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_bare_name_is_in_the_working_folder() {
        assert_eq!(folder_of(Path::new("secret")), Path::new("."));
        assert_eq!(folder_of(Path::new("/etc/secret")), Path::new("/etc"));
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write(&folder.path().join("none/secret"), b"", 0o600).is_err());
    }
}
