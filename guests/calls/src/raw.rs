//! The calls themselves, over the descriptor that was opened last.

use std::fmt;

use crate::At;
use crate::errno::Errno;

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn fd_advise(fd: u32, offset: u64, length: u64, advice: u32) -> u16;
    fn fd_allocate(fd: u32, offset: u64, length: u64) -> u16;
    fn fd_close(fd: u32) -> u16;
    fn fd_filestat_get(fd: u32, stat: *mut [u64; 8]) -> u16;
    fn fd_filestat_set_size(fd: u32, size: u64) -> u16;
    fn fd_filestat_set_times(fd: u32, accessed: u64, modified: u64, which: u16) -> u16;
    fn fd_pread(fd: u32, into: *const Slice, count: usize, offset: u64, read: *mut usize) -> u16;
    fn fd_pwrite(fd: u32, from: *const Slice, count: usize, offset: u64, written: *mut usize) -> u16;
    fn fd_readdir(fd: u32, into: *mut u8, length: usize, cookie: u64, filled: *mut usize) -> u16;
    fn fd_seek(fd: u32, offset: i64, whence: u32, place: *mut u64) -> u16;
    fn fd_write(fd: u32, from: *const Slice, count: usize, written: *mut usize) -> u16;
    fn path_create_directory(fd: u32, path: *const u8, length: usize) -> u16;
    fn path_filestat_get(fd: u32, flags: u32, path: *const u8, length: usize, stat: *mut [u64; 8]) -> u16;
    fn path_filestat_set_times(
        fd: u32,
        flags: u32,
        path: *const u8,
        length: usize,
        accessed: u64,
        modified: u64,
        which: u16,
    ) -> u16;
    fn path_link(
        from: u32,
        flags: u32,
        path: *const u8,
        length: usize,
        to: u32,
        new: *const u8,
        new_length: usize,
    ) -> u16;
    fn path_open(
        fd: u32,
        lookup: u32,
        path: *const u8,
        length: usize,
        how: u16,
        rights: u64,
        inheriting: u64,
        flags: u16,
        opened: *mut u32,
    ) -> u16;
    fn path_readlink(
        fd: u32,
        path: *const u8,
        length: usize,
        into: *mut u8,
        room: usize,
        filled: *mut usize,
    ) -> u16;
    fn path_remove_directory(fd: u32, path: *const u8, length: usize) -> u16;
    fn path_rename(
        from: u32,
        path: *const u8,
        length: usize,
        to: u32,
        new: *const u8,
        new_length: usize,
    ) -> u16;
    fn path_symlink(text: *const u8, text_length: usize, fd: u32, path: *const u8, length: usize) -> u16;
    fn path_unlink_file(fd: u32, path: *const u8, length: usize) -> u16;
}

#[repr(C)]
struct Slice {
    start: *const u8,
    length: usize,
}

const RIGHT_TO_READ: u64 = 1 << 1 | 1 << 14;
const RIGHT_TO_WRITE: u64 = 1 << 6;
const SET_BOTH_TIMES: u16 = 1 | 4;
pub const ONE_SECOND: u64 = 1_000_000_000;

/// A file's type and size.
pub struct Stat([u64; 8]);

impl fmt::Display for Stat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0[4];
        match self.0[2] as u8 {
            3 => formatter.write_str("directory"),
            4 => write!(formatter, "file {size}"),
            7 => write!(formatter, "symlink {size}"),
            // WASI 0.2 has one type for pipes, and WASI 0.1 none.
            _ => formatter.write_str("other"),
        }
    }
}

/// What this guest has open.
#[derive(Default)]
pub struct Guest {
    opened: Vec<u32>,
}

impl Guest {
    /// The descriptor that was opened last and is not closed; one that nobody has, if there is none.
    pub fn last_opened(&self) -> u32 {
        self.opened.last().copied().unwrap_or(u32::MAX)
    }

    /// `flags`: `r`ead, `w`rite, `a`ppend, `c`reate, `x` only if new, `t`runcate, `d`irectory, `n`o symlink at the end.
    pub fn open(&mut self, flags: &str, At { directory, path }: &At) -> Result<(), Errno> {
        let has = |letter| flags.contains(letter);
        let how = u16::from(has('c'))
            | u16::from(has('d')) << 1
            | u16::from(has('x')) << 2
            | u16::from(has('t')) << 3;
        let read = if has('r') { RIGHT_TO_READ } else { 0 };
        let write = if has('w') || has('a') { RIGHT_TO_WRITE } else { 0 };
        let (lookup, append) = (u32::from(!has('n')), u16::from(has('a')));
        let mut opened = 0;
        Errno::check(unsafe {
            path_open(
                *directory,
                lookup,
                path.as_ptr(),
                path.len(),
                how,
                read | write,
                read | write,
                append,
                &mut opened,
            )
        })?;
        self.opened.push(opened);
        Ok(())
    }

    pub fn close(&mut self) -> Result<(), Errno> {
        let fd = self.last_opened();
        self.opened.pop();
        Errno::check(unsafe { fd_close(fd) })
    }

    /// At most a KiB.
    pub fn read_at(&self, offset: u64) -> Result<Vec<u8>, Errno> {
        let mut buffer = vec![0; 1024];
        let (slice, mut read) = (Slice { start: buffer.as_mut_ptr(), length: buffer.len() }, 0);
        Errno::check(unsafe { fd_pread(self.last_opened(), &slice, 1, offset, &mut read) })?;
        buffer.truncate(read);
        Ok(buffer)
    }

    pub fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let slice = Slice { start: bytes.as_ptr(), length: bytes.len() };
        let mut written = 0;
        Errno::check(unsafe { fd_write(self.last_opened(), &slice, 1, &mut written) })?;
        Ok(written)
    }

    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        let slice = Slice { start: bytes.as_ptr(), length: bytes.len() };
        let mut written = 0;
        Errno::check(unsafe { fd_pwrite(self.last_opened(), &slice, 1, offset, &mut written) })?;
        Ok(written)
    }

    pub fn set_size(&self, size: u64) -> Result<(), Errno> {
        Errno::check(unsafe { fd_filestat_set_size(self.last_opened(), size) })
    }

    pub fn allocate(&self, offset: u64, length: u64) -> Result<(), Errno> {
        Errno::check(unsafe { fd_allocate(self.last_opened(), offset, length) })
    }

    pub fn seek(&self, offset: i64, whence: u8) -> Result<u64, Errno> {
        let mut place = 0;
        Errno::check(unsafe { fd_seek(self.last_opened(), offset, whence.into(), &mut place) })?;
        Ok(place)
    }

    /// Says that this will be needed.
    pub fn advise(&self, offset: u64, length: u64) -> Result<(), Errno> {
        Errno::check(unsafe { fd_advise(self.last_opened(), offset, length, 3) })
    }

    /// Both times, counted from the beginning of 1970.
    pub fn set_times(&self, nanoseconds: u64) -> Result<(), Errno> {
        Errno::check(unsafe {
            fd_filestat_set_times(self.last_opened(), nanoseconds, nanoseconds, SET_BOTH_TIMES)
        })
    }

    /// Both times to one second after 1970 began.
    pub fn set_times_at(&self, follow: bool, At { directory, path }: &At) -> Result<(), Errno> {
        Errno::check(unsafe {
            path_filestat_set_times(
                *directory,
                follow.into(),
                path.as_ptr(),
                path.len(),
                ONE_SECOND,
                ONE_SECOND,
                SET_BOTH_TIMES,
            )
        })
    }

    pub fn stat_open(&self) -> Result<Stat, Errno> {
        let mut stat = [0; 8];
        Errno::check(unsafe { fd_filestat_get(self.last_opened(), &mut stat) })?;
        Ok(Stat(stat))
    }

    pub fn stat(&self, follow: bool, At { directory, path }: &At) -> Result<Stat, Errno> {
        let mut stat = [0; 8];
        Errno::check(unsafe {
            path_filestat_get(*directory, follow.into(), path.as_ptr(), path.len(), &mut stat)
        })?;
        Ok(Stat(stat))
    }

    pub fn read_link(&self, At { directory, path }: &At) -> Result<Vec<u8>, Errno> {
        let mut buffer = vec![0; 8192];
        let mut filled = 0;
        Errno::check(unsafe {
            path_readlink(
                *directory,
                path.as_ptr(),
                path.len(),
                buffer.as_mut_ptr(),
                buffer.len(),
                &mut filled,
            )
        })?;
        buffer.truncate(filled);
        Ok(buffer)
    }

    /// The names in the directory that was opened last, in the order of the alphabet.
    pub fn list(&self) -> Result<Vec<String>, Errno> {
        const HEAD: usize = 24;
        let mut buffer = vec![0; 64 * 1024];
        let mut filled = 0;
        Errno::check(unsafe {
            fd_readdir(self.last_opened(), buffer.as_mut_ptr(), buffer.len(), 0, &mut filled)
        })?;
        let mut entries = &buffer[..filled];
        let mut names = Vec::new();
        while let Some((head, rest)) = entries.split_at_checked(HEAD) {
            let length = u32::from_le_bytes(head[16..20].try_into().unwrap_or_default()) as usize;
            let Some((name, rest)) = rest.split_at_checked(length) else { break };
            names.push(String::from_utf8_lossy(name).into_owned());
            entries = rest;
        }
        names.sort();
        Ok(names)
    }

    pub fn create_directory(&self, At { directory, path }: &At) -> Result<(), Errno> {
        Errno::check(unsafe { path_create_directory(*directory, path.as_ptr(), path.len()) })
    }

    pub fn remove_directory(&self, At { directory, path }: &At) -> Result<(), Errno> {
        Errno::check(unsafe { path_remove_directory(*directory, path.as_ptr(), path.len()) })
    }

    pub fn unlink(&self, At { directory, path }: &At) -> Result<(), Errno> {
        Errno::check(unsafe { path_unlink_file(*directory, path.as_ptr(), path.len()) })
    }

    pub fn symlink(&self, text: &[u8], At { directory, path }: &At) -> Result<(), Errno> {
        Errno::check(unsafe {
            path_symlink(text.as_ptr(), text.len(), *directory, path.as_ptr(), path.len())
        })
    }

    pub fn rename(&self, from: &At, to: &At) -> Result<(), Errno> {
        let (old, new) = (&from.path, &to.path);
        Errno::check(unsafe {
            path_rename(from.directory, old.as_ptr(), old.len(), to.directory, new.as_ptr(), new.len())
        })
    }

    pub fn link(&self, follow: bool, from: &At, to: &At) -> Result<(), Errno> {
        let (old, new) = (&from.path, &to.path);
        Errno::check(unsafe {
            path_link(
                from.directory,
                follow.into(),
                old.as_ptr(),
                old.len(),
                to.directory,
                new.as_ptr(),
                new.len(),
            )
        })
    }
}
