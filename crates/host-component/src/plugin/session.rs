//! How does work that belongs together look, also with a plugin that knows no sessions?

use wasmtime::AsContextMut;
use wasmtime::component::ResourceAny;

use super::{Api, Failure, Plugin};
use crate::bindings::v0_2;

/// How a session is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Its name.
    pub name: String,
    /// Whether the plugin should log more.
    pub debug: bool,
}

/// A session of a [`Plugin`], to be used with that one and its store. Wasmtime refuses one of another instance, and panics at
/// one of another store. Of a plugin of 0.1 it is a mere count, which any other plugin of 0.1 takes, too.
///
/// The plugin keeps it until [`Plugin::end_session`]; dropping it here does not reach the plugin.
#[derive(Debug)]
pub struct Session {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The host counts for a plugin that has no sessions.
    Counted(u32),
    Theirs(ResourceAny),
}

type SyncConfig = v0_2::sync::exports::my_org::my_plugin::plugin_api::Config;
type AsyncConfig = v0_2::asynchronous::exports::my_org::my_plugin::plugin_api::Config;

impl Plugin {
    /// Begins a session. With a plugin of 0.1 nothing is called: see [`Version::lacks`](super::Version::lacks).
    ///
    /// # Errors
    ///
    /// Wasmtime's, if the call failed.
    pub fn new_session(&self, store: impl AsContextMut, config: &Config) -> wasmtime::Result<Session> {
        let kind = match &self.api {
            Api::V0_1 { .. } => Kind::Counted(0),
            Api::V0_2 { sync, .. } => {
                let config = SyncConfig { name: config.name.clone(), debug: config.debug };
                let sessions = sync.my_org_my_plugin_plugin_api().session();
                Kind::Theirs(sessions.call_constructor(store, &config)?)
            }
        };
        Ok(Session { kind })
    }

    /// [`new_session`](Plugin::new_session) for stores whose host functions may wait.
    ///
    /// # Errors
    ///
    /// As [`new_session`](Plugin::new_session).
    pub async fn new_session_async(
        &self,
        store: impl AsContextMut<Data: Send>,
        config: &Config,
    ) -> wasmtime::Result<Session> {
        let kind = match &self.api {
            Api::V0_1 { .. } => Kind::Counted(0),
            Api::V0_2 { asynchronous, .. } => {
                let config = AsyncConfig { name: config.name.clone(), debug: config.debug };
                let sessions = asynchronous.my_org_my_plugin_plugin_api().session();
                Kind::Theirs(sessions.call_constructor(store, &config).await?)
            }
        };
        Ok(Session { kind })
    }

    /// [`process`](Plugin::process) within a session.
    ///
    /// # Errors
    ///
    /// Wasmtime's, if the call failed, or if `session` is of another plugin and one of the two is of 0.2.
    pub fn process_in(
        &self,
        store: impl AsContextMut,
        session: &mut Session,
        input: &str,
    ) -> wasmtime::Result<Result<String, Failure>> {
        match (&self.api, &mut session.kind) {
            (Api::V0_1 { .. }, Kind::Counted(count)) => {
                let answer = self.process(store, input)?;
                *count = count.saturating_add(u32::from(answer.is_ok()));
                Ok(answer)
            }
            (Api::V0_2 { sync, .. }, Kind::Theirs(resource)) => {
                let sessions = sync.my_org_my_plugin_plugin_api().session();
                Ok(sessions.call_process(store, *resource, input)?.map_err(Failure::from))
            }
            _ => Err(OtherPlugin.into()),
        }
    }

    /// [`process_in`](Plugin::process_in) for stores whose host functions may wait.
    ///
    /// # Errors
    ///
    /// As [`process_in`](Plugin::process_in).
    pub async fn process_in_async(
        &self,
        store: impl AsContextMut<Data: Send>,
        session: &mut Session,
        input: &str,
    ) -> wasmtime::Result<Result<String, Failure>> {
        match (&self.api, &mut session.kind) {
            (Api::V0_1 { .. }, Kind::Counted(count)) => {
                let answer = self.process_async(store, input).await?;
                *count = count.saturating_add(u32::from(answer.is_ok()));
                Ok(answer)
            }
            (Api::V0_2 { asynchronous, .. }, Kind::Theirs(resource)) => {
                let sessions = asynchronous.my_org_my_plugin_plugin_api().session();
                Ok(sessions.call_process(store, *resource, input).await?.map_err(Failure::from))
            }
            _ => Err(OtherPlugin.into()),
        }
    }

    /// How many inputs were processed in a session.
    ///
    /// # Errors
    ///
    /// Wasmtime's, if the call failed, or if `session` is of another plugin and one of the two is of 0.2.
    pub fn processed(&self, store: impl AsContextMut, session: &Session) -> wasmtime::Result<u32> {
        match (&self.api, &session.kind) {
            (Api::V0_1 { .. }, Kind::Counted(count)) => Ok(*count),
            (Api::V0_2 { sync, .. }, Kind::Theirs(resource)) => {
                sync.my_org_my_plugin_plugin_api().session().call_processed(store, *resource)
            }
            _ => Err(OtherPlugin.into()),
        }
    }

    /// [`processed`](Plugin::processed) for stores whose host functions may wait.
    ///
    /// # Errors
    ///
    /// As [`processed`](Plugin::processed).
    pub async fn processed_async(
        &self,
        store: impl AsContextMut<Data: Send>,
        session: &Session,
    ) -> wasmtime::Result<u32> {
        match (&self.api, &session.kind) {
            (Api::V0_1 { .. }, Kind::Counted(count)) => Ok(*count),
            (Api::V0_2 { asynchronous, .. }, Kind::Theirs(resource)) => {
                asynchronous.my_org_my_plugin_plugin_api().session().call_processed(store, *resource).await
            }
            _ => Err(OtherPlugin.into()),
        }
    }

    /// Ends a session: the plugin's destructor for it runs.
    ///
    /// # Errors
    ///
    /// Wasmtime's, if the destructor failed.
    pub fn end_session(&self, store: impl AsContextMut, session: Session) -> wasmtime::Result<()> {
        match session.kind {
            Kind::Counted(_) => Ok(()),
            Kind::Theirs(resource) => resource.resource_drop(store),
        }
    }

    /// [`end_session`](Plugin::end_session) for stores whose host functions may wait.
    ///
    /// # Errors
    ///
    /// As [`end_session`](Plugin::end_session).
    pub async fn end_session_async(
        &self,
        store: impl AsContextMut<Data: Send>,
        session: Session,
    ) -> wasmtime::Result<()> {
        match session.kind {
            Kind::Counted(_) => Ok(()),
            Kind::Theirs(resource) => resource.resource_drop_async(store).await,
        }
    }
}

/// A session was used with a plugin that did not begin it.
#[derive(Debug, thiserror::Error)]
#[error("the session is of a plugin of another version; use it with the plugin that began it")]
struct OtherPlugin;
