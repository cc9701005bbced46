//! A verified store of any bytes, with no Wasmtime around: `cargo run -p host-cache --example standalone --no-default-features`.
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::fs;

use host_cache::{Cache, Digest, IntegrityOnly, Key, Lookup, MissReason, Put};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let cache = Cache::open(directory.path().join("thumbnails"), IntegrityOnly)?;

    // The key names everything that the result depends on: the input by its digest, and each setting.
    let picture = vec![7; 100_000];
    let key = Key::builder("thumbnails")
        .field("picture", Digest::of(&picture))
        .field("width", 64u32.to_le_bytes())
        .finish();

    println!("before    {}", tell(&cache.get(&key)));
    assert_eq!(cache.get(&key), Lookup::Miss(MissReason::Absent));

    let thumbnail = shrink(&picture);
    assert_eq!(cache.put(&key, &thumbnail)?, Put::Written);
    println!("put       {} bytes", thumbnail.len());

    let found = cache.get(&key);
    println!("after     {}", tell(&found));
    assert_eq!(found.hit().expect("it was put").bytes(), thumbnail);

    // Something goes wrong on the disk: one bit.
    let file = only_entry(cache.root())?;
    let mut bytes = fs::read(&file)?;
    bytes[5] ^= 1;
    fs::remove_file(&file)?;
    fs::write(&file, &bytes)?;
    let found = cache.get(&key);
    println!("one bit   {}", tell(&found));
    assert!(found.miss().is_some());

    assert_eq!(cache.put(&key, &thumbnail)?, Put::Written);
    let found = cache.get(&key);
    println!("healed    {}", tell(&found));
    assert_eq!(found.hit().expect("it was put again").bytes(), thumbnail);

    println!("in all    {} hits, {} misses", cache.stats().hits, cache.stats().misses.total());
    Ok(())
}

fn tell(lookup: &Lookup) -> String {
    match lookup {
        Lookup::Hit(artifact) => format!("hit: {} bytes, {}", artifact.bytes().len(), artifact.digest()),
        Lookup::Miss(reason) => format!("miss: {reason}"),
    }
}

/// Stands for something that takes long.
fn shrink(picture: &[u8]) -> Vec<u8> {
    picture.iter().step_by(100).copied().collect()
}

fn only_entry(root: &std::path::Path) -> std::io::Result<std::path::PathBuf> {
    let only = |directory: &std::path::Path| {
        Ok::<_, std::io::Error>(fs::read_dir(directory)?.next().expect("there is one")?.path())
    };
    only(&only(root)?.join("entries"))
}
