//! `[outbound]`.

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use super::Resolver;
use crate::config::document::child;
use crate::config::{file, model};

impl Resolver<'_> {
    pub(super) fn outbound(&mut self, written: &file::Outbound) -> Option<model::Outbound> {
        const POINTER: &str = "/outbound/trusted_ca";
        let before = self.errors.len();
        let is_list = self.document.root.pointer(POINTER).is_some_and(serde_json::Value::is_array);
        let mut trusted_ca = Vec::new();
        for (index, path) in written.trusted_ca.0.iter().enumerate() {
            let pointer = if is_list { child(POINTER, &index.to_string()) } else { POINTER.to_owned() };
            let Some(pem) = self.read(&pointer, path) else { continue };
            match certificates(&pem) {
                Ok(certificates) => trusted_ca.extend(certificates),
                Err(message) => {
                    let help = "the file is in PEM: it has lines `-----BEGIN CERTIFICATE-----`";
                    self.error_with_help(&pointer, message, help);
                }
            }
        }
        (self.errors.len() == before).then_some(model::Outbound { trusted_ca })
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err("there is no certificate in this file".into()),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(format!("the certificates in this file cannot be read: {error}")),
    }
}
