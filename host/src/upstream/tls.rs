//! TLS to targets: who is trusted, and the handshake.
//!
//! A certificate must be signed by a trusted authority, be valid today and name the host that is
//! called; there is no way to turn that off. Absent on purpose: revocation lists and HTTP/2.

use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::randomness;

/// Whose certificates are believed. Sessions are resumed among all that share one.
#[derive(Debug, Clone)]
pub struct Trust {
    config: Arc<ClientConfig>,
    roots: Arc<RootCertStore>,
}

impl Trust {
    /// The system's authorities, and more.
    ///
    /// # Errors
    /// If there is none at all, or the library cannot be set up; the text says what to do.
    pub fn load(more: &[CertificateDer<'static>]) -> Result<Self, String> {
        // Handshakes need it.
        randomness::make_ready();
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::warn!("a certificate authority of the system cannot be read: {error}");
        }
        let mut roots = RootCertStore::empty();
        // Systems carry certificates that no library of today accepts: they are left out.
        roots.add_parsable_certificates(system.certs);
        for authority in more {
            roots.add(authority.clone()).map_err(|error| format!("a certificate authority cannot be used: {error}"))?;
        }
        if roots.is_empty() {
            return Err("https is called, and there is no certificate authority to trust: install the system's \
                        (ca-certificates), or name some with `trusted_ca` in `[outbound]`"
                .into());
        }
        let roots = Arc::new(roots);
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(Arc::clone(&roots))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), roots })
    }

    /// This one if it trusts others than `previous`, else that, with the connections made under it.
    #[must_use]
    pub fn or_same(self, previous: Option<&Self>) -> Self {
        previous.filter(|previous| previous.roots.roots == self.roots.roots).cloned().unwrap_or(self)
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.config, &other.config)
    }
}

/// What a target has to prove before anything is sent to it.
#[derive(Debug)]
pub(super) struct Proof {
    /// A name or an address.
    pub(super) host: String,
    /// Nobody is trusted where the gateway was told of no `https`.
    pub(super) trust: Option<Trust>,
}

impl Proof {
    /// Shakes hands. The name is sent along (SNI), so that a target with several can choose.
    pub(super) async fn demand(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let invalid = |text: &str| io::Error::new(io::ErrorKind::InvalidInput, text);
        let trust = self.trust.as_ref().ok_or_else(|| invalid("TLS: nobody is trusted"))?;
        let name =
            ServerName::try_from(self.host.clone()).map_err(|_| invalid("TLS: no certificate can name this host"))?;
        let connected = TlsConnector::from(Arc::clone(&trust.config)).connect(name, stream).await;
        connected.map_err(|error| io::Error::new(error.kind(), format!("TLS: {error}")))
    }
}
