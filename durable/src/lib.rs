//! Files and names that survive a power cut, and that nobody else can read.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// The mode of a file that only its user can read and write.
pub const PRIVATE: u32 = 0o600;

/// The mode of a folder of such files.
const PRIVATE_FOLDER: u32 = 0o700;

/// Writes a small file with the permissions `mode`, which the process's umask narrows. It writes
/// and syncs a temporary file before it renames it, because a file system may keep a name and lose
/// the content: after a crash there is the old file or the whole new one.
///
/// # Errors
/// Those of the file system. The old file is as it was, unless only the last sync failed.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    write_prepared(path, bytes, mode, |_| Ok(()))
}

/// The same, but calls `prepare` with the file before it gets its name.
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

/// Makes a folder that only its user can read, and missing folders above it. Closes an existing
/// one to others if it is ours.
///
/// # Errors
/// It cannot be made, or a file has its name.
pub fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(PRIVATE_FOLDER).create(path)?;
    close_to_others(path)
}

/// Opens a file to write that only its user can read, and makes it if missing. Keeps the content
/// of an existing one, and closes it to others if it is ours.
///
/// # Errors
/// It cannot be made or written.
pub fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).mode(PRIVATE).open(path)?;
    close_to_others(path)?;
    Ok(file)
}

fn close_to_others(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    match fs::set_permissions(path, Permissions::from_mode(mode & 0o700)) {
        // It belongs to somebody else, or the file system is read-only: its owner decides.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            Ok(())
        }
        done => done,
    }
}

fn folder_of(path: &Path) -> &Path {
    let named = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    named.unwrap_or(Path::new("."))
}

/// Syncs the names in a folder.
///
/// # Errors
/// The folder is not there, or cannot be synced.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn folders_and_files_are_private_from_the_start_and_old_ones_from_now_on() {
        let folder = tempfile::tempdir().unwrap();
        let (inner, file) = (folder.path().join("a/b"), folder.path().join("a/b/file"));
        private_folder(&inner).unwrap();
        private_file(&file).unwrap().write_all(b"old").unwrap();
        assert_eq!(
            (mode(&folder.path().join("a")), mode(&inner), mode(&file)),
            (0o700, 0o700, 0o600)
        );
        fs::set_permissions(&inner, Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o664)).unwrap();
        private_folder(&inner).unwrap();
        drop(private_file(&file).unwrap());
        assert_eq!((mode(&inner), mode(&file)), (0o700, 0o600));
        assert_eq!(fs::read(&file).unwrap(), b"old");
        assert!(private_folder(&file).is_err());
    }

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
