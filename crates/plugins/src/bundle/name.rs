//! The names of bundles: they sort by time, and hold nothing that a file system or a terminal minds.

use std::time::{Duration, SystemTime};

use humantime::format_rfc3339_millis;

/// How much of a plugin's name is in that of a bundle, in characters.
const KEPT: usize = 64;

/// The name of a bundle, such as `20261129T061500.123Z-greeter-42`.
pub(super) fn name(time: SystemTime, plugin: &str, call: Option<u64>) -> String {
    let moment = moment(time).replace(['-', ':'], "");
    let call = call.map(|call| format!("-{call}")).unwrap_or_default();
    format!("{moment}-{}{call}", safe(plugin))
}

/// A moment as `2026-11-29T06:15:00.123Z`. One before 1970 is the beginning of 1970.
pub(super) fn moment(time: SystemTime) -> String {
    /// The last moment of the year 9999: later ones would not sort.
    const LAST: Duration = Duration::from_millis(253_402_300_799_999);
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().min(LAST);
    format_rfc3339_millis(SystemTime::UNIX_EPOCH + since).to_string()
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
