//! Which time does a guest see? The real one, or one that is the same in every run.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};

use crate::GrantError;

/// Which time a guest sees, by its wall clock and by its monotonic one.
///
/// A clock that is not real changes what the guest is told, not how long it waits: a sleep takes as long as it says,
/// and does not move the clock. A guest that sleeps until its clock shows some time sleeps for the difference; if it
/// then looks again, at a fixed clock, it finds that no time has passed, and may go on so until its deadline. The
/// times of files are the host's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum Clocks {
    /// The clocks of this machine.
    #[default]
    Real,
    /// Both clocks always show this time.
    Fixed(Time),
    /// Both clocks show `start` at the first reading, whichever of them is read, and `step` more at each one after it.
    Stepped {
        /// What the first reading shows.
        start: Time,
        /// How much a reading adds, written `"1ms"`. Not nothing.
        #[serde(with = "step")]
        #[cfg_attr(feature = "schemars", schemars(with = "crate::schema::Duration"))]
        step: Duration,
    },
}

/// A time from 1970 to 2554, exact to the nanosecond, written `2026-01-01T00:00:00Z`.
///
/// ```
/// use host_wasi::Time;
///
/// let time: Time = "2026-01-01T00:00:00.5Z".parse()?;
/// assert_eq!(time.to_string(), "2026-01-01T00:00:00.500000000Z");
/// # Ok::<(), host_wasi::TimeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Since the beginning of 1970. The end of 64 bits is where wasmtime-wasi's own arithmetic ends, too.
    nanoseconds: u64,
}

/// What is not a [`Time`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a time from 1970 to 2554; write it as in \"2026-01-01T00:00:00Z\"")]
#[non_exhaustive]
pub struct TimeError {
    /// The time as it was given.
    pub text: String,
}

impl Clocks {
    pub(crate) fn check(self) -> Result<(), GrantError> {
        match self {
            Clocks::Stepped { step: Duration::ZERO, .. } => Err(GrantError::ClockStep),
            _ => Ok(()),
        }
    }

    /// Hands the clocks to the context that is being built.
    pub(crate) fn open(self, builder: &mut WasiCtxBuilder) {
        let (start, step) = match self {
            Clocks::Real => return,
            Clocks::Fixed(time) => (time, Duration::ZERO),
            Clocks::Stepped { start, step } => (start, step),
        };
        let step = u64::try_from(step.as_nanos()).unwrap_or(u64::MAX);
        let clock = Clock { next: Arc::new(AtomicU64::new(start.nanoseconds)), step };
        builder.wall_clock(clock.clone());
        builder.monotonic_clock(clock);
    }
}

/// A clock that moves only when it is read. Clones are one clock.
#[derive(Clone)]
struct Clock {
    next: Arc<AtomicU64>,
    step: u64,
}

impl Clock {
    /// At the end of time it stands still.
    fn read(&self) -> u64 {
        let next = |now: u64| Some(now.saturating_add(self.step));
        self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap_or_else(|now| now)
    }
}

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(HostMonotonicClock::resolution(self))
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.read())
    }
}

impl HostMonotonicClock for Clock {
    fn resolution(&self) -> u64 {
        self.step.max(1)
    }

    fn now(&self) -> u64 {
        self.read()
    }
}

impl TryFrom<SystemTime> for Time {
    type Error = TimeError;

    fn try_from(time: SystemTime) -> Result<Self, TimeError> {
        time.duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|since| u64::try_from(since.as_nanos()).ok())
            .map(|nanoseconds| Self { nanoseconds })
            .ok_or_else(|| TimeError { text: format!("{time:?}") })
    }
}

impl From<Time> for SystemTime {
    fn from(time: Time) -> Self {
        UNIX_EPOCH + Duration::from_nanos(time.nanoseconds)
    }
}

impl FromStr for Time {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let wrong = || TimeError { text: text.to_owned() };
        // It cuts the text at fixed places, and must not meet a character of several bytes there.
        if !text.is_ascii() {
            return Err(wrong());
        }
        humantime::parse_rfc3339(text).map_err(|_| wrong())?.try_into().map_err(|_: TimeError| wrong())
    }
}

impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339(SystemTime::from(*self)).fmt(formatter)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The written form of a step.
mod step {
    use std::time::Duration;

    use serde::de::{Deserialize as _, Deserializer, Error as _};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(step: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(*step))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(&text).map_err(|error| {
            D::Error::custom(format!("{text:?} is not a step of time such as \"1ms\": {error}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use super::{Clock, Time};

    #[test]
    fn a_time_is_read_and_written() {
        for text in
            ["1970-01-01T00:00:00Z", "2026-02-28T23:59:59.000000001Z", "2554-07-21T23:34:33.709551615Z"]
        {
            let time: Time = text.parse().unwrap();
            assert_eq!(time.to_string(), text);
            assert_eq!(Time::try_from(SystemTime::from(time)), Ok(time));
        }
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        let wrong = "yesterday,2026-01-01,2026-01-01T00:00:00,2026-13-01T00:00:00Z,1969-12-31T23:59:59Z,\
            2554-07-21T23:34:33.709551616Z,2026-01-01T00:00:00+01:00,2026-01-01T00:00:00é,2026-01-01T00:00:00é0Z,";
        for text in wrong.split(',') {
            let error = text.parse::<Time>().unwrap_err();
            assert_eq!(error.text, text);
        }
        Time::try_from(UNIX_EPOCH - Duration::from_secs(1)).unwrap_err();
    }

    #[test]
    fn a_clock_stands_still_at_the_end_of_time() {
        let clock = Clock { next: std::sync::Arc::new((u64::MAX - 1).into()), step: 5 };
        assert_eq!([clock.read(), clock.read(), clock.read()], [u64::MAX - 1, u64::MAX, u64::MAX]);
    }
}
