//! A bundle as a page for people.

use std::fmt::{self, Display, Formatter};

use serde_json::Value;

use super::read::CrashBundle;
use super::record::{ArgumentsKept, CoreDumpRecord};
use super::text::{printable, shell_word};

/// How many characters are shown of a name or message.
const SHORT: usize = 300;

/// How many frames are shown, and how many denials.
const ITEMS: usize = 100;

/// How many lines are shown of what the plugin said, from each of its streams.
const LINES: usize = 20;

impl Display for CrashBundle {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        self.place(f)?;
        self.spent(f)?;
        self.denials(f)?;
        self.said(f)?;
        self.given(f)?;
        self.reproduce(f)?;
        for name in &self.missing {
            writeln!(f, "\nnote: {name} is missing from the bundle")?;
        }
        Ok(())
    }
}

impl CrashBundle {
    fn head(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let record = &self.record;
        writeln!(f, "{}: {}\n", short(&record.plugin.name), short(&record.fault.message))?;
        let mut row = |name: &str, text: String| writeln!(f, "{name:<12}  {text}");
        row("who can act", self.who())?;
        row("when", short(&record.time))?;
        let mut plugin = short(&record.plugin.name);
        if let Some(version) = record.plugin.version {
            plugin.push_str(&format!(", version {version}"));
        }
        row("plugin", plugin)?;
        if let Some(digest) = &record.plugin.digest {
            row("sha-256", short(digest))?;
        }
        let call = &record.call;
        let parts = [
            call.export.as_ref().map(|export| format!("`{}`", short(export))),
            call.id.map(|id| format!("number {id}")),
            Some(format!("attempt {}", call.attempt)),
            call.tenant.as_ref().map(|tenant| format!("for tenant `{}`", short(tenant))),
        ];
        row("call", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))?;
        let made = &record.made_by;
        let (host, wasmtime) = (short(&made.host_plugins), short(&made.wasmtime));
        let (system, processor) = (short(&made.system), short(&made.processor));
        row("ran by", format!("host-plugins {host}, Wasmtime {wasmtime}, {system} on {processor}"))?;
        match &record.core_dump {
            None => Ok(()),
            Some(CoreDumpRecord::Written(size)) => row("core dump", format!("core.wasm, {size}")),
            Some(CoreDumpRecord::Failed(why)) => row("core dump", format!("none: {}", short(why))),
        }
    }

    fn who(&self) -> String {
        let fault = &self.record.fault;
        match fault.who.as_str() {
            "guest" => "the plugin's author: its code failed".to_owned(),
            "budget" => {
                let key = fault.budget.as_deref().filter(|budget| self.limit(budget).is_some());
                let limit = key.map(|key| format!("`limits.{}`", short(key)));
                let limit = limit.unwrap_or_else(|| "the budget".to_owned());
                format!("the plugin's author, who can spend less, or the operator, who can raise {limit}")
            }
            "denied" => match &fault.grant {
                Some(grant) => format!(
                    "the operator, who can add the grant `{}`, or the author, who can do without",
                    short(grant)
                ),
                None => "the operator, who can grant it, or the author, who can do without".to_owned(),
            },
            "host" if fault.kind == "busy" => {
                "the operator: there was no room; the same call may go well later".to_owned()
            }
            "host" => "whoever runs the host: the plugin is not at fault".to_owned(),
            who => short(who),
        }
    }

    fn place(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let frames = &self.record.fault.backtrace;
        if frames.is_empty() {
            return writeln!(f, "\nno code of the plugin was running");
        }
        writeln!(f, "\nwhere it was, innermost first")?;
        for (depth, frame) in frames.iter().take(ITEMS).enumerate() {
            writeln!(f, "  {depth:3}: {}", printable(&frame.to_string(), 3 * SHORT))?;
        }
        more(f, frames.len(), ITEMS)
    }

    /// What was spent, beside what was allowed.
    fn spent(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let usage = &self.record.fault.usage;
        writeln!(f, "\n{:<15} {:>20}  {:>20}", "spent", "", "allowed")?;
        let mut row = |name: &str, spent: String, key: &str| {
            let allowed = self.limit(key).unwrap_or_else(|| "not known".to_owned());
            writeln!(f, "  {name:<13} {spent:>20}  {allowed:>20}")
        };
        let fuel = usage.fuel.map(|fuel| fuel.to_string());
        row("fuel", fuel.unwrap_or_else(|| "not metered".to_owned()), "fuel")?;
        row("time", format!("{:.1?}", usage.elapsed), "deadline")?;
        row("memory", usage.peak_memory.to_string(), "memory")?;
        row("table places", usage.peak_table_elements.to_string(), "table-elements")?;
        match usage.refusals {
            0 => Ok(()),
            refusals => writeln!(f, "  it asked for more memory or table and was refused, times: {refusals}"),
        }
    }

    fn denials(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let captured = &self.record.captured;
        if !captured.denials.is_empty() {
            writeln!(f, "\nit asked in vain")?;
        }
        for denial in captured.denials.iter().take(ITEMS) {
            writeln!(f, "  {}\n    the grant: {}", short(&denial.asked), short(&denial.grant))?;
        }
        more(f, captured.denials.len(), ITEMS)?;
        match &captured.quota_refused {
            None => Ok(()),
            Some(refused) => writeln!(
                f,
                "\nit wanted to keep more in `{}` than the {} bytes and {} files of its quota, times: {}",
                short(&refused.guest),
                refused.quota.bytes,
                refused.quota.files,
                refused.refusals
            ),
        }
    }

    fn said(&self, f: &mut Formatter<'_>) -> fmt::Result {
        last(f, "log", self.log.as_deref())?;
        let dropped = self.record.captured.log_dropped.lines;
        if dropped > 0 {
            writeln!(f, "  and {dropped} lines more, which were not kept")?;
        }
        last(f, "standard output", self.stdout.as_deref())?;
        last(f, "standard error", self.stderr.as_deref())
    }

    fn given(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let how = match self.record.call.arguments {
            ArgumentsKept::Unknown => return Ok(()),
            ArgumentsKept::LeftOut => "left out by the host",
            ArgumentsKept::Written => "as they were",
            ArgumentsKept::Redacted => "redacted by the host",
            ArgumentsKept::NotRedacted => "left out, because redacting them failed",
        };
        writeln!(f, "\nits arguments: {how}")?;
        match &self.arguments {
            Some(arguments) => writeln!(f, "  {}", printable(arguments, 10 * SHORT)),
            None => Ok(()),
        }
    }

    fn reproduce(&self, f: &mut Formatter<'_>) -> fmt::Result {
        /// A call of up to so many characters is shown.
        const SHOWN: usize = 1000;
        let Some(export) = &self.record.call.export else { return Ok(()) };
        let written = self.record.call.arguments == ArgumentsKept::Written;
        let arguments = self.arguments.as_deref().filter(|arguments| written && arguments.starts_with('('));
        let whole = arguments
            .map(|arguments| format!("{export}{arguments}"))
            .filter(|call| call.chars().count() <= SHOWN)
            .and_then(|call| shell_word(&call));
        let hint = match (&whole, arguments) {
            (Some(_), _) => "",
            (None, Some(_)) => ", with what is in arguments.txt for ARGUMENTS",
            (None, None) => ", with arguments of yours for ARGUMENTS",
        };
        let call = whole.or_else(|| shell_word(&format!("{export}(ARGUMENTS)")));
        let plugin = &self.record.plugin;
        let file = plugin.file.clone().unwrap_or_else(|| format!("{}.wasm", plugin.name));
        // A name with a hyphen in front would be an option.
        let file = if file.starts_with('-') { format!("./{file}") } else { file };
        let (Some(call), Some(file)) = (call, shell_word(&file)) else { return Ok(()) };
        write!(f, "\nto see it again{hint}\n  wasm-host call")?;
        for (option, key) in [("fuel", "fuel"), ("timeout", "deadline"), ("memory", "memory")] {
            if let Some(word) = self.limit(key).and_then(|value| shell_word(&value)) {
                write!(f, " --{option}={word}")?;
            }
        }
        writeln!(f, " --backtrace {file} -- {call}")
    }

    /// What one of the limits was, as it is written in a policy.
    fn limit(&self, key: &str) -> Option<String> {
        match self.record.limits.as_ref()?.get(key)? {
            Value::String(text) => Some(short(text)),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

/// The last lines of a stream.
fn last(f: &mut Formatter<'_>, stream: &str, text: Option<&str>) -> fmt::Result {
    let Some(text) = text else { return Ok(()) };
    writeln!(f, "\nwhat it said last: {stream}")?;
    let lines: Vec<&str> = text.lines().rev().take(LINES).collect();
    lines.into_iter().rev().try_for_each(|line| writeln!(f, "  | {}", short(line)))
}

fn short(text: &str) -> String {
    printable(text, SHORT)
}

fn more(f: &mut Formatter<'_>, all: usize, shown: usize) -> fmt::Result {
    match all.checked_sub(shown) {
        None | Some(0) => Ok(()),
        Some(left) => writeln!(f, "  and {left} more"),
    }
}
