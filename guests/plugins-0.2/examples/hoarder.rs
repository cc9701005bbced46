//! Takes and keeps whatever its input names until it is refused, then says how far it came.

use std::mem;

use plugins_0_2::{Bucket, Config, Failure, GuestSession, Level, Plugin, Session, SessionBorrow, log};

struct Hoarder;

impl Plugin for Hoarder {
    type Session = Kept;

    fn process(what: String) -> Result<String, Failure> {
        match what.as_str() {
            "buckets" => Ok(count(|_| Bucket::open("hoard").map(mem::forget).is_ok())),
            "keys" => in_bucket(|bucket, n| bucket.set(&n.to_string(), &[]).is_ok()),
            "bytes" => in_bucket(|bucket, n| bucket.set(&n.to_string(), &[1; 4096]).is_ok()),
            "one-value" => in_bucket(|bucket, n| bucket.set("one", &vec![1; 1024 << n]).is_ok()),
            "long-key" => in_bucket(|bucket, n| bucket.set(&"k".repeat(1024 << n), &[]).is_ok()),
            // Nothing refuses these two with a value: the first is counted and dropped by the host, the second traps.
            "log" => Ok(count(|n| {
                log(Level::Error, &"x".repeat(1000));
                n < 10_000
            })),
            "sessions" => Ok(count(|_| {
                mem::forget(Session::new(Kept));
                true
            })),
            other => Err(Failure::InvalidInput(other.to_owned())),
        }
    }

    fn get_version() -> String {
        "6.6.6".to_owned()
    }

    fn total(_: Vec<SessionBorrow<'_>>) -> u32 {
        0
    }
}

/// How often `again` can be done, at least once.
fn count(mut again: impl FnMut(u32) -> bool) -> String {
    (0..).take_while(|n| again(*n)).count().to_string()
}

fn in_bucket(mut again: impl FnMut(&Bucket, u32) -> bool) -> Result<String, Failure> {
    let bucket = Bucket::open("hoard").map_err(|error| Failure::Other(error.name().to_owned()))?;
    Ok(count(|n| again(&bucket, n)))
}

struct Kept;

impl GuestSession for Kept {
    fn new(_: Config) -> Kept {
        Kept
    }

    fn process(&self, what: String) -> Result<String, Failure> {
        Hoarder::process(what)
    }

    fn processed(&self) -> u32 {
        0
    }

    fn merge(a: Session, _: Session) -> Session {
        a
    }
}

plugins_0_2::export!(Hoarder with_types_in plugins_0_2);
