//! Calls of `wasi:filesystem` and `wasi:io` that the standard library never makes. `path` is in the first directory.

use std::io;

use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags, filesystem_error_code,
};
use wasip2::io::streams::{OutputStream, StreamError};

pub fn act(verb: &str, path: &str, value: &str) -> io::Result<()> {
    let length: u64 = value.parse().unwrap_or(0);
    let (root, _) = get_directories().into_iter().next().expect("a directory");
    match verb {
        "--descriptor-write" => {
            let file = open(&root, path)?;
            let written = file.write(&vec![b'x'; length as usize], 0).map_err(code)?;
            println!("written {written}");
            Ok(())
        }
        "--zeroes" => {
            let file = open(&root, path)?;
            let stream = file.write_via_stream(0).map_err(code)?;
            for _ in 0..length.div_ceil(1024) {
                stream.check_write().map_err(failed)?;
                stream.write_zeroes(1024).map_err(failed)?;
                stream.blocking_flush().map_err(failed)?;
            }
            Ok(())
        }
        "--splice" => {
            let source = open(&root, value)?;
            let file = open(&root, path)?;
            let input = source.read_via_stream(0).map_err(code)?;
            let output = file.write_via_stream(0).map_err(code)?;
            while output.blocking_splice(&input, 1 << 20).is_ok_and(|spliced| spliced > 0) {}
            println!("spliced {}", file.stat().map_err(code)?.size);
            Ok(())
        }
        // Two streams into one file, which both start where it is empty.
        "--two-streams" => {
            let file = open(&root, path)?;
            let streams = [file.write_via_stream(0).map_err(code)?, file.append_via_stream().map_err(code)?];
            drop(file);
            for _ in 0..length.div_ceil(1024) {
                for stream in &streams {
                    write(stream, 1024)?;
                }
            }
            Ok(())
        }
        // A stream outlives its file's name and descriptor.
        "--orphan-stream" => {
            let file = open(&root, path)?;
            let stream = file.append_via_stream().map_err(code)?;
            root.unlink_file_at(path).map_err(code)?;
            drop(file);
            for _ in 0..length.div_ceil(1024) {
                write(&stream, 1024)?;
            }
            Ok(())
        }
        // Listings that are all open at a time.
        "--listings" => {
            let mut open = Vec::new();
            for _ in 0..length {
                let directory =
                    root.open_at(PathFlags::empty(), path, OpenFlags::DIRECTORY, DescriptorFlags::READ);
                let listing = directory.and_then(|directory| directory.read_directory());
                match listing {
                    Ok(listing) => open.push(listing),
                    Err(error) => {
                        println!("open {}", open.len());
                        return Err(code(error));
                    }
                }
            }
            println!("open {}", open.len());
            Ok(())
        }
        // Never looks at what it is told.
        "--stubborn-stream" => {
            let stream = open(&root, path)?.append_via_stream().map_err(code)?;
            loop {
                let _ = stream.blocking_write_and_flush(&[b'x'; 1024]);
            }
        }
        _ => Err(io::Error::other("unknown")),
    }
}

fn open(root: &Descriptor, path: &str) -> io::Result<Descriptor> {
    let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
    root.open_at(PathFlags::SYMLINK_FOLLOW, path, OpenFlags::CREATE, flags).map_err(code)
}

fn write(stream: &OutputStream, length: usize) -> io::Result<()> {
    stream.blocking_write_and_flush(&vec![b'x'; length]).map_err(failed)
}

fn code(error: ErrorCode) -> io::Error {
    io::Error::other(error.name())
}

fn failed(error: StreamError) -> io::Error {
    match error {
        StreamError::LastOperationFailed(error) => {
            io::Error::other(filesystem_error_code(&error).map_or("unknown", |error| error.name()))
        }
        StreamError::Closed => io::Error::other("closed"),
    }
}
