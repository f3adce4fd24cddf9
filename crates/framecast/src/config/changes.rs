use super::{Camera, Config};

/// What is different after a reload.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Cameras that were not there before.
    pub added: Vec<Camera>,
    /// The names of those that are gone.
    pub removed: Vec<String>,
    /// Those whose request, policy or recording is another, as they are now.
    pub changed: Vec<Camera>,
    /// The keys whose new value counts only after a restart.
    pub needs_restart: Vec<&'static str>,
}

impl Changes {
    /// Whether everything is as it was.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Who may reach it is no matter of how it runs.
fn runs_otherwise(old: &Camera, new: &Camera) -> bool {
    (&old.request, &old.policy, &old.record) != (&new.request, &new.policy, &new.record)
}

/// Compares two configurations. Who may do what is left out: that counts at once, whatever it was before. The order of the
/// cameras is no change.
pub fn changes(old: &Config, new: &Config) -> Changes {
    let find = |config: &'_ Config, name: &str| {
        let cameras = config.cameras.iter();
        cameras
            .enumerate()
            .find(|(_, camera)| camera.request.name == name)
            .map(|(index, _)| index)
    };
    let mut changes = Changes {
        removed: old
            .cameras
            .iter()
            .map(|camera| &camera.request.name)
            .filter(|name| find(new, name).is_none())
            .cloned()
            .collect(),
        ..Changes::default()
    };
    for camera in &new.cameras {
        match find(old, &camera.request.name) {
            None => changes.added.push(camera.clone()),
            Some(index) if runs_otherwise(&old.cameras[index], camera) => {
                changes.changed.push(camera.clone());
            }
            Some(_) => {}
        }
    }
    changes.needs_restart = [
        ("listen", old.listen != new.listen),
        ("tls", old.tls != new.tls),
        ("base_path", old.base_path != new.base_path),
        ("allow_hosts", old.allow_hosts != new.allow_hosts),
        ("allow_origins", old.allow_origins != new.allow_origins),
        ("no_auth", old.no_auth != new.no_auth),
        ("path in [recordings]", old.storage.path != new.storage.path),
        ("limits", old.limits != new.limits),
        ("log", old.log != new.log),
    ]
    .into_iter()
    .filter_map(|(key, differs)| differs.then_some(key))
    .collect();
    changes
}
