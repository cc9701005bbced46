//! What holds for the files of a WASI 0.1 guest: room is taken before a file grows, a denial is noted after it.

use wasmtime_wasi::p1::types::{self, Errno};
use wasmtime_wasi::p1::wasi_snapshot_preview1::WasiSnapshotPreview1 as _;
use wiggle::{GuestMemory, GuestPtr};

use crate::files::guard::{ListingTooLong, Open, descriptor_of, next_entry};
use crate::files::slashes;
use crate::guarded::Guarded;
use crate::special_files::may_be_opened;

use super::rules::refused;

type Result<T> = std::result::Result<T, types::Error>;

impl Guarded {
    #[expect(clippy::too_many_arguments, reason = "as many as WASI 0.1 has")]
    pub(super) async fn open(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        lookup: types::Lookupflags,
        path: GuestPtr<str>,
        how: types::Oflags,
        rights: types::Rights,
        inheriting: types::Rights,
        flags: types::Fdflags,
    ) -> Result<types::Fd> {
        let Some(directory) = self.number(fd) else {
            return self.context.path_open(memory, fd, lookup, path, how, rights, inheriting, flags).await;
        };
        let found = self.look(memory, &directory, lookup, path).await;
        if found.as_ref().is_ok_and(|found| !may_be_opened(*found)) {
            return Err(Errno::Perm.into());
        }
        let place = directory.place;
        let mut _taken = None;
        if let Some(account) = &place.account
            && how.contains(types::Oflags::CREAT)
            && found.is_err()
        {
            _taken = Some(account.take_entry(0).map_err(refused)?);
        }
        // At its first use the context puts what is open from the start into the table.
        let _ = self.context.fd_prestat_get(memory, fd);
        let entry = next_entry(self.table());
        let opened = self.context.path_open(memory, fd, lookup, path, how, rights, inheriting, flags).await;
        if how.intersects(types::Oflags::CREAT | types::Oflags::TRUNC)
            || rights.contains(types::Rights::FD_WRITE)
        {
            self.note(memory, &opened, fd, "to write", Some(path));
        }
        let opened = opened?;
        let Some(descriptor) = entry.and_then(|entry| descriptor_of(self.table(), entry)) else {
            return Err(types::Error::trap(wasmtime::Error::msg(
                "a file was opened that no quota would see",
            )));
        };
        let append = flags.contains(types::Fdflags::APPEND);
        let open = Open { place, descriptor, append };
        if let Some(account) = &open.place.account {
            account.opened(open.file());
        }
        self.guard.numbers.insert(opened.into(), open);
        Ok(opened)
    }

    pub(super) async fn close(&mut self, memory: &mut GuestMemory<'_>, fd: types::Fd) -> Result<()> {
        self.guard.numbers.remove(&fd.into());
        self.context.fd_close(memory, fd).await
    }

    pub(super) async fn renumber(
        &mut self,
        memory: &mut GuestMemory<'_>,
        from: types::Fd,
        to: types::Fd,
    ) -> Result<()> {
        self.context.fd_renumber(memory, from, to).await?;
        let (from, to) = (u32::from(from), u32::from(to));
        if from != to {
            self.guard.numbers.remove(&to);
            if let Some(open) = self.guard.numbers.remove(&from) {
                self.guard.numbers.insert(to, open);
            }
        }
        Ok(())
    }

    pub(super) fn set_flags(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        flags: types::Fdflags,
    ) -> Result<()> {
        self.context.fd_fdstat_set_flags(memory, fd, flags)?;
        if let Some(open) = self.guard.numbers.get_mut(&fd.into()) {
            open.append = flags.contains(types::Fdflags::APPEND);
        }
        Ok(())
    }

    pub(super) async fn write(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        buffers: types::CiovecArray,
    ) -> Result<types::Size> {
        let mut _taken = None;
        if let Some((open, account)) = self.limited(fd) {
            let position = self.context.fd_tell(memory, fd)?;
            _taken = self.take_written(memory, buffers, &open, &account, position)?;
        }
        self.context.fd_write(memory, fd, buffers).await
    }

    pub(super) async fn write_at(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        buffers: types::CiovecArray,
        offset: types::Filesize,
    ) -> Result<types::Size> {
        let mut _taken = None;
        if let Some((open, account)) = self.limited(fd) {
            _taken = self.take_written(memory, buffers, &open, &account, offset)?;
        }
        self.context.fd_pwrite(memory, fd, buffers, offset).await
    }

    pub(super) async fn set_size(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        size: types::Filesize,
    ) -> Result<()> {
        let mut _taken = None;
        if let Some((open, account)) = self.limited(fd) {
            _taken = Some(account.take_length(open.file(), size).map_err(refused)?);
        }
        let done = self.context.fd_filestat_set_size(memory, fd, size).await;
        self.note(memory, &done, fd, "to resize a file in", None);
        done
    }

    pub(super) async fn set_times(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        accessed: types::Timestamp,
        modified: types::Timestamp,
        flags: types::Fstflags,
    ) -> Result<()> {
        let done = self.context.fd_filestat_set_times(memory, fd, accessed, modified, flags).await;
        self.note(memory, &done, fd, "to set the times of a file in", None);
        done
    }

    #[expect(clippy::too_many_arguments, reason = "as many as WASI 0.1 has")]
    pub(super) async fn set_times_at(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        lookup: types::Lookupflags,
        path: GuestPtr<str>,
        accessed: types::Timestamp,
        modified: types::Timestamp,
        which: types::Fstflags,
    ) -> Result<()> {
        let done =
            self.context.path_filestat_set_times(memory, fd, lookup, path, accessed, modified, which).await;
        self.note(memory, &done, fd, "to set the times of", Some(path));
        done
    }

    pub(super) async fn read_directory(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        buffer: GuestPtr<u8>,
        length: types::Size,
        cookie: types::Dircookie,
    ) -> Result<types::Size> {
        // What cannot be listed at all, wasmtime-wasi says better.
        if let Some(open) = self.number(fd)
            && let Ok(Err(ListingTooLong)) = self.guard.listing(open.file())
        {
            return Err(Errno::Nomem.into());
        }
        self.context.fd_readdir(memory, fd, buffer, length, cookie).await
    }

    pub(super) async fn create_directory(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        path: GuestPtr<str>,
    ) -> Result<()> {
        let _taken = self.take_entry(fd, 0)?;
        let done = self.context.path_create_directory(memory, fd, path).await;
        self.note(memory, &done, fd, "to make the directory", Some(path));
        done
    }

    pub(super) async fn symlink(
        &mut self,
        memory: &mut GuestMemory<'_>,
        text: GuestPtr<str>,
        fd: types::Fd,
        path: GuestPtr<str>,
    ) -> Result<()> {
        let _taken = self.take_entry(fd, text.len().into())?;
        let done = self.context.path_symlink(memory, text, fd, path).await;
        self.note(memory, &done, fd, "to make the link", Some(path));
        done
    }

    pub(super) async fn link(
        &mut self,
        memory: &mut GuestMemory<'_>,
        old: types::Fd,
        lookup: types::Lookupflags,
        old_path: GuestPtr<str>,
        new: types::Fd,
        new_path: GuestPtr<str>,
    ) -> Result<()> {
        self.same_disk(old, new)?;
        let _taken = self.take_entry(new, 0)?;
        let done = self.context.path_link(memory, old, lookup, old_path, new, new_path).await;
        self.note(memory, &done, old, "to link", Some(old_path));
        self.note(memory, &done, new, "to make the link", Some(new_path));
        done
    }

    pub(super) async fn rename(
        &mut self,
        memory: &mut GuestMemory<'_>,
        old: types::Fd,
        old_path: GuestPtr<str>,
        new: types::Fd,
        new_path: GuestPtr<str>,
    ) -> Result<()> {
        self.same_disk(old, new)?;
        let done = self.context.path_rename(memory, old, old_path, new, new_path).await;
        self.note(memory, &done, old, "to move away", Some(old_path));
        self.note(memory, &done, new, "to move to", Some(new_path));
        done
    }

    pub(super) async fn remove_directory(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        path: GuestPtr<str>,
    ) -> Result<()> {
        let removed = without_slashes(memory, path)?;
        let done = self.context.path_remove_directory(memory, fd, removed).await;
        self.note(memory, &done, fd, "to remove the directory", Some(path));
        done
    }

    pub(super) async fn unlink_file(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        path: GuestPtr<str>,
    ) -> Result<()> {
        // wasmtime-wasi copies it, however long it is.
        if path.len() as usize > self.fuel {
            return Err(Errno::Nomem.into());
        }
        let done = self.context.path_unlink_file(memory, fd, path).await;
        self.note(memory, &done, fd, "to remove", Some(path));
        done
    }
}

/// A path without the slashes at its end: wasmtime-wasi takes `name/` for `name/.`, by which nothing can be removed.
fn without_slashes(memory: &GuestMemory<'_>, path: GuestPtr<str>) -> Result<GuestPtr<str>> {
    let text = memory.as_cow_str(path)?;
    let length = slashes::without(&text).len().try_into()?;
    Ok(GuestPtr::new((path.offset_base(), length)))
}
