//! Counts how often it has seen each word, and keeps the counts in the host's storage.

use std::cell::Cell;

use plugins_0_2::{Bucket, Config, Error, Failure, GuestSession, Level, Plugin, Session, SessionBorrow, log};

struct Tally;

impl Plugin for Tally {
    type Session = Counted;

    fn process(word: String) -> Result<String, Failure> {
        if word.is_empty() {
            return Err(Failure::InvalidInput("no word to count".to_owned()));
        }
        log(Level::Info, &format!("counting {word}"));
        let bucket = Bucket::open("counts").map_err(failure)?;
        let bytes = bucket.get(&word).and_then(|bytes| bytes.try_into().ok());
        let count = bytes.map_or(0, u32::from_le_bytes) + 1;
        bucket.set(&word, &count.to_le_bytes()).map_err(failure)?;
        Ok(format!("{word}: {count}"))
    }

    fn get_version() -> String {
        "0.2.0".to_owned()
    }

    fn total(sessions: Vec<SessionBorrow<'_>>) -> u32 {
        sessions.iter().map(|session| session.get::<Counted>().processed.get()).sum()
    }
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Full | Error::TooManyKeys => Failure::NoRoom,
        error => Failure::Other(error.name().to_owned()),
    }
}

/// A session that says in the log when it is over.
struct Counted {
    config: Config,
    processed: Cell<u32>,
}

impl GuestSession for Counted {
    fn new(config: Config) -> Counted {
        Counted { config, processed: Cell::new(0) }
    }

    fn process(&self, word: String) -> Result<String, Failure> {
        if self.config.debug {
            log(Level::Debug, &format!("{} processes {word}", self.config.name));
        }
        let answer = Tally::process(word)?;
        self.processed.set(self.processed.get() + 1);
        Ok(format!("{}: {answer}", self.config.name))
    }

    fn processed(&self) -> u32 {
        self.processed.get()
    }

    fn merge(a: Session, b: Session) -> Session {
        let (a, b) = (a.get::<Counted>(), b.get::<Counted>());
        let name = format!("{}+{}", a.config.name, b.config.name);
        let config = Config { name, debug: a.config.debug || b.config.debug };
        Session::new(Counted { config, processed: Cell::new(a.processed() + b.processed()) })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        log(Level::Debug, &format!("{} is over", self.config.name));
    }
}

plugins_0_2::export!(Tally with_types_in plugins_0_2);
