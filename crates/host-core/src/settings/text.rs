//! How the settings of an engine are read: the name of a profile, or a table that changes some of one.

use std::fmt;

use host_limits::{Bytes, Proposals};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::{
    AllocationStrategy, Backtraces, EngineSettings, NativeProfiler, Optimization, RegisterAllocation,
};
use crate::profile::Profile;

impl<'de> Deserialize<'de> for EngineSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<EngineSettings, D::Error> {
        deserializer.deserialize_any(SettingsVisitor)
    }
}

struct SettingsVisitor;

impl<'de> Visitor<'de> for SettingsVisitor {
    type Value = EngineSettings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a profile, or a table of engine settings")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<EngineSettings, E> {
        Profile::deserialize(StrDeserializer::new(name)).map(Profile::settings)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<EngineSettings, A::Error> {
        Changes::deserialize(MapAccessDeserializer::new(map)).map(Changes::apply)
    }
}

macro_rules! changes {
    ($($field:ident: $type:ty,)*) => {
        /// A table in which everything may be left out.
        #[derive(serde::Deserialize)]
        #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
        #[derive(Default)]
        struct Changes {
            base: Profile,
            $($field: Option<$type>,)*
        }

        impl Changes {
            fn apply(self) -> EngineSettings {
                let base = self.base.settings();
                EngineSettings { $($field: self.$field.unwrap_or(base.$field),)* }
            }
        }
    };
}

changes! {
    optimization: Optimization,
    register_allocation: RegisterAllocation,
    proposals: Proposals,
    backtraces: Backtraces,
    debug_info: bool,
    core_dumps: bool,
    profiler: NativeProfiler,
    canonical_nans: bool,
    deterministic_relaxed_simd: bool,
    fuel: bool,
    dense_image: Bytes,
    allocation: AllocationStrategy,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::PoolSettings;

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Policy {
        profile: EngineSettings,
    }

    fn read(text: &str) -> Result<EngineSettings, toml::de::Error> {
        toml::from_str::<Policy>(text).map(|policy| policy.profile)
    }

    #[test]
    fn a_name_stands_for_its_settings_and_a_table_changes_some() {
        assert_eq!(read("profile = 'deterministic'").unwrap(), Profile::Deterministic.settings());
        assert_eq!(read("[profile]").unwrap(), Profile::Untrusted.settings());
        let changed =
            read("[profile]\nbase = 'development'\nproposals = ['simd']\ncore-dumps = true").unwrap();
        let expected = EngineSettings {
            proposals: host_limits::Proposal::Simd.into(),
            core_dumps: true,
            ..Profile::Development.settings()
        };
        assert_eq!(changed, expected);
    }

    #[test]
    fn a_pool_is_read() {
        let settings = read("[profile.allocation.pool]\nguests = 10\nmemory = '1MiB'").unwrap();
        let AllocationStrategy::Pool(pool) = settings.allocation else { panic!("no pool") };
        assert_eq!((pool.guests, pool.memory), (10, Some(Bytes::mebi(1))));
        assert_eq!(pool.keep_resident, PoolSettings::default().keep_resident);
        assert_eq!(read("profile = { allocation = 'on-demand' }").unwrap(), EngineSettings::default());
    }

    #[test]
    fn what_is_written_is_read() {
        for profile in [Profile::Development, Profile::Throughput, Profile::Untrusted, Profile::Deterministic]
        {
            let policy = Policy { profile: profile.settings() };
            let text = toml::to_string(&policy).unwrap();
            assert_eq!(toml::from_str::<Policy>(&text).unwrap(), policy, "{text}");
            let json = serde_json::to_string(&policy).unwrap();
            assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy, "{json}");
        }
    }

    #[test]
    fn bad_text_names_the_line_and_what_there_is() {
        for (text, line, says) in [
            ("\nprofile = 'quick'", "line 2", "unknown variant `quick`, expected one of `development`"),
            ("[profile]\nbase = 'quick'", "line 2", "expected one of `development`"),
            ("[profile]\n\noptimisation = 'speed'", "line 3", "unknown field `optimisation`"),
            ("[profile]\noptimization = 'max'", "line 2", "expected one of `none`, `speed`"),
            ("[profile]\ndense-image = 5", "line 2", "a size as text with a unit"),
            ("[profile.allocation.pool]\nguests = -1", "line 2", "u32"),
            ("[profile.allocation.pool]\nmemroy = '1MiB'", "line 2", "unknown field `memroy`"),
            ("profile = 5", "line 1", "the name of a profile, or a table of engine settings"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
            assert!(error.contains(line), "{text}: {error}");
        }
    }
}
