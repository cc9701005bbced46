//! The names of bundles: they sort by time, and hold nothing that a file system or a terminal minds.

use std::time::{Duration, SystemTime};

/// How much of a plugin's name is in that of a bundle, in characters.
const KEPT: usize = 64;

/// The name of a bundle, such as `20261129T061500.123Z-greeter-42`.
pub(super) fn name(time: SystemTime, plugin: &str, call: Option<u64>) -> String {
    let [year, month, day, hour, minute, second, milli] = parts(time);
    let call = call.map(|call| format!("-{call}")).unwrap_or_default();
    let plugin = safe(plugin);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{milli:03}Z-{plugin}{call}")
}

/// A moment as `2026-11-29T06:15:00.123Z`. One before 1970 is the beginning of 1970.
pub(super) fn moment(time: SystemTime) -> String {
    let [year, month, day, hour, minute, second, milli] = parts(time);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Whether a directory of this name is a bundle.
pub(super) fn is_name(name: &str) -> bool {
    const FORM: &str = "00000000T000000.000Z-";
    let form = |(character, form): (char, char)| match form {
        '0' => character.is_ascii_digit(),
        form => character == form,
    };
    name.len() > FORM.len()
        && name.is_ascii()
        && name.chars().zip(FORM.chars()).all(form)
        && name[FORM.len()..].chars().all(is_safe)
}

fn is_safe(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '-' || character == '_'
}

fn safe(plugin: &str) -> String {
    let name: String =
        plugin.chars().take(KEPT).map(|character| if is_safe(character) { character } else { '_' }).collect();
    if name.is_empty() { "plugin".to_owned() } else { name }
}

/// Year, month, day, hour, minute, second and millisecond, in UTC.
fn parts(time: SystemTime) -> [u64; 7] {
    /// The last moment of the year 9999: later ones would not sort.
    const LAST: Duration = Duration::from_millis(253_402_300_799_999);
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().min(LAST);
    let (seconds, milli) = (since.as_secs(), u64::from(since.subsec_millis()));
    // Days are counted from 1 March of the year 0, so that a leap day is the last of its year.
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    [year, month, day, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60, milli]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    #[test]
    fn moments_are_those_of_the_calendar() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_827_696_789, "2000-02-29T12:34:56.789Z"),
            (1_772_323_199_999, "2026-02-28T23:59:59.999Z"),
            (1_772_323_200_000, "2026-03-01T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (u64::MAX / 1_000_000, "2554-07-21T23:34:33.709Z"),
            (253_402_300_800_000, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(moment(at(millis)), text);
        }
        assert_eq!(moment(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn names_are_safe_and_known_again() {
        assert_eq!(name(at(1_772_323_200_123), "greeter", Some(42)), "20260301T000000.123Z-greeter-42");
        for plugin in ["", "..", "../../etc", "a\u{1b}[2J", "ü b", &"x".repeat(1000), "-"] {
            let name = name(at(0), plugin, None);
            assert!(is_name(&name) && name.len() < 100, "{name}");
        }
        for other in ["", ".partial-1", "20260301T000000.123Z-", "20260301T000000.123Z-a/b", "notes", "2026é"]
        {
            assert!(!is_name(other), "{other}");
        }
    }
}
