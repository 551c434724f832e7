//! The temporary folder with the demo's config.

use std::fs::{self, DirBuilder};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::steps::USERS_LIMIT;

const TEMPLATE: &str = include_str!("demo.toml");

/// Removed when dropped.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

/// What differs from one run to the next.
pub(super) struct Values<'a> {
    pub(super) listen: SocketAddr,
    pub(super) access: &'static str,
    pub(super) users: SocketAddr,
    pub(super) orders: SocketAddr,
    pub(super) products: SocketAddr,
    pub(super) secret: &'a str,
}

impl Folder {
    /// Readable by its owner only, for the config has the key tokens are signed with. A folder that
    /// is there already is somebody else's, and an error.
    pub(super) fn create() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("tollgate-demo-{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    pub(super) fn config(&self) -> PathBuf {
        self.0.join("tollgate.toml")
    }

    pub(super) fn write_config(&self, values: &Values<'_>) -> io::Result<PathBuf> {
        let path = self.config();
        fs::write(&path, values.fill(TEMPLATE))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(path = %Path::display(&self.0), %error, "the demo's folder is left behind");
        }
    }
}

impl Values<'_> {
    fn fill(&self, template: &str) -> String {
        let values = [
            ("@LISTEN@", self.listen.to_string()),
            ("@ACCESS@", self.access.to_owned()),
            ("@USERS@", self.users.to_string()),
            ("@ORDERS@", self.orders.to_string()),
            ("@PRODUCTS@", self.products.to_string()),
            ("@SECRET@", self.secret.to_owned()),
            ("@LIMIT@", USERS_LIMIT.to_string()),
        ];
        values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_config_names_no_unknown_key_or_plugin() {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
        let values = Values {
            listen: nowhere,
            access: "off",
            users: nowhere,
            orders: nowhere,
            products: nowhere,
            secret: "0123456789abcdef0123456789abcdef",
        };
        let text = values.fill(TEMPLATE);
        assert!(!text.contains('@'), "{text}");
        let built_ins = ["headers", "jwt-auth", "rate-limit", "aggregate"];
        if let Err(problems) = crate::config::load_str(&text, Path::new("tollgate.toml"), &built_ins) {
            panic!("{problems}");
        }
    }
}
