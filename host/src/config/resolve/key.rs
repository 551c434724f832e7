//! `[plugins.NAME.keys.KEY]`: one algorithm, one source of material.
//!
//! Only cheap checks: the PEM itself is parsed by what uses the key.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::Resolver;
use crate::config::document::child;
use crate::config::model::{Algorithm, Key, KeyMaterial};
use crate::config::{file, suggest};

impl Resolver<'_> {
    pub(super) fn key(&mut self, pointer: &str, written: &file::Key) -> Option<Key> {
        let algorithm = algorithm(written.algorithm);
        let (source, bytes) = self.material(pointer, written)?;
        let source = &child(pointer, source);
        let material = if is_hmac(algorithm) { hmac_secret(bytes) } else { public_key(bytes) };
        match material {
            Ok(material) => Some(Key { algorithm, material }),
            Err((message, help)) => {
                self.error_with_help(source, message, help);
                None
            }
        }
    }

    /// The bytes of the material, and the key they came from.
    fn material(&mut self, pointer: &str, written: &file::Key) -> Option<(&'static str, Vec<u8>)> {
        let sources = [
            ("value", &written.value),
            ("value_base64", &written.value_base64),
            ("file", &written.file),
            ("secret", &written.secret),
        ];
        let mut given = sources.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?)));
        let (Some((source, text)), None) = (given.next(), given.next()) else {
            let message = "a key has exactly one of `value`, `value_base64`, `file` and `secret`";
            self.error_with_help(
                pointer,
                message,
                "for example `{ algorithm = \"RS256\", file = \"keys/issuer.pem\" }`",
            );
            return None;
        };
        let at = child(pointer, source);
        let bytes = match source {
            "value" => Some(text.as_bytes().to_vec()),
            "value_base64" => self.or_error(&at, base64(text)),
            "file" => self.read(&at, text),
            _ => self.named_secret(&at, text),
        };
        Some((source, bytes?))
    }

    fn named_secret(&mut self, pointer: &str, name: &str) -> Option<Vec<u8>> {
        if let Some(value) = self.secrets.get(name) {
            return value.clone();
        }
        let names: Vec<&str> = self.secrets.keys().map(String::as_str).collect();
        // `secret` names a secret; who took it for the secret itself must not see it printed.
        let help = match suggest::nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`secret` is a name in `[secrets]`, for example `[secrets]` with `jwt = { env = \"JWT_SECRET\" }`"
                .into(),
        };
        self.error_with_help(pointer, "there is no such secret in `[secrets]`", help);
        None
    }
}

type Refused = (&'static str, &'static str);

fn hmac_secret(bytes: Vec<u8>) -> Result<KeyMaterial, Refused> {
    if bytes.is_empty() {
        return Err((
            "the secret is empty",
            "an HS algorithm wants a random secret, for example from `openssl rand -base64 32`",
        ));
    }
    // Whoever has the public key could sign: the oldest attack on JWT.
    if contains(&bytes, b"-----BEGIN ") {
        return Err((
            "an HS algorithm wants a secret, not a key in PEM",
            "for a public key use RS256, PS256, ES256 or EdDSA",
        ));
    }
    Ok(KeyMaterial::Secret(bytes))
}

fn public_key(bytes: Vec<u8>) -> Result<KeyMaterial, Refused> {
    if contains(&bytes, b"PRIVATE KEY-----") {
        return Err((
            "this is a private key",
            "the gateway only checks signatures; give it the public key: `openssl pkey -in private.pem -pubout`",
        ));
    }
    if contains(&bytes, b"-----BEGIN CERTIFICATE-----") {
        return Err(("this is a certificate", "take its public key: `openssl x509 -in cert.pem -pubkey -noout`"));
    }
    if !contains(&bytes, b"-----BEGIN ") {
        return Err(("this is not a public key in PEM", "it starts with `-----BEGIN PUBLIC KEY-----`"));
    }
    Ok(KeyMaterial::Pem(bytes))
}

/// Either alphabet, with or without padding: all are in use for secrets.
fn base64(text: &str) -> Result<Vec<u8>, String> {
    let text = text.trim();
    [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
        .iter()
        .find_map(|engine| engine.decode(text).ok())
        .ok_or_else(|| "this is not base64".into())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn is_hmac(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512)
}

fn algorithm(written: file::Algorithm) -> Algorithm {
    match written {
        file::Algorithm::Hs256 => Algorithm::Hs256,
        file::Algorithm::Hs384 => Algorithm::Hs384,
        file::Algorithm::Hs512 => Algorithm::Hs512,
        file::Algorithm::Rs256 => Algorithm::Rs256,
        file::Algorithm::Rs384 => Algorithm::Rs384,
        file::Algorithm::Rs512 => Algorithm::Rs512,
        file::Algorithm::Ps256 => Algorithm::Ps256,
        file::Algorithm::Ps384 => Algorithm::Ps384,
        file::Algorithm::Ps512 => Algorithm::Ps512,
        file::Algorithm::Es256 => Algorithm::Es256,
        file::Algorithm::Es384 => Algorithm::Es384,
        file::Algorithm::EdDsa => Algorithm::EdDsa,
    }
}
